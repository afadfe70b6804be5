"""A distribution with a backend of its own, as a stranger would install it."""

import os
import subprocess
import sys

import pytest

SPEC = """
from unidl.backend import BackendSpec
spec = BackendSpec(
    name="stranger",
    adapter="unidl_stranger.adapter:Stranger",
    framework="numpy",
    distributions=("numpy",),
    tensor_roots=("unidl_stranger",),
    install="pip install unidl-stranger",
)
"""
ADAPTER = """
from unidl_numpy.adapter import NumpyBackend


class Stranger(NumpyBackend):
    name = "stranger"

    def floor(self, x):
        return super().ceil(x)
"""


@pytest.fixture
def stranger(tmp_path):
    """run(*python_arguments) -> the finished process, in which the stranger's backend is
    installed."""
    package, metadata = tmp_path / "unidl_stranger", tmp_path / "unidl_stranger-1.0.dist-info"
    package.mkdir(), metadata.mkdir()
    (package / "__init__.py").write_text(SPEC)
    (package / "adapter.py").write_text(ADAPTER)
    (metadata / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: unidl-stranger\nVersion: 1.0\n"
    )
    (metadata / "entry_points.txt").write_text("[unidl.backends]\nstranger = unidl_stranger:spec\n")
    path = os.pathsep.join([str(tmp_path), *sys.path])

    def run(*arguments):
        env = os.environ | {"PYTHONPATH": path, "UNIDL_BACKEND": "stranger", "COLUMNS": "200"}
        env.pop("PYTEST_ADDOPTS", None)
        return subprocess.run(
            [sys.executable, *arguments], cwd=tmp_path, env=env, capture_output=True, text=True
        )

    run.package = package
    return run

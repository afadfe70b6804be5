"""A device that the active backend lacks is an error on every backend, and nothing is computed
elsewhere in silence."""

import subprocess
import sys

import pytest

import unidl
from unidl.backend import registry


def test_a_device_that_is_not_there(backend):
    with (
        pytest.raises(ValueError, match=rf"The backend '{backend.name}' has no device 'gpu:97'"),
        unidl.device("gpu:97"),
    ):
        pass
    with unidl.device("cpu"):
        assert registry.current_device() == "cpu:0"


@pytest.mark.parametrize(
    "use", ["unidl.ops.zeros(2)", "unidl.set_backend({name!r})", "unidl.layers.Dense(2)"]
)
def test_the_environment_asks_for_a_device_that_is_not_there(backend, use, monkeypatch):
    monkeypatch.setenv("UNIDL_DEVICE", "gpu:97")
    monkeypatch.setenv("UNIDL_BACKEND", backend.name)
    monkeypatch.setattr(registry, "_process_backend", None)
    token = registry._active.set(None)
    try:
        with pytest.raises(
            ValueError, match=rf"The backend '{backend.name}' has no device 'gpu:97' .*UNIDL_DEVICE"
        ):
            exec(use.format(name=backend.name), {"unidl": unidl})
    finally:
        registry._active.reset(token)


def test_a_misspelt_device_in_the_environment():
    code = "import os; os.environ['UNIDL_DEVICE'] = 'gpuu'; import unidl; unidl.ops.zeros(2)"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert "Unknown device 'gpuu'" in found.stderr

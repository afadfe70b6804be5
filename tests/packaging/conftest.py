"""Fresh environments with the core and nothing else, into which a copy of the repository is
installed."""

import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


class Environment:
    """A virtual environment of its own; pip stays outside, which saves making it anew each time."""

    def __init__(self, folder):
        venv.create(folder, symlinks=os.name != "nt")
        self.scripts = folder / ("Scripts" if os.name == "nt" else "bin")
        self.python = self.scripts / "python"

    def install(self, *what):
        options = [
            "--quiet",
            "--disable-pip-version-check",
            "--constraint",
            ROOT / "constraints.txt",
        ]
        run(sys.executable, "-m", "pip", "--python", self.python, "install", *options, *what)

    def evaluate(self, imports, expression, cwd, extra_path=None):
        """The value of a Python expression, by way of JSON, in a new process started in the folder
        `cwd`.

        `extra_path`: a folder to put on the module path, as another installed distribution would
        be.
        """
        code = f"import json, {imports}\nprint(json.dumps({expression}))"
        env = {"PYTHONPATH": str(extra_path)} if extra_path else {}
        return json.loads(run(self.python, "-c", code, cwd=cwd, env=env))

    def command(self, name, *arguments, cwd):
        """Standard output of a command that was installed."""
        return run(self.scripts / name, *arguments, cwd=cwd)


def run(*command, cwd=None, env=None):
    """Standard output of a command which must succeed, free of what the environment of the tests
    would tell it."""
    inherited = {
        k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "UNIDL_", "VIRTUAL_ENV"))
    }
    command = [str(part) for part in command]
    done = subprocess.run(
        command, cwd=cwd, env=inherited | (env or {}), capture_output=True, text=True
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="session")
def repository(tmp_path_factory):
    """A copy of what is installed from, because setuptools writes beside it."""
    copy = tmp_path_factory.mktemp("repository")
    for folder in ("unidl", "backends"):
        shutil.copytree(
            ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
        )
    shutil.copytree(ROOT / "tools" / "build_backend", copy / "tools" / "build_backend")
    for file in ("pyproject.toml", "MANIFEST.in", "LICENSE", "README.md"):
        shutil.copy(ROOT / file, copy)
    return copy


@pytest.fixture(scope="session")
def wheel(repository, tmp_path_factory):
    """Path of the built wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    run(
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--wheel-dir",
        folder,
        repository,
    )
    (path,) = folder.iterdir()
    return path


@pytest.fixture(scope="session", params=["wheel", "editable"])
def environment(request, tmp_path_factory):
    """An environment with unidl from a wheel, then one with it from an editable install."""
    environment = Environment(tmp_path_factory.mktemp(f"venv-{request.param}"))
    if request.param == "wheel":
        environment.install(request.getfixturevalue("wheel"))
    else:
        environment.install("--editable", request.getfixturevalue("repository"))
    return environment


@pytest.fixture(params=["elsewhere", "in the repository root"])
def cwd(request, tmp_path):
    """The folder in which Python is started. It comes first on the module path."""
    return tmp_path if request.param == "elsewhere" else request.getfixturevalue("repository")

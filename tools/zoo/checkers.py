"""The processes that run written files, one for each target."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from unidl.backend import registry

# {where models go: the modules that a written file of it imports}
_MODULES = {
    "gluon": ("mxnet",),
    "jax": ("jax", "flax.nnx", "safetensors.numpy"),
    "keras": ("tensorflow", "keras", "safetensors.numpy"),
    "numpy": ("numpy", "safetensors.numpy"),
    "torch": ("torch", "safetensors.torch"),
}

# XLA would spend most of a row's time on making code fast that runs once; and what draws the
# weights that are loaded over is compiled for each shape, but once for all rows.
_OPTIONS = {
    "XLA_FLAGS": "--xla_backend_optimization_level=1",
    "JAX_COMPILATION_CACHE_DIR": str(Path(__file__).parents[2] / "build" / "jax-cache"),
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
}


def targets() -> list[str]:
    """Where models go as source: what the backends register, where their frameworks are there."""
    found = {name for spec in registry.specs().values() for name in spec.source}
    there = (name for name in found if all(map(find_spec, _MODULES[name])))
    return sorted(there, key=lambda name: (name == "jax", name))  # the slowest last


class Checkers:
    """`with Checkers(targets()) as run:`, then `run("torch", folder)` is the exit status of the
    folder's net.py."""

    def __init__(self, names):
        self._names = names

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory()
        self._processes = [*map(self._begun, self._names)]
        return self._run

    def _begun(self, name):
        script = Path(__file__).with_name("checker.py")
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | _OPTIONS
        with socket.socket(socket.AF_UNIX) as server:  # whoever connects waits for the process
            server.bind(self._address(name))
            server.listen()
            number = server.fileno()
            return subprocess.Popen(
                [sys.executable, "-W", "ignore", script, str(number), *_MODULES[name]],
                cwd=self._folder.name, env=environment, stdin=subprocess.PIPE, pass_fds=[number],
            )  # fmt: skip

    def __exit__(self, *_):
        for process in self._processes:
            process.stdin.close()
            process.wait()
        self._folder.cleanup()

    def _address(self, target):
        return os.path.join(self._folder.name, target)

    def _run(self, target, folder):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(self._address(target))
            connection.sendall(os.fsencode(folder))
            return int(connection.recv(64))

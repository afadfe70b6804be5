"""Runs scripts with initial weights that do not depend on chance, and keeps what they print.

As a program: `runs.py FRAMEWORK OUT.json SCRIPT...` runs originals on their own framework.
"""

import json
import runpy
import sys
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent


def weights(shape):
    """Weights (*space, in, out), the same if in and out change places: layouts differ in that."""
    *space, n, m = (1, *shape) if len(shape) == 1 else shape
    found = np.outer(np.arange(1, n + 1), np.arange(1, m + 1)) * 1.3
    for axis, size in enumerate(space):
        found = found + (np.arange(size) * (0.9 + axis)).reshape(-1, *[1] * (len(space) - axis + 1))
    return (0.3 * np.sin(found)).reshape(shape).astype("float32")


def run(path):
    """The lines that a script prints itself."""
    lines = []

    def note(*values, **_):
        lines.append(" ".join(map(str, values)))

    runpy.run_path(str(path), {"print": note}, run_name="__main__")
    return lines


def fix_unidl(monkeypatch):
    """For the random initializers of unidl."""
    from unidl import initializers, ops

    def call(self, shape, dtype=None):
        return ops.convert_to_tensor(weights(tuple(shape)), dtype or "float32")

    for name in _RANDOM:
        monkeypatch.setattr(getattr(initializers, name), "__call__", call)


_RANDOM = ("RandomNormal", "RandomUniform", "TruncatedNormal", "VarianceScaling", "Orthogonal")


def _fix_keras():
    import keras

    def call(self, shape, dtype=None, **_):
        return keras.ops.convert_to_tensor(weights(tuple(shape)), dtype or "float32")

    for name in (*_RANDOM, "GlorotUniform", "GlorotNormal", "HeNormal", "HeUniform"):
        getattr(keras.initializers, name).__call__ = call


def _fix_mxnet():
    from unidl_mxnet.load import load_mxnet  # with this NumPy

    mx = load_mxnet()

    def init(self, name, array):
        shape = array.shape
        found = weights((*shape[2:], shape[1], shape[0])) if len(shape) > 1 else weights(shape)
        if "gru" in name and ("i2h" in name or "h2h" in name):
            z, r, h = np.split(found, 3, axis=-1)
            found = np.concatenate([r, z, h], axis=-1)  # Gluon has the reset gate first
        array[:] = np.moveaxis(found, (-1, -2), (0, 1)) if len(shape) > 1 else found

    for name in ("Uniform", "Normal", "Xavier", "MSRAPrelu"):
        getattr(mx.init, name)._init_weight = init


if __name__ == "__main__":
    framework, out, *scripts = sys.argv[1:]
    {"keras": _fix_keras, "mxnet": _fix_mxnet}[framework]()
    Path(out).write_text(json.dumps({script: run(script) for script in scripts}))

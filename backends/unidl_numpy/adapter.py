"""NumpyBackend: the functions of this package's modules, bound to the contract."""

from __future__ import annotations

import inspect
from abc import update_abstractmethods

import numpy as np

from unidl.backend.contract import Backend
from unidl.tracing.capture import CapturedExecution
from unidl_numpy import (
    activations,
    attention,
    autodiff,
    conv,
    elementwise,
    fourier,
    indexing,
    interop,  # noqa: F401 - gives TapeArray its operators
    linalg,
    losses,
    normalization,
    pooling,
    products,
    random,
    recurrent,
    reductions,
    shaping,
    updates,
)
from unidl_numpy.tape import plain
from unidl_numpy.tape_array import TapeArray

# glibc takes the largest array that was freed, up to 32 MB, for the measure of what it keeps instead of handing it back to the
# kernel, which clears every page anew: a fifth of the time of a step whose arrays have some megabytes. No page of this is used.
np.empty((32 << 20) - (1 << 16), np.uint8)

PRIMITIVES = (shaping, elementwise, reductions, products, linalg, pooling, autodiff)
FUSED = (
    activations,
    attention,
    conv,
    fourier,
    indexing,
    losses,
    normalization,
    random,
    recurrent,
    updates,
)


class NumpyBackend(CapturedExecution, Backend):
    name = "numpy"
    version = np.__version__
    tensor_types = (np.ndarray, TapeArray)
    dtypes = (
        "bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float16", "float32", "float64",
    )  # fmt: skip

    gradients = staticmethod(autodiff.gradients)

    def signature(self, tensors):
        return tuple([(t.shape, t.dtype) for t in tensors])

    def devices(self):
        return ["cpu:0"]

    def scope(self):
        """Infinities and NaN are values here as on every backend, not warnings."""
        return np.errstate(all="ignore")

    def write(self, store, value):
        """Takes `value` over unless it is a view, of which somebody else may hold the whole."""
        value = plain(value)
        return value if value.base is None and value.flags.writeable else value.copy()


def _bind(cls, modules):
    """Every public function of `modules` that the contract names becomes a static method; returns their names."""
    bound = []
    for module in modules:
        for name, function in vars(module).items():
            if not name.startswith("_") and inspect.isfunction(function) and hasattr(Backend, name):
                setattr(cls, name, staticmethod(function))
                bound.append(name)
    update_abstractmethods(cls)
    return bound


_bind(NumpyBackend, PRIMITIVES)
NumpyBackend.kernels = {
    name: f"unidl_numpy.{name}"
    for name in _bind(NumpyBackend, FUSED)
    if name not in Backend.__abstractmethods__
}

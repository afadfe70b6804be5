"""NumpyBackend: the functions of this package's modules, bound to the contract."""

from __future__ import annotations

import inspect
from abc import update_abstractmethods

import numpy as np

from unidl.backend.contract import Backend
from unidl_numpy import (
    activations,
    attention,
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
from unidl_numpy.autodiff import Autodiff
from unidl_numpy.control import Control
from unidl_numpy.execution import Execution
from unidl_numpy.native import Native
from unidl_numpy.tape_array import TapeArray

PRIMITIVES = (shaping, elementwise, reductions, products, linalg, pooling)
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


class NumpyBackend(Autodiff, Control, Execution, Native, Backend):
    name = "numpy"
    version = np.__version__
    tensor_types = (np.ndarray, TapeArray)
    dtypes = (
        "bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float16", "float32", "float64",
    )  # fmt: skip


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

"""Backends: the contract, the registry, dtypes and variables. Imports and names no framework."""

import importlib

from unidl.backend.contract import Backend
from unidl.backend.dtypes import floatx, is_float, result_type, set_floatx, standardize_dtype
from unidl.backend.errors import BackendError, UnsupportedError
from unidl.backend.registry import (
    BackendInfo,
    current_device,
    device,
    get_backend,
    list_backends,
    set_backend,
    use_backend,
)
from unidl.backend.spec import BackendSpec
from unidl.backend.variable import Variable

is_float_dtype = is_float

# What older Keras programs ask of `keras.backend`, under the roofs where it lives. They stand above this package.
_ELSEWHERE = {
    "backend": "unidl.config",
    "clear_session": "unidl.utils",
    "epsilon": "unidl.config",
    "image_data_format": "unidl.config",
    "is_keras_tensor": "unidl.utils",
    "set_epsilon": "unidl.config",
    "set_image_data_format": "unidl.config",
}


def __getattr__(name):
    if name not in _ELSEWHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_ELSEWHERE[name]), name)


__all__ = [
    "Backend",
    "BackendError",
    "BackendInfo",
    "BackendSpec",
    "UnsupportedError",
    "Variable",
    "current_device",
    "device",
    "floatx",
    "get_backend",
    "is_float_dtype",
    "list_backends",
    "result_type",
    "set_backend",
    "set_floatx",
    "standardize_dtype",
    "use_backend",
]

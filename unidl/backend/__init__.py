"""Backends: the contract, the registry, dtypes and variables. Imports and names no framework."""

from unidl.backend.contract import Backend
from unidl.backend.dtypes import floatx, set_floatx, standardize_dtype
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
    "list_backends",
    "set_backend",
    "set_floatx",
    "standardize_dtype",
    "use_backend",
]

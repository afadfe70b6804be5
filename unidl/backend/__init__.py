"""Backends: the contract, the registry, dtypes and variables. Imports and names no framework."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unidl.backend.contract import Backend
from unidl.backend.dtypes import (
    floatx,
    is_float,
    is_integer,
    result_type,
    set_floatx,
    standardize_dtype,
)
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
from unidl.utils.namespaces import namespace

is_float_dtype = is_float
is_int_dtype = is_integer

__all__ = [
    "Backend",
    "BackendError",
    "BackendInfo",
    "BackendSpec",
    "UnsupportedError",
    "Variable",
    "backend",
    "clear_session",
    "current_device",
    "device",
    "epsilon",
    "floatx",
    "get_backend",
    "image_data_format",
    "is_float_dtype",
    "is_int_dtype",
    "is_keras_tensor",
    "list_backends",
    "result_type",
    "set_backend",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "standardize_dtype",
    "use_backend",
]

# What older Keras programs ask of `keras.backend`, under the roofs where it lives, which stand
# above this package.
if TYPE_CHECKING:
    from unidl.config import (
        backend,
        epsilon,
        image_data_format,
        set_epsilon,
        set_image_data_format,
    )
    from unidl.utils import clear_session, is_keras_tensor
else:
    _ELSEWHERE = {
        "backend": "unidl.config",
        "clear_session": "unidl.utils",
        "epsilon": "unidl.config",
        "image_data_format": "unidl.config",
        "is_keras_tensor": "unidl.utils",
        "set_epsilon": "unidl.config",
        "set_image_data_format": "unidl.config",
    }
    __getattr__, __dir__ = namespace(__name__, __all__, _ELSEWHERE)

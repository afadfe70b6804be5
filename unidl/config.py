"""Global settings: default float dtype, epsilon, data format, dtype policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unidl.backend.dtypes import floatx, set_floatx
from unidl.backend.registry import get_backend
from unidl.dtype_policies import dtype_policy, set_dtype_policy
from unidl.utils import rules
from unidl.utils.namespaces import namespace
from unidl.utils.traceback_filtering import (
    disable_traceback_filtering,
    enable_traceback_filtering,
    is_traceback_filtering_enabled,
)

_epsilon = 1e-7
_image_data_format = "channels_last"


def backend() -> str:
    """Name of the active backend."""
    return get_backend().name


def epsilon() -> float:
    """The small number that divisions and logarithms are guarded with, 1e-7."""
    return _epsilon


def set_epsilon(value: float) -> None:
    global _epsilon
    _epsilon = float(value)


def image_data_format() -> str:
    """ "channels_last" unless `set_image_data_format` said otherwise."""
    return _image_data_format


def set_image_data_format(value: str) -> None:
    global _image_data_format
    if value not in ("channels_last", "channels_first"):
        formats = ("channels_last", "channels_first")
        raise ValueError(rules.choice_problem("set_image_data_format: the format", value, formats))
    _image_data_format = value


__all__ = [
    "backend",
    "disable_traceback_filtering",
    "dtype_policy",
    "enable_traceback_filtering",
    "epsilon",
    "floatx",
    "image_data_format",
    "is_traceback_filtering_enabled",
    "set_dtype_policy",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
]

if not TYPE_CHECKING:
    __getattr__, __dir__ = namespace(__name__, __all__)

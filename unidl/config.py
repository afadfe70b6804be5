"""Global settings: default float dtype, epsilon, data format, dtype policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unidl.backend.dtypes import floatx, set_floatx
from unidl.backend.registry import get_backend
from unidl.dtype_policies import dtype_policy, set_dtype_policy
from unidl.saving.lambdas import enable_unsafe_deserialization
from unidl.utils import rules
from unidl.utils.interactive_logging import (
    disable_interactive_logging,
    enable_interactive_logging,
    is_interactive_logging_enabled,
)
from unidl.utils.namespaces import namespace
from unidl.utils.traceback_filtering import (
    disable_traceback_filtering,
    enable_traceback_filtering,
    is_traceback_filtering_enabled,
)

_epsilon = 1e-7
_image_data_format = "channels_last"


def backend() -> str:
    """Name of the active backend.

    Examples:
        >>> with unidl.backend.use_backend("numpy"):
        ...     unidl.backend.backend()
        'numpy'
    """
    return get_backend().name


def epsilon() -> float:
    """The small number that divisions and logarithms are guarded with, 1e-7.

    Examples:
        >>> unidl.backend.epsilon()
        1e-07
    """
    return _epsilon


def set_epsilon(value: float) -> None:
    """Set the small number that divisions and logarithms are guarded with.

    Examples:
        >>> before = unidl.backend.epsilon()
        >>> unidl.backend.set_epsilon(1e-5)
        >>> unidl.backend.epsilon()
        1e-05
        >>> unidl.backend.set_epsilon(before)
    """
    global _epsilon
    _epsilon = float(value)


def image_data_format() -> str:
    """ "channels_last" unless `set_image_data_format` said otherwise.

    Examples:
        >>> unidl.backend.image_data_format()
        'channels_last'
    """
    return _image_data_format


def set_image_data_format(data_format: str) -> None:
    """Set what layers take "channels_last" or "channels_first" from that are given no
    `data_format`.

    Examples:
        >>> unidl.backend.set_image_data_format("channels_first")
        >>> unidl.layers.Conv2D(8, 3).compute_output_shape((None, 3, 28, 28))
        (None, 8, 26, 26)
        >>> unidl.backend.set_image_data_format("channels_last")
    """
    global _image_data_format
    formats = ("channels_last", "channels_first")
    if data_format not in formats:
        problem = rules.choice_problem("set_image_data_format: the format", data_format, formats)
        raise ValueError(problem)
    _image_data_format = data_format


# None: attention runs on the backend's kernel where it can; False: never.
_flash_attention: bool | None = None


def enable_flash_attention() -> None:
    """Let the layers that are made from now on use the backend's attention kernel where it serves
    them, as they do from the start.

    Examples:
        >>> unidl.config.enable_flash_attention()
        >>> print(unidl.config.is_flash_attention_enabled())  # None: where the backend can
        None
    """
    global _flash_attention
    _flash_attention = None


def disable_flash_attention() -> None:
    """Have the layers that are made from now on compute attention from matrix products, without a
    kernel of its own, unless they are given flash_attention=True.

    Examples:
        >>> unidl.config.disable_flash_attention()
        >>> unidl.config.is_flash_attention_enabled()
        False
        >>> unidl.config.enable_flash_attention()
    """
    global _flash_attention
    _flash_attention = False


def is_flash_attention_enabled() -> bool | None:
    """False after `disable_flash_attention`, else None: where the backend has a kernel.

    Examples:
        >>> print(unidl.config.is_flash_attention_enabled())  # None: where the backend can
        None
    """
    return _flash_attention


__all__ = [
    "backend",
    "disable_flash_attention",
    "disable_interactive_logging",
    "disable_traceback_filtering",
    "dtype_policy",
    "enable_flash_attention",
    "enable_interactive_logging",
    "enable_traceback_filtering",
    "enable_unsafe_deserialization",
    "epsilon",
    "floatx",
    "image_data_format",
    "is_flash_attention_enabled",
    "is_interactive_logging_enabled",
    "is_traceback_filtering_enabled",
    "set_dtype_policy",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
]

if not TYPE_CHECKING:
    __getattr__, __dir__ = namespace(__name__, __all__)

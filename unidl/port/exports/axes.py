"""Where the sizes of open axes come from, while a model is called to be written down."""

from __future__ import annotations

from typing import Any, NamedTuple

from unidl.tracing.sizes import OpenSize


class Axis(NamedTuple):
    """The size of a tensor's axis, as `OpenSize.made`."""

    value: Any
    axis: int


def key_of(size: Any) -> Any:
    """Equal for sizes that come from one computation."""
    if type(size) is not OpenSize:
        return int(size)
    made = size.made
    if made is None:
        return id(size)
    if isinstance(made, Axis):
        return id(made.value), made.axis
    function, sizes = made
    return function, tuple(map(key_of, sizes))

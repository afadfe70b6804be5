"""What a batch is made of: x, (x, y) or (x, y, sample_weight)."""

from __future__ import annotations

from typing import Any


def pack_x_y_sample_weight(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """x, (x, y) or (x, y, sample_weight), whatever was given; an x that is a list or tuple stays
    apart as (x,).

    Examples:
        >>> unidl.utils.pack_x_y_sample_weight(1)
        1
        >>> unidl.utils.pack_x_y_sample_weight(1, 2)
        (1, 2)
    """
    if y is None:
        return (x,) if isinstance(x, list | tuple) else x
    return (x, y) if sample_weight is None else (x, y, sample_weight)


def unpack_x_y_sample_weight(data: Any) -> Any:
    """(x, y, sample_weight) of what `pack_x_y_sample_weight` made, None for what is not there.

    Examples:
        >>> unidl.utils.unpack_x_y_sample_weight((1, 2))
        (1, 2, None)
    """
    if not isinstance(data, list | tuple):
        return data, None, None
    if not 1 <= len(data) <= 3:
        raise ValueError(
            "unpack_x_y_sample_weight: a batch is x, (x,), (x, y) or (x, y, sample_weight); this "
            f"one has {len(data)} parts."
        )
    return (*data, None, None)[:3]

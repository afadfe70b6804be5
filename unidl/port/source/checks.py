"""What several frameworks do not have, refused by all of them in the same words."""

from __future__ import annotations

from typing import Any

from unidl.port.errors import Refused


def axes_of(m: Any, rank: int) -> list[int]:
    """The axes of a normalization, counted from the first, in order."""
    return sorted(a % rank for a in (m.axis if isinstance(m.axis, list) else [m.axis]))


def require_plain_relu(m: Any) -> None:
    """A slope, or a largest value."""
    if m.threshold or (m.negative_slope and m.max_value is not None):
        raise Refused("a ReLU with a threshold, or with a slope and a largest value")


def require_last_axis(axes: list[int], rank: int) -> None:
    """Of RMS normalization."""
    if [a % rank for a in axes] != [rank - 1]:
        raise Refused("RMS normalization along other axes than the last")


def require_euclidean(order: Any, axis: Any = -1) -> None:
    """Of `ops.normalize`, along one axis."""
    if order != 2 or not isinstance(axis, int):
        raise Refused("ops.normalize of another order than 2")

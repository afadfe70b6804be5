"""Orders of axes: ONNX's convolutions have the channels second, unidl's last.

What a convolution makes stays in its order, and elementwise functions, reductions and joins compute
in that order too, so that a transpose stands only where the network changes from one to the other.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from unidl.port.onnx_out.value import Value


def channels_second(rank: int) -> tuple[int, ...]:
    return (0, rank - 1, *range(1, rank - 1))


def common_order(values: list[Value], rank: int) -> tuple[int, ...]:
    """The order in which tensors that broadcast to `rank` axes are best combined: the one that all
    that are computed have, else the plain one."""
    plain = tuple(range(rank))
    computed = [v for v in values if v.held is None and len(v.shape)]
    if not computed or any(len(v.shape) != rank for v in computed):
        return plain
    shared = set(computed[0].names).intersection(*(v.names for v in computed[1:]))
    if plain in shared or not shared:
        return plain
    return next(iter(shared))


def ordered(to: Any, x: Any, axes: tuple[int, ...], dtype: str) -> str:
    """The name of an operand, a Value or a number, in the order `axes` of the result."""
    if not isinstance(x, Value):
        return to.number(x, dtype)
    if axes == tuple(range(len(axes))) or not x.shape:
        return to(x)
    if len(x.shape) < len(axes):  # a weight that broadcasts
        x = to.reshape(x, (1,) * (len(axes) - len(x.shape)) + tuple(x.shape))
    return to(x, axes)


def moved(axes: tuple[int, ...], given: Any) -> list[int]:
    """Where the plain axes `given` stand in the order `axes`."""
    return [axes.index(a % len(axes)) for a in given]


def plain(rank: int) -> tuple[int, ...]:
    return tuple(range(rank))


def without(axes: tuple[int, ...], gone: Any) -> tuple[int, ...]:
    """The order of the axes that are left."""
    left = [a for a in axes if a not in gone]
    return tuple(np.argsort(np.argsort(left)).tolist()) if left else ()

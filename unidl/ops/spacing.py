"""Numbers at equal distances between tensors: what `linspace` of numbers is, with gradients."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from unidl.ops.dispatch import NUMBERS, tensor_of
from unidl.ops.elementwise import add, multiply, subtract
from unidl.ops.shaping import moveaxis
from unidl.typing import Tensor, TensorLike


def is_number(x: Any) -> bool:
    """Whether it is known at once, and has no dtype to be kept."""
    return isinstance(x, (*NUMBERS, np.generic))


def between(
    start: TensorLike, stop: TensorLike, num: int, endpoint: bool, axis: int
) -> tuple[Tensor, Tensor]:
    """(numbers, step) of `linspace`, exact at both ends, in a float dtype."""
    backend, distance = tensor_of(subtract(multiply(stop, 1.0), start))
    dtype, rank = backend.dtype(distance), len(backend.shape(distance))
    parts = num - 1 if endpoint else num
    share = (np.arange(num) / max(parts, 1)).reshape((num,) + (1,) * rank)
    of_start, of_stop = (backend.asarray(part, dtype) for part in (1 - share, share))
    values = add(multiply(start, of_start), multiply(stop, of_stop))
    step = multiply(distance, math.nan if parts < 1 else 1 / parts)
    return (values if axis == 0 else moveaxis(values, 0, axis)), step

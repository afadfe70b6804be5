"""Arithmetic of the numbers of a step: Python numbers on the host, or, in a function that a
framework compiles, tensors of it (`stateless_apply`).

On the host they are computed in float64, as tensors in `floatx`. Operators work on both; here is
what else the formulas need.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Sequence
from typing import Any

from unidl import ops
from unidl.backend.dtypes import floatx
from unidl.backend.registry import owner_of_type


def is_tensor(x: Any) -> bool:
    """Whether a number of a step is a tensor."""
    return not isinstance(x, int | float) and owner_of_type(type(x)) is not None


def as_float(x: Any) -> Any:
    """A float, or a float tensor."""
    return ops.cast(x, floatx()) if is_tensor(x) else float(x)


def choose(condition: Any, yes: Any, no: Any) -> Any:
    """`yes` if the condition holds, else `no`."""
    if not is_tensor(condition):
        return yes if condition else no
    return ops.where(condition, as_float(yes), as_float(no))


def least(x: Any, y: Any) -> Any:
    if not (is_tensor(x) or is_tensor(y)):
        return min(x, y)
    return ops.minimum(as_float(x), as_float(y))


def most(x: Any, y: Any) -> Any:
    if not (is_tensor(x) or is_tensor(y)):
        return max(x, y)
    return ops.maximum(as_float(x), as_float(y))


def place(boundaries: Sequence[float], x: Any) -> Any:
    """How many of the ascending `boundaries` are less than x."""
    if not is_tensor(x):
        return bisect.bisect_left(boundaries, x)
    return ops.sum(ops.cast(ops.greater(x, ops.array(boundaries, floatx())), floatx()))


def element(values: Sequence[float], place: Any) -> Any:
    """`values[place]`, a float."""
    if not is_tensor(place):
        return float(values[place])
    return ops.take(ops.array(values, floatx()), ops.cast(place, "int32"))


def _function(on_host: Callable[[Any], Any], name: str) -> Callable[[Any], Any]:
    def function(x: Any) -> Any:
        return getattr(ops, name)(as_float(x)) if is_tensor(x) else on_host(x)

    return function


sqrt, cos, log = (_function(getattr(math, name), name) for name in ("sqrt", "cos", "log"))
floor, ceil = (_function(getattr(math, name), name) for name in ("floor", "ceil"))

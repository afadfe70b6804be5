"""Activation functions: x -> x's shape, floats."""

from __future__ import annotations

from typing import Any

from unidl.ops.creation import zeros_like
from unidl.ops.dispatch import call_float, op, tensor_of
from unidl.ops.elementwise import abs as abs_
from unidl.ops.elementwise import (
    add,
    clip,
    divide,
    greater,
    less_equal,
    multiply,
    negative,
    sqrt,
    square,
    subtract,
    tanh,
)
from unidl.ops.indexing import sort, where
from unidl.ops.reductions import cumsum  # fmt: skip
from unidl.ops.reductions import sum as sum_
from unidl.ops.shaping import moveaxis, split
from unidl.ops.thin_functions import unary
from unidl.typing import Axis, Tensor, TensorLike

relu = unary("relu", "max(x, 0), with gradient 0 at 0.", to_float=False)
relu6 = unary("relu6", "x, at least 0 and at most 6, with gradient 0 at both.", to_float=False)
selu = unary("selu", "1.0507 * elu(x, 1.6733) (arXiv:1706.02515).")
sigmoid = unary("sigmoid", "1 / (1 + exp(-x)).")
silu = unary("silu", "x * sigmoid(x), also called swish (arXiv:1702.03118).")
swish = silu
softplus = unary("softplus", "log(1 + exp(x)) without overflow.")


@op
def leaky_relu(x: TensorLike, negative_slope: float = 0.2) -> Tensor:
    """x, or negative_slope * x where x is negative; the gradient at 0 is the slope."""
    return call_float("leaky_relu", x, negative_slope=negative_slope)


@op
def elu(x: TensorLike, alpha: float = 1.0) -> Tensor:
    """x, or alpha * (exp(x) - 1) where x is negative (arXiv:1511.07289)."""
    return call_float("elu", x, alpha=alpha)


@op
def celu(x: TensorLike, alpha: float = 1.0) -> Tensor:
    """x, or alpha * (exp(x / alpha) - 1) where x is negative (arXiv:1704.07483)."""
    return multiply(call_float("elu", divide(x, alpha), alpha=1.0), alpha)


@op
def gelu(x: TensorLike, approximate: bool = True) -> Tensor:
    """x * Phi(x), by tanh if `approximate` (arXiv:1606.08415)."""
    return call_float("gelu", x, approximate=approximate)


@op
def glu(x: TensorLike, axis: int = -1) -> Tensor:
    """a * sigmoid(b) for the halves a and b of x along `axis` (arXiv:1612.08083)."""
    first, second = split(x, 2, axis)
    return multiply(first, sigmoid(second))


@op
def softmax(x: TensorLike, axis: Axis = -1) -> Tensor:
    """exp(x) / sum(exp(x)) along `axis`: an int, a tuple of ints, or None for all axes."""
    return call_float("softmax", x, axis=_axes(x, axis))


@op
def log_softmax(x: TensorLike, axis: Axis = -1) -> Tensor:
    """x - logsumexp(x) along `axis`: an int, a tuple of ints, or None for all axes."""
    return call_float("log_softmax", x, axis=_axes(x, axis))


def _axes(x: TensorLike, axis: Any) -> Any:
    if axis is not None:
        return tuple(axis) if isinstance(axis, list) else axis
    backend, x = tensor_of(x)
    return tuple(range(len(backend.shape(x))))


@op
def log_sigmoid(x: TensorLike) -> Tensor:
    """log(sigmoid(x)) without overflow."""
    return negative(softplus(negative(x)))


@op
def softsign(x: TensorLike) -> Tensor:
    """x / (|x| + 1)."""
    return divide(x, add(abs_(x), 1))


@op
def hard_sigmoid(x: TensorLike) -> Tensor:
    """relu6(x + 3) / 6."""
    return divide(call_float("relu6", add(x, 3.0)), 6.0)


@op
def hard_silu(x: TensorLike) -> Tensor:
    """x * hard_sigmoid(x), also called hard swish (arXiv:1905.02244)."""
    return multiply(x, hard_sigmoid(x))


hard_swish = hard_silu


@op
def hard_tanh(x: TensorLike) -> Tensor:
    """x, at least -1 and at most 1."""
    return clip(x, -1, 1)


@op
def hard_shrink(x: TensorLike, threshold: float = 0.5) -> Tensor:
    """x where |x| > threshold, else 0."""
    return where(greater(abs_(x), threshold), x, zeros_like(x))


@op
def soft_shrink(x: TensorLike, threshold: float = 0.5) -> Tensor:
    """x moved towards 0 by `threshold`, 0 where it is closer."""
    return subtract(x, clip(x, -threshold, threshold))


@op
def tanh_shrink(x: TensorLike) -> Tensor:
    """x - tanh(x)."""
    return subtract(x, tanh(x))


@op
def threshold(x: TensorLike, threshold: float, default_value: TensorLike) -> Tensor:
    """x where x > threshold, else `default_value`."""
    return where(greater(x, threshold), x, default_value)


@op
def squareplus(x: TensorLike, b: TensorLike = 4) -> Tensor:
    """(x + sqrt(x**2 + b)) / 2 (arXiv:2112.11687)."""
    return divide(add(x, sqrt(add(square(x), b))), 2)


@op
def sparse_plus(x: TensorLike) -> Tensor:
    """0 up to -1, x from 1 on, (x + 1)**2 / 4 between."""
    between = divide(square(add(x, 1)), 4)
    return where(less_equal(x, -1), 0, where(greater(x, 1), x, between))


@op
def sparse_sigmoid(x: TensorLike) -> Tensor:
    """0 up to -1, 1 from 1 on, (x + 1) / 2 between."""
    return divide(add(clip(x, -1, 1), 1), 2)


@op
def sparsemax(x: TensorLike, axis: int = -1) -> Tensor:
    """The point of the probability simplex along `axis` that is closest to x (arXiv:1602.02068)."""
    z = moveaxis(x, axis, -1)
    descending = negative(sort(negative(z), -1))
    backend, descending = tensor_of(descending)
    total = cumsum(descending, -1)
    rank = cumsum(backend.full_like(descending, 1), -1)
    inside = greater(add(multiply(descending, rank), 1), total)
    inside = backend.cast(inside, backend.dtype(descending))
    count = sum_(inside, -1, keepdims=True)
    tau = divide(subtract(sum_(multiply(descending, inside), -1, keepdims=True), 1), count)
    return moveaxis(call_float("relu", subtract(z, tau)), -1, axis)


@op
def mish(x: TensorLike) -> Tensor:
    """x * tanh(softplus(x)) (arXiv:1908.08681)."""
    return multiply(x, tanh(softplus(x)))

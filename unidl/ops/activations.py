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
)
from unidl.ops.exponentials import tanh
from unidl.ops.indexing import sort, where
from unidl.ops.joining import split
from unidl.ops.reductions import cumsum  # fmt: skip
from unidl.ops.reductions import sum as sum_
from unidl.ops.shaping import moveaxis
from unidl.ops.thin_functions import unary
from unidl.typing import Axis, Tensor, TensorLike

relu = unary(
    "relu",
    """max(x, 0), with gradient 0 at 0.

    Examples:
        >>> unidl.ops.relu([-1.0, 2.0])
        array([0., 2.], dtype=float32)
    """,
    to_float=False,
)
relu6 = unary(
    "relu6",
    """x, at least 0 and at most 6, with gradient 0 at both.

    Examples:
        >>> unidl.ops.relu6([-1.0, 2.0, 9.0])
        array([0., 2., 6.], dtype=float32)
    """,
    to_float=False,
)
selu = unary(
    "selu",
    """1.0507 * elu(x, 1.6733) (arXiv:1706.02515).

    Examples:
        >>> unidl.ops.selu([-1.0, 1.0])
        array([-1.1113,  1.0507], dtype=float32)
    """,
)
sigmoid = unary(
    "sigmoid",
    """1 / (1 + exp(-x)).

    Examples:
        >>> unidl.ops.sigmoid([-100.0, 0.0, 2.0])
        array([0.    , 0.5   , 0.8808], dtype=float32)
    """,
)
silu = unary(
    "silu",
    """x * sigmoid(x), also called swish (arXiv:1702.03118).

    Examples:
        >>> unidl.ops.silu([-1.0, 0.0, 2.0])
        array([-0.2689,  0.    ,  1.7616], dtype=float32)
    """,
)
swish = silu
softplus = unary(
    "softplus",
    """log(1 + exp(x)) without overflow.

    Examples:
        >>> unidl.ops.softplus([-1000.0, 0.0, 1000.0])  # without overflow
        array([   0.    ,    0.6931, 1000.    ], dtype=float32)
    """,
)


@op
def leaky_relu(x: TensorLike, negative_slope: float = 0.2) -> Tensor:
    """x, or negative_slope * x where x is negative; the gradient at 0 is the slope.

    Examples:
        >>> unidl.ops.leaky_relu([-1.0, 2.0])
        array([-0.2,  2. ], dtype=float32)
        >>> unidl.ops.leaky_relu([-1.0, 2.0], negative_slope=0.01)
        array([-0.01,  2.  ], dtype=float32)
    """
    return call_float("leaky_relu", x, negative_slope=negative_slope)


@op
def elu(x: TensorLike, alpha: float = 1.0) -> Tensor:
    """x, or alpha * (exp(x) - 1) where x is negative (arXiv:1511.07289).

    Examples:
        >>> unidl.ops.elu([-10.0, -1.0, 2.0])
        array([-1.    , -0.6321,  2.    ], dtype=float32)
    """
    return call_float("elu", x, alpha=alpha)


@op
def celu(x: TensorLike, alpha: float = 1.0) -> Tensor:
    """x, or alpha * (exp(x / alpha) - 1) where x is negative (arXiv:1704.07483).

    Examples:
        >>> unidl.ops.celu([-10.0, -1.0, 2.0], alpha=2.0)
        array([-1.9865, -0.7869,  2.    ], dtype=float32)
    """
    return multiply(call_float("elu", divide(x, alpha), alpha=1.0), alpha)


@op
def gelu(x: TensorLike, approximate: bool = True) -> Tensor:
    """x * Phi(x), by tanh if `approximate` (arXiv:1606.08415).

    Examples:
        >>> unidl.ops.gelu([-1.0, 0.0, 1.0])
        array([-0.1588,  0.    ,  0.8412], dtype=float32)
        >>> unidl.ops.gelu([-1.0, 0.0, 1.0], approximate=False)
        array([-0.1587,  0.    ,  0.8413], dtype=float32)
    """
    return call_float("gelu", x, approximate=approximate)


@op
def glu(x: TensorLike, axis: int = -1) -> Tensor:
    """a * sigmoid(b) for the halves a and b of x along `axis` (arXiv:1612.08083).

    Examples:
        >>> unidl.ops.glu([10.0, 20.0, 0.0, 100.0])  # the second half opens or closes the first
        array([ 5., 20.], dtype=float32)
    """
    first, second = split(x, 2, axis)
    return multiply(first, sigmoid(second))


@op
def softmax(x: TensorLike, axis: Axis = -1) -> Tensor:
    """exp(x) / sum(exp(x)) along `axis`: an int, a tuple of ints, or None for all axes.

    Examples:
        >>> unidl.ops.softmax([1.0, 1.0, 2.0])
        array([0.2119, 0.2119, 0.5761], dtype=float32)
        >>> unidl.ops.softmax([[0.0, 5.0], [0.0, 5.0]], axis=0)
        array([[0.5, 0.5],
               [0.5, 0.5]], dtype=float32)
    """
    return call_float("softmax", x, axis=_axes(x, axis))


@op
def log_softmax(x: TensorLike, axis: Axis = -1) -> Tensor:
    """x - logsumexp(x) along `axis`: an int, a tuple of ints, or None for all axes.

    Examples:
        >>> unidl.ops.log_softmax([0.0, 0.0])
        array([-0.6931, -0.6931], dtype=float32)
        >>> unidl.ops.log_softmax([0.0, 1000.0])  # no -inf
        array([-1000.,     0.], dtype=float32)
    """
    return call_float("log_softmax", x, axis=_axes(x, axis))


def _axes(x: TensorLike, axis: Any) -> Any:
    if axis is not None:
        return tuple(axis) if isinstance(axis, list) else axis
    backend, x = tensor_of(x)
    return tuple(range(len(backend.shape(x))))


@op
def log_sigmoid(x: TensorLike) -> Tensor:
    """log(sigmoid(x)) without overflow.

    Examples:
        >>> unidl.ops.log_sigmoid([-1000.0, 0.0, 5.0])
        array([-1000.    ,    -0.6931,    -0.0067], dtype=float32)
    """
    return negative(softplus(negative(x)))


@op
def softsign(x: TensorLike) -> Tensor:
    """x / (|x| + 1).

    Examples:
        >>> unidl.ops.softsign([-3.0, 0.0, 1.0])
        array([-0.75,  0.  ,  0.5 ], dtype=float32)
    """
    return divide(x, add(abs_(x), 1))


@op
def hard_sigmoid(x: TensorLike) -> Tensor:
    """relu6(x + 3) / 6.

    Examples:
        >>> unidl.ops.hard_sigmoid([-4.0, 0.0, 1.0, 4.0])
        array([0.    , 0.5   , 0.6667, 1.    ], dtype=float32)
    """
    return divide(call_float("relu6", add(x, 3.0)), 6.0)


@op
def hard_silu(x: TensorLike) -> Tensor:
    """x * hard_sigmoid(x), also called hard swish (arXiv:1905.02244).

    Examples:
        >>> unidl.ops.hard_silu([-4.0, -1.0, 1.0, 4.0])
        array([-0.    , -0.3333,  0.6667,  4.    ], dtype=float32)
    """
    return multiply(x, hard_sigmoid(x))


hard_swish = hard_silu


@op
def hard_tanh(x: TensorLike) -> Tensor:
    """x, at least -1 and at most 1.

    Examples:
        >>> unidl.ops.hard_tanh([-2.0, 0.5, 2.0])
        array([-1. ,  0.5,  1. ], dtype=float32)
    """
    return clip(x, -1, 1)


@op
def hard_shrink(x: TensorLike, threshold: float = 0.5) -> Tensor:
    """x where |x| > threshold, else 0.

    Examples:
        >>> unidl.ops.hard_shrink([-1.0, 0.4, 0.5, 0.6])  # what is left is as it was
        array([-1. ,  0. ,  0. ,  0.6], dtype=float32)
    """
    return where(greater(abs_(x), threshold), x, zeros_like(x))


@op
def soft_shrink(x: TensorLike, threshold: float = 0.5) -> Tensor:
    """x moved towards 0 by `threshold`, 0 where it is closer.

    Examples:
        >>> unidl.ops.soft_shrink([-1.0, 0.4, 0.75])  # what is left moves towards 0
        array([-0.5 ,  0.  ,  0.25], dtype=float32)
    """
    return subtract(x, clip(x, -threshold, threshold))


@op
def tanh_shrink(x: TensorLike) -> Tensor:
    """x - tanh(x).

    Examples:
        >>> unidl.ops.tanh_shrink([-3.0, 0.0, 1.0])
        array([-2.0049,  0.    ,  0.2384], dtype=float32)
    """
    return subtract(x, tanh(x))


@op
def threshold(x: TensorLike, threshold: float, default_value: TensorLike) -> Tensor:
    """x where x > threshold, else `default_value`.

    Examples:
        >>> unidl.ops.threshold([-1.0, 1.0, 2.0], threshold=1.0, default_value=-5.0)
        array([-5., -5.,  2.], dtype=float32)
    """
    return where(greater(x, threshold), x, default_value)


@op
def squareplus(x: TensorLike, b: TensorLike = 4) -> Tensor:
    """(x + sqrt(x**2 + b)) / 2 (arXiv:2112.11687).

    Examples:
        >>> unidl.ops.squareplus([-1.0, 0.0, 1.5])
        array([0.618, 1.   , 2.   ], dtype=float32)
    """
    return divide(add(x, sqrt(add(square(x), b))), 2)


@op
def sparse_plus(x: TensorLike) -> Tensor:
    """0 up to -1, x from 1 on, (x + 1)**2 / 4 between.

    Examples:
        >>> unidl.ops.sparse_plus([-2.0, 0.0, 1.0, 3.0])
        array([0.  , 0.25, 1.  , 3.  ], dtype=float32)
    """
    between = divide(square(add(x, 1)), 4)
    return where(less_equal(x, -1), 0, where(greater(x, 1), x, between))


@op
def sparse_sigmoid(x: TensorLike) -> Tensor:
    """0 up to -1, 1 from 1 on, (x + 1) / 2 between.

    Examples:
        >>> unidl.ops.sparse_sigmoid([-2.0, 0.0, 0.5, 2.0])
        array([0.  , 0.5 , 0.75, 1.  ], dtype=float32)
    """
    return divide(add(clip(x, -1, 1), 1), 2)


@op
def sparsemax(x: TensorLike, axis: int = -1) -> Tensor:
    """The point of the probability simplex along `axis` that is closest to x (arXiv:1602.02068).

    Examples:
        >>> unidl.ops.sparsemax([1.0, 1.2, -1.0])  # sums to 1, with zeros that are exact
        array([0.4, 0.6, 0. ], dtype=float32)
    """
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
    """x * tanh(softplus(x)) (arXiv:1908.08681).

    Examples:
        >>> unidl.ops.mish([-1.0, 0.0, 2.0])
        array([-0.3034,  0.    ,  1.944 ], dtype=float32)
    """
    return multiply(x, tanh(softplus(x)))

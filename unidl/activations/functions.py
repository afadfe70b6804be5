"""Activations: tensor in, tensor of the same shape (but for `glu`) and dtype out.

They are the functions of `unidl.ops` with the defaults of `keras.activations`, which differ from
those of the ops in `gelu` (exact here).
"""

from __future__ import annotations

from unidl import ops
from unidl.typing import Axis, Tensor, TensorLike


def linear(x: TensorLike) -> Tensor:
    """x."""
    return x


def relu(
    x: TensorLike,
    negative_slope: float = 0.0,
    max_value: float | None = None,
    threshold: float = 0.0,
) -> Tensor:
    """x above `threshold` and at most `max_value`, else negative_slope * (x - threshold)."""
    if threshold == 0 and max_value is None:
        return ops.relu(x) if negative_slope == 0 else ops.leaky_relu(x, negative_slope)
    x = ops.convert_to_tensor(x)
    if threshold != 0:
        y = ops.where(ops.greater(x, threshold), x, ops.zeros_like(x))
    else:
        y = ops.relu6(x) if max_value == 6 else ops.relu(x)
    if max_value is not None and (threshold != 0 or max_value != 6):
        y = ops.clip(y, 0.0, max_value)
    if negative_slope != 0:
        y = ops.subtract(y, ops.multiply(ops.relu(ops.subtract(threshold, x)), negative_slope))
    return y


def leaky_relu(x: TensorLike, negative_slope: float = 0.2) -> Tensor:
    """x, or negative_slope * x where x is negative."""
    return ops.leaky_relu(x, negative_slope)


def relu6(x: TensorLike) -> Tensor:
    """min(max(x, 0), 6)."""
    return ops.relu6(x)


def elu(x: TensorLike, alpha: float = 1.0) -> Tensor:
    """x, or alpha * (exp(x) - 1) where x is negative (arXiv:1511.07289)."""
    return ops.elu(x, alpha)


def selu(x: TensorLike) -> Tensor:
    """1.0507 * elu(x, 1.6733) (arXiv:1706.02515)."""
    return ops.selu(x)


def celu(x: TensorLike, alpha: float = 1.0) -> Tensor:
    """x, or alpha * (exp(x / alpha) - 1) where x is negative (arXiv:1704.07483)."""
    return ops.celu(x, alpha)


def gelu(x: TensorLike, approximate: bool = False) -> Tensor:
    """x * Phi(x) (arXiv:1606.08415); with `approximate` by tanh."""
    return ops.gelu(x, approximate)


def glu(x: TensorLike, axis: int = -1) -> Tensor:
    """a * sigmoid(b) for the halves a and b of x along `axis` (arXiv:1612.08083)."""
    return ops.glu(x, axis)


def sigmoid(x: TensorLike) -> Tensor:
    """1 / (1 + exp(-x))."""
    return ops.sigmoid(x)


def log_sigmoid(x: TensorLike) -> Tensor:
    """log(sigmoid(x))."""
    return ops.log_sigmoid(x)


def hard_sigmoid(x: TensorLike) -> Tensor:
    """relu6(x + 3) / 6."""
    return ops.hard_sigmoid(x)


def sparse_sigmoid(x: TensorLike) -> Tensor:
    """0 up to -1, 1 from 1 on, (x + 1) / 2 between."""
    return ops.sparse_sigmoid(x)


def silu(x: TensorLike) -> Tensor:
    """x * sigmoid(x), also called swish (arXiv:1702.03118)."""
    return ops.silu(x)


def hard_silu(x: TensorLike) -> Tensor:
    """x * hard_sigmoid(x) (arXiv:1905.02244)."""
    return ops.hard_silu(x)


def softmax(x: TensorLike, axis: Axis = -1) -> Tensor:
    """exp(x) / sum(exp(x)) along `axis`, an int or a tuple of ints."""
    return ops.softmax(x, axis)


def log_softmax(x: TensorLike, axis: Axis = -1) -> Tensor:
    """log(softmax(x))."""
    return ops.log_softmax(x, axis)


def sparsemax(x: TensorLike, axis: int = -1) -> Tensor:
    """The point of the probability simplex closest to x (arXiv:1602.02068)."""
    return ops.sparsemax(x, axis)


def softplus(x: TensorLike) -> Tensor:
    """log(exp(x) + 1)."""
    return ops.softplus(x)


def sparse_plus(x: TensorLike) -> Tensor:
    """0 up to -1, x from 1 on, (x + 1)**2 / 4 between."""
    return ops.sparse_plus(x)


def squareplus(x: TensorLike, b: float = 4) -> Tensor:
    """(x + sqrt(x**2 + b)) / 2 (arXiv:2112.11687)."""
    return ops.squareplus(x, b)


def softsign(x: TensorLike) -> Tensor:
    """x / (|x| + 1)."""
    return ops.softsign(x)


def soft_shrink(x: TensorLike, threshold: float = 0.5) -> Tensor:
    """x moved towards 0 by `threshold`, and 0 where it is less than that."""
    return ops.soft_shrink(x, threshold)


def hard_shrink(x: TensorLike, threshold: float = 0.5) -> Tensor:
    """x where |x| > threshold, else 0."""
    return ops.hard_shrink(x, threshold)


def tanh(x: TensorLike) -> Tensor:
    """Hyperbolic tangent."""
    return ops.tanh(x)


def hard_tanh(x: TensorLike) -> Tensor:
    """x clipped to [-1, 1]."""
    return ops.hard_tanh(x)


def tanh_shrink(x: TensorLike) -> Tensor:
    """x - tanh(x)."""
    return ops.tanh_shrink(x)


def threshold(x: TensorLike, threshold: float, default_value: float) -> Tensor:
    """x where x > threshold, else default_value."""
    return ops.threshold(x, threshold, default_value)


def exponential(x: TensorLike) -> Tensor:
    """exp(x)."""
    return ops.exp(x)


def mish(x: TensorLike) -> Tensor:
    """x * tanh(softplus(x)) (arXiv:1908.08681)."""
    return ops.multiply(x, ops.tanh(ops.softplus(x)))

"""Activations: tensor in, tensor of the same shape (but for `glu`) and dtype out.

They are the functions of `unidl.ops` with the defaults of `keras.activations`, which differ from
those of the ops in `gelu` (exact here).
"""

from __future__ import annotations

from unidl import ops
from unidl.typing import Axis, Tensor, TensorLike


def linear(x: TensorLike) -> Tensor:
    """x.

    Examples:
        >>> unidl.activations.linear([-1.0, 1.0])
        [-1.0, 1.0]
    """
    return x


def relu(
    x: TensorLike,
    negative_slope: float = 0.0,
    max_value: float | None = None,
    threshold: float = 0.0,
) -> Tensor:
    """x above `threshold` and at most `max_value`, else negative_slope * (x - threshold).

    Examples:
        >>> unidl.activations.relu([-2.0, 3.0])
        array([0., 3.], dtype=float32)
        >>> unidl.activations.relu([-2.0, 3.0, 9.0], negative_slope=0.1, max_value=6.0)
        array([-0.2,  3. ,  6. ], dtype=float32)
    """
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
    """x, or negative_slope * x where x is negative.

    Examples:
        >>> unidl.activations.leaky_relu([-1.0, 1.0])
        array([-0.2,  1. ], dtype=float32)
    """
    return ops.leaky_relu(x, negative_slope)


def relu6(x: TensorLike) -> Tensor:
    """min(max(x, 0), 6).

    Examples:
        >>> unidl.activations.relu6([-2.0, 3.0, 9.0])
        array([0., 3., 6.], dtype=float32)
    """
    return ops.relu6(x)


def elu(x: TensorLike, alpha: float = 1.0) -> Tensor:
    """x, or alpha * (exp(x) - 1) where x is negative (arXiv:1511.07289).

    Examples:
        >>> unidl.activations.elu([-1.0, 1.0])
        array([-0.6321,  1.    ], dtype=float32)
        >>> unidl.activations.elu([-1.0, 1.0], alpha=0.5)
        array([-0.3161,  1.    ], dtype=float32)
    """
    return ops.elu(x, alpha)


def selu(x: TensorLike) -> Tensor:
    """1.0507 * elu(x, 1.6733) (arXiv:1706.02515).

    Examples:
        >>> unidl.activations.selu([-1.0, 1.0])
        array([-1.1113,  1.0507], dtype=float32)
    """
    return ops.selu(x)


def celu(x: TensorLike, alpha: float = 1.0) -> Tensor:
    """x, or alpha * (exp(x / alpha) - 1) where x is negative (arXiv:1704.07483).

    Examples:
        >>> unidl.activations.celu([-10.0, 1.0])
        array([-1.,  1.], dtype=float32)
    """
    return ops.celu(x, alpha)


def gelu(x: TensorLike, approximate: bool = False) -> Tensor:
    """x * Phi(x) (arXiv:1606.08415); with `approximate` by tanh.

    Examples:
        >>> unidl.activations.gelu([-1.0, 1.0])
        array([-0.1587,  0.8413], dtype=float32)
        >>> unidl.activations.gelu([-1.0, 1.0], approximate=True)  # what `ops.gelu` does by default
        array([-0.1588,  0.8412], dtype=float32)
    """
    return ops.gelu(x, approximate)


def glu(x: TensorLike, axis: int = -1) -> Tensor:
    """a * sigmoid(b) for the halves a and b of x along `axis` (arXiv:1612.08083).

    Examples:
        >>> unidl.activations.glu([10.0, 20.0, 0.0, 100.0])  # half as many
        array([ 5., 20.], dtype=float32)
    """
    return ops.glu(x, axis)


def sigmoid(x: TensorLike) -> Tensor:
    """1 / (1 + exp(-x)).

    Examples:
        >>> unidl.activations.sigmoid([-2.0, 0.0, 2.0])
        array([0.1192, 0.5   , 0.8808], dtype=float32)
    """
    return ops.sigmoid(x)


def log_sigmoid(x: TensorLike) -> Tensor:
    """log(sigmoid(x)).

    Examples:
        >>> unidl.activations.log_sigmoid([-100.0, 0.0])
        array([-100.    ,   -0.6931], dtype=float32)
    """
    return ops.log_sigmoid(x)


def hard_sigmoid(x: TensorLike) -> Tensor:
    """relu6(x + 3) / 6.

    Examples:
        >>> unidl.activations.hard_sigmoid([-3.0, 0.0, 3.0])
        array([0. , 0.5, 1. ], dtype=float32)
    """
    return ops.hard_sigmoid(x)


def sparse_sigmoid(x: TensorLike) -> Tensor:
    """0 up to -1, 1 from 1 on, (x + 1) / 2 between.

    Examples:
        >>> unidl.activations.sparse_sigmoid([-2.0, 0.5, 2.0])
        array([0.  , 0.75, 1.  ], dtype=float32)
    """
    return ops.sparse_sigmoid(x)


def silu(x: TensorLike) -> Tensor:
    """x * sigmoid(x), also called swish (arXiv:1702.03118).

    Examples:
        >>> unidl.activations.silu([-1.0, 1.0])
        array([-0.2689,  0.7311], dtype=float32)
    """
    return ops.silu(x)


def hard_silu(x: TensorLike) -> Tensor:
    """x * hard_sigmoid(x) (arXiv:1905.02244).

    Examples:
        >>> unidl.activations.hard_silu([-3.0, 1.0, 3.0])
        array([-0.    ,  0.6667,  3.    ], dtype=float32)
    """
    return ops.hard_silu(x)


def softmax(x: TensorLike, axis: Axis = -1) -> Tensor:
    """exp(x) / sum(exp(x)) along `axis`, an int or a tuple of ints.

    Examples:
        >>> unidl.activations.softmax([[0.0, 0.0], [0.0, 5.0]])
        array([[0.5   , 0.5   ],
               [0.0067, 0.9933]], dtype=float32)
    """
    return ops.softmax(x, axis)


def log_softmax(x: TensorLike, axis: Axis = -1) -> Tensor:
    """log(softmax(x)).

    Examples:
        >>> unidl.activations.log_softmax([[0.0, 0.0]])
        array([[-0.6931, -0.6931]], dtype=float32)
    """
    return ops.log_softmax(x, axis)


def sparsemax(x: TensorLike, axis: int = -1) -> Tensor:
    """The point of the probability simplex closest to x (arXiv:1602.02068).

    Examples:
        >>> unidl.activations.sparsemax([[1.0, 1.2, -1.0]])
        array([[0.4, 0.6, 0. ]], dtype=float32)
    """
    return ops.sparsemax(x, axis)


def softplus(x: TensorLike) -> Tensor:
    """log(exp(x) + 1).

    Examples:
        >>> unidl.activations.softplus([-1.0, 0.0, 100.0])
        array([  0.3133,   0.6931, 100.    ], dtype=float32)
    """
    return ops.softplus(x)


def sparse_plus(x: TensorLike) -> Tensor:
    """0 up to -1, x from 1 on, (x + 1)**2 / 4 between.

    Examples:
        >>> unidl.activations.sparse_plus([-2.0, 0.0, 2.0])
        array([0.  , 0.25, 2.  ], dtype=float32)
    """
    return ops.sparse_plus(x)


def squareplus(x: TensorLike, b: float = 4) -> Tensor:
    """(x + sqrt(x**2 + b)) / 2 (arXiv:2112.11687).

    Examples:
        >>> unidl.activations.squareplus([-1.0, 0.0, 1.5])
        array([0.618, 1.   , 2.   ], dtype=float32)
    """
    return ops.squareplus(x, b)


def softsign(x: TensorLike) -> Tensor:
    """x / (|x| + 1).

    Examples:
        >>> unidl.activations.softsign([-1.0, 3.0])
        array([-0.5 ,  0.75], dtype=float32)
    """
    return ops.softsign(x)


def soft_shrink(x: TensorLike, threshold: float = 0.5) -> Tensor:
    """x moved towards 0 by `threshold`, and 0 where it is less than that.

    Examples:
        >>> unidl.activations.soft_shrink([-1.0, 0.4, 0.75])
        array([-0.5 ,  0.  ,  0.25], dtype=float32)
    """
    return ops.soft_shrink(x, threshold)


def hard_shrink(x: TensorLike, threshold: float = 0.5) -> Tensor:
    """x where |x| > threshold, else 0.

    Examples:
        >>> unidl.activations.hard_shrink([-1.0, 0.4, 0.6])
        array([-1. ,  0. ,  0.6], dtype=float32)
    """
    return ops.hard_shrink(x, threshold)


def tanh(x: TensorLike) -> Tensor:
    """Hyperbolic tangent.

    Examples:
        >>> unidl.activations.tanh([-1.0, 1.0])
        array([-0.7616,  0.7616], dtype=float32)
    """
    return ops.tanh(x)


def hard_tanh(x: TensorLike) -> Tensor:
    """x clipped to [-1, 1].

    Examples:
        >>> unidl.activations.hard_tanh([-2.0, 0.5, 2.0])
        array([-1. ,  0.5,  1. ], dtype=float32)
    """
    return ops.hard_tanh(x)


def tanh_shrink(x: TensorLike) -> Tensor:
    """x - tanh(x).

    Examples:
        >>> unidl.activations.tanh_shrink([-1.0, 1.0])
        array([-0.2384,  0.2384], dtype=float32)
    """
    return ops.tanh_shrink(x)


def threshold(x: TensorLike, threshold: float, default_value: float) -> Tensor:
    """x where x > threshold, else default_value.

    Examples:
        >>> unidl.activations.threshold([0.5, 1.5], threshold=1.0, default_value=0.0)
        array([0. , 1.5], dtype=float32)
    """
    return ops.threshold(x, threshold, default_value)


def exponential(x: TensorLike) -> Tensor:
    """exp(x).

    Examples:
        >>> unidl.activations.exponential([0.0, 1.0])
        array([1.    , 2.7183], dtype=float32)
    """
    return ops.exp(x)


def mish(x: TensorLike) -> Tensor:
    """x * tanh(softplus(x)) (arXiv:1908.08681).

    Examples:
        >>> unidl.activations.mish([-1.0, 1.0])
        array([-0.3034,  0.8651], dtype=float32)
    """
    return ops.multiply(x, ops.tanh(ops.softplus(x)))

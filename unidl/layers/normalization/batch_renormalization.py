"""Batch renormalization (Ioffe, arXiv:1702.03275): what `BatchNormalization(renorm=True)` does
beyond batch normalization.

The moving average for inference is one of the standard deviation, from which that of the variance
follows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unidl import ops
from unidl.typing import DType, Shape, TensorLike

if TYPE_CHECKING:
    from unidl.backend.variable import Variable

_LIMITS = ("rmin", "rmax", "dmax")


def check_limits(limits: Any) -> Any:
    """The dict `limits`, or an error."""
    unknown = set(limits) - set(_LIMITS)
    if unknown:
        raise ValueError(
            f"BatchNormalization: renorm_clipping accepts the keys {', '.join(_LIMITS)}, got "
            f"{sorted(unknown)}."
        )
    low, high, most = (limits.get(name) for name in _LIMITS)
    if (low is not None and high is not None and low > high) or (most is not None and most < 0):
        raise ValueError(
            f"BatchNormalization: renorm_clipping needs rmin <= rmax and dmax >= 0, got {limits}."
        )
    return limits


def make_weights(layer: Any, shape: Shape) -> tuple[Variable, Variable, Variable]:
    """moving_stddev, renorm_mean and renorm_stddev."""

    def first_stddev(shape: Any, dtype: DType | None = None) -> Any:
        return ops.sqrt(layer.moving_variance_initializer(shape, dtype=dtype))

    frozen: dict[str, Any] = {"trainable": False, "autocast": False}
    return (
        layer.add_weight(shape, first_stddev, name="moving_stddev", **frozen),
        layer.add_weight(shape, layer.moving_mean_initializer, name="renorm_mean", **frozen),
        layer.add_weight(shape, first_stddev, name="renorm_stddev", **frozen),
    )


def corrected(layer: Any, normalized: Any, mean: TensorLike, variance: TensorLike) -> Any:
    """gamma * (normalized * r + d) + beta."""
    epsilon, limits = layer.epsilon, layer.renorm_clipping
    old_stddev = ops.maximum(ops.cast(layer.renorm_stddev, ops.dtype(mean)), epsilon**0.5)
    r = ops.divide(ops.sqrt(ops.add(variance, epsilon)), old_stddev)
    d = ops.divide(ops.subtract(mean, ops.cast(layer.renorm_mean, ops.dtype(mean))), old_stddev)
    if limits.get("rmin") is not None:
        r = ops.maximum(r, limits["rmin"])
    if limits.get("rmax") is not None:
        r = ops.minimum(r, limits["rmax"])
    if limits.get("dmax") is not None:
        d = ops.clip(d, -limits["dmax"], limits["dmax"])
    r, d = ops.stop_gradient(r), ops.stop_gradient(d)
    scale = r if layer.gamma is None else ops.multiply(r, layer.gamma)
    offset = d if layer.gamma is None else ops.multiply(d, layer.gamma)
    if layer.beta is not None:
        offset = ops.add(offset, layer.beta)
    shape = tuple(1 if axis in layer._axes else -1 for axis in range(len(ops.shape(normalized))))
    return ops.add(ops.multiply(normalized, ops.reshape(scale, shape)), ops.reshape(offset, shape))


def update(layer: Any, mean: TensorLike, variance: TensorLike) -> None:
    """Assign all averages."""
    stddev = ops.sqrt(ops.add(variance, layer.epsilon))
    layer._average(layer.renorm_mean, mean, layer.renorm_momentum)
    layer._average(layer.renorm_stddev, stddev, layer.renorm_momentum)
    layer._average(layer.moving_mean, mean, layer.momentum)
    moving = layer._average(layer.moving_stddev, stddev, layer.momentum)
    layer._update(layer.moving_variance, ops.relu(ops.subtract(ops.square(moving), layer.epsilon)))

"""Batch and layer normalization."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from unidl import constraints, initializers, ops, regularizers
from unidl.layers.base.input_spec import InputSpec
from unidl.layers.base.layer import Layer
from unidl.layers.base.options import LayerOptions
from unidl.layers.normalization import batch_renormalization
from unidl.ops import fused
from unidl.tracing.rows import current_rows, whole_sum
from unidl.typing import Axis, Config, ConstraintLike, InitializerLike, RegularizerLike, TensorLike

if TYPE_CHECKING:
    from typing_extensions import Unpack


def _wide(layer: Any, *tensors: Any) -> Any:
    """In float32 where the layer computes in 16 bits, in which moments would lose their digits."""
    if layer.compute_dtype not in ("float16", "bfloat16"):
        return tensors
    return tuple(None if t is None else ops.cast(t, "float32") for t in tensors)


class BatchNormalization(Layer):
    """Normalize each channel by the batch's moments in training and by their moving averages in
    inference (Ioffe & Szegedy, arXiv:1502.03167).

    y = gamma * (x - mean) / sqrt(variance + epsilon) + beta; moving = moving * momentum + batch *
    (1 - momentum), with the biased variance for both. With a mask, only unmasked steps enter the
    moments. `trainable = False` means inference.

    Args:
        axis: the channels' axis.
        momentum: of the moving averages.
        epsilon: added to the variance.
        center, scale: whether to use beta and gamma.
        beta_initializer, gamma_initializer: initializers of beta and gamma: names, configs or
            objects.
        beta_regularizer, gamma_regularizer: penalties on them, added to the loss.
        beta_constraint, gamma_constraint: constraints on them, applied after each update.
        moving_mean_initializer, moving_variance_initializer: initializers of the moving moments.
        renorm: in training, y = gamma * (normalized * r + d) + beta, where r and d, which are
            constants to gradients, lead to what averages over earlier batches would give (Ioffe,
            arXiv:1702.03275): r = stddev / renorm_stddev, d = (mean - renorm_mean) / renorm_stddev.
        renorm_clipping: dict of the limits "rmin" and "rmax" of r, and "dmax" of |d|; without an
            entry there is none.
        renorm_momentum: of renorm_mean and renorm_stddev.
        synchronized: for Keras' programs: the moments are those of all processes' rows in any case.

    Weights: gamma, beta, moving_mean, moving_variance, with `renorm` also moving_stddev,
    renorm_mean, renorm_stddev, each (channels,).

    Examples:
        >>> x = np.array([[1.0], [3.0]])
        >>> layer = unidl.layers.BatchNormalization(momentum=0.9)
        >>> layer(x)  # inference: moving mean 0 and variance 1 to begin with
        array([[0.9995],
               [2.9985]], dtype=float32)
        >>> layer(x, training=True)
        array([[-0.9995],
               [ 0.9995]], dtype=float32)
        >>> layer.moving_mean.numpy(), layer.moving_variance.numpy()
        (array([0.2], dtype=float32), array([1.], dtype=float32))
    """

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 0.001,
        center: bool = True,
        scale: Any = True,
        beta_initializer: InitializerLike = "zeros",
        gamma_initializer: InitializerLike = "ones",
        moving_mean_initializer: InitializerLike = "zeros",
        moving_variance_initializer: InitializerLike = "ones",
        beta_regularizer: RegularizerLike | None = None,
        gamma_regularizer: RegularizerLike | None = None,
        beta_constraint: ConstraintLike | None = None,
        gamma_constraint: ConstraintLike | None = None,
        renorm: bool = False,
        renorm_clipping: dict[str, float] | None = None,
        renorm_momentum: float = 0.99,
        synchronized: bool = False,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.renorm, self.renorm_momentum = renorm, renorm_momentum
        self.renorm_clipping = (
            batch_renormalization.check_limits(renorm_clipping or {}) if renorm else renorm_clipping
        )
        self.axis, self.momentum, self.epsilon = int(axis), float(momentum), epsilon
        self.center, self.scale, self.synchronized = center, scale, synchronized
        self.beta_initializer, self.gamma_initializer = (
            initializers.get(beta_initializer),
            initializers.get(gamma_initializer),
        )
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.beta_regularizer, self.gamma_regularizer = (
            regularizers.get(beta_regularizer),
            regularizers.get(gamma_regularizer),
        )
        self.beta_constraint, self.gamma_constraint = (
            constraints.get(beta_constraint),
            constraints.get(gamma_constraint),
        )
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        if not -len(input_shape) <= self.axis < len(input_shape):
            raise ValueError(
                f"{self._who()}: axis={self.axis} is not an axis of an input of shape "
                f"{input_shape}."
            )
        shape = (input_shape[self.axis],)
        self.gamma = self.add_own_weight("gamma", shape, autocast=False) if self.scale else None
        self.beta = self.add_own_weight("beta", shape, autocast=False) if self.center else None
        self.moving_mean = self.add_own_weight(
            "moving_mean", shape, trainable=False, autocast=False
        )
        self.moving_variance = self.add_own_weight(
            "moving_variance", shape, trainable=False, autocast=False
        )
        if self.renorm:
            self.moving_stddev, self.renorm_mean, self.renorm_stddev = (
                batch_renormalization.make_weights(self, shape)
            )
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: input_shape[self.axis]})
        self._axes = tuple(a for a in range(len(input_shape)) if a != self.axis % len(input_shape))

    def call(
        self, inputs: TensorLike, training: bool | None = None, mask: TensorLike | None = None
    ) -> Any:
        x, gamma, beta = _wide(self, inputs, self.gamma, self.beta)
        if training and self.trainable:
            if self.renorm:
                gamma = beta = None
            if mask is None and current_rows() is None:
                y, mean, variance = fused.batch_norm_training(
                    x, gamma, beta, self._axes, self.epsilon
                )
            else:
                mean, variance = (
                    ops.moments(x, self._axes, synchronized=True)
                    if mask is None
                    else self._masked_moments(x, mask)
                )
                y = fused.batch_norm_inference(
                    x, gamma, beta, mean, variance, self._axes, self.epsilon
                )
            if self.renorm:
                y = batch_renormalization.corrected(self, y, mean, variance)
                batch_renormalization.update(self, mean, variance)
            else:
                self._average(self.moving_mean, mean, self.momentum)
                self._average(self.moving_variance, variance, self.momentum)
        else:
            mean, variance = _wide(self, self.moving_mean, self.moving_variance)
            y = fused.batch_norm_inference(x, gamma, beta, mean, variance, self._axes, self.epsilon)
        return ops.cast(y, self.compute_dtype)

    def _average(self, moving: Any, batch: Any, momentum: Any) -> Any:
        """Assign `moving` its next value, and return it."""
        new = ops.add(
            ops.multiply(moving.value, momentum),
            ops.multiply(ops.cast(batch, moving.dtype), 1.0 - momentum),
        )
        self._update(moving, new)
        return new

    def _masked_moments(self, x: TensorLike, mask: TensorLike) -> Any:
        """Weighted mean and variance, in two passes; the small number keeps a batch without any
        step finite, as in Keras."""
        weights = ops.cast(mask, self.compute_dtype)
        while len(ops.shape(weights)) < len(ops.shape(x)):
            weights = ops.expand_dims(weights, -1)
        broadcast = ops.multiply(ops.ones_like(x), weights)

        def summed(values: Any) -> Any:
            return whole_sum(ops.sum(values, axis=self._axes, keepdims=True))

        total = ops.add(summed(broadcast), 1e-7)
        mean = ops.divide(summed(ops.multiply(x, weights)), total)
        squares = ops.multiply(ops.square(ops.subtract(x, mean)), weights)
        variance = ops.divide(summed(squares), total)
        return ops.squeeze(mean, self._axes), ops.squeeze(variance, self._axes)


class LayerNormalization(Layer):
    """Normalize each sample over some of its axes (Ba et al., arXiv:1607.06450): gamma * (x - mean)
    / sqrt(variance + epsilon) + beta.

    Args:
        axis: an int or several ints.
        epsilon: added to the variance.
        center, scale: whether to use beta and gamma.
        beta_initializer, gamma_initializer: initializers of beta and gamma: names, configs or
            objects.
        beta_regularizer, gamma_regularizer: penalties on them, added to the loss.
        beta_constraint, gamma_constraint: constraints on them, applied after each update.
        rms_scaling: for older programs; warns and computes gamma * x / sqrt(variance + epsilon).

    Weights: gamma, beta, of the sizes of the normalized axes.

    Examples:
        >>> unidl.layers.LayerNormalization()(np.array([[1.0, 3.0], [10.0, 30.0]]))
        array([[-0.9995,  0.9995],
               [-1.    ,  1.    ]], dtype=float32)
    """

    def __init__(
        self,
        axis: Axis = -1,
        epsilon: float = 0.001,
        center: bool = True,
        scale: Any = True,
        beta_initializer: InitializerLike = "zeros",
        gamma_initializer: InitializerLike = "ones",
        beta_regularizer: RegularizerLike | None = None,
        gamma_regularizer: RegularizerLike | None = None,
        beta_constraint: ConstraintLike | None = None,
        gamma_constraint: ConstraintLike | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        # Not among `LayerOptions`, since nobody should write it in a new program.
        self.rms_scaling = bool(kwargs.pop("rms_scaling", False))  # type: ignore[typeddict-item]
        if self.rms_scaling:
            warnings.warn(
                "LayerNormalization: rms_scaling=True divides by the standard deviation, not the "
                "root mean square, and subtracts no mean. Use RMSNormalization.",
                stacklevel=2,
            )
        super().__init__(**kwargs)
        self.axis = list(axis) if isinstance(axis, list | tuple) else axis
        self.epsilon, self.center, self.scale = epsilon, center, scale
        self.beta_initializer, self.gamma_initializer = (
            initializers.get(beta_initializer),
            initializers.get(gamma_initializer),
        )
        self.beta_regularizer, self.gamma_regularizer = (
            regularizers.get(beta_regularizer),
            regularizers.get(gamma_regularizer),
        )
        self.beta_constraint, self.gamma_constraint = (
            constraints.get(beta_constraint),
            constraints.get(gamma_constraint),
        )
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        rank = len(input_shape)
        given: Any = self.axis if isinstance(self.axis, list) else [self.axis]
        if any(not -rank <= a < rank for a in given):
            raise ValueError(
                f"{self._who()}: axis={self.axis} is not among the axes of an input of shape "
                f"{input_shape}."
            )
        self._axes = tuple(sorted(a % rank for a in given))
        # Keras' order, in which -1 comes before 1; the elements are then laid out along the axes as
        # they lie in memory.
        shape = tuple(input_shape[a] for a in sorted(given))
        self._along = tuple(input_shape[a] if a in self._axes else 1 for a in range(rank))
        scale = self.scale or self.rms_scaling
        center = self.center and not self.rms_scaling
        self.gamma = self.add_own_weight("gamma", shape, autocast=False) if scale else None
        self.beta = self.add_own_weight("beta", shape, autocast=False) if center else None
        self._trailing = tuple(a % rank for a in sorted(given)) == tuple(
            range(rank - len(self._axes), rank)
        )
        self.input_spec = InputSpec(ndim=rank, axes={a: input_shape[a] for a in self._axes})

    def call(self, inputs: TensorLike) -> Any:
        x, gamma, beta = _wide(self, inputs, self.gamma, self.beta)
        if self.rms_scaling:
            variance = ops.var(x, axis=self._axes, keepdims=True)
            x = ops.multiply(x, ops.rsqrt(ops.add(variance, self.epsilon)))
            return ops.cast(ops.multiply(x, self._broadcast(gamma)), self.compute_dtype)
        y = fused.layer_norm(
            x, self._broadcast(gamma), self._broadcast(beta), self._axes, self.epsilon
        )
        return ops.cast(y, self.compute_dtype)

    def _broadcast(self, weight: Any) -> Any:
        return weight if weight is None or self._trailing else ops.reshape(weight, self._along)

    def get_config(self) -> Config:
        return super().get_config() | {"rms_scaling": self.rms_scaling}

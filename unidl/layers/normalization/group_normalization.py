"""Normalization of each sample: in groups of channels, by its root mean square, or to length 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unidl import constraints, initializers, ops, regularizers
from unidl.layers.base.input_spec import InputSpec
from unidl.layers.base.layer import Layer
from unidl.layers.base.options import LayerOptions
from unidl.typing import Axis, ConstraintLike, InitializerLike, RegularizerLike, TensorLike

if TYPE_CHECKING:
    from typing_extensions import Unpack


class GroupNormalization(Layer):
    """Normalize groups of channels of each sample (Wu & He, arXiv:1803.08494): gamma * (x - mean) /
    sqrt(variance + epsilon) + beta.

    Args:
        groups: their number; the channels are divided into them in order. -1: one for each channel
            (instance normalization).
        axis: the channels' axis.
        epsilon: added to the variance.
        center, scale: whether to use beta and gamma.
        beta_initializer, gamma_initializer: initializers of beta and gamma: names, configs or
            objects.
        beta_regularizer, gamma_regularizer: penalties on them, added to the loss.
        beta_constraint, gamma_constraint: constraints on them, applied after each update.

    Weights: gamma, beta, each (channels,).

    Examples:
        >>> x = np.array([[[1.0, 3.0, 10.0, 30.0]]])
        >>> unidl.layers.GroupNormalization(groups=2)(x)
        array([[[-0.9995,  0.9995, -1.    ,  1.    ]]], dtype=float32)
        >>> unidl.layers.GroupNormalization(groups=1)(x)
        array([[[-0.872 , -0.6976, -0.0872,  1.6569]]], dtype=float32)
    """

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
        epsilon: float = 1e-3,
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
        super().__init__(**kwargs)
        if not isinstance(groups, int) or (groups <= 0 and groups != -1):
            raise ValueError(
                "GroupNormalization: groups must be a positive integer, or -1 for one per channel, "
                f"got {groups!r}."
            )
        self.groups, self.axis, self.epsilon, self.center, self.scale = (
            groups,
            axis,
            epsilon,
            center,
            scale,
        )
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
        rank, channels = len(input_shape), input_shape[self.axis]
        if channels is None:
            raise ValueError(
                f"{self._who()}: axis {self.axis} of the input must have a known size, got the "
                f"shape {input_shape}."
            )
        self.groups = channels if self.groups == -1 else self.groups
        if channels % self.groups:
            raise ValueError(
                f"{self._who()}: {channels} channels cannot be divided into {self.groups} groups. "
                "Give another groups=."
            )
        self._channel_axis = self.axis % rank
        self.gamma = (
            self.add_own_weight("gamma", (channels,), autocast=False) if self.scale else None
        )
        self.beta = (
            self.add_own_weight("beta", (channels,), autocast=False) if self.center else None
        )
        self._along = tuple(channels if a == self._channel_axis else 1 for a in range(rank))
        self.input_spec = InputSpec(ndim=rank, axes={self.axis: channels})

    def call(self, inputs: TensorLike) -> Any:
        # In 16 bits the moments would lose their digits, so they are taken in float32.
        x = ops.cast(inputs, "float32") if self.compute_dtype in ("float16", "bfloat16") else inputs
        # The batch first, so that channels and groups are next to each other; (n, groups, all
        # others).
        x = ops.moveaxis(x, self._channel_axis, 1)
        moved = ops.shape(x)
        batch = -1 if moved[0] is None else moved[0]
        grouped = ops.reshape(x, (batch, self.groups, moved[1] // self.groups, *moved[2:]))
        axes = tuple(range(2, len(moved) + 1))
        mean, variance = ops.moments(grouped, axes, keepdims=True)
        y = ops.multiply(ops.subtract(grouped, mean), ops.rsqrt(ops.add(variance, self.epsilon)))
        y = ops.moveaxis(ops.reshape(y, (batch, *moved[1:])), 1, self._channel_axis)
        if self.gamma is not None:
            y = ops.multiply(y, ops.reshape(self.gamma, self._along))
        if self.beta is not None:
            y = ops.add(y, ops.reshape(self.beta, self._along))
        return ops.cast(y, self.compute_dtype)


class RMSNormalization(Layer):
    """Divide by the root mean square over some axes (Zhang & Sennrich, arXiv:1910.07467): x /
    sqrt(mean(x**2) + epsilon) * scale.

    Args:
        axis: an int or several ints.
        epsilon: added to the mean of squares.

    Weights: scale, of the sizes of these axes.

    Examples:
        >>> unidl.layers.RMSNormalization()(np.array([[3.0, 4.0, 0.0, 0.0]]))
        array([[1.2, 1.6, 0. , 0. ]], dtype=float32)
    """

    def __init__(
        self, axis: Axis = -1, epsilon: float = 1e-6, **kwargs: Unpack[LayerOptions]
    ) -> None:
        super().__init__(**kwargs)
        self.axis: Any = sorted(axis) if isinstance(axis, list | tuple) else axis
        self.epsilon = epsilon

    def build(self, input_shape: Any) -> None:
        self.axis = self.axis if isinstance(self.axis, list) else [self.axis]
        if any(not -len(input_shape) <= a < len(input_shape) for a in self.axis):
            raise ValueError(
                f"{self._who()}: axis={self.axis} is not among the axes of an input of shape "
                f"{input_shape}."
            )
        self.scale = self.add_weight(
            tuple(input_shape[a] for a in self.axis), initializer="ones", name="scale"
        )

    def call(self, inputs: TensorLike) -> Any:
        return ops.rms_normalization(inputs, self.scale, self.axis, self.epsilon)


class UnitNormalization(Layer):
    """Divide by the Euclidean norm over some axes, which is at least 1e-12.

    Args:
        axis: an int or several ints.

    Examples:
        >>> unidl.layers.UnitNormalization()(np.array([[3.0, 4.0], [0.0, 0.0]]))
        array([[0.6, 0.8],
               [0. , 0. ]], dtype=float32)
    """

    def __init__(self, axis: Axis = -1, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        if not isinstance(axis, int | list | tuple):
            raise ValueError(
                f"UnitNormalization: axis must be an int or several ints, got {axis!r}."
            )
        self.axis = list(axis) if isinstance(axis, list | tuple) else axis
        self.supports_masking = True

    def call(self, inputs: TensorLike) -> Any:
        axis = tuple(self.axis) if isinstance(self.axis, list) else self.axis
        return ops.normalize(inputs, axis=axis, order=2, epsilon=1e-12)

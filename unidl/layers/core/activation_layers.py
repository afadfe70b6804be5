"""Activations as layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unidl import activations, constraints, initializers, ops, regularizers
from unidl.layers.base.activate import activate, note_logits
from unidl.layers.base.input_spec import InputSpec
from unidl.layers.base.layer import Layer
from unidl.layers.base.options import LayerOptions
from unidl.typing import (
    ActivationLike,
    Axis,
    ConstraintLike,
    InitializerLike,
    RegularizerLike,
    Shape,
    TensorLike,
)
from unidl.utils.rules import NOT_NEGATIVE

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Activation(Layer):
    """Any activation, by name or function.

    Args:
        activation: e.g. "relu", or a function of one tensor.

    Examples:
        >>> unidl.layers.Activation("relu")(np.array([-1.0, 2.0]))
        array([0., 2.], dtype=float32)
        >>> unidl.layers.Activation(unidl.ops.square)(np.array([-1.0, 2.0]))
        array([1., 4.], dtype=float32)
    """

    def __init__(self, activation: ActivationLike, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        self.activation = activations.get(activation)
        self.supports_masking = True

    def call(self, inputs: TensorLike) -> Any:
        return activate(self, inputs)


class ReLU(Layer):
    """max(x, 0), in general form: `max_value` caps, `negative_slope` slopes below `threshold`.

    Args:
        max_value: upper bound, none by default.
        negative_slope: slope below the threshold.
        threshold: below which the slope holds.

    Examples:
        >>> x = np.array([-2.0, 1.0, 9.0])
        >>> unidl.layers.ReLU()(x)
        array([0., 1., 9.], dtype=float32)
        >>> unidl.layers.ReLU(max_value=6, negative_slope=0.5)(x)
        array([-1.,  1.,  6.], dtype=float32)
    """

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        for name, value in (
            ("max_value", max_value),
            ("negative_slope", negative_slope),
            ("threshold", threshold),
        ):
            if (value is None and name != "max_value") or (value is not None and value < 0):
                raise ValueError(f"ReLU: {name} must not be negative, got {value!r}.")
        self.max_value, self.negative_slope, self.threshold = max_value, negative_slope, threshold
        self.supports_masking = True

    def call(self, inputs: TensorLike) -> Any:
        return activations.relu(
            inputs,
            negative_slope=self.negative_slope,
            max_value=self.max_value,
            threshold=self.threshold,
        )


class LeakyReLU(Layer):
    """x, or negative_slope * x where x is negative.

    Args:
        negative_slope: at least 0.

    Examples:
        >>> unidl.layers.LeakyReLU()(np.array([-1.0, 2.0]))
        array([-0.3,  2. ], dtype=float32)
        >>> unidl.layers.LeakyReLU(negative_slope=0.1)(np.array([-1.0, 2.0]))
        array([-0.1,  2. ], dtype=float32)
    """

    def __init__(self, negative_slope: float = 0.3, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        if not NOT_NEGATIVE.allows(negative_slope):
            raise ValueError(
                f"LeakyReLU: negative_slope must not be negative, got {negative_slope!r}."
            )
        self.negative_slope = negative_slope
        self.supports_masking = True

    def call(self, inputs: TensorLike) -> Any:
        return activations.leaky_relu(inputs, negative_slope=self.negative_slope)


class ELU(Layer):
    """x, or alpha * (exp(x) - 1) where x is negative (arXiv:1511.07289).

    Args:
        alpha: minus the limit for small x.

    Examples:
        >>> unidl.layers.ELU()(np.array([-10.0, -1.0, 2.0]))
        array([-1.    , -0.6321,  2.    ], dtype=float32)
    """

    def __init__(self, alpha: float = 1.0, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        self.alpha = alpha
        self.supports_masking = True

    def call(self, inputs: TensorLike) -> Any:
        return activations.elu(inputs, alpha=self.alpha)


class PReLU(Layer):
    """x, or alpha * x where x is negative, with a trained alpha for each element of a sample (He et
    al., arXiv:1502.01852).

    Args:
        alpha_initializer: initializer of alpha: a name, config or object.
        alpha_regularizer: penalty on alpha, added to the loss.
        alpha_constraint: constraint on alpha, applied after each update.
        shared_axes: axes, counted from 1, along which elements have one alpha together.

    Weights: alpha, of the shape of a sample, 1 along the shared axes.

    Examples:
        >>> layer = unidl.layers.PReLU(alpha_initializer="ones", shared_axes=[1])
        >>> layer(np.ones((2, 5, 3))).shape
        (2, 5, 3)
        >>> layer.alpha.shape  # one for each of the last axis
        (1, 3)
    """

    def __init__(
        self,
        alpha_initializer: InitializerLike = "Zeros",
        alpha_regularizer: RegularizerLike | None = None,
        alpha_constraint: ConstraintLike | None = None,
        shared_axes: Axis | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.alpha_initializer, self.alpha_regularizer = (
            initializers.get(alpha_initializer),
            regularizers.get(alpha_regularizer),
        )
        self.alpha_constraint = constraints.get(alpha_constraint)
        self.shared_axes = (
            [shared_axes]
            if isinstance(shared_axes, int)
            else None
            if shared_axes is None
            else list(shared_axes)
        )
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        shared = self.shared_axes or []
        if any(not 1 <= a < len(input_shape) for a in shared):
            raise ValueError(
                f"{self._who()}: shared_axes={shared} must be axes after the batch axis of the "
                f"shape {input_shape}."
            )
        self.alpha = self.add_own_weight(
            "alpha", tuple(1 if a in shared else n for a, n in enumerate(input_shape) if a > 0)
        )
        axes = {a: n for a, n in enumerate(input_shape) if a > 0 and a not in shared}
        self.input_spec = InputSpec(ndim=len(input_shape), axes=axes)

    def call(self, inputs: TensorLike) -> Any:
        return ops.subtract(
            ops.relu(inputs), ops.multiply(self.alpha, ops.relu(ops.negative(inputs)))
        )


class Softmax(Layer):
    """exp(x) / sum(exp(x)) along an axis; where `mask` is False the result is (about) zero.

    Args:
        axis: an int or several ints.

    Examples:
        >>> layer = unidl.layers.Softmax()
        >>> layer(np.array([[0.0, 0.0, 1.0]]))
        array([[0.2119, 0.2119, 0.5761]], dtype=float32)
        >>> layer(np.array([[0.0, 0.0, 1.0]]), mask=np.array([[True, True, False]]))
        array([[0.5, 0.5, 0. ]], dtype=float32)
    """

    def __init__(self, axis: int = -1, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        self.axis = axis
        self.supports_masking = True

    def call(self, inputs: TensorLike, mask: TensorLike | None = None) -> Any:
        axis = self.axis if isinstance(self.axis, int) else tuple(self.axis)
        if mask is not None:
            shape = tuple(ops.shape(inputs))
            advice = (
                f"layer(x, mask=mask) with a mask of shape {shape}, with size 1 along the axes "
                "that share it."
            )
            require_broadcast(tuple(ops.shape(mask)), shape, self._who(), "the input", advice)
        y = masked_softmax(inputs, mask, axis)
        if axis == -1 and mask is None:
            note_logits(y, inputs, "softmax")
        return y


def masked_softmax(x: TensorLike, mask: TensorLike, axis: Axis) -> Any:
    """Softmax over the elements where `mask`, broadcast against `x`, is True; the others get 0.
    None masks nothing."""
    if mask is None:
        return ops.softmax(x, axis=axis)
    if ops.dtype(mask) != "bool":
        mask = ops.greater(mask, 0.5)
    # A large number and not infinity, so that a slice without any True is not NaN.
    large = 3e4 if ops.dtype(x) == "float16" else 1e9
    y = ops.softmax(ops.where(mask, x, ops.full_like(x, -large)), axis=axis)
    return ops.where(mask, y, ops.zeros_like(y))


def require_broadcast(mask: TensorLike, shape: Shape, who: str, what: Any, advice: Any) -> None:
    """ValueError in the name of the layer `who` unless the shape `mask` broadcasts to `shape`, that
    of `what`; None is any size."""
    sizes = zip(reversed(mask), reversed(shape), strict=False)
    if len(mask) > len(shape) or any(m not in (n, 1, None) and n is not None for m, n in sizes):
        raise ValueError(
            f"{who}: expected a mask that broadcasts to the shape {shape} of {what} (axes counted "
            f"from the last must have the same size or size 1), got a mask of shape {mask}. Write: "
            f"{advice}"
        )

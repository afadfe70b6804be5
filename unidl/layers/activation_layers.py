"""Activations as layers."""

from unidl import activations, ops
from unidl.layers.activate import activate, note_logits
from unidl.layers.layer import Layer


class Activation(Layer):
    """Any activation, by name or function.

    Args:
        activation: e.g. "relu", or a function of one tensor.
    """

    def __init__(self, activation, **kwargs):
        super().__init__(**kwargs)
        self.activation = activations.get(activation)
        self.supports_masking = True

    def call(self, inputs):
        return activate(self.activation, inputs)


class ReLU(Layer):
    """max(x, 0), in general form: `max_value` caps, `negative_slope` slopes below `threshold`.

    Args:
        max_value: upper bound, none by default.
        negative_slope: slope below the threshold.
        threshold: below which the slope holds.
    """

    def __init__(self, max_value=None, negative_slope=0.0, threshold=0.0, **kwargs):
        super().__init__(**kwargs)
        for name, value in (("max_value", max_value), ("negative_slope", negative_slope), ("threshold", threshold)):
            if (value is None and name != "max_value") or (value is not None and value < 0):
                raise ValueError(f"ReLU: {name} must not be negative, got {value!r}.")
        self.max_value, self.negative_slope, self.threshold = max_value, negative_slope, threshold
        self.supports_masking = True

    def call(self, inputs):
        return activations.relu(inputs, negative_slope=self.negative_slope, max_value=self.max_value, threshold=self.threshold)


class Softmax(Layer):
    """exp(x) / sum(exp(x)) along an axis; where `mask` is False the result is (about) zero.

    Args:
        axis: an int or several.
    """

    def __init__(self, axis=-1, **kwargs):
        super().__init__(**kwargs)
        self.axis = axis
        self.supports_masking = True

    def call(self, inputs, mask=None):
        axis = self.axis if isinstance(self.axis, int) else tuple(self.axis)
        y = masked_softmax(inputs, mask, axis)
        if axis == -1 and mask is None:
            note_logits(y, inputs, "softmax")
        return y


def masked_softmax(x, mask, axis):
    """Softmax over the elements where `mask`, broadcast against `x`, is True; the others get 0. None masks nothing."""
    if mask is None:
        return ops.softmax(x, axis=axis)
    if len(ops.shape(mask)) > len(ops.shape(x)):
        raise ValueError(
            f"Softmax: the mask of shape {tuple(ops.shape(mask))} has more axes than the input of shape {tuple(ops.shape(x))}."
        )
    if ops.dtype(mask) != "bool":
        mask = ops.greater(mask, 0.5)
    # A large number and not infinity, so that a slice without any True is not NaN.
    large = 3e4 if ops.dtype(x) == "float16" else 1e9
    y = ops.softmax(ops.where(mask, x, ops.full_like(x, -large)), axis=axis)
    return ops.where(mask, y, ops.zeros_like(y))

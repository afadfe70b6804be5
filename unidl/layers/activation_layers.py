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
        if mask is not None:
            # Keras' rule: a large negative number is added, so that a row without any True becomes a plain softmax.
            large = -3e4 if self.compute_dtype == "float16" else -1e9
            inputs = ops.add(inputs, ops.multiply(ops.subtract(1.0, ops.cast(mask, self.compute_dtype)), large))
        y = ops.softmax(inputs, axis=self.axis)
        if self.axis == -1:
            note_logits(y, inputs, "softmax")
        return y

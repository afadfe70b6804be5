"""Pooling over windows and over everything."""

from unidl import ops
from unidl.layers.input_spec import InputSpec
from unidl.layers.layer import Layer
from unidl.layers.validate import data_format as check_data_format
from unidl.layers.validate import int_tuple, one_of


class BasePooling(Layer):
    """Reduction over windows of `rank` spatial axes."""

    _config_omits = frozenset({"rank"})

    def __init__(self, rank, pool_size, strides=None, padding="valid", data_format=None, **kwargs):
        super().__init__(**kwargs)
        self._rank = rank
        self.pool_size = int_tuple(self, "pool_size", pool_size, rank)
        self.strides = self.pool_size if strides is None else int_tuple(self, "strides", strides, rank)
        self.padding = one_of(self, "padding", str(padding).lower(), ("valid", "same"))
        self.data_format = check_data_format(self, data_format)
        self.input_spec = InputSpec(ndim=rank + 2)


class MaxPooling2D(BasePooling):
    """Maximum over windows: (n, h, w, c) -> (n, h', w', c); of equal elements the first gets the gradient.

    Args:
        pool_size: an int or two.
        strides: an int or two, `pool_size` by default.
        padding: "valid" or "same" (padding never wins).
        data_format: "channels_last" or "channels_first".
    """

    def __init__(self, pool_size=(2, 2), strides=None, padding="valid", data_format=None, name=None, **kwargs):
        super().__init__(2, pool_size, strides, padding, data_format, name=name, **kwargs)

    def call(self, inputs):
        return ops.max_pool(inputs, self.pool_size, self.strides, self.padding, self.data_format)


class AveragePooling2D(BasePooling):
    """Mean over windows, padding not counted. Arguments as in `MaxPooling2D`."""

    def __init__(self, pool_size=(2, 2), strides=None, padding="valid", data_format=None, name=None, **kwargs):
        super().__init__(2, pool_size, strides, padding, data_format, name=name, **kwargs)

    def call(self, inputs):
        return ops.average_pool(inputs, self.pool_size, self.strides, self.padding, self.data_format)


class GlobalAveragePooling1D(Layer):
    """Mean over time: (n, t, c) -> (n, c); masked steps do not count.

    Args:
        data_format: "channels_last" (n, t, c) or "channels_first" (n, c, t).
        keepdims: keep the time axis with size 1.
    """

    def __init__(self, data_format=None, keepdims=False, **kwargs):
        super().__init__(**kwargs)
        self.data_format = check_data_format(self, data_format)
        self.keepdims = keepdims
        self.input_spec = InputSpec(ndim=3)
        self.supports_masking = True

    def call(self, inputs, mask=None):
        axis = 1 if self.data_format == "channels_last" else 2
        if mask is None:
            return ops.mean(inputs, axis=axis, keepdims=self.keepdims)
        weights = ops.expand_dims(ops.cast(mask, self.compute_dtype), 3 - axis)
        total = ops.sum(ops.multiply(inputs, weights), axis=axis, keepdims=self.keepdims)
        return ops.divide(total, ops.sum(weights, axis=axis, keepdims=self.keepdims))

    def compute_mask(self, inputs, previous_mask):
        return None


class GlobalAveragePooling2D(Layer):
    """Mean over both spatial axes: (n, h, w, c) -> (n, c). Arguments as in `GlobalAveragePooling1D`."""

    def __init__(self, data_format=None, keepdims=False, **kwargs):
        super().__init__(**kwargs)
        self.data_format = check_data_format(self, data_format)
        self.keepdims = keepdims
        self.input_spec = InputSpec(ndim=4)

    def call(self, inputs):
        return ops.mean(inputs, axis=(1, 2) if self.data_format == "channels_last" else (2, 3), keepdims=self.keepdims)

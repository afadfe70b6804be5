"""Convolutions. One base; a layer of each rank."""

from unidl import activations, constraints, initializers, ops, regularizers
from unidl.layers.activate import activate
from unidl.layers.input_spec import InputSpec
from unidl.layers.layer import Layer
from unidl.layers.validate import data_format as check_data_format
from unidl.layers.validate import int_tuple, one_of, positive_int


class BaseConv(Layer):
    """Cross-correlation over `rank` spatial axes; see `Conv2D` for the arguments."""

    _config_omits = frozenset({"rank"})
    _lists_activity_regularizer = True

    def __init__(
        self,
        rank,
        filters,
        kernel_size,
        strides=1,
        padding="valid",
        data_format=None,
        dilation_rate=1,
        groups=1,
        activation=None,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        **kwargs,
    ):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self._rank = rank
        self.filters = positive_int(self, "filters", filters)
        self.kernel_size = int_tuple(self, "kernel_size", kernel_size, rank)
        self.strides = int_tuple(self, "strides", strides, rank)
        self.padding = one_of(self, "padding", str(padding).lower(), ("valid", "same"))
        self.data_format = check_data_format(self, data_format)
        self.dilation_rate = int_tuple(self, "dilation_rate", dilation_rate, rank)
        self.groups = positive_int(self, "groups", groups)
        if self.filters % self.groups:
            raise ValueError(f"{type(self).__name__}: filters must be a multiple of groups, got filters={filters}, groups={groups}.")
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                f"{type(self).__name__}: strides > 1 together with dilation_rate > 1 is not defined; got {strides} and {dilation_rate}."
            )
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer, self.bias_initializer = initializers.get(kernel_initializer), initializers.get(bias_initializer)
        self.kernel_regularizer, self.bias_regularizer = regularizers.get(kernel_regularizer), regularizers.get(bias_regularizer)
        self.kernel_constraint, self.bias_constraint = constraints.get(kernel_constraint), constraints.get(bias_constraint)
        self.input_spec = InputSpec(ndim=rank + 2)

    def build(self, input_shape):
        axis = -1 if self.data_format == "channels_last" else 1
        channels = input_shape[axis]
        if channels is not None and channels % self.groups:
            raise ValueError(f"{self._who()}: the {channels} input channels cannot be divided into {self.groups} groups.")
        inner = None if channels is None else channels // self.groups
        self.kernel = self.add_own_weight("kernel", (*self.kernel_size, inner, self.filters))
        self.bias = self.add_own_weight("bias", (self.filters,)) if self.use_bias else None
        self.input_spec = InputSpec(ndim=self._rank + 2, axes={axis: channels})

    def call(self, inputs):
        x = ops.conv(inputs, self.kernel, self.strides, self.padding, self.data_format, self.dilation_rate)
        if self.bias is not None:
            along = (1, self.filters) + (1,) * self._rank if self.data_format == "channels_first" else (self.filters,)
            x = ops.add(x, ops.reshape(self.bias, along) if len(along) > 1 else self.bias)
        return activate(self.activation, x)


class Conv2D(BaseConv):
    """2D convolution: (n, h, w, c) -> (n, h', w', filters).

    Args:
        filters: number of output channels.
        kernel_size, strides, dilation_rate: an int or two; strides > 1 and dilation_rate > 1 exclude each other.
        padding: "valid", or "same": ceil(size / stride) outputs, the odd padding pixel at the bottom and right.
        data_format: "channels_last" or "channels_first".
        groups: input and output channels are divided into so many independent groups.
        activation, use_bias, *_initializer, *_regularizer, *_constraint: as in `Dense`.

    Weights: kernel (kh, kw, c / groups, filters) in both data formats, bias (filters,).
    """

    def __init__(self, filters, kernel_size, strides=(1, 1), padding="valid", data_format=None, dilation_rate=(1, 1), groups=1, **kwargs):
        super().__init__(2, filters, kernel_size, strides, padding, data_format, dilation_rate, groups, **kwargs)

"""Convolutions. One base for all layers that move a window of weights; a layer of each rank."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unidl import activations, constraints, initializers, ops, regularizers
from unidl.layers.base.activate import activate
from unidl.layers.base.input_spec import InputSpec
from unidl.layers.base.layer import Layer
from unidl.layers.base.options import PlainLayerOptions
from unidl.layers.base.validate import data_format as check_data_format
from unidl.layers.base.validate import int_tuple, one_of, positive_int
from unidl.typing import (
    ActivationLike,
    ConstraintLike,
    InitializerLike,
    RegularizerLike,
    Sizes,
    TensorLike,
)

if TYPE_CHECKING:
    from typing_extensions import Unpack

_GETTERS = {
    "initializer": initializers.get,
    "regularizer": regularizers.get,
    "constraint": constraints.get,
}


class WindowOfWeights(Layer):
    """What convolutions have in common: windows over `_rank` spatial axes, a bias for each output
    channel, an activation."""

    _rank = 0
    _paddings: tuple[str, ...] = ("valid", "same")
    _lists_activity_regularizer = True

    def _take_window(
        self, kernel_size: Any, strides: Any, padding: Any, data_format: Any, dilation_rate: Any
    ) -> None:
        self.kernel_size = int_tuple(self, "kernel_size", kernel_size, self._rank)
        self.strides = int_tuple(self, "strides", strides, self._rank)
        self.padding = one_of(self, "padding", str(padding).lower(), self._paddings)
        self.data_format = check_data_format(self, data_format)
        self.dilation_rate = int_tuple(self, "dilation_rate", dilation_rate, self._rank)
        self.input_spec = InputSpec(ndim=self._rank + 2)

    def _refuse_stride_with_dilation(self) -> None:
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                f"{type(self).__name__}: strides > 1 cannot be combined with dilation_rate > 1; "
                f"got {self.strides} and {self.dilation_rate}."
            )

    def _take_parameters(self, activation: Any, use_bias: Any, **of_weights: Any) -> None:
        """Keep the activation and, by name, the initializers, regularizers and constraints of the
        weights."""
        self.activation, self.use_bias = activations.get(activation), use_bias
        for name, value in of_weights.items():
            setattr(self, name, _GETTERS[name.rpartition("_")[2]](value))

    def _input_channels(self, input_shape: Any) -> Any:
        """Size of the channels' axis, from now on required of inputs."""
        axis = -1 if self.data_format == "channels_last" else 1
        if input_shape[axis] == 0:
            raise ValueError(
                f"{self._who()}: the inputs have no channels, their shape is {tuple(input_shape)}. "
                "Give at least one: for images without channels write x[..., None]."
            )
        self.input_spec = InputSpec(ndim=self._rank + 2, axes={axis: input_shape[axis]})
        return input_shape[axis]

    def _make_bias(self, channels: Any) -> None:
        self.bias = self.add_own_weight("bias", (channels,)) if self.use_bias else None

    def _finish(self, x: TensorLike) -> Any:
        """Add the bias, apply the activation."""
        if self.bias is not None:
            first = self.data_format == "channels_first"
            x = ops.add(
                x, ops.reshape(self.bias, (1, -1) + (1,) * self._rank) if first else self.bias
            )
        return activate(self, x)


class BaseConv(WindowOfWeights):
    """Cross-correlation; see `Conv2D` for the arguments."""

    def __init__(
        self,
        filters: int,
        kernel_size: Sizes,
        strides: Sizes = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Sizes = 1,
        groups: int = 1,
        activation: ActivationLike | None = None,
        use_bias: bool = True,
        kernel_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: RegularizerLike | None = None,
        bias_regularizer: RegularizerLike | None = None,
        activity_regularizer: RegularizerLike | None = None,
        kernel_constraint: ConstraintLike | None = None,
        bias_constraint: ConstraintLike | None = None,
        **kwargs: Unpack[PlainLayerOptions],
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self._take_window(kernel_size, strides, padding, data_format, dilation_rate)
        self._refuse_stride_with_dilation()
        self.filters = positive_int(self, "filters", filters)
        self.groups = positive_int(self, "groups", groups)
        if self.filters % self.groups:
            raise ValueError(
                f"{type(self).__name__}: filters must be a multiple of groups, got "
                f"filters={filters}, groups={groups}."
            )
        self._take_parameters(
            activation, use_bias, kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer, kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer, kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
        )  # fmt: skip

    def build(self, input_shape: Any) -> None:
        channels = self._input_channels(input_shape)
        if channels is not None and channels % self.groups:
            raise ValueError(
                f"{self._who()}: the {channels} input channels cannot be divided into "
                f"{self.groups} groups."
            )
        inner = None if channels is None else channels // self.groups
        self.kernel = self.add_own_weight(
            "kernel", (*self.kernel_size, inner, self.filters), kernel_of="conv"
        )
        self._make_bias(self.filters)

    def call(self, inputs: TensorLike) -> Any:
        return self._convolve(inputs, self.padding)

    def _convolve(self, inputs: TensorLike, padding: str) -> Any:
        options = (self.strides, padding, self.data_format, self.dilation_rate)
        return self._finish(ops.conv(inputs, self.kernel, *options))


class Conv1D(BaseConv):
    """1D convolution: (n, t, c) -> (n, t', filters).

    Args:
        filters: number of output channels.
        kernel_size, strides, dilation_rate: an int; strides > 1 cannot be combined with
            dilation_rate > 1.
        padding: "valid", "same": ceil(size / stride) outputs, or "causal": `dilation_rate *
            (kernel_size - 1)` zeros before the first step, none after the last, so that no output
            depends on a later input.
        data_format: "channels_last" or "channels_first".
        groups: number of independent groups into which input and output channels are divided.
        activation: of the outputs: a name or function, none by default.
        use_bias: whether to add a bias.
        kernel_initializer, bias_initializer: initializers of the weights: names, configs or
            objects.
        kernel_regularizer, bias_regularizer: penalties on the weights, added to the loss.
        activity_regularizer: penalty on the outputs, added to the loss.
        kernel_constraint, bias_constraint: constraints on the weights, applied after each update.

    Weights: kernel (k, c / groups, filters), bias (filters,).

    Examples:
        >>> x = np.ones((1, 10, 2))
        >>> unidl.layers.Conv1D(4, kernel_size=3)(x).shape
        (1, 8, 4)
        >>> unidl.layers.Conv1D(4, kernel_size=3, padding="causal")(x).shape  # sees no later step
        (1, 10, 4)
    """

    _rank = 1
    _paddings = ("valid", "same", "causal")

    def call(self, inputs: TensorLike) -> Any:
        if self.padding != "causal":
            return super().call(inputs)
        if ops.shape(inputs)[1 if self.data_format == "channels_last" else 2] == 0:
            return self._convolve(inputs, "same")  # an output for each step: none
        before = (self.dilation_rate[0] * (self.kernel_size[0] - 1), 0)
        inputs = ops.pad(
            inputs,
            ((0, 0), before, (0, 0))
            if self.data_format == "channels_last"
            else ((0, 0), (0, 0), before),
        )
        return self._convolve(inputs, "valid")


class Conv2D(BaseConv):
    """2D convolution: (n, h, w, c) -> (n, h', w', filters).

    Args:
        filters: number of output channels.
        kernel_size, strides, dilation_rate: an int or two; strides > 1 cannot be combined with
            dilation_rate > 1.
        padding: "valid", or "same": ceil(size / stride) outputs, the odd padding pixel at the
            bottom and right.
        data_format: "channels_last" or "channels_first".
        groups: number of independent groups into which input and output channels are divided.
        activation: of the outputs: a name or function, none by default.
        use_bias: whether to add a bias.
        kernel_initializer, bias_initializer: initializers of the weights: names, configs or
            objects.
        kernel_regularizer, bias_regularizer: penalties on the weights, added to the loss.
        activity_regularizer: penalty on the outputs, added to the loss.
        kernel_constraint, bias_constraint: constraints on the weights, applied after each update.

    Weights: kernel (kh, kw, c / groups, filters) in both data formats, bias (filters,).

    Examples:
        >>> x = np.ones((1, 28, 28, 3))
        >>> layer = unidl.layers.Conv2D(8, kernel_size=3)
        >>> layer(x).shape
        (1, 26, 26, 8)
        >>> layer.kernel.shape
        (3, 3, 3, 8)
        >>> unidl.layers.Conv2D(8, 3, strides=2, padding="same")(x).shape
        (1, 14, 14, 8)
    """

    _rank = 2


class Conv3D(BaseConv):
    """3D convolution: (n, d, h, w, c) -> (n, d', h', w', filters).

    Args:
        filters: number of output channels.
        kernel_size, strides, dilation_rate: an int or three; strides > 1 cannot be combined with
            dilation_rate > 1.
        padding: "valid", or "same": ceil(size / stride) outputs.
        data_format: "channels_last" or "channels_first".
        groups: number of independent groups into which input and output channels are divided.
        activation: of the outputs: a name or function, none by default.
        use_bias: whether to add a bias.
        kernel_initializer, bias_initializer: initializers of the weights: names, configs or
            objects.
        kernel_regularizer, bias_regularizer: penalties on the weights, added to the loss.
        activity_regularizer: penalty on the outputs, added to the loss.
        kernel_constraint, bias_constraint: constraints on the weights, applied after each update.

    Weights: kernel (kd, kh, kw, c / groups, filters), bias (filters,).

    Examples:
        >>> unidl.layers.Conv3D(4, kernel_size=(1, 2, 3))(np.ones((1, 6, 6, 6, 2))).shape
        (1, 6, 5, 4, 4)
    """

    _rank = 3

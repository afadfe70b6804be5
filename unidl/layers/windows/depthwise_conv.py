"""Depthwise and separable convolutions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unidl import ops
from unidl.layers.base.options import PlainLayerOptions
from unidl.layers.base.validate import positive_int
from unidl.layers.windows.convolution import WindowOfWeights
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


class BaseDepthwiseConv(WindowOfWeights):
    """Each channel convolved by itself; see `DepthwiseConv2D` for the arguments."""

    def __init__(
        self,
        kernel_size: Sizes,
        strides: Sizes = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: Sizes = 1,
        activation: ActivationLike | None = None,
        use_bias: bool = True,
        depthwise_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        depthwise_regularizer: RegularizerLike | None = None,
        bias_regularizer: RegularizerLike | None = None,
        activity_regularizer: RegularizerLike | None = None,
        depthwise_constraint: ConstraintLike | None = None,
        bias_constraint: ConstraintLike | None = None,
        **kwargs: Unpack[PlainLayerOptions],
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self._take_window(kernel_size, strides, padding, data_format, dilation_rate)
        self.depth_multiplier = positive_int(self, "depth_multiplier", depth_multiplier)
        self._take_parameters(
            activation, use_bias, depthwise_initializer=depthwise_initializer,
            bias_initializer=bias_initializer, depthwise_regularizer=depthwise_regularizer,
            bias_regularizer=bias_regularizer, depthwise_constraint=depthwise_constraint,
            bias_constraint=bias_constraint,
        )  # fmt: skip

    def build(self, input_shape: Any) -> None:
        channels = self._input_channels(input_shape)
        shape = (*self.kernel_size, channels, self.depth_multiplier)
        self.kernel = self.add_own_weight(
            "kernel", shape, prefix="depthwise", kernel_of="depthwise_conv"
        )
        self._make_bias(channels * self.depth_multiplier)

    def call(self, inputs: TensorLike) -> Any:
        options = self.strides, self.padding, self.data_format, self.dilation_rate
        return self._finish(ops.depthwise_conv(inputs, self.kernel, *options))


class DepthwiseConv1D(BaseDepthwiseConv):
    """1D depthwise convolution: (n, t, c) -> (n, t', c * depth_multiplier).

    Args:
        kernel_size, strides, dilation_rate: an int; strides > 1 cannot be combined with
            dilation_rate > 1.
        padding: "valid", or "same": ceil(size / stride) outputs.
        depth_multiplier: number of filters for each channel.
        data_format: "channels_last" or "channels_first".
        activation: of the outputs: a name or function, none by default.
        use_bias: whether to add a bias.
        depthwise_initializer, bias_initializer: initializers of the weights: names, configs or
            objects.
        depthwise_regularizer, bias_regularizer: penalties on the weights, added to the loss.
        activity_regularizer: penalty on the outputs, added to the loss.
        depthwise_constraint, bias_constraint: constraints on the weights, applied after each
            update.

    Examples:
        >>> unidl.layers.DepthwiseConv1D(3, depth_multiplier=2)(np.ones((1, 10, 4))).shape
        (1, 8, 8)
    """

    _rank = 1


class DepthwiseConv2D(BaseDepthwiseConv):
    """2D convolution of each channel with its own filters: (n, h, w, c) -> (n, h', w', c *
    depth_multiplier).

    Args:
        kernel_size, strides, dilation_rate: an int or two; strides > 1 cannot be combined with
            dilation_rate > 1.
        padding: "valid", or "same": ceil(size / stride) outputs.
        depth_multiplier: number of filters for each channel.
        data_format: "channels_last" or "channels_first".
        activation: of the outputs: a name or function, none by default.
        use_bias: whether to add a bias.
        depthwise_initializer, bias_initializer: initializers of the weights: names, configs or
            objects.
        depthwise_regularizer, bias_regularizer: penalties on the weights, added to the loss.
        activity_regularizer: penalty on the outputs, added to the loss.
        depthwise_constraint, bias_constraint: constraints on the weights, applied after each
            update.

    Weights: kernel (kh, kw, c, depth_multiplier), bias (c * depth_multiplier,).

    Examples:
        >>> layer = unidl.layers.DepthwiseConv2D(3, depth_multiplier=2)
        >>> layer(np.ones((1, 8, 8, 4))).shape  # 2 outputs for each of the 4 channels
        (1, 6, 6, 8)
        >>> layer.kernel.shape
        (3, 3, 4, 2)
    """

    _rank = 2


class BaseSeparableConv(WindowOfWeights):
    """A depthwise convolution, then one with a window of 1; see `SeparableConv2D` for the
    arguments."""

    def __init__(
        self,
        filters: int,
        kernel_size: Sizes,
        strides: Sizes = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Sizes = 1,
        depth_multiplier: int = 1,
        activation: ActivationLike | None = None,
        use_bias: bool = True,
        depthwise_initializer: InitializerLike = "glorot_uniform",
        pointwise_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        depthwise_regularizer: RegularizerLike | None = None,
        pointwise_regularizer: RegularizerLike | None = None,
        bias_regularizer: RegularizerLike | None = None,
        activity_regularizer: RegularizerLike | None = None,
        depthwise_constraint: ConstraintLike | None = None,
        pointwise_constraint: ConstraintLike | None = None,
        bias_constraint: ConstraintLike | None = None,
        **kwargs: Unpack[PlainLayerOptions],
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self._take_window(kernel_size, strides, padding, data_format, dilation_rate)
        self.filters = positive_int(self, "filters", filters)
        self.depth_multiplier = positive_int(self, "depth_multiplier", depth_multiplier)
        self._take_parameters(
            activation, use_bias, depthwise_initializer=depthwise_initializer,
            pointwise_initializer=pointwise_initializer, bias_initializer=bias_initializer,
            depthwise_regularizer=depthwise_regularizer,
            pointwise_regularizer=pointwise_regularizer, bias_regularizer=bias_regularizer,
            depthwise_constraint=depthwise_constraint, pointwise_constraint=pointwise_constraint,
            bias_constraint=bias_constraint,
        )  # fmt: skip

    def build(self, input_shape: Any) -> None:
        channels, m = self._input_channels(input_shape), self.depth_multiplier
        self.depthwise_kernel = self.add_own_weight(
            "depthwise_kernel",
            (*self.kernel_size, channels, m),
            prefix="depthwise",
            kernel_of="depthwise_conv",
        )
        self.pointwise_kernel = self.add_own_weight(
            "pointwise_kernel",
            (1,) * self._rank + (channels * m, self.filters),
            prefix="pointwise",
            kernel_of="conv",
        )
        self._make_bias(self.filters)

    def call(self, inputs: TensorLike) -> Any:
        options = self.strides, self.padding, self.data_format, self.dilation_rate
        return self._finish(
            ops.separable_conv(inputs, self.depthwise_kernel, self.pointwise_kernel, *options)
        )


class SeparableConv1D(BaseSeparableConv):
    """1D separable convolution: (n, t, c) -> (n, t', filters).

    Args:
        filters: number of output channels.
        kernel_size, strides, dilation_rate: an int; strides > 1 cannot be combined with
            dilation_rate > 1.
        padding: "valid", or "same": ceil(size / stride) outputs.
        data_format: "channels_last" or "channels_first".
        depth_multiplier: number of filters for each input channel.
        activation: of the outputs: a name or function, none by default.
        use_bias: whether to add a bias.
        depthwise_initializer, pointwise_initializer, bias_initializer: initializers of the weights:
            names, configs or objects.
        depthwise_regularizer, pointwise_regularizer, bias_regularizer: penalties on the weights,
            added to the loss.
        activity_regularizer: penalty on the outputs, added to the loss.
        depthwise_constraint, pointwise_constraint, bias_constraint: constraints on the weights,
            applied after each update.

    Examples:
        >>> unidl.layers.SeparableConv1D(6, 3)(np.ones((1, 10, 4))).shape
        (1, 8, 6)
    """

    _rank = 1


class SeparableConv2D(BaseSeparableConv):
    """2D depthwise convolution, then a mix of its channels: (n, h, w, c) -> (n, h', w', filters)
    (Chollet, arXiv:1610.02357).

    Args:
        filters: number of output channels.
        kernel_size, strides, dilation_rate: an int or two; strides > 1 cannot be combined with
            dilation_rate > 1.
        padding: "valid", or "same": ceil(size / stride) outputs.
        data_format: "channels_last" or "channels_first".
        depth_multiplier: number of filters for each input channel.
        activation: of the outputs: a name or function, none by default.
        use_bias: whether to add a bias.
        depthwise_initializer, pointwise_initializer, bias_initializer: initializers of the weights:
            names, configs or objects.
        depthwise_regularizer, pointwise_regularizer, bias_regularizer: penalties on the weights,
            added to the loss.
        activity_regularizer: penalty on the outputs, added to the loss.
        depthwise_constraint, pointwise_constraint, bias_constraint: constraints on the weights,
            applied after each update.

    Weights: depthwise_kernel (kh, kw, c, depth_multiplier), pointwise_kernel (1, 1, c *
    depth_multiplier, filters), bias (filters,).

    Examples:
        >>> layer = unidl.layers.SeparableConv2D(6, 3)
        >>> layer(np.ones((1, 8, 8, 4))).shape
        (1, 6, 6, 6)
        >>> layer.count_params()  # 222 in a Conv2D
        66
    """

    _rank = 2

"""Transposed convolutions, a layer of each rank."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unidl import ops
from unidl.layers.base.options import PlainLayerOptions
from unidl.layers.base.validate import int_tuple, positive_int
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


class BaseConvTranspose(WindowOfWeights):
    """The adjoint of a convolution; see `Conv2DTranspose` for the arguments."""

    def __init__(
        self,
        filters: int,
        kernel_size: Sizes,
        strides: Sizes = 1,
        padding: str = "valid",
        output_padding: Sizes | None = None,
        data_format: str | None = None,
        dilation_rate: Sizes = 1,
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
        self.output_padding = None
        if output_padding is not None:
            self.output_padding = int_tuple(
                self, "output_padding", output_padding, self._rank, allow_zero=True
            )
            if any(p >= s for p, s in zip(self.output_padding, self.strides, strict=True)):
                raise ValueError(
                    f"{type(self).__name__}: output_padding must be less than strides on each "
                    "axis, "
                    f"got output_padding={self.output_padding}, strides={self.strides}."
                )
        self._take_parameters(
            activation, use_bias, kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer, kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer, kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
        )  # fmt: skip

    def build(self, input_shape: Any) -> None:
        shape = (*self.kernel_size, self.filters, self._input_channels(input_shape))
        self.kernel = self.add_own_weight("kernel", shape, kernel_of="conv_transpose")
        self._make_bias(self.filters)

    def call(self, inputs: TensorLike) -> Any:
        options = (
            self.strides,
            self.padding,
            self.output_padding,
            self.data_format,
            self.dilation_rate,
        )
        return self._finish(ops.conv_transpose(inputs, self.kernel, *options))


class Conv1DTranspose(BaseConvTranspose):
    """1D transposed convolution: (n, t, c) -> (n, t', filters).

    Args:
        filters: number of output channels.
        kernel_size, strides, dilation_rate: an int; strides > 1 cannot be combined with
            dilation_rate > 1.
        padding: "valid" or "same", of the convolution that this layer reverses.
        output_padding: less than `strides`, on each axis; None chooses the shape by `padding`
            alone.
        data_format: "channels_last" or "channels_first".
        activation: of the outputs: a name or function, none by default.
        use_bias: whether to add a bias.
        kernel_initializer, bias_initializer: initializers of the weights: names, configs or
            objects.
        kernel_regularizer, bias_regularizer: penalties on the weights, added to the loss.
        activity_regularizer: penalty on the outputs, added to the loss.
        kernel_constraint, bias_constraint: constraints on the weights, applied after each update.

    Examples:
        >>> x = np.ones((1, 5, 2))
        >>> unidl.layers.Conv1DTranspose(4, 3, strides=2)(x).shape
        (1, 11, 4)
        >>> unidl.layers.Conv1DTranspose(4, 3, strides=2, padding="same")(x).shape
        (1, 10, 4)
    """

    _rank = 1


class Conv2DTranspose(BaseConvTranspose):
    """2D transposed convolution, with the shapes of `Conv2D` reversed: (n, h, w, c) -> (n, h', w',
    filters).

    With k = (kernel_size - 1) * dilation_rate + 1, h' is (h - 1) * strides + max(k, strides) for
    padding "valid" and h * strides for "same"; with `output_padding` p, (h - 1) * strides + k + p
    and (h - 1) * strides + k % 2 + p.

    Args:
        filters: number of output channels.
        kernel_size, strides, dilation_rate: an int or two; strides > 1 cannot be combined with
            dilation_rate > 1.
        padding: "valid" or "same", of the convolution that this layer reverses.
        output_padding: less than `strides`, on each axis; None chooses the shape by `padding`
            alone.
        data_format: "channels_last" or "channels_first".
        activation: of the outputs: a name or function, none by default.
        use_bias: whether to add a bias.
        kernel_initializer, bias_initializer: initializers of the weights: names, configs or
            objects.
        kernel_regularizer, bias_regularizer: penalties on the weights, added to the loss.
        activity_regularizer: penalty on the outputs, added to the loss.
        kernel_constraint, bias_constraint: constraints on the weights, applied after each update.

    Weights: kernel (kh, kw, filters, c), bias (filters,).

    Examples:
        >>> image = np.ones((1, 16, 16, 8))
        >>> small = unidl.layers.Conv2D(8, 3, strides=2, padding="same")(image)
        >>> small.shape
        (1, 8, 8, 8)
        >>> unidl.layers.Conv2DTranspose(8, 3, strides=2, padding="same")(small).shape
        (1, 16, 16, 8)
    """

    _rank = 2


class Conv3DTranspose(BaseConvTranspose):
    """3D transposed convolution: (n, d, h, w, c) -> (n, d', h', w', filters).

    Args:
        filters: number of output channels.
        kernel_size, strides, dilation_rate: an int or three; strides > 1 cannot be combined with
            dilation_rate > 1.
        padding: "valid" or "same", of the convolution that this layer reverses.
        output_padding: less than `strides`, on each axis; None chooses the shape by `padding`
            alone.
        data_format: "channels_last" or "channels_first".
        activation: of the outputs: a name or function, none by default.
        use_bias: whether to add a bias.
        kernel_initializer, bias_initializer: initializers of the weights: names, configs or
            objects.
        kernel_regularizer, bias_regularizer: penalties on the weights, added to the loss.
        activity_regularizer: penalty on the outputs, added to the loss.
        kernel_constraint, bias_constraint: constraints on the weights, applied after each update.

    Examples:
        >>> unidl.layers.Conv3DTranspose(2, 2, strides=2)(np.ones((1, 3, 4, 5, 1))).shape
        (1, 6, 8, 10, 2)
    """

    _rank = 3

    def __init__(
        self,
        filters: int,
        kernel_size: Sizes,
        strides: Sizes = 1,
        padding: str = "valid",
        data_format: str | None = None,
        output_padding: Sizes | None = None,
        dilation_rate: Sizes = 1,
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
        super().__init__(
            filters, kernel_size, strides, padding, output_padding, data_format, dilation_rate,
            activation, use_bias, kernel_initializer, bias_initializer, kernel_regularizer,
            bias_regularizer, activity_regularizer, kernel_constraint, bias_constraint, **kwargs,
        )  # fmt: skip

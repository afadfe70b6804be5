"""Convolutional LSTM and its cell, for grids of any rank."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unidl import activations, constraints, initializers, ops, regularizers
from unidl.layers.base.input_spec import InputSpec
from unidl.layers.base.options import LayerOptions, PlainLayerOptions
from unidl.layers.base.validate import data_format as check_data_format
from unidl.layers.base.validate import int_tuple, one_of, positive_int
from unidl.layers.recurrent.kernel_rnn import expose_cell, make_cell
from unidl.layers.recurrent.lstm import forget_bias_of_ones
from unidl.layers.recurrent.recurrent_cell import RecurrentCell, dropped
from unidl.layers.recurrent.rnn import RNN
from unidl.typing import (
    ActivationLike,
    ConstraintLike,
    InitializerLike,
    RegularizerLike,
    SeedLike,
    Sizes,
    Tensor,
    TensorLike,
)

if TYPE_CHECKING:
    from typing_extensions import Unpack


class ConvLSTMCell(RecurrentCell):
    """One step of an LSTM in which convolutions replace the matrix products (Shi et al.,
    arXiv:1506.04214, without peepholes).

    The convolution of the inputs has the given padding and strides, that of the state padding
    "same" and strides 1.

    Args: those of `ConvLSTM2D`, and `rank`, the number of spatial axes.

    Weights: kernel (*kernel_size, c, 4 * filters), recurrent_kernel (*kernel_size, filters, 4 *
    filters), bias (4 * filters,), the gates in the order i, f, c, o. States: h and c, of the shape
    of the output.
    """

    masks_per_step = 4

    def __init__(
        self,
        rank: int,
        filters: int,
        kernel_size: Sizes,
        strides: Sizes = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Sizes = 1,
        activation: ActivationLike = "tanh",
        recurrent_activation: ActivationLike = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: InitializerLike = "glorot_uniform",
        recurrent_initializer: InitializerLike = "orthogonal",
        bias_initializer: InitializerLike = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: RegularizerLike | None = None,
        recurrent_regularizer: RegularizerLike | None = None,
        bias_regularizer: RegularizerLike | None = None,
        kernel_constraint: ConstraintLike | None = None,
        recurrent_constraint: ConstraintLike | None = None,
        bias_constraint: ConstraintLike | None = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: SeedLike | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(dropout, recurrent_dropout, seed, **kwargs)
        self.rank, self.filters = rank, positive_int(self, "filters", filters)
        self.kernel_size = int_tuple(self, "kernel_size", kernel_size, rank)
        self.strides, self.dilation_rate = (
            int_tuple(self, "strides", strides, rank),
            int_tuple(self, "dilation_rate", dilation_rate, rank),
        )
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                f"{type(self).__name__}: strides > 1 cannot be combined with dilation_rate > 1; "
                f"got {self.strides} and {self.dilation_rate}."
            )
        self.padding = one_of(self, "padding", str(padding).lower(), ("valid", "same"))
        self.data_format = check_data_format(self, data_format)
        self.activation, self.recurrent_activation = (
            activations.get(activation),
            activations.get(recurrent_activation),
        )
        self.use_bias, self.unit_forget_bias = use_bias, unit_forget_bias
        self.kernel_initializer, self.recurrent_initializer = (
            initializers.get(kernel_initializer),
            initializers.get(recurrent_initializer),
        )
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer, self.recurrent_regularizer = (
            regularizers.get(kernel_regularizer),
            regularizers.get(recurrent_regularizer),
        )
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint, self.recurrent_constraint = (
            constraints.get(kernel_constraint),
            constraints.get(recurrent_constraint),
        )
        self.bias_constraint = constraints.get(bias_constraint)
        self.state_size = [None, None]  # grids, whose shape depends on the input's
        self.output_size = self.filters

    def build(self, input_shape: Any) -> None:
        channels_at = -1 if self.data_format == "channels_last" else 1
        grid = input_shape[1:-1] if self.data_format == "channels_last" else input_shape[2:]
        if None in (*grid, input_shape[channels_at]):
            raise ValueError(
                f"{self._who()}: all axes after batch and time must have a known size, got "
                f"{input_shape} for one time step."
            )
        channels = input_shape[channels_at]
        self.kernel = self.add_own_weight(
            "kernel", (*self.kernel_size, channels, 4 * self.filters), kernel_of="conv"
        )
        self.recurrent_kernel = self.add_own_weight(
            "recurrent_kernel",
            (*self.kernel_size, self.filters, 4 * self.filters),
            prefix="recurrent",
            kernel_of="conv",
        )
        first = (
            forget_bias_of_ones(self.bias_initializer, self.filters)
            if self.unit_forget_bias
            else self.bias_initializer
        )
        self.bias = (
            self.add_own_weight("bias", (4 * self.filters,), initializer=first)
            if self.use_bias
            else None
        )
        windows = zip(grid, self.kernel_size, self.strides, self.dilation_rate, strict=True)
        out = tuple(
            -(-n // s) if self.padding == "same" else (n - (k - 1) * d - 1) // s + 1
            for n, k, s, d in windows
        )
        self._state_shape = (
            (*out, self.filters) if self.data_format == "channels_last" else (self.filters, *out)
        )

    def get_initial_state(self, batch_size: int | None = None) -> list[Tensor]:
        """Two grids of zeros."""
        return [
            ops.zeros((batch_size, *self._state_shape), dtype=self.compute_dtype) for _ in range(2)
        ]

    def project(self, inputs: TensorLike, masks: TensorLike) -> Any:
        """Convolution of the inputs with the kernel, plus bias, for all gates; of one moment or of
        a sequence (n, t, ...)."""
        if masks is None:
            z = self._convolved(inputs, self.kernel)
        else:
            kernels = ops.split(self.kernel, 4, axis=-1)
            z = [
                self._convolved(dropped(inputs, m), k) for m, k in zip(masks, kernels, strict=True)
            ]
            z = ops.concatenate(z, axis=self._channels)
        if self.bias is None:
            return z
        return ops.add(
            z,
            self.bias
            if self.data_format == "channels_last"
            else ops.reshape(self.bias, (-1,) + (1,) * self.rank),
        )

    def _convolved(self, x: TensorLike, kernel: TensorLike) -> Any:
        if len(ops.shape(x)) == self.rank + 2:
            return ops.conv(
                x, kernel, self.strides, self.padding, self.data_format, self.dilation_rate
            )
        # Moments are samples to a convolution.
        samples, steps, *moment = ops.shape(x)
        known = 0 in moment  # of nothing, -1 could be any number
        y = self._convolved(ops.reshape(x, (samples * steps if known else -1, *moment)), kernel)
        return ops.reshape(y, (samples if known else -1, steps, *ops.shape(y)[1:]))

    @property
    def _channels(self) -> Any:
        """The channels' axis, from the end."""
        return -1 if self.data_format == "channels_last" else -1 - self.rank

    def advance(self, projected: Any, states: TensorLike, masks: TensorLike) -> Any:
        h, c = states
        if masks is None:
            inner = self._recurrent(h, self.recurrent_kernel)
        else:
            kernels = ops.split(self.recurrent_kernel, 4, axis=-1)
            inner = [
                self._recurrent(ops.multiply(h, m), k) for m, k in zip(masks, kernels, strict=True)
            ]
            inner = ops.concatenate(inner, axis=self._channels)
        i, f, g, o = ops.split(ops.add(projected, inner), 4, axis=self._channels)
        gate = self.recurrent_activation
        c = ops.add(ops.multiply(gate(f), c), ops.multiply(gate(i), self.activation(g)))
        h = ops.multiply(gate(o), self.activation(c))
        return h, [h, c]

    def _recurrent(self, h: Any, kernel: TensorLike) -> Any:
        return ops.conv(h, kernel, 1, "same", self.data_format)


class BaseConvLSTM(RNN):
    """`ConvLSTMCell` of `_rank` spatial axes over time; see `ConvLSTM2D`."""

    _rank = 0
    _config_omits = frozenset({"cell"})
    _lists_activity_regularizer = True

    def __init__(
        self,
        filters: int,
        kernel_size: Sizes,
        strides: Sizes = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Sizes = 1,
        activation: ActivationLike = "tanh",
        recurrent_activation: ActivationLike = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: InitializerLike = "glorot_uniform",
        recurrent_initializer: InitializerLike = "orthogonal",
        bias_initializer: InitializerLike = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: RegularizerLike | None = None,
        recurrent_regularizer: RegularizerLike | None = None,
        bias_regularizer: RegularizerLike | None = None,
        activity_regularizer: RegularizerLike | None = None,
        kernel_constraint: ConstraintLike | None = None,
        recurrent_constraint: ConstraintLike | None = None,
        bias_constraint: ConstraintLike | None = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: SeedLike | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        **kwargs: Unpack[PlainLayerOptions],
    ) -> None:
        cell = make_cell(
            self, ConvLSTMCell, self._rank, filters, kernel_size, strides, padding, data_format,
            dilation_rate, activation, recurrent_activation, use_bias, kernel_initializer,
            recurrent_initializer, bias_initializer, unit_forget_bias, kernel_regularizer,
            recurrent_regularizer, bias_regularizer, kernel_constraint, recurrent_constraint,
            bias_constraint, dropout, recurrent_dropout, seed, name="conv_lstm_cell",
            **{key: kwargs[key] for key in ("dtype", "trainable") if key in kwargs},
        )  # fmt: skip
        super().__init__(
            cell,
            return_sequences,
            return_state,
            go_backwards,
            stateful,
            activity_regularizer=activity_regularizer,
            **kwargs,
        )
        self.input_spec = InputSpec(ndim=self._rank + 3)


expose_cell(
    BaseConvLSTM, "filters", "kernel_size", "strides", "padding", "data_format", "dilation_rate",
    "activation", "recurrent_activation", "use_bias", "unit_forget_bias", "kernel_initializer",
    "recurrent_initializer", "bias_initializer", "kernel_regularizer", "recurrent_regularizer",
    "bias_regularizer", "kernel_constraint", "recurrent_constraint", "bias_constraint", "dropout",
    "recurrent_dropout", "seed",
)  # fmt: skip


class ConvLSTM1D(BaseConvLSTM):
    """LSTM of convolutions over lines: (n, t, w, c) -> (n, w', filters).

    Args:
        filters: number of output channels.
        kernel_size: of the windows: an int; the recurrent kernel has it too.
        strides, dilation_rate: of the inputs' convolution, an int; only one of them above 1.
        padding: of the inputs' convolution: "valid", or "same"; the state's is always "same".
        data_format: "channels_last" or "channels_first".
        activation: of the candidate for c and of c itself.
        recurrent_activation: of the gates i, f, o.
        use_bias: whether there is a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: initializers of the weights:
            names, configs or objects.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties on the weights, added
            to the loss.
        unit_forget_bias: the forget gate's bias starts at one.
        activity_regularizer: penalty on the outputs, added to the loss.
        kernel_constraint, recurrent_constraint, bias_constraint: constraints on the weights,
            applied after each update.
        dropout, recurrent_dropout: fractions of the inputs and of the state dropped in training;
            each gate has its own masks.
        seed: of their masks; by default derived from the global seed.
        return_sequences: return the outputs of all steps instead of the last.
        return_state: also return the last states: [outputs, *states].
        go_backwards: run from the last time step to the first; outputs are returned in the order of
            computation.
        stateful: each sample of a batch starts from the last state of the same sample in the
            previous batch, until `reset_state()`.
        unroll: unroll the loop over the time steps, even if the framework has loops; needs a
            sequence of known length.
        zero_output_for_mask: a masked step outputs zero instead of the previous output.

    Examples:
        >>> layer = unidl.layers.ConvLSTM1D(4, kernel_size=3)
        >>> layer(np.ones((1, 2, 8, 3))).shape
        (1, 6, 4)
    """

    _rank = 1


class ConvLSTM2D(BaseConvLSTM):
    """LSTM of convolutions over images: (n, t, h, w, c) -> (n, h', w', filters), or (n, t, h', w',
    filters) with `return_sequences`.

    Args:
        filters: number of output channels.
        kernel_size: of the windows: an int or two; the recurrent kernel has it too.
        strides, dilation_rate: of the inputs' convolution, an int or two; only one of them above 1.
        padding: of the inputs' convolution: "valid", or "same"; the state's is always "same".
        data_format: "channels_last" or "channels_first".
        activation: of the candidate for c and of c itself.
        recurrent_activation: of the gates i, f, o.
        use_bias: whether there is a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: initializers of the weights:
            names, configs or objects.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties on the weights, added
            to the loss.
        unit_forget_bias: the forget gate's bias starts at one.
        activity_regularizer: penalty on the outputs, added to the loss.
        kernel_constraint, recurrent_constraint, bias_constraint: constraints on the weights,
            applied after each update.
        dropout, recurrent_dropout: fractions of the inputs and of the state dropped in training;
            each gate has its own masks.
        seed: of their masks; by default derived from the global seed.
        return_sequences: return the outputs of all steps instead of the last.
        return_state: also return the last states: [outputs, *states].
        go_backwards: run from the last time step to the first; outputs are returned in the order of
            computation.
        stateful: each sample of a batch starts from the last state of the same sample in the
            previous batch, until `reset_state()`.
        unroll: unroll the loop over the time steps, even if the framework has loops; needs a
            sequence of known length.
        zero_output_for_mask: a masked step outputs zero instead of the previous output.

    Weights: those of the sublayer `conv_lstm_cell`: kernel, recurrent_kernel, bias.

    Examples:
        >>> video = np.ones((1, 2, 8, 8, 3))
        >>> unidl.layers.ConvLSTM2D(4, kernel_size=3)(video).shape  # after the last image
        (1, 6, 6, 4)
        >>> unidl.layers.ConvLSTM2D(4, 3, padding="same", return_sequences=True)(video).shape
        (1, 2, 8, 8, 4)
    """

    _rank = 2


class ConvLSTM3D(BaseConvLSTM):
    """LSTM of convolutions over volumes: (n, t, d, h, w, c) -> (n, d', h', w', filters).

    Args:
        filters: number of output channels.
        kernel_size: of the windows: an int or three; the recurrent kernel has it too.
        strides, dilation_rate: of the inputs' convolution, an int or three; only one of them above
            1.
        padding: of the inputs' convolution: "valid", or "same"; the state's is always "same".
        data_format: "channels_last" or "channels_first".
        activation: of the candidate for c and of c itself.
        recurrent_activation: of the gates i, f, o.
        use_bias: whether there is a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: initializers of the weights:
            names, configs or objects.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties on the weights, added
            to the loss.
        unit_forget_bias: the forget gate's bias starts at one.
        activity_regularizer: penalty on the outputs, added to the loss.
        kernel_constraint, recurrent_constraint, bias_constraint: constraints on the weights,
            applied after each update.
        dropout, recurrent_dropout: fractions of the inputs and of the state dropped in training;
            each gate has its own masks.
        seed: of their masks; by default derived from the global seed.
        return_sequences: return the outputs of all steps instead of the last.
        return_state: also return the last states: [outputs, *states].
        go_backwards: run from the last time step to the first; outputs are returned in the order of
            computation.
        stateful: each sample of a batch starts from the last state of the same sample in the
            previous batch, until `reset_state()`.
        unroll: unroll the loop over the time steps, even if the framework has loops; needs a
            sequence of known length.
        zero_output_for_mask: a masked step outputs zero instead of the previous output.

    Examples:
        >>> layer = unidl.layers.ConvLSTM3D(2, kernel_size=2)
        >>> layer(np.ones((1, 2, 3, 4, 5, 1))).shape
        (1, 2, 3, 4, 2)
    """

    _rank = 3

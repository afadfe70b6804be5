"""SimpleRNN and its cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unidl import activations, constraints, initializers, ops, regularizers
from unidl.layers.base.options import LayerOptions, PlainLayerOptions
from unidl.layers.base.validate import positive_int
from unidl.layers.recurrent.kernel_rnn import KernelRNN, expose_cell, make_cell
from unidl.layers.recurrent.recurrent_cell import RecurrentCell, dropped
from unidl.ops import fused
from unidl.typing import (
    ActivationLike,
    ConstraintLike,
    InitializerLike,
    RegularizerLike,
    SeedLike,
    TensorLike,
)

if TYPE_CHECKING:
    from typing_extensions import Unpack


class SimpleRNNCell(RecurrentCell):
    """One step h' = activation(x @ kernel + h @ recurrent_kernel + bias).

    Args:
        units: size of the output and of the state.
        activation: of the sum.
        use_bias: whether there is a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: initializers of the weights:
            names, configs or objects.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties on the weights, added
            to the loss.
        kernel_constraint, recurrent_constraint, bias_constraint: constraints on the weights,
            applied after each update.
        dropout, recurrent_dropout: fractions of the inputs and of the state dropped in training.
        seed: of their masks; by default derived from the global seed.

    Weights: kernel (d, units), recurrent_kernel (units, units), bias (units,). State: h (n, units).

    Examples:
        >>> cell = unidl.layers.SimpleRNNCell(1, "linear", True, "ones", "ones")
        >>> output, [h] = cell(np.array([[1.0, 2.0]]), [np.array([[10.0]])])
        >>> output
        array([[13.]], dtype=float32)
    """

    def __init__(
        self,
        units: int,
        activation: ActivationLike = "tanh",
        use_bias: bool = True,
        kernel_initializer: InitializerLike = "glorot_uniform",
        recurrent_initializer: InitializerLike = "orthogonal",
        bias_initializer: InitializerLike = "zeros",
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
        self.units = positive_int(self, "units", units)
        self.activation, self.use_bias = activations.get(activation), use_bias
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
        self.state_size = [self.units]
        self.output_size = self.units

    def build(self, input_shape: Any) -> None:
        self.kernel = self.add_own_weight(
            "kernel", (input_shape[-1], self.units), kernel_of="simple_rnn"
        )
        recurrent = (self.units, self.units)
        self.recurrent_kernel = self.add_own_weight(
            "recurrent_kernel", recurrent, prefix="recurrent", kernel_of="simple_rnn"
        )
        self.bias = self.add_own_weight("bias", (self.units,)) if self.use_bias else None

    def project(self, inputs: TensorLike, masks: TensorLike) -> Any:
        return fused.linear(
            inputs if masks is None else dropped(inputs, masks[0]), self.kernel, self.bias
        )

    def advance(self, projected: Any, states: TensorLike, masks: TensorLike) -> Any:
        h = states[0] if masks is None else ops.multiply(states[0], masks[0])
        h = self.activation(ops.add(projected, ops.matmul(h, self.recurrent_kernel)))
        return h, [h]


class SimpleRNN(KernelRNN):
    """Fully connected recurrence: (n, t, d) -> (n, units), or (n, t, units) with
    `return_sequences`. Last state: h.

    With tanh or (unmasked) relu, without recurrent dropout or unrolling, all steps are one call of
    the backend's kernel; `kernel_description()` names it, or says why the steps are composed of
    primitives.

    Args:
        units: size of the output and of the state.
        activation: of the sum.
        use_bias: whether there is a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: initializers of the weights:
            names, configs or objects.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties on the weights, added
            to the loss.
        activity_regularizer: penalty on the outputs, added to the loss.
        kernel_constraint, recurrent_constraint, bias_constraint: constraints on the weights,
            applied after each update.
        dropout, recurrent_dropout: fractions of the inputs and of the state dropped in training.
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

    Weights: those of the sublayer `simple_rnn_cell`: kernel, recurrent_kernel, bias.

    Examples:
        >>> layer = unidl.layers.SimpleRNN(
        ...     1, "linear", True, "ones", "ones", return_sequences=True
        ... )
        >>> layer(np.array([[[1.0], [2.0], [3.0]]]))  # weights of one: running sums
        array([[[1.],
                [3.],
                [6.]]], dtype=float32)
    """

    _config_omits = frozenset({"cell", "seed"})  # Keras does not write the seed either
    whole_sequence = "simple_rnn"
    kernel_activations = "tanh or relu"
    use_cudnn = "auto"

    def __init__(
        self,
        units: int,
        activation: ActivationLike = "tanh",
        use_bias: bool = True,
        kernel_initializer: InitializerLike = "glorot_uniform",
        recurrent_initializer: InitializerLike = "orthogonal",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: RegularizerLike | None = None,
        recurrent_regularizer: RegularizerLike | None = None,
        bias_regularizer: RegularizerLike | None = None,
        activity_regularizer: RegularizerLike | None = None,
        kernel_constraint: ConstraintLike | None = None,
        recurrent_constraint: ConstraintLike | None = None,
        bias_constraint: ConstraintLike | None = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        seed: SeedLike | None = None,
        **kwargs: Unpack[PlainLayerOptions],
    ) -> None:
        cell = make_cell(
            self, SimpleRNNCell, units, activation, use_bias, kernel_initializer,
            recurrent_initializer, bias_initializer, kernel_regularizer, recurrent_regularizer,
            bias_regularizer, kernel_constraint, recurrent_constraint, bias_constraint, dropout,
            recurrent_dropout, seed, name="simple_rnn_cell",
            **{key: kwargs[key] for key in ("dtype", "trainable") if key in kwargs},
        )  # fmt: skip
        super().__init__(
            cell,
            return_sequences,
            return_state,
            go_backwards,
            stateful,
            unroll,
            activity_regularizer=activity_regularizer,
            **kwargs,
        )

    def _activations(self) -> Any:
        return (self.cell.activation,)

    def _fits_activations(self) -> bool:
        return self.cell.activation in (activations.tanh, activations.relu)

    def _obstacle(self, masked: Any) -> Any:
        if masked and self.cell.activation is activations.relu:
            return "a mask with relu, which could grow without bound in the masked time steps"
        return super()._obstacle(masked)

    def _run_whole(
        self, sequences: TensorLike, states: Any, reverse: bool = False, idle: Any = None
    ) -> Any:
        cell = self.cell
        (h,), activation = states, cell.activation.__name__
        weights = cell.kernel, cell.recurrent_kernel, cell.bias
        return fused.simple_rnn(sequences, h, *weights, activation, reverse=reverse)


expose_cell(
    SimpleRNN, "units", "activation", "use_bias", "kernel_initializer", "recurrent_initializer",
    "bias_initializer", "kernel_regularizer", "recurrent_regularizer", "bias_regularizer",
    "kernel_constraint", "recurrent_constraint", "bias_constraint", "dropout", "recurrent_dropout",
    "seed",
)  # fmt: skip

"""LSTM and its cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from unidl import activations, constraints, initializers, ops, regularizers
from unidl.layers.base.options import CellOptions, RecurrentOptions
from unidl.layers.base.validate import one_of, positive_int
from unidl.layers.recurrent.kernel_rnn import KernelRNN, expose_cell, make_cell
from unidl.layers.recurrent.recurrent_cell import RecurrentCell, dropped
from unidl.ops import fused
from unidl.typing import (
    ActivationLike,
    ConstraintLike,
    DType,
    InitializerLike,
    RegularizerLike,
    SeedLike,
    TensorLike,
)

if TYPE_CHECKING:
    from typing_extensions import Unpack

_SATURATED = 1e4  # float16 has it, and sigmoid of its negative is 0 in float64


class LSTMCell(RecurrentCell):
    """One step of an LSTM (Hochreiter & Schmidhuber 1997, with the forget gates of Gers et al.
    2000).

    z = x @ kernel + h @ recurrent_kernel + bias, cut into the gates i, f, g, o:
    c' = sigmoid(f) * c + sigmoid(i) * tanh(g), h' = sigmoid(o) * tanh(c').

    Args:
        units: size of the output and of each state.
        activation: of g and of c'.
        recurrent_activation: of the gates i, f, o.
        use_bias: whether there is a bias.
        unit_forget_bias: the forget gate's bias starts at one.
        kernel_initializer, recurrent_initializer, bias_initializer: initializers of the weights:
            names, configs or objects.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties on the weights, added
            to the loss.
        kernel_constraint, recurrent_constraint, bias_constraint: constraints on the weights,
            applied after each update.
        dropout, recurrent_dropout: fractions of the inputs and of the state dropped in training.
        seed: of their masks; by default derived from the global seed.

    Weights: kernel (d, 4 * units), recurrent_kernel (units, 4 * units), bias (4 * units,). States:
    h and c, each (n, units).

    Examples:
        >>> cell = unidl.layers.LSTMCell(4)
        >>> output, [h, c] = cell(np.ones((2, 3)), [np.zeros((2, 4)), np.zeros((2, 4))])
        >>> output.shape, c.shape
        ((2, 4), (2, 4))
        >>> cell.bias.numpy()  # the forget gate's begins at one
        array([0., 0., 0., 0., 1., 1., 1., 1., 0., 0., 0., 0., 0., 0., 0., 0.],
              dtype=float32)
    """

    def __init__(
        self,
        units: int,
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
        **kwargs: Unpack[CellOptions],
    ) -> None:
        # 1: a mask of its own for each gate, as with recurrent dropout; 2: one for all gates.
        implementation = one_of(self, "implementation", kwargs.pop("implementation", 2), (1, 2))
        super().__init__(dropout, recurrent_dropout, seed, **kwargs)  # type: ignore[misc]
        self.units = positive_int(self, "units", units)
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
        self.state_size = [self.units, self.units]
        self.output_size = self.units
        self.masks_per_step = 4 if recurrent_dropout or implementation == 1 else 1

    def build(self, input_shape: Any) -> None:
        self.kernel = self.add_own_weight(
            "kernel", (input_shape[-1], 4 * self.units), kernel_of="lstm"
        )
        recurrent = (self.units, 4 * self.units)
        self.recurrent_kernel = self.add_own_weight(
            "recurrent_kernel", recurrent, prefix="recurrent", kernel_of="lstm"
        )
        first = (
            forget_bias_of_ones(self.bias_initializer, self.units)
            if self.unit_forget_bias
            else self.bias_initializer
        )
        self.bias = (
            self.add_own_weight("bias", (4 * self.units,), initializer=first)
            if self.use_bias
            else None
        )

    def project(self, inputs: TensorLike, masks: TensorLike) -> Any:
        """x @ kernel + bias of all gates: (..., d) -> (..., 4 * units)."""
        if masks is None or len(masks) == 1:
            return fused.linear(
                inputs if masks is None else dropped(inputs, masks[0]), self.kernel, self.bias
            )
        kernels = ops.split(self.kernel, 4, axis=1)
        z = ops.concatenate(
            [ops.matmul(dropped(inputs, m), k) for m, k in zip(masks, kernels, strict=True)],
            axis=-1,
        )
        return z if self.bias is None else ops.add(z, self.bias)

    def advance(self, projected: Any, states: TensorLike, masks: TensorLike) -> Any:
        h, c = states
        if masks is None:
            inner = ops.matmul(h, self.recurrent_kernel)
        else:
            kernels = ops.split(self.recurrent_kernel, 4, axis=1)
            inner = ops.concatenate(
                [ops.matmul(ops.multiply(h, m), k) for m, k in zip(masks, kernels, strict=True)],
                axis=-1,
            )
        i, f, g, o = ops.split(ops.add(projected, inner), 4, axis=-1)
        gate = self.recurrent_activation
        c = ops.add(ops.multiply(gate(f), c), ops.multiply(gate(i), self.activation(g)))
        h = ops.multiply(gate(o), self.activation(c))
        return h, [h, c]


def forget_bias_of_ones(initializer: InitializerLike, units: int) -> Any:
    """The initializer of a bias (4 * units,) for the gates i, f, c, o: ones for f, else
    `initializer`."""

    def first(shape: Any, dtype: DType | None = None) -> Any:
        parts = (
            initializer((units,), dtype=dtype),
            initializers.Ones()((units,), dtype=dtype),
            initializer((2 * units,), dtype=dtype),
        )
        return ops.concatenate(parts, axis=0)

    return first


class LSTM(KernelRNN):
    """Long short-term memory: (n, t, d) -> (n, units), or (n, t, units) with `return_sequences`.
    Last states: h and c.

    With tanh and sigmoid, without recurrent dropout or unrolling, all steps are one call of the
    backend's kernel; `kernel_description()` names it, or says why the steps are composed of
    primitives.

    Args:
        units: size of the output and of each state.
        activation: of the candidate for c and of c itself.
        recurrent_activation: of the gates i, f, o.
        use_bias: whether there is a bias.
        unit_forget_bias: the forget gate's bias starts at one.
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
        use_cudnn: "auto" uses the kernel if possible, True raises an error if it is not, False
            never uses it.

    Weights: those of the sublayer `lstm_cell`: kernel, recurrent_kernel, bias.

    Examples:
        >>> x = np.ones((2, 5, 3))
        >>> unidl.layers.LSTM(4)(x).shape
        (2, 4)
        >>> outputs, h, c = unidl.layers.LSTM(4, return_sequences=True, return_state=True)(x)
        >>> outputs.shape, h.shape, c.shape
        ((2, 5, 4), (2, 4), (2, 4))
    """

    whole_sequence = "lstm"

    def __init__(
        self,
        units: int,
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
        unroll: bool = False,
        use_cudnn: bool | str = "auto",
        **kwargs: Unpack[RecurrentOptions],
    ) -> None:
        options: dict[str, Any] = {**kwargs}
        of_cell = {key: options.pop(key) for key in ("implementation",) if key in options}
        of_cell |= {key: options[key] for key in ("dtype", "trainable") if key in options}
        cell = make_cell(
            self, LSTMCell, units, activation, recurrent_activation, use_bias, kernel_initializer,
            recurrent_initializer, bias_initializer, unit_forget_bias, kernel_regularizer,
            recurrent_regularizer, bias_regularizer, kernel_constraint, recurrent_constraint,
            bias_constraint, dropout, recurrent_dropout, seed, name="lstm_cell", **of_cell,
        )  # fmt: skip
        super().__init__(
            cell,
            return_sequences,
            return_state,
            go_backwards,
            stateful,
            unroll,
            activity_regularizer=activity_regularizer,
            **options,
        )
        self.use_cudnn = one_of(self, "use_cudnn", use_cudnn, ("auto", True, False))

    def _run_whole(
        self, sequences: TensorLike, states: Any, reverse: bool = False, idle: Any = None
    ) -> Any:
        cell, kernel = self.cell, self.cell.kernel
        if idle is not None:
            # A further input shuts gate i and opens gate f: their sigmoids are then 0 and 1
            # exactly, and c stays.
            sequences = ops.concatenate([sequences, ops.expand_dims(idle, -1)], axis=-1)
            gates = np.repeat([[-_SATURATED, _SATURATED, 0, 0]], cell.units, axis=1)
            kernel = ops.concatenate(
                [kernel, ops.convert_to_tensor(gates, dtype=self.compute_dtype)], axis=0
            )
        h, c = states
        return fused.lstm(
            sequences, h, c, kernel, cell.recurrent_kernel, cell.bias, reverse=reverse
        )


expose_cell(
    LSTM, "units", "activation", "recurrent_activation", "use_bias", "unit_forget_bias",
    "kernel_initializer", "recurrent_initializer", "bias_initializer", "kernel_regularizer",
    "recurrent_regularizer", "bias_regularizer", "kernel_constraint", "recurrent_constraint",
    "bias_constraint", "dropout", "recurrent_dropout", "seed",
)  # fmt: skip

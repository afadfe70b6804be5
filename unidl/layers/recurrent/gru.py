"""GRU and its cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unidl import activations, constraints, initializers, ops, regularizers
from unidl.layers.base.options import CellOptions, RecurrentOptions
from unidl.layers.base.validate import one_of, positive_int
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


class GRUCell(RecurrentCell):
    """One step of a GRU (Cho et al., arXiv:1406.1078): h' = z * h + (1 - z) * tanh(candidate), with
    the gates z and r.

    With `reset_after` the candidate is x_h + r * (h @ U_h + b'), else x_h + (r * h) @ U_h.

    Args:
        units: size of the output and of the state.
        activation: of the candidate.
        recurrent_activation: of the gates z and r.
        use_bias: whether there is a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: initializers of the weights:
            names, configs or objects.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties on the weights, added
            to the loss.
        kernel_constraint, recurrent_constraint, bias_constraint: constraints on the weights,
            applied after each update.
        dropout, recurrent_dropout: fractions of the inputs and of the state dropped in training.
        seed: of their masks; by default derived from the global seed.
        reset_after: whether r is applied after the product with the recurrent kernel.

    Weights, columns in the order z, r, candidate: kernel (d, 3 * units), recurrent_kernel (units, 3
    * units), bias (3 * units,), with `reset_after` (2, 3 * units): of the input and of the state.
      State: h (n, units).

    Examples:
        >>> cell = unidl.layers.GRUCell(4)
        >>> output, [h] = cell(np.ones((2, 3)), [np.zeros((2, 4))])
        >>> output.shape, h.shape
        ((2, 4), (2, 4))
        >>> cell.kernel.shape, cell.bias.shape  # a bias of the input, one of the state
        ((3, 12), (2, 12))
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
        kernel_regularizer: RegularizerLike | None = None,
        recurrent_regularizer: RegularizerLike | None = None,
        bias_regularizer: RegularizerLike | None = None,
        kernel_constraint: ConstraintLike | None = None,
        recurrent_constraint: ConstraintLike | None = None,
        bias_constraint: ConstraintLike | None = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        reset_after: bool = True,
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
        self.use_bias, self.reset_after = use_bias, reset_after
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
        self.masks_per_step = 3 if recurrent_dropout or implementation == 1 else 1

    def build(self, input_shape: Any) -> None:
        wide = 3 * self.units
        self.kernel = self.add_own_weight("kernel", (input_shape[-1], wide), kernel_of="gru")
        self.recurrent_kernel = self.add_own_weight(
            "recurrent_kernel", (self.units, wide), prefix="recurrent", kernel_of="gru"
        )
        self.bias: Any = (
            self.add_own_weight("bias", (2, wide) if self.reset_after else (wide,))
            if self.use_bias
            else None
        )

    def project(self, inputs: TensorLike, masks: TensorLike) -> Any:
        """x @ kernel + bias of all gates: (..., d) -> (..., 3 * units)."""
        bias = self.bias[0] if self.use_bias and self.reset_after else self.bias
        if masks is None or len(masks) == 1:
            return fused.linear(
                inputs if masks is None else dropped(inputs, masks[0]), self.kernel, bias
            )
        kernels = ops.split(self.kernel, 3, axis=1)
        x = ops.concatenate(
            [ops.matmul(dropped(inputs, m), k) for m, k in zip(masks, kernels, strict=True)],
            axis=-1,
        )
        return x if bias is None else ops.add(x, bias)

    def advance(self, projected: Any, states: TensorLike, masks: TensorLike) -> Any:
        h = states[0]
        each = [h] * 3 if masks is None else [ops.multiply(h, m) for m in masks]
        kernels = ops.split(self.recurrent_kernel, 3, axis=1)
        biases = (
            ops.split(self.bias[1], 3, axis=0) if self.use_bias and self.reset_after else [None] * 3
        )
        xz, xr, xh = ops.split(projected, 3, axis=-1)
        gate = self.recurrent_activation
        z = gate(ops.add(xz, fused.linear(each[0], kernels[0], biases[0])))
        r = gate(ops.add(xr, fused.linear(each[1], kernels[1], biases[1])))
        if self.reset_after:
            inner = ops.multiply(r, fused.linear(each[2], kernels[2], biases[2]))
        else:
            inner = ops.matmul(ops.multiply(r, each[2]), kernels[2])
        candidate = self.activation(ops.add(xh, inner))
        h = ops.add(ops.multiply(z, h), ops.multiply(ops.subtract(1.0, z), candidate))
        return h, [h]


class GRU(KernelRNN):
    """Gated recurrent unit: (n, t, d) -> (n, units), or (n, t, units) with `return_sequences`. Last
    state: h.

    With `reset_after`, tanh and sigmoid, without recurrent dropout or unrolling, all steps are one
    call of the backend's kernel; `kernel_description()` names it, or says why the steps are
    composed of primitives.

    Args:
        units: size of the output and of the state.
        activation: of the candidate.
        recurrent_activation: of the gates z and r.
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
        reset_after: whether r is applied after the product with the recurrent kernel.
        use_cudnn: "auto" uses the kernel if possible, True raises an error if it is not, False
            never uses it.

    Weights: those of the sublayer `gru_cell`: kernel, recurrent_kernel, bias.

    Examples:
        >>> x = np.ones((2, 5, 3))
        >>> unidl.layers.GRU(4)(x).shape
        (2, 4)
        >>> outputs, h = unidl.layers.GRU(4, return_sequences=True, return_state=True)(x)
        >>> outputs.shape, h.shape
        ((2, 5, 4), (2, 4))
    """

    whole_sequence = "gru"

    def __init__(
        self,
        units: int,
        activation: ActivationLike = "tanh",
        recurrent_activation: ActivationLike = "sigmoid",
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
        seed: SeedLike | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        reset_after: bool = True,
        use_cudnn: bool | str = "auto",
        **kwargs: Unpack[RecurrentOptions],
    ) -> None:
        options: dict[str, Any] = {**kwargs}
        of_cell = {key: options.pop(key) for key in ("implementation",) if key in options}
        of_cell |= {key: options[key] for key in ("dtype", "trainable") if key in options}
        cell = make_cell(
            self, GRUCell, units, activation, recurrent_activation, use_bias, kernel_initializer,
            recurrent_initializer, bias_initializer, kernel_regularizer, recurrent_regularizer,
            bias_regularizer, kernel_constraint, recurrent_constraint, bias_constraint, dropout,
            recurrent_dropout, reset_after, seed, name="gru_cell", **of_cell,
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

    def _obstacle(self, masked: Any) -> Any:
        return super()._obstacle(masked) if self.reset_after else "reset_after=False"

    def _run_whole(
        self, sequences: TensorLike, states: Any, reverse: bool = False, idle: Any = None
    ) -> Any:
        cell = self.cell
        (h,) = states
        return fused.gru(
            sequences, h, cell.kernel, cell.recurrent_kernel, cell.bias, reverse=reverse
        )


expose_cell(
    GRU, "units", "activation", "recurrent_activation", "use_bias", "kernel_initializer",
    "recurrent_initializer", "bias_initializer", "kernel_regularizer", "recurrent_regularizer",
    "bias_regularizer", "kernel_constraint", "recurrent_constraint", "bias_constraint", "dropout",
    "recurrent_dropout", "reset_after", "seed",
)  # fmt: skip

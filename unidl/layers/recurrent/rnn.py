"""RNN: a cell, run over the moments of a sequence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unidl import ops, tree
from unidl.backend.registry import use_backend
from unidl.backend.variable import Variable
from unidl.layers.base.layer import Layer
from unidl.layers.base.options import LayerOptions
from unidl.layers.recurrent.masked_sequence import check_mask
from unidl.layers.recurrent.recurrent_cell import RecurrentCell, check_cell, output_size_of, step_of
from unidl.layers.recurrent.stacked_rnn_cells import StackedRNNCells
from unidl.ops import fused
from unidl.tracing.shapes.arithmetic import agree
from unidl.typing import Tensor, TensorLike

if TYPE_CHECKING:
    from typing_extensions import Unpack


class RNN(Layer):
    """Runs `cell` over time: (n, t, ...) -> (n, size), or (n, t, size) with `return_sequences`.

    Where the mask is False, the state is kept and the previous output is repeated (zeros at the
    start).

    Args:
        cell: a layer with `state_size` (an int or a list) and `call(inputs, states) -> (output, new
            states)`; or a list of such cells, see `StackedRNNCells`.
        return_sequences: return the outputs of all steps instead of the last.
        return_state: also return the last states: [outputs, *states].
        go_backwards: run from the last time step to the first; outputs are returned in the order of
            computation.
        stateful: each sample of a batch starts from the last state of the same sample in the
            previous batch, until `reset_state()`.
        unroll: unroll the loop over the time steps, even if the framework has loops; needs a
            sequence of known length.
        zero_output_for_mask: the output of a masked step is zero.

    `layer(x, initial_state=[...])` starts from the given states; then, as in Keras, the mask is not
    taken from x but must be given as `mask=`. Weights: those of the cell.

    Examples:
        >>> x = np.ones((2, 5, 3))
        >>> unidl.layers.RNN(unidl.layers.SimpleRNNCell(4))(x).shape
        (2, 4)
        >>> stack = [unidl.layers.GRUCell(8), unidl.layers.LSTMCell(4)]
        >>> unidl.layers.RNN(stack, return_sequences=True)(x).shape
        (2, 5, 4)
    """

    _untracked = Layer._untracked | {"states"}
    cell: Any
    states: Any
    whole_sequence: str | None = (
        None  # the contract's function for all steps at once, if there is one
    )

    def __init__(
        self,
        cell: Any,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        zero_output_for_mask: bool = False,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.cell = cell = StackedRNNCells(cell) if isinstance(cell, list | tuple) else cell
        check_cell(self, cell)
        self.return_sequences, self.return_state = return_sequences, return_state
        self.go_backwards, self.stateful, self.unroll = go_backwards, stateful, unroll
        self.zero_output_for_mask = zero_output_for_mask
        self.state_size = (
            [cell.state_size] if isinstance(cell.state_size, int) else list(cell.state_size)
        )
        self.supports_masking = True
        self.states = None
        self._masked = False

    # -- building and state ------------------------------------------------------------------------

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        if len(sequences_shape) < 3:
            raise ValueError(
                f"{self._who()}: expected a sequence of shape (batch, time, features), got "
                f"{sequences_shape}. For one feature per time step: x[..., None]."
            )
        batch, steps, *features = sequences_shape
        if self.unroll and steps is None:
            raise ValueError(
                f"{self._who()}: unroll=True needs a known number of time steps. Write "
                f"Input(shape=(10, {features[-1]})), or leave unroll=False."
            )
        if isinstance(self.cell, Layer) and not self.cell.built:
            self.cell.build_inside(self, input_shape=(batch, *features))
        if self.stateful:
            self._make_states(batch)

    def _make_states(self, batch: Any) -> None:
        if batch is None:
            raise ValueError(
                f"{self._who()}: stateful=True needs a known batch size. "
                f"Write Input(batch_shape=(32, None, 8)), or Input(..., batch_size=32)."
            )
        with use_backend(self.backend):
            first = tree.map_structure(
                lambda x: Variable(x, dtype=self.compute_dtype, trainable=False, name="rnn_state"),
                self.get_initial_state(batch),
            )
        for i, variable in enumerate(tree.flatten(first)):
            variable.path = f"{self.path}/{variable.name}{f'_{i}' if i else ''}"
        self.states = first

    @property
    def _state_variables(self) -> Any:
        return tree.flatten(self.states) if self.states is not None else []

    def get_initial_state(self, batch_size: int) -> list[Tensor]:
        """The states before the first step: the cell's own, else zeros."""
        if hasattr(self.cell, "get_initial_state"):
            states = self.cell.get_initial_state(batch_size=batch_size)
            return list(states) if tree.is_nested(states) else [states]
        return [ops.zeros((batch_size, size), dtype=self.compute_dtype) for size in self.state_size]

    def reset_state(self) -> None:
        """Set the states of a stateful layer to zero."""
        if not self.stateful:
            raise ValueError(
                f"{self._who()} keeps no state between calls. Create it with stateful=True."
            )
        for variable in self._state_variables:
            variable.assign(ops.zeros_like(variable.value))

    reset_states = reset_state

    # -- running -----------------------------------------------------------------------------------

    def call(
        self,
        sequences: TensorLike,
        initial_state: Any = None,
        mask: Any = None,
        training: bool | None = False,
    ) -> Any:
        if ops.shape(sequences)[1] == 0:
            raise ValueError(
                f"{self._who()}: the sequences have no time steps, their shape is "
                f"{tuple(ops.shape(sequences))}. Give at least one."
            )
        states = self._first_states(sequences, initial_state)
        if isinstance(mask, list | tuple):
            mask = mask[0]
        check_mask(self, sequences, mask)
        self._masked = mask is not None
        if self._why_composed(self._masked) is None:
            outputs, last, states = self._run_kernel(sequences, states, mask, training)
        else:
            outputs, last, states = self._run_cell(sequences, states, mask, training)
        if self.stateful:
            for variable, value in zip(self._state_variables, tree.flatten(states), strict=True):
                self._update(variable, value)
        result = outputs if self.return_sequences else last
        return [result, *states] if self.return_state else result

    def _first_states(self, sequences: TensorLike, initial_state: Any) -> Any:
        batch = ops.shape(sequences)[0]
        if self.stateful and not agree(batch, self._state_variables[0].shape[0]):
            raise ValueError(
                f"{self._who()}: stateful=True was built for batches of "
                f"{self._state_variables[0].shape[0]} samples, got {batch}. Give batches of the "
                "same size, or create the layer with stateful=False."
            )
        if initial_state is None:
            return list(self.states) if self.stateful else self.get_initial_state(batch)
        states = list(initial_state) if isinstance(initial_state, list | tuple) else [initial_state]
        if len(states) != len(self.state_size):
            raise ValueError(
                f"{self._who()}: initial_state needs {len(self.state_size)} tensors of sizes "
                f"{self.state_size}, got {len(states)}."
            )
        for state, size in zip(states, self.state_size, strict=True):
            if isinstance(size, int) and not agree(ops.shape(state)[-1], size):
                raise ValueError(
                    f"{self._who()}: an initial state must have the shape (batch, {size}), got "
                    f"{tuple(ops.shape(state))}."
                )
        return states

    def _why_composed(self, masked: Any) -> str | None:
        """Why no kernel for whole sequences can be used; None if one can."""
        return f"{type(self.cell).__name__} runs step by step"

    def _run_kernel(self, sequences: TensorLike, states: Any, mask: Any, training: Any) -> Any:
        """(outputs, last output, last states) by the contract's function for all steps."""
        raise NotImplementedError

    def _run_cell(self, sequences: TensorLike, states: Any, mask: Any, training: Any) -> Any:
        """The same by a loop over the cell."""
        projected, step_cell = self._prepare(sequences, states, training)
        moments = _time_first(projected)
        shape_of_states, flat = states, tree.flatten(states)

        def step(state: Any, moment: TensorLike) -> Any:
            output, new = step_cell(moment[0], tree.pack_sequence_as(shape_of_states, state))
            return tuple(tree.flatten(new)), output

        if mask is None:
            flat, outputs = fused.scan(
                step, tuple(flat), (moments,), reverse=self.go_backwards, unroll=self.unroll
            )
        else:
            blank = self._blank_output(sequences, states)
            keep = _time_first(ops.cast(mask, "bool"))

            def masked_step(state: Any, moment: TensorLike) -> Any:
                before, *old = state
                new, output = step(tuple(old), moment[:1])
                output = _choose(moment[1], output, blank if self.zero_output_for_mask else before)
                return (
                    output,
                    *(_choose(moment[1], a, b) for a, b in zip(new, old, strict=True)),
                ), output

            (_, *flat), outputs = fused.scan(
                masked_step,
                (blank, *flat),
                (moments, keep),
                reverse=self.go_backwards,
                unroll=self.unroll,
            )
        last = ops.get_item(outputs, 0 if self.go_backwards else -1)
        if self.return_sequences:
            outputs = _time_first(ops.flip(outputs, 0) if self.go_backwards else outputs)
        return outputs, last, tree.pack_sequence_as(shape_of_states, list(flat))

    def _blank_output(self, sequences: TensorLike, states: Any) -> Any:
        """Zeros of the shape of one step's output."""
        if isinstance(self.cell, RecurrentCell):
            return self.cell.blank_output(states)
        size = output_size_of(self.cell)
        return ops.zeros((ops.shape(sequences)[0], size), dtype=self.compute_dtype)

    def _prepare(self, sequences: TensorLike, states: Any, training: Any) -> Any:
        """(what the loop runs over, function of one moment and the states)."""
        cell = self.cell
        if isinstance(cell, RecurrentCell):
            input_masks, state_masks = cell.draw_masks(
                ops.get_item(sequences, (slice(None), 0)), states, training
            )
            return cell.project(sequences, input_masks), lambda moment, state: cell.advance(
                moment, state, state_masks
            )
        return sequences, step_of(cell, ops.get_item(sequences, (slice(None), 0)), states, training)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        mask = mask[0] if isinstance(mask, list | tuple) else mask
        mask = mask if self.return_sequences else None
        return [mask, *[None for _ in self.state_size]] if self.return_state else mask

    def kernel_description(self) -> str | None:
        """What the last call ran on; before the first, what a call without a mask will."""
        reason = self._why_composed(self._masked)
        if reason is None:
            return self.backend.kernels.get(str(self.whole_sequence), "composed of primitives")
        return f"composed of primitives: {reason}"


def _time_first(x: TensorLike) -> Any:
    """Swap the first two axes."""
    return ops.transpose(x, (1, 0, *range(2, len(ops.shape(x)))))


def _choose(keep: Any, new: Any, old: Any) -> Any:
    """`new` for the samples where `keep` (n,) is True, else `old`."""
    return ops.where(ops.expand_dims(keep, tuple(range(1, len(ops.shape(new))))), new, old)


__all__ = ["RNN"]

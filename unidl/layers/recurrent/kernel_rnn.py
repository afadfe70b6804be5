"""Recurrent layers for which backends may have a kernel over whole sequences."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from unidl import activations, ops, random
from unidl.layers.base.input_spec import InputSpec
from unidl.layers.recurrent.masked_sequence import MaskedSequence
from unidl.layers.recurrent.rnn import RNN
from unidl.saving.lookup import UnknownName
from unidl.typing import TensorLike


class KernelRNN(RNN):
    """An RNN whose `whole_sequence` names the contract's function for all steps; a subclass sets
    `use_cudnn`."""

    _config_omits = frozenset({"cell", "use_cudnn"})
    _lists_activity_regularizer = True
    use_cudnn: bool | str
    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """The cell's attributes, see `expose_cell`."""

    kernel_activations = "tanh, sigmoid"

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        super().build(sequences_shape, initial_state_shape)
        self.input_spec = InputSpec(ndim=3, axes={-1: sequences_shape[-1]})

    def _why_composed(self, masked: Any) -> Any:
        reason = self._obstacle(masked)
        if reason is not None and self.use_cudnn is True:
            raise ValueError(
                f"{self._who()}: use_cudnn=True requires a kernel over whole sequences, which "
                f"cannot be used here: {reason}. "
                'Write use_cudnn="auto" to use it where possible.'
            )
        return reason

    def _obstacle(self, masked: Any) -> Any:
        cell = self.cell
        if self.use_cudnn is False:
            return "use_cudnn=False"
        if self.use_cudnn is True and self.whole_sequence not in self.backend.kernels:
            return f"the backend {self.backend.name!r} has none"
        if not self._fits_activations():
            names = ", ".join(getattr(a, "__name__", repr(a)) for a in self._activations())
            return (
                f"the kernel has the activations {self.kernel_activations}; here they are {names}"
            )
        if cell.recurrent_dropout:
            return "recurrent_dropout"
        if self.unroll:
            return "unroll=True"
        if masked and self.whole_sequence not in self.backend.kernels:
            return "a mask"
        return None

    def _run_kernel(
        self, sequences: TensorLike, states: Any, mask: TensorLike, training: Any
    ) -> Any:
        if training and self.cell.dropout:
            sequences = self._drop_inputs(sequences)
        if mask is not None:
            return self._run_masked(sequences, states, ops.cast(mask, "bool"))
        outputs, *last = self._run_whole(sequences, states, reverse=self.go_backwards)
        if self.return_sequences and self.go_backwards:
            outputs = ops.flip(outputs, 1)
        return outputs, last[0], last

    def _run_masked(self, sequences: TensorLike, states: Any, mask: TensorLike) -> Any:
        if self.go_backwards:
            sequences, mask = ops.flip(sequences, 1), ops.flip(mask, 1)
        masked = MaskedSequence(sequences, mask)
        made, _, *others = self._run_whole(masked.moments, states, idle=masked.idle)
        outputs = masked.outputs(
            made, self.zero_output_for_mask, last_only=not self.return_sequences
        )
        return (
            outputs,
            ops.get_item(outputs, (slice(None), -1)),
            [masked.last_state(states[0], made), *others],
        )

    def _run_whole(
        self, sequences: TensorLike, states: Any, reverse: bool = False, idle: Any = None
    ) -> Any:
        """(outputs (n, t, u), *last states) by the contract's function. Where `idle` (n, t) is 1,
        states other than h stay as they are."""
        raise NotImplementedError

    def _activations(self) -> Any:
        return self.cell.activation, self.cell.recurrent_activation

    def _fits_activations(self) -> bool:
        return self._activations() == (activations.tanh, activations.sigmoid)

    def _drop_inputs(self, sequences: TensorLike) -> Any:
        """Dropout with one mask for all moments: the mask that the cell would draw."""
        return random.dropout(
            sequences, self.cell.dropout, noise_shape=(None, 1, None), seed=self.cell.seed_generator
        )


def expose_cell(cls: Any, *names: Any) -> None:
    """Make attributes of the cell readable on the layer, for its config."""
    for name in names:
        setattr(
            cls,
            name,
            property(_reader(name), doc=f"`{name}` of the cell."),
        )


def _reader(name: str) -> Callable[[Any], Any]:
    return lambda layer: getattr(layer.cell, name)


def make_cell(layer: Any, cell: Any, *args: Any, **kwargs: Any) -> Any:
    """A cell for the arguments that were given to `layer`, which its errors therefore name."""
    try:
        return cell(*args, **kwargs)
    except UnknownName:
        raise  # the layer's constructor names it
    except (TypeError, ValueError) as error:
        raise type(error)(str(error).replace(cell.__name__, type(layer).__name__, 1)) from None

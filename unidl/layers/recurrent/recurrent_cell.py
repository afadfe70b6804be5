"""What the cells of recurrent layers have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from unidl import ops, random
from unidl.layers.base.layer import Layer
from unidl.layers.base.options import LayerOptions
from unidl.layers.base.validate import unit_interval
from unidl.typing import SeedLike, Tensor, TensorLike

if TYPE_CHECKING:
    from typing_extensions import Unpack


class RecurrentCell(Layer):
    """One step of a recurrent layer, in two halves: `project` needs the inputs alone and is done
    for all moments at once, `advance` needs the state and runs in the loop. Called by itself, a
    cell does both for one moment.

    Subclasses set `units`, `state_size` (a list) and `output_size`, make weights in `build`, and
    define

        project(inputs, masks): (n, d) or (n, t, d) -> a tensor that begins with the same axes
        advance(projected, states, masks): of one moment -> (output, list of new states)

    Args:
        dropout, recurrent_dropout: fractions of the inputs and of the state dropped in training.
        seed: of their masks; by default derived from the global seed.
    """

    state_size: Any
    project: Callable[..., Any]
    advance: Callable[..., Any]
    masks_per_step = 1  # how many independent masks the inputs get, and as many the state

    def __init__(
        self,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: SeedLike | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.dropout = unit_interval(self, "dropout", dropout)
        self.recurrent_dropout = unit_interval(self, "recurrent_dropout", recurrent_dropout)
        self.seed = seed
        self.seed_generator = random.SeedGenerator(seed)

    def call(self, inputs: TensorLike, states: Any, training: bool | None = False) -> Any:
        return self.prepared_step(inputs, states, training)(inputs, states)

    def prepared_step(self, like: Any, states: TensorLike, training: Any) -> Any:
        """A function (moment, states) -> (output, new states) with masks drawn now. `like` has the
        shape of a moment."""
        input_masks, state_masks = self.draw_masks(like, states, training)
        return lambda moment, state: self.advance(
            self.project(moment, input_masks), state, state_masks
        )

    def draw_masks(self, moment: TensorLike, states: TensorLike, training: bool) -> Any:
        """(for the inputs, for the state): tuples of tensors that hold 0 and 1 / (1 - rate), or
        None. One draw serves a whole sequence.

        `moment` is the input of one step, `states` the state before it.
        """
        if not training:
            return None, None
        return self._draw(moment, self.dropout), self._draw(states[0], self.recurrent_dropout)

    def _draw(self, like: Any, rate: Any) -> Any:
        if rate == 0:
            return None
        ones = ops.ones_like(like)
        return tuple(
            random.dropout(ones, rate, seed=self.seed_generator) for _ in range(self.masks_per_step)
        )

    def blank_output(self, states: TensorLike) -> Any:
        """Zeros of the shape of an output."""
        return ops.zeros_like(states[0])

    def get_initial_state(self, batch_size: int | None = None) -> list[Tensor]:
        """Zeros (batch, size), one tensor for each state."""
        return [ops.zeros((batch_size, size), dtype=self.compute_dtype) for size in self.state_size]


def check_cell(layer: Any, cell: Any) -> None:
    """Refuse what cannot be a cell of `layer`."""
    for name in ("state_size", "call"):
        if not hasattr(cell, name):
            raise ValueError(
                f"{type(layer).__name__}: the cell {cell!r} has no {name!r}. "
                f"A cell is a layer with state_size (an int or a list of ints) "
                f"and call(inputs, states), which returns (output, new_states)."
            )


def output_size_of(cell: Any) -> Any:
    """Features of a cell's output: its `output_size`, else the size of its first state."""
    size = getattr(cell, "output_size", None)
    if size is not None:
        return size
    return cell.state_size if isinstance(cell.state_size, int) else cell.state_size[0]


def step_of(cell: Any, like: Any, states: TensorLike, training: bool) -> Any:
    """One step of any cell as a function (moment, states) -> (output, list of new states), see
    `RecurrentCell.prepared_step`."""
    if hasattr(cell, "prepared_step"):
        return cell.prepared_step(like, states, training)

    def step(moment: TensorLike, states: Any) -> Any:
        output, new = cell(moment, states) if callable(cell) else cell.call(moment, states)
        return output, list(new) if isinstance(new, list | tuple) else [new]

    return step


def dropped(inputs: TensorLike, mask: TensorLike) -> Any:
    """`inputs` (n, ...) or (n, t, ...) times a mask (n, ...)."""
    return ops.multiply(
        inputs, mask if len(ops.shape(inputs)) == len(ops.shape(mask)) else ops.expand_dims(mask, 1)
    )

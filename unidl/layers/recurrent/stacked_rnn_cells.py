"""StackedRNNCells: several cells as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from unidl import ops, tree
from unidl.layers.base.layer import Layer
from unidl.layers.base.options import LayerOptions
from unidl.layers.recurrent.recurrent_cell import check_cell, output_size_of, step_of
from unidl.typing import Tensor, TensorLike

if TYPE_CHECKING:
    from typing_extensions import Unpack


class StackedRNNCells(Layer):
    """A cell in which each cell gets the output of the previous one; `RNN([a, b])` is
    `RNN(StackedRNNCells([a, b]))`.

    Args:
        cells: list of cells: layers with `state_size` and `call(inputs, states) -> (output, new
            states)`, each of which gets the output of the previous one.

    States: a list with the states of each cell. Weights: those of the cells.

    Examples:
        >>> cells = unidl.layers.StackedRNNCells([unidl.layers.GRUCell(n) for n in (8, 4)])
        >>> cells.output_size, cells.state_size
        (4, [[8], [4]])
        >>> unidl.layers.RNN(cells)(np.ones((2, 5, 3))).shape
        (2, 4)
    """

    def __init__(self, cells: Sequence[Any], **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        if not isinstance(cells, list | tuple) or not cells:
            raise ValueError(
                f"StackedRNNCells: cells must be a list of cells, got {cells!r}. Write: "
                "StackedRNNCells([LSTMCell(8)])."
            )
        for cell in cells:
            check_cell(self, cell)
        self.cells = list(cells)

    @property
    def state_size(self) -> Any:
        return [cell.state_size for cell in self.cells]

    @property
    def output_size(self) -> Any:
        return output_size_of(self.cells[-1])

    def build(self, input_shape: Any) -> None:
        for cell in self.cells:
            if isinstance(cell, Layer):
                cell.build_inside(self, input_shape=input_shape)
            input_shape = (input_shape[0], output_size_of(cell))

    def get_initial_state(self, batch_size: int | None = None) -> list[Tensor]:
        """What each cell begins with, else zeros (batch, size) for each of its states."""
        return [self._first_state(cell, batch_size) for cell in self.cells]

    def _first_state(self, cell: Any, batch_size: Any) -> Any:
        if hasattr(cell, "get_initial_state"):
            return cell.get_initial_state(batch_size=batch_size)
        return tree.map_structure(
            lambda size: ops.zeros((batch_size, size), dtype=self.compute_dtype), cell.state_size
        )

    def call(self, inputs: TensorLike, states: Any, training: bool | None = False) -> Any:
        return self.prepared_step(inputs, states, training)(inputs, states)

    def prepared_step(self, like: Any, states: TensorLike, training: Any) -> Any:
        """As `RecurrentCell.prepared_step`, each cell with its own masks."""
        steps = []
        for cell, state in zip(self.cells, states, strict=True):
            own = state if tree.is_nested(state) else [state]
            steps.append(step_of(cell, like, own, training))
            # The shape of what this cell will give the next: the batch from a state, which may have
            # another size.
            like = ops.multiply(
                tree.flatten(own)[0][:, :1],
                ops.ones((1, output_size_of(cell)), dtype=self.compute_dtype),
            )

        def run(moment: TensorLike, states: Any) -> Any:
            after = []
            for step, state in zip(steps, states, strict=True):
                nested = tree.is_nested(state)
                moment, new = step(moment, state if nested else [state])
                after.append(new if nested else new[0])
            return moment, after

        return run

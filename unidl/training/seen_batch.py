"""What a launch of training was given, to look at it or run it again."""

from __future__ import annotations

from typing import Any, NamedTuple

from unidl import tree


class SeenBatch(NamedTuple):
    """
    Attributes:
        batches: the source of the data.
        steps: how many batches it holds; if several, stacked along a new first axis.
        batch: in the form of `Batches.chunks`.
    """

    batches: Any
    steps: int
    batch: Any

    def run(self, step: Any) -> Any:
        """Run a `Step` on it; returns what the last of its batches gives."""
        return step.on(self.batches)(self.steps, self.batch)

    def parts(self) -> list[tuple[Any, Any, Any]]:
        """(x, y, sample_weight) of each batch, nests of NumPy arrays."""
        nest = self.batch
        if self.batches.arrays is not None:  # leaves alone, without those that are None
            leaves = iter(self.batch)
            nest = tree.map_structure(
                lambda array: None if array is None else next(leaves), self.batches.arrays
            )
        x, y, sample_weight = (*nest, None, None)[:3]
        if self.steps == 1:
            return [(x, y, sample_weight)]

        def one(i: int) -> Any:
            return tree.map_structure(
                lambda array: None if array is None else array[i], (x, y, sample_weight)
            )

        return [one(i) for i in range(self.steps)]

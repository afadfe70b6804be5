"""A masked sequence for a kernel that knows no masks, whatever the mask.

The moments that count go to the front, in their order, so that the kernel runs through them as if
the others were not there. Each output is then that of the last moment that counted, found by how
many had counted by then.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from unidl import ops
from unidl.ops.indexing import along_axis
from unidl.tracing.shapes.arithmetic import shapes_agree
from unidl.typing import TensorLike

_BEHIND_ALL = 2**30


def check_mask(layer: Any, inputs: TensorLike, mask: Any) -> None:
    """An error unless `mask` has an entry for each moment of the layer's inputs, (n, t, ...)."""
    if mask is not None and not shapes_agree(ops.shape(mask)[:2], ops.shape(inputs)[:2]):
        raise ValueError(
            f"{layer._who()}: the mask has the shape {tuple(ops.shape(mask))}, but the input has "
            f"the shape {tuple(ops.shape(inputs))}. A mask is (batch, time), with one entry for "
            "each time step of the input."
        )


class MaskedSequence:
    """`moments` (n, t, d) and `idle` (n, t), 1 for those at the end that do not count: these are
    zeros. `mask` (n, t) is bool."""

    def __init__(self, sequences: TensorLike, mask: Callable[..., Any] | None) -> None:
        self._mask, self._counted = mask, ops.cumsum(ops.cast(mask, "int32"), axis=1)
        order = ops.argsort(ops.where(mask, self._counted, _BEHIND_ALL), axis=1)
        moments = along_axis(sequences, ops.expand_dims(order, -1), axis=1)
        counts = along_axis(mask, order, axis=1)
        self.moments = ops.where(ops.expand_dims(counts, -1), moments, 0)
        self.idle = ops.cast(ops.logical_not(counts), ops.dtype(sequences))

    def outputs(self, made: Any, zeros: Any, last_only: Any) -> Any:
        """What the kernel `made` (n, t, u), at the moments of the mask; zeros before the first,
        with `zeros` at all that are masked."""
        index = ops.where(self._mask, self._counted, 0) if zeros else self._counted
        blank = ops.zeros_like(ops.get_item(made, (slice(None), 0)))
        return _at(blank, made, _last(index) if last_only else index)

    def last_state(self, first: Any, made: Any) -> Any:
        """The state (n, u) after the last moment that counts, where the outputs are the states."""
        return ops.squeeze(_at(first, made, _last(self._counted)), 1)


def _at(first: Any, made: Any, index: Any) -> Any:
    """Of `first` (n, u) and then `made` (n, t, u) those at `index` (n, k): (n, k, u)."""
    return along_axis(
        ops.concatenate([ops.expand_dims(first, 1), made], axis=1),
        ops.expand_dims(index, -1),
        axis=1,
    )


def _last(index: Any) -> Any:
    return ops.get_item(index, (slice(None), slice(-1, None)))

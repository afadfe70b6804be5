"""Whole functions for torch.compile.

A function that reads and assigns Variables is first recorded by `make_fx` as one graph of plain
tensor operations, with the stores, the random keys and the numbers of the step as inputs and the
new stores as outputs. Forward pass, gradients and optimizer are in the same graph, and
torch.compile sees no Python object of unidl, so it has nothing to guard or to break on.
"""

from __future__ import annotations

import torch
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils import _pytree as pytree

from unidl.backend.variable import commit, stores_of
from unidl.tracing.pure import Pure
from unidl_torch.recurrent_op import recurrences_as_operations
from unidl_torch.types import current_device

# Rows of the key and number inputs to begin with; a function that asks for more is recorded again
# with more.
_ROWS = 64


class Compiled:
    """`fn(*tensors)`, compiled for the shapes, dtypes and device of `tensors`."""

    def __init__(self, fn, variables, tensors):
        self._pure = Pure(fn, variables)
        self._device = current_device()
        graph, asked = self._pure.complete(lambda: self._record(tensors, _ROWS))
        if asked > _ROWS:
            graph, _ = self._record(tensors, asked)
        self._rows = max(asked, _ROWS)
        self._run = torch.compile(graph, dynamic=False)

    def _record(self, tensors, rows):
        """(graph of fn as (stores, tensors, keys, numbers) -> (outputs, new stores), rows asked
        for)."""
        asked = 0

        def body(stores, tensors, keys, numbers):
            def row_of(table):
                def row(index):
                    nonlocal asked
                    asked = max(asked, index + 1)
                    return table[min(index, rows - 1)]

                return row

            outputs, after = self._pure(stores, tensors, row_of(keys), row_of(numbers))
            outputs, self._structure = pytree.tree_flatten(outputs)
            return outputs, after

        keys = torch.zeros((rows, 2), dtype=torch.int64, device=self._device)
        numbers = torch.ones(rows, dtype=torch.float64, device=self._device)
        # Recording runs the function once: on copies, since an update may work in place.
        stores = [store.clone() for store in stores_of(self._pure.variables)]
        with recurrences_as_operations():
            return make_fx(body)(stores, list(tensors), keys, numbers), asked

    def _host_input(self, values, dtype):
        """Rows drawn on the host, filled up to the size that was recorded."""
        table = torch.zeros((self._rows, *values.shape[1:]), dtype=dtype)
        table[: len(values)] = torch.from_numpy(values)
        return table.to(self._device, non_blocking=True)

    def __call__(self, *tensors):
        pure = self._pure
        keys = self._host_input(pure.feed.draw(), torch.int64)
        numbers = self._host_input(pure.feed.draw_numbers(), torch.float64)
        with torch.no_grad():
            outputs, values = self._run(stores_of(pure.variables), list(tensors), keys, numbers)
        commit(pure.assigned, values)
        return pytree.tree_unflatten(outputs, self._structure)

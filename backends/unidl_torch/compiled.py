"""Whole functions for torch.compile.

A function that reads and assigns Variables is first recorded by `make_fx` as one graph of plain tensor operations, with the
stores, the random keys and the numbers of the step as inputs and the new stores as outputs. Forward pass, gradients and
optimizer are in the same graph, and torch.compile sees no Python object of unidl, so it has nothing to guard or to break on.
"""

from __future__ import annotations

import torch
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils import _pytree as pytree

from unidl.backend.variable import rebound
from unidl.tracing.feed import KeyFeed
from unidl_torch.recurrent_op import recurrences_as_operations
from unidl_torch.types import current_device

# Rows of the key and number inputs to begin with; a function that asks for more is recorded again with more.
_ROWS = 64


class Compiled:
    """`fn(*tensors)`, compiled once for each combination of the tensors' shapes, dtypes and devices."""

    def __init__(self, fn, variables):
        self._fn = fn
        self._variables = list(dict.fromkeys(variables))
        self._traces = {}

    def __call__(self, *tensors):
        signature = tuple((t.shape, t.dtype, t.device) for t in tensors)
        trace = self._traces.get(signature)
        if trace is None:
            trace = self._traces[signature] = _Trace(self._fn, self._variables, tensors)
        return trace(tensors)


class _Trace:
    def __init__(self, fn, variables, tensors):
        self._variables = variables
        self._feed = KeyFeed()
        self._device = current_device()
        graph, asked = self._record(fn, tensors, _ROWS)
        if asked > _ROWS:
            graph, _ = self._record(fn, tensors, asked)
        self._rows = max(asked, _ROWS)
        self._run = torch.compile(graph, dynamic=False)

    def _record(self, fn, tensors, rows):
        """(graph of fn as (stores, tensors, keys, numbers) -> (outputs, new stores), number of rows it asked for)."""
        asked = 0

        def body(stores, tensors, keys, numbers):
            def row_of(table):
                def row(index):
                    nonlocal asked
                    asked = max(asked, index + 1)
                    return table[min(index, rows - 1)]

                return row

            with (
                rebound(self._variables, stores),
                self._feed.tracing(row_of(keys), row_of(numbers)),
            ):
                outputs, self._structure = pytree.tree_flatten(fn(*tensors))
                after = [v._store for v in self._variables]
            self._assigned = [
                i for i, (old, new) in enumerate(zip(stores, after, strict=True)) if new is not old
            ]
            return outputs, [after[i] for i in self._assigned]

        keys = torch.zeros((rows, 2), dtype=torch.int64, device=self._device)
        numbers = torch.ones(rows, dtype=torch.float64, device=self._device)
        # Recording runs the function once: on copies, since an update may work in place.
        stores = [v._store.clone() for v in self._variables]
        with recurrences_as_operations():
            return make_fx(body)(stores, list(tensors), keys, numbers), asked

    def _host_input(self, values, dtype):
        """Rows drawn on the host, filled up to the size that was recorded."""
        table = torch.zeros((self._rows, *values.shape[1:]), dtype=dtype)
        table[: len(values)] = torch.from_numpy(values)
        return table.to(self._device, non_blocking=True)

    def __call__(self, tensors):
        keys = self._host_input(self._feed.draw(), torch.int64)
        numbers = self._host_input(self._feed.draw_numbers(), torch.float64)
        with torch.no_grad():
            outputs, stores = self._run(
                [v._store for v in self._variables], list(tensors), keys, numbers
            )
        for index, store in zip(self._assigned, stores, strict=True):
            self._variables[index]._store = store
        return pytree.tree_unflatten(outputs, self._structure)

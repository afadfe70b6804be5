"""A recorded function as a CachedOp, with the arrays that it wants at each run."""

from __future__ import annotations

import numpy as np

from unidl.backend.keys import KeyFeed
from unidl.backend.variable import rebound
from unidl_mxnet.arrays import from_numpy
from unidl_mxnet.load import mx  # isort: skip
from mxnet._ctypes.ndarray import CachedOp

from unidl_mxnet.op import op
from unidl_mxnet.random import Draw, KeyRow
from unidl_mxnet.registry import ndarray
from unidl_mxnet.traced import HostNumber, Trace, tracing


class Argument:
    """Source of a graph input: the tensor at `position` among those that the graph is called with."""

    def __init__(self, position):
        self.position = position


class VariableValue:
    """Source of a graph input: what the Variable holds."""

    def __init__(self, variable):
        self.variable = variable


class Number:
    """Source of a graph input: the host number of that row."""

    def __init__(self, row):
        self.row = row


class Graph:
    """`fn(*tensors)` recorded for given shapes and dtypes.

    After the recording, `result` is what `fn` returned, `assigned` the Variables that it assigned, and the graph's outputs are
    the flat list `outputs(result)` followed by the new values of `assigned`.
    """

    def __init__(self, backend, fn, variables, specs, *, differentiable, outputs):
        self.feed = KeyFeed()
        trace = Trace(differentiable)
        with tracing(trace):
            arguments = [trace.input(shape, dtype, Argument(i)) for i, (shape, dtype) in enumerate(specs)]
            values = [trace.input(tuple(v.shape), v.dtype, VariableValue(v)) for v in variables]
            with self.feed.tracing(KeyRow, self._numbers_of(trace)), rebound(variables, values):
                self.result = fn(*arguments)
                after = [v._store for v in variables]
            changed = [(v, new) for v, old, new in zip(variables, values, after, strict=True) if new is not old]
            self.assigned = [v for v, _ in changed]
            self.flat = list(outputs(self.result))
            self.count = len(self.flat)
            symbols = [_output(trace, backend.asarray(x)) for x in (*self.flat, *(new for _, new in changed))]
        self._build(trace, symbols)

    @staticmethod
    def _numbers_of(trace):
        def number_of_row(row):
            number = trace.input((), "float64", Number(row), HostNumber)
            number.row = row
            return number

        return number_of_row

    def _build(self, trace, symbols):
        self.sources = []
        self.op = None
        if symbols:
            group = mx.sym.Group(symbols, mx.sym.numpy._Symbol)
            self.sources = [trace.inputs[name] for name in group.list_inputs()]
            self.op = CachedOp(group, [("static_alloc", True), ("static_shape", True)])

    def inputs(self, tensors):
        """The arrays of one run, in the order of the graph; draws random keys and numbers."""
        keys, numbers = self.feed.draw(), self.feed.draw_numbers()
        return [_fetch(source, tensors, keys, numbers) for source in self.sources]

    def __call__(self, arrays):
        """List of outputs."""
        if self.op is None:
            return []
        result = self.op(*arrays)
        return result if isinstance(result, list) else [result]


def _output(trace, x):
    """The symbol of an output. A copy, because an output that is an input would share the input's memory."""
    x = trace.lift(x)
    return (op("_np_copy", x) if x.symbol.name in trace.inputs else x).symbol


def _fetch(source, tensors, keys, numbers):
    if isinstance(source, VariableValue):
        return source.variable._store
    if isinstance(source, Argument):
        return tensors[source.position]
    if isinstance(source, Draw):
        return from_numpy(source.function(keys[source.row]))
    if isinstance(source, Number):
        return from_numpy(np.asarray(numbers[source.row]))
    assert isinstance(source, ndarray)
    return source

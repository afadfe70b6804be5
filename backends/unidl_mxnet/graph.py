"""A recorded function as CachedOps, with the arrays that they want at each run."""

from __future__ import annotations

from unidl.backend.keys import KeyFeed
from unidl.backend.variable import rebound
from unidl_mxnet.arrays import context, from_numpy

from unidl_mxnet.load import mx  # isort: skip
from mxnet._ctypes.ndarray import CachedOp
from mxnet._ctypes.symbol import _symbol_creator

from unidl_mxnet.op import op
from unidl_mxnet.random import Draw, KeyRow
from unidl_mxnet.registry import creator, eager
from unidl_mxnet.traced import HostNumber, Slot, Trace, tracing


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


class Compiled:
    """A CachedOp of some outputs of a trace, and the sources of its inputs."""

    def __init__(self, trace, symbols):
        self.sources, self.op = [], None
        if symbols:
            group = mx.sym.Group(symbols, mx.sym.numpy._Symbol)
            self.sources = [trace.inputs[name] for name in group.list_inputs()]
            self.op = CachedOp(group, [("static_alloc", True), ("static_shape", True)])

    def __call__(self, arrays):
        """List of outputs."""
        if self.op is None:
            return []
        result = self.op(*arrays)
        return result if isinstance(result, list) else [result]


class Graph:
    """`fn(*tensors)` recorded for given shapes and dtypes.

    `result` is what `fn` returned, and `assigned` are the Variables that it assigned. The outputs of `body` are the `count`
    tensors `outputs(result)`, and the new values of `assigned`. Where `fn` makes native calls (fused optimizer kernels),
    what they need is computed by `before`, and `body` runs after them.
    """

    def __init__(self, backend, fn, variables, specs, *, differentiable, outputs, of_step=False):
        symbols = self._record(backend, Trace(differentiable, set() if of_step else None), fn, variables, specs, outputs)
        if self.trace.shortcuts and not self.trace.shortcuts.isdisjoint(s.name for s in symbols[0].get_internals()):
            symbols = self._record(backend, Trace(differentiable), fn, variables, specs, outputs)
        if of_step:
            # Only the loss is differentiated.
            loss, *others = symbols
            self.group = mx.sym.Group([_node("make_loss", loss), *(_node("BlockGrad", s) for s in others)], mx.sym.numpy._Symbol)
        else:
            self.body = Compiled(self.trace, symbols)
            self._plan_calls(self.trace)

    def _record(self, backend, trace, fn, variables, specs, outputs):
        """The symbols of all outputs."""
        self.feed, self.trace = KeyFeed(), trace
        with tracing(trace):
            arguments = [trace.input(shape, dtype, Argument(i)) for i, (shape, dtype) in enumerate(specs)]
            values = [trace.input(tuple(v.shape), v.dtype, VariableValue(v)) for v in variables]
            with self.feed.tracing(KeyRow, lambda row: _host_number(trace, row)), rebound(variables, values):
                self.result = fn(*arguments)
                after = [v._store for v in variables]
            flat = [backend.asarray(x) for x in outputs(self.result)]
            self.count = len(flat)
            changed = [(v, trace.lift(new)) for v, old, new in zip(variables, values, after, strict=True) if new is not old]
            # A Variable that takes a native call's array whole needs no output of the graph.
            self.taken = [(v, source) for v, new in changed if isinstance(source := trace.inputs.get(new.symbol.name), Slot)]
            changed = [(v, new) for v, new in changed if not isinstance(trace.inputs.get(new.symbol.name), Slot)]
            self.assigned = [v for v, _ in changed]
            return [_output(trace, x) for x in (*flat, *(new for _, new in changed))]

    def _plan_calls(self, trace):
        self.calls, self.prepared = trace.calls, {}
        wanted = [x for call in trace.calls for x in (*call.changed, *call.others)]
        computed = [x for x in wanted if x.symbol.name not in trace.inputs]
        self.before = Compiled(trace, [x.symbol for x in computed])
        places = {id(x): i for i, x in enumerate(computed)}
        # Where each array of a call comes from: an output of `before` by its place, or a source.
        self.origins = {id(x): places.get(id(x), trace.inputs.get(x.symbol.name)) for x in wanted}
        self.in_place = {
            (source.call, source.index)
            for variable, source in self.taken
            if isinstance(origin := self.origins[id(self.calls[source.call].changed[source.index])], VariableValue)
            and origin.variable is variable
        }
        overwritten = {id(self.origins[id(self.calls[c].changed[i])].variable) for c, i in self.in_place}
        self.kept = [s for s in self.body.sources if isinstance(s, VariableValue) and id(s.variable) in overwritten]

    def start(self, tensors):
        """A run of this graph: draws random keys and numbers."""
        return Run(self, tensors)


class Run:
    """One run of a graph."""

    def __init__(self, graph, tensors):
        self.graph, self.tensors = graph, tensors
        self.keys, self.numbers = graph.feed.draw(), graph.feed.draw_numbers()
        self.slots = []
        self.old = {}

    def inputs(self):
        """The arrays that `graph.body` wants."""
        if self.graph.calls:
            self._call()
        return [self.fetch(source) for source in self.graph.body.sources]

    def _call(self):
        graph = self.graph
        computed = graph.before([self.fetch(source) for source in graph.before.sources])
        for source in graph.kept:
            self.old[id(source)] = eager("_np_copy", (source.variable._store,), {})
        for place, call in enumerate(graph.calls):
            changed = []
            for index, x in enumerate(call.changed):
                origin = graph.origins[id(x)]
                array = computed[origin] if isinstance(origin, int) else self.fetch(origin)
                is_own = isinstance(origin, int) or (place, index) in graph.in_place
                changed.append(array if is_own else eager("_np_copy", (array,), {}))
            origins = [graph.origins[id(x)] for x in call.others]
            others = [computed[o] if isinstance(o, int) else self.fetch(o) for o in origins]
            number = self.numbers[call.number.row] if isinstance(call.number, HostNumber) else call.number
            arrays = (*changed, *others)
            known, function = self.graph.prepared.get(place, ((), None))
            if len(known) != len(arrays) or any(a is not b for a, b in zip(known, arrays, strict=True)):
                function = call.function(changed, others)
                self.graph.prepared[place] = arrays, function
            function(float(number))
            self.slots.append(changed)

    def fetch(self, source):
        """The array of a source."""
        if isinstance(source, VariableValue):
            return self.old.get(id(source), source.variable._store)
        if isinstance(source, Argument):
            return self.tensors[source.position]
        if isinstance(source, Slot):
            return self.slots[source.call][source.index]
        if isinstance(source, Draw):
            return from_numpy(source.function(self.keys[source.row]))
        if isinstance(source, Number):
            value = float(self.numbers[source.row])
            return eager("_npi_full", (), {"shape": (), "value": value, "dtype": "float64", "ctx": context()})
        return source  # a constant

    def assign(self, values):
        """Give the Variables their new values, the last outputs of `graph.body`."""
        for variable, value in zip(self.graph.assigned, values, strict=True):
            variable._store = value
        for variable, source in self.graph.taken:
            variable._store = self.slots[source.call][source.index]


def _host_number(trace, row):
    number = trace.input((), "float64", Number(row), HostNumber)
    number.row = row
    return number


def _node(name, symbol):
    """An operator of one input as a symbol."""
    return _symbol_creator(creator(name), [symbol], None, (), (), f"{symbol.name}_{name}", True)


def _output(trace, x):
    """The symbol of an output. A copy, because an output that is an input would share the input's memory."""
    x = trace.lift(x)
    return (op("_np_copy", x) if x.symbol.name in trace.inputs else x).symbol

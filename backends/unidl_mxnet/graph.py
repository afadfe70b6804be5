"""A recorded function as CachedOps, with the arrays that they want at each run."""

from __future__ import annotations

from unidl.tracing.pure import Pure
from unidl_mxnet.transfer import context, from_numpy

from unidl_mxnet.load import mx  # isort: skip
from mxnet._ctypes.ndarray import CachedOp
from mxnet._ctypes.symbol import _symbol_creator

from unidl_mxnet import layout
from unidl_mxnet.laid import array_of, axes_of, hold
from unidl_mxnet.op import op
from unidl_mxnet.random import Draw, KeyRow
from unidl_mxnet.registry import creator, eager, ndarray
from unidl_mxnet.traced import HostNumber, Slot, Trace, Weight, tracing


class Argument:
    """Source of a graph input: the tensor at `position` among those that the graph is called
    with."""

    def __init__(self, position):
        self.position = position


class VariableValue:
    """Source of a graph input: what the Variable holds, in the layout in which permuting by `axes`
    makes its value of it."""

    axes = None

    def __init__(self, variable):
        self.variable = variable


class Number:
    """Source of a graph input: the host number of that row."""

    def __init__(self, row):
        self.row = row


class Compiled:
    """A CachedOp of some outputs of a trace, and the sources of its inputs; `changing` are those of
    Variables that each run assigns."""

    def __init__(self, trace, symbols, changing):
        self.sources, self.op = [], None
        if symbols:
            group = mx.sym.Group(symbols, mx.sym.numpy._Symbol)
            self.sources = [trace.inputs[name] for name in group.list_inputs()]
            # Kernels on arrays that are always the same are prepared once.
            fixed = [
                isinstance(s, ndarray) or (isinstance(s, VariableValue) and s not in changing)
                for s in self.sources
            ]
            # With shapes fixed, too, a loop reads what memory no longer holds.
            flags = {"static_alloc": True, "static_shape": not trace.has_loop}
            flags["param_indices"] = [i for i, is_fixed in enumerate(fixed) if is_fixed]
            flags["data_indices"] = [i for i, is_fixed in enumerate(fixed) if not is_fixed]
            self.op = CachedOp(group, list(flags.items()))

    def __call__(self, arrays):
        """List of outputs."""
        if self.op is None:
            return []
        result = self.op(*arrays)
        return result if isinstance(result, list) else [result]


class Graph:
    """`fn(*tensors)` recorded for given shapes and dtypes; `layouts` are the axes by which
    arguments are to be permuted first.

    `result` is what `fn` returned, and `assigned` the sources of the Variables that it assigned.
    The outputs of `body` are the `count` tensors `outputs(result)`, and the new values of
    `assigned`. Where `fn` makes native calls (fused optimizer kernels), what they need is computed
    by `before`, and `body` runs after them.
    """

    def __init__(
        self, backend, fn, variables, specs, *, differentiable, outputs, of_step=False, layouts=()
    ):
        self._layouts = layouts or [None] * len(specs)
        self._of_step = of_step
        # Gradients through a compiled function are those of what its caller put into the Variables,
        # in the layout in which it did.
        self._is_free = of_step or not differentiable
        pure = Pure(fn, variables)

        def record(shortcuts):
            return pure.complete(
                lambda: self._record(
                    backend, Trace(differentiable, shortcuts), pure, specs, outputs
                )
            )

        symbols = record(set() if of_step else None)
        if self.trace.shortcuts and not self.trace.shortcuts.isdisjoint(
            s.name for s in symbols[0].get_internals()
        ):
            symbols = record(None)
        if of_step:
            loss, *others = symbols
            self.group = mx.sym.Group([_node("make_loss", loss), *others], mx.sym.numpy._Symbol)
        else:
            changing = {*self.assigned, *(source for source, _ in self.taken)}
            self.body = Compiled(self.trace, symbols, changing)
            self._plan_calls(self.trace, changing)

    def _record(self, backend, trace, pure, specs, outputs):
        """The symbols of all outputs."""
        self.feed, self.trace = pure.feed, trace
        with tracing(trace):
            arguments = [
                trace.input(shape, dtype, Argument(i)) for i, (shape, dtype) in enumerate(specs)
            ]
            arguments = [
                x if axes is None else layout.transpose(op, x, axes)
                for x, axes in zip(arguments, self._layouts, strict=True)
            ]
            sources = {v: VariableValue(v) for v in pure.variables}
            values = {v: self._value(trace, source) for v, source in sources.items()}
            self.result, after = pure(
                values.values(),
                arguments,
                KeyRow,
                lambda row: _host_number(trace, row),
                naming=trace.naming,
            )
            if pure.met:
                return []  # to be recorded again
            flat = [backend.asarray(x) for x in outputs(self.result)]
            self.count = len(flat)
            changed = [
                (sources[v], _as_kept(trace, sources[v], values[v], new))
                for v, new in zip(pure.assigned, after, strict=True)
            ]
            # A Variable that takes a native call's array whole needs no output of the graph.
            self.taken = [
                (s, slot)
                for s, new in changed
                if isinstance(slot := trace.inputs.get(new.symbol.name), Slot)
            ]
            changed = [
                (s, new)
                for s, new in changed
                if not isinstance(trace.inputs.get(new.symbol.name), Slot)
            ]
            self.assigned = [s for s, _ in changed]
            results = [*flat, *(new for _, new in changed)]
            if self._of_step:  # only the loss is differentiated
                results[1:] = map(backend.stop_gradient, results[1:])
            return [_output(trace, x) for x in results]

    def _value(self, trace, source):
        """The traced value of a source's Variable."""
        shape, dtype = tuple(source.variable.shape), source.variable.dtype
        if not self._is_free:
            return trace.input(shape, dtype, source)
        value = Weight(shape, dtype, source)
        axes = axes_of(source.variable)
        if axes is not None:
            value.lay(op, axes)
        return value

    def _plan_calls(self, trace, changing):
        self.calls, self.prepared = trace.calls, {}
        wanted = [x for call in trace.calls for x in (*call.changed, *call.others)]
        computed = [x for x in wanted if x.symbol.name not in trace.inputs]
        self.before = Compiled(trace, [x.symbol for x in computed], changing)
        places = {id(x): i for i, x in enumerate(computed)}
        # Where each array of a call comes from: an output of `before` by its place, or a source.
        self.origins = {id(x): places.get(id(x), trace.inputs.get(x.symbol.name)) for x in wanted}
        self.in_place = {
            (source.call, source.index)
            for kept, source in self.taken
            if self.origins[id(self.calls[source.call].changed[source.index])] is kept
        }
        overwritten = {
            id(self.origins[id(self.calls[c].changed[i])].variable) for c, i in self.in_place
        }
        self.kept = [
            s
            for s in self.body.sources
            if isinstance(s, VariableValue) and id(s.variable) in overwritten
        ]

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
            self.old[id(source)] = eager("_np_copy", (array_of(source.variable, source.axes),), {})
        for place, call in enumerate(graph.calls):
            changed = []
            for index, x in enumerate(call.changed):
                origin = graph.origins[id(x)]
                array = computed[origin] if isinstance(origin, int) else self.fetch(origin)
                is_own = isinstance(origin, int) or (place, index) in graph.in_place
                changed.append(array if is_own else eager("_np_copy", (array,), {}))
            origins = [graph.origins[id(x)] for x in call.others]
            others = [computed[o] if isinstance(o, int) else self.fetch(o) for o in origins]
            number = (
                self.numbers[call.number.row]
                if isinstance(call.number, HostNumber)
                else call.number
            )
            arrays = (*changed, *others)
            known, function = self.graph.prepared.get(place, ((), None))
            if len(known) != len(arrays) or any(
                a is not b for a, b in zip(known, arrays, strict=True)
            ):
                function = call.function(changed, others)
                self.graph.prepared[place] = arrays, function
            function(float(number))
            self.slots.append(changed)

    def fetch(self, source):
        """The array of a source."""
        if isinstance(source, VariableValue):
            return (
                self.old[id(source)]
                if id(source) in self.old
                else array_of(source.variable, source.axes)
            )
        if isinstance(source, Argument):
            return self.tensors[source.position]
        if isinstance(source, Slot):
            return self.slots[source.call][source.index]
        if isinstance(source, Draw):
            return from_numpy(source.function(self.keys[source.row]))
        if isinstance(source, Number):
            value = float(self.numbers[source.row])
            return eager(
                "_npi_full", (), {"shape": (), "value": value, "dtype": "float64", "ctx": context()}
            )
        return source  # a constant

    def assign(self, values):
        """Give the Variables their new values, the last outputs of `graph.body`."""
        for source, value in zip(self.graph.assigned, values, strict=True):
            hold(source.variable, value, source.axes)
        for source, slot in self.graph.taken:
            hold(source.variable, self.slots[slot.call][slot.index], source.axes)


def _host_number(trace, row):
    number = trace.input((), "float64", Number(row), HostNumber)
    number.row = row
    return number


def _as_kept(trace, source, old, new):
    """The `new` value of a Variable in the layout in which the Variable is kept; `old` is what it
    was."""
    new = trace.lift(new)
    if new.origin:
        old.lay(op, new.origin[1])
    return new if source.axes is None else layout.transpose(op, new, layout.inverse(source.axes))


def _node(name, symbol):
    """An operator of one input as a symbol."""
    return _symbol_creator(creator(name), [symbol], None, (), (), f"{symbol.name}_{name}", True)


def _output(trace, x):
    """The symbol of an output. A copy, because an output that is an input would share the input's
    memory."""
    x = trace.lift(x)
    return (op("_np_copy", x) if x.symbol.name in trace.inputs else x).symbol

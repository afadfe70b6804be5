"""Symbols that know their shape and dtype, and the trace that they belong to.

While a function is compiled its tensors are `Traced`. Shapes and dtypes of results are asked of
MXNet's own inference, node by node and cached, so a wrong shape is an error at the very call that
makes it, as in eager mode.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from itertools import count

import numpy as np

from unidl.backend.context import holding

from unidl_mxnet.load import mx  # isort: skip
from mxnet._ctypes.symbol import _symbol_creator

from unidl_mxnet.layout import inverse, on_bases, transpose
from unidl_mxnet.registry import creator, numpy_shape

# Kernels whose second run would be another: batch normalization moves its own averages, and the
# gradient of the others needs what the first run left behind.
_STATEFUL = frozenset(("BatchNorm", "Custom", "RNN"))

_trace: ContextVar[Trace | None] = ContextVar("unidl_mxnet_trace", default=None)


class Traced:
    """A tensor of a function that is being compiled: a symbol, its shape (a tuple of ints) and its
    dtype's name.

    `origin` is (tensor, axes) where this one is the transpose of another, else None; `node` is the
    (operator, inputs, attributes) that it came from, for what is planned from one layer to the
    next.
    """

    __slots__ = ("__weakref__", "dtype", "node", "origin", "shape", "symbol")
    __array_priority__ = 1000.0

    def __init__(self, symbol, shape, dtype):
        self.symbol, self.shape, self.dtype = symbol, shape, dtype
        self.origin = self.node = None

    @property
    def ndim(self):
        return len(self.shape)

    @property
    def size(self):
        return int(np.prod(self.shape))

    def __len__(self):
        if not self.shape:
            raise TypeError("len() of a 0-d tensor")
        return self.shape[0]

    def __bool__(self):
        raise TypeError(
            "A compiled function cannot branch on the value of a tensor: it runs once to be "
            "recorded. Choose with "
            "ops.where(condition, a, b), or run eagerly (run_eagerly=True)."
        )

    def _no_value(self, *_, **__):
        raise TypeError(
            "This tensor belongs to a function that is being compiled and has no value yet. Use "
            "unidl.ops on it instead of "
            "NumPy, float() or int(), or run eagerly (run_eagerly=True)."
        )

    __array__ = __float__ = __int__ = __index__ = asnumpy = item = _no_value

    def lay(self, op, axes):
        """Be the transpose by `axes` of another tensor, if there is a choice; see `Weight`."""

    def __repr__(self):
        return f"<traced mxnet tensor, shape={self.shape}, dtype={self.dtype}>"


class HostNumber(Traced):
    """A 0-d tensor whose value is `numbers[row]`, which the host knows before each run."""

    __slots__ = ("row",)


class Weight(Traced):
    """A Variable's value, of which the first use decides whether the graph takes it as it is or
    with its axes permuted.

    `source` is that of its input, whose `axes` tell what was decided (see laid.py).
    """

    __slots__ = ("_symbol", "source")

    def __init__(self, shape, dtype, source):
        self.shape, self.dtype, self.source = shape, dtype, source
        self.origin = self.node = self._symbol = None

    @property
    def symbol(self):
        if self._symbol is None:
            self._symbol = _trace.get().input(self.shape, self.dtype, self.source).symbol
        return self._symbol

    def lay(self, op, axes):
        if self._symbol is None:
            base = _trace.get().input(
                tuple(self.shape[a] for a in inverse(axes)), self.dtype, self.source
            )
            self.source.axes = axes
            self._symbol = base.symbol  # so that the transpose below is not asked to choose
            result = transpose(op, base, axes)
            self._symbol, self.origin = result.symbol, result.origin


class Slot:
    """Source of a graph input: array `index` of native call `call`, after it ran."""

    def __init__(self, call, index):
        self.call, self.index = call, index


class Call:
    """A native call between two parts of a graph: `function(changed, others)(number)` works in
    place on the arrays `changed`."""

    def __init__(self, function, changed, others, number):
        self.function, self.changed, self.others, self.number = function, changed, others, number


class Trace:
    """The inputs of a graph under construction, and the native calls in its middle.

    `inputs` maps names to sources; a source says where the array comes from at each run: it is what
    the maker of the input handed over, or the array itself for a constant that met a symbol; all
    but the latter have their (shape, dtype) in `specs`.

    `shortcuts` are the names of results of kernels that know no gradient through them, of which the
    loss must be independent; None where such kernels must not be used.
    """

    def __init__(self, differentiable, shortcuts=None):
        self.differentiable, self.shortcuts = differentiable, shortcuts
        self.inputs, self.specs, self.symbols = {}, {}, {}
        self.calls = []
        self._constants = {}
        self._names = count()
        self._place = ""
        # The loop whose moment is being recorded, and what depends on what the moment is given: all
        # else is computed once, outside.
        self.subgraph, self.inside, self.has_loop = "", set(), False
        # Whether the nodes that are being recorded are computed again for the gradient.
        self.mirrors = False

    def input(self, shape, dtype, source, cls=Traced):
        """A new input of the graph."""
        name = f"input{len(self.inputs)}"
        self.inputs[name] = source
        self.specs[name] = shape, dtype
        self.symbols[name] = mx.sym.Variable(name, shape=shape, dtype=dtype).as_np_ndarray()
        return cls(self.symbols[name], shape, dtype)

    def lift(self, x):
        """`x` itself if traced, else an input that always holds the array `x`."""
        if isinstance(x, Traced):
            return x
        known = self._constants.get(id(x))
        if known is None:
            known = self.input(x.shape, np.dtype(x.dtype).name, x)
            del self.specs[known.symbol.name]
            self._constants[id(x)] = known
        return known

    def holds(self, *tensors):
        """Whether all of these are inputs of the graph."""
        return all(self.lift(x).symbol.name in self.inputs for x in tensors)

    def call(self, function, changed, others, number):
        """Put a native call into the graph; the `changed` tensors as it leaves them, or None where
        it cannot be.

        It cannot be where an input depends on an earlier call, since all calls run between the two
        parts of the graph.
        """
        earlier = {name for name, source in self.inputs.items() if isinstance(source, Slot)}
        earlier |= {x.symbol.name for call in self.calls for x in call.changed}
        changed, others = [self.lift(x) for x in changed], [self.lift(x) for x in others]
        if any(earlier.intersection(x.symbol.list_inputs()) for x in (*changed, *others)):
            return None
        self.calls.append(Call(function, changed, others, number))
        place = len(self.calls) - 1
        return [self.input(x.shape, x.dtype, Slot(place, i)) for i, x in enumerate(changed)]

    @contextmanager
    def moment(self):
        """Inside, nodes belong to the moment of a loop."""
        self.subgraph, self.inside, self.has_loop = self.name(), set(), True
        try:
            yield
        finally:
            self.subgraph = ""

    @contextmanager
    def mirroring(self):
        """Inside, nodes are computed again for the gradient instead of being kept for it."""
        before, self.mirrors = self.mirrors, True
        try:
            yield
        finally:
            self.mirrors = before

    def placeholder(self, shape, dtype):
        """A tensor that a moment of a loop is given."""
        name = self.name()
        self.inside.add(name)
        return Traced(mx.sym.Variable(name, shape=shape, dtype=dtype).as_np_ndarray(), shape, dtype)

    def name(self):
        return f"{self._place}node{next(self._names)}"

    @contextmanager
    def naming(self, path):
        """Inside, names of nodes, which errors show, begin with the layer's path."""
        before, self._place = self._place, f"{path}/"
        try:
            yield
        finally:
            self._place = before


def current_trace():
    """The innermost open trace, None in eager mode."""
    return _trace.get()


@contextmanager
def tracing(trace):
    with holding(_trace, trace), numpy_shape():
        yield trace


def record(name, inputs, attrs):
    """Add an operator to the open trace; a list if it has several outputs."""
    trace = _trace.get()
    if trace is None:
        raise RuntimeError(
            "A tensor of a compiled function was used after the function had been recorded. Return "
            "it, or assign it to a Variable."
        )
    inputs = [trace.lift(x) for x in inputs]
    result = on_bases(_record, name, inputs, attrs)
    return _record(name, *inputs, **attrs) if result is None else result


def _record(name, *inputs, **attrs):
    """A node of the open trace."""
    trace = _trace.get()
    keys, values = tuple(attrs), tuple(str(v) for v in attrs.values())
    specs = infer(name, tuple((x.shape, x.dtype) for x in inputs), keys, values)
    node = trace.name()
    if trace.subgraph and not trace.inside.isdisjoint(x.symbol.name for x in inputs):
        trace.inside.add(node)
        keys, values = (*keys, "__subgraph_name__"), (*values, trace.subgraph)
    if trace.mirrors and name not in _STATEFUL:
        keys, values = (*keys, "__force_mirroring__"), (*values, "True")
    symbol = create(name, [x.symbol for x in inputs], keys, values, node)
    if isinstance(symbol, list):
        return [Traced(s, *spec) for s, spec in zip(symbol, specs, strict=True)]
    result = Traced(symbol, *specs[0])
    result.node = name, inputs, attrs
    return result


def create(name, symbols, keys, values, node):
    """The symbol of an operator, a list if it has several outputs."""
    return _symbol_creator(creator(name), symbols, None, keys, values, node, True)


@lru_cache(maxsize=10_000)
def infer(name, inputs, keys, values):
    """((shape, dtype), ...) of an operator's outputs for inputs ((shape, dtype), ...) and
    attributes."""
    names = [f"x{i}" for i in range(len(inputs))]
    result = create(
        name, [mx.sym.Variable(n).as_np_ndarray() for n in names], keys, values, "probe"
    )
    if isinstance(result, list):
        result = mx.sym.Group(result, mx.sym.numpy._Symbol)
    with numpy_shape():
        _, shapes, _ = result.infer_shape(
            **{n: shape for n, (shape, _) in zip(names, inputs, strict=True)}
        )
        _, types, _ = result.infer_type(
            **{n: dtype for n, (_, dtype) in zip(names, inputs, strict=True)}
        )
    if shapes is None or types is None:
        raise ValueError(
            f"MXNet cannot tell the shape or dtype of {name} for inputs {inputs} and "
            f"{dict(zip(keys, values, strict=True))}."
        )
    return tuple((tuple(s), np.dtype(t).name) for s, t in zip(shapes, types, strict=True))

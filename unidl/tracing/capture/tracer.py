"""Tracer: the contract on symbols, which writes every call into a program."""

from __future__ import annotations

import inspect
import math

from unidl import tree
from unidl.backend import dtypes
from unidl.backend.contract import Backend, names
from unidl.tracing import KerasTensor, graph, symbolic
from unidl.tracing.capture import control
from unidl.tracing.capture.symbol import KeySymbol, NotCapturable, NumberSymbol, Symbol

# Larger results are computed at each run instead of being kept for good.
LARGEST_CONSTANT = 1 << 16

_NUMBER_OR_TENSOR = frozenset((*names.BINARY, *names.COMPARISON))


class Tracer(Backend):
    """Stands for `backend` while a function is captured: infers shapes by the symbolic backend and
    records the call."""

    traces = True
    tensor_types = (Symbol,)
    absorbs = True  # tensors of the backend itself become constants

    def __init__(self, backend, program):
        self._backend, self._program = backend, program
        self.stands_for = backend
        self.name, self.version, self.nests = backend.name, backend.version, backend.nests
        self.kernels, self.unsupported, self.dtypes = (
            backend.kernels,
            backend.unsupported,
            backend.dtypes,
        )

    def shape(self, x):
        return x.shape

    def dtype(self, x):
        return x.dtype

    def is_tensor(self, x):
        return isinstance(x, Symbol)

    def devices(self):
        return self._backend.devices()

    def scope(self):
        return self._backend.scope()

    def symbol(self, code, shape, dtype, detached=False):
        return self._backend.symbol_type(self, code, shape, dtype, detached)

    def function(self, name):
        """What a program calls by `name`."""
        return list if name == "list" else getattr(self._backend, name)

    def has_value(self, x):
        return False

    def to_numpy(self, x):
        if self._program.is_constant(x):  # the same at each run, such as a size that was cast
            return self._backend.to_numpy(self._program.value(x))
        return x._no_value()

    def value_and_grad(self, fn, variables, has_aux=False):
        return control.value_and_grad(self, fn, variables, has_aux)

    def asarray(self, x, dtype=None):
        if isinstance(x, NumberSymbol):
            return self._record(
                "asarray", (x, dtype or x.dtype), {}, KerasTensor((), dtype or x.dtype)
            )
        if isinstance(x, Symbol):
            return x if dtype in (None, x.dtype) else self.cast(x, dtype)
        if isinstance(x, list | tuple) and any(isinstance(v, Symbol) for v in x):
            return self.stack([self.asarray(v, dtype) for v in x], 0)
        return self._constant(self._backend.asarray(x, dtype))

    def _constant(self, value):
        return self.symbol(
            self._program.constant(value),
            self._backend.shape(value),
            self._backend.dtype(value),
            detached=True,
        )

    def copy(self, x):
        """Always a call of its own: the result belongs to whoever asked for it."""
        return self._new("copy", (x,), {}, x)

    def store(self, value):
        raise TypeError(
            "A Variable cannot be created inside a captured step. Create it in build() or in the "
            "constructor."
        )

    def detach(self, value):
        return value

    def scan(self, step, state, xs, reverse=False):
        return control.scan(self, step, state, xs, reverse)

    def cond(self, pred, true_fn, false_fn):
        return control.cond(self, pred, true_fn, false_fn)

    def while_loop(self, condition, body, state, maximum_iterations=None):
        return control.while_loop(self, condition, body, state, maximum_iterations)

    def custom_gradient(self, function, tensors):
        return control.custom_gradient(self, function, tensors)

    def remat(self, function, tensors):
        return control.remat(self, function, tensors)

    def jvp(self, function, primals, tangents):
        raise NotCapturable(
            "jvp inside a captured step: take derivatives in your own loop, or "
            "compile(run_eagerly=True)."
        )

    def _record(self, name, args, kwargs, result):
        """Write the call down; `result` is what the symbolic backend made of it."""
        if isinstance(result, KerasTensor):
            if is_identity(name, args, kwargs, result):
                return args[0]
            if self._is_constant(name, args, kwargs, result):
                return self._constant(
                    getattr(self._backend, name)(*self._values(args), **self._values(kwargs))
                )
            return self._program.once(
                name, args, kwargs, lambda: self._new(name, args, kwargs, result)
            )
        if not all(isinstance(r, KerasTensor | None) for r in result):
            return self._record_lists(name, args, kwargs, result)
        symbols = [
            None if r is None else self.symbol(self._program.name(), r.shape, r.dtype)
            for r in result
        ]
        self._program.add(["_" if s is None else s.code for s in symbols], name, args, kwargs)
        return type(result)(symbols)

    def _new(self, name, args, kwargs, result):
        detached = name == "stop_gradient" or not dtypes.is_float(result.dtype)
        detached = detached or all(s.detached for s in tree.instances(Symbol, (args, kwargs)))
        symbol = self.symbol(self._program.name(), result.shape, result.dtype, detached)
        self._program.add(symbol.code, name, args, kwargs)
        return symbol

    def _is_constant(self, name, args, kwargs, result):
        """Whether the result is the same at each run: of constants alone, or made from a shape."""
        made_from_shape = name == "full_like" or all(
            self._program.is_constant(s)
            for s in tree.instances((Symbol, KeySymbol), (args, kwargs))
        )
        return made_from_shape and math.prod(result.shape) <= LARGEST_CONSTANT

    def _values(self, structure):
        """`structure` with constants for symbols, to compute with them now; of `full_like` only the
        shape is needed."""
        if isinstance(structure, Symbol):
            if self._program.is_constant(structure):
                return self._program.value(structure)
            return self._backend.full(structure.shape, 0, structure.dtype)
        if isinstance(structure, dict):
            return {k: self._values(v) for k, v in structure.items()}
        if isinstance(structure, list) or type(structure) is tuple:
            return type(structure)(self._values(v) for v in structure)
        return structure

    def _record_lists(self, name, args, kwargs, result):
        """An update's result: a tuple of lists (or None), unpacked by name afterwards."""
        parts = [self._program.name() for _ in result]
        self._program.add(parts, name, args, kwargs)
        out = []
        for part, items in zip(parts, result, strict=True):
            if items is None:
                out.append(None)
                continue
            symbols = [self.symbol(self._program.name(), r.shape, r.dtype) for r in items]
            if symbols:
                self._program.add(
                    [s.code for s in symbols], "list", (self.symbol(part, (), "float32"),), {}
                )
            out.append(symbols)
        return tuple(out)


def is_identity(name, args, kwargs, result):
    """Whether the call returns its first argument as it is."""
    first = args[0] if args else None
    if not isinstance(first, Symbol) or first.shape != result.shape:
        return False
    if name == "cast":
        # `random_bits` is int64 by the shape rules, but a backend may give another integer dtype
        # that holds the bits.
        return first.dtype == result.dtype != "int64"
    if name == "stop_gradient":
        return first.detached
    if name in ("reshape", "broadcast_to"):
        return True
    if name == "transpose":
        return tuple(args[1] if len(args) > 1 else kwargs["axes"]) == tuple(range(first.ndim))
    return (
        name in ("sum", "mean", "max", "min", "prod")
        and not first.shape
        and first.dtype == result.dtype
    )


def _as_symbolic(value):
    if isinstance(value, Symbol):
        return KerasTensor(value.shape, value.dtype)
    if isinstance(value, KeySymbol):
        return (0, 0)
    if isinstance(value, list) or type(value) is tuple:
        return type(value)(_as_symbolic(v) for v in value)
    return value


def _recorder(name):
    def method(self, *args, **kwargs):
        if name in _NUMBER_OR_TENSOR and all(
            not isinstance(a, Symbol) or isinstance(a, NumberSymbol) for a in args
        ):
            args = (
                self.asarray(args[0], dtypes.floatx() if isinstance(args[0], float) else None),
                *args[1:],
            )
        elif name not in _NUMBER_OR_TENSOR and not name.endswith("_update"):
            args = tuple(self.asarray(a) if isinstance(a, NumberSymbol) else a for a in args)
        with graph.paused():
            result = getattr(symbolic, name)(
                *map(_as_symbolic, args), **{k: _as_symbolic(v) for k, v in kwargs.items()}
            )
        return self._record(name, args, kwargs, result)

    method.__name__ = name
    return method


_OF_THE_BACKEND = (
    "abstract_call",
    "compile",
    "compile_step",
    "concretely",
    "profile",
    "read",
    "signature",
    "synchronize",
)

# Every public function of the contract that is not about the backend itself.
for _name, _function in inspect.getmembers(Backend, inspect.isfunction):
    if not _name.startswith("_") and _name not in vars(Tracer) and _name not in _OF_THE_BACKEND:
        setattr(Tracer, _name, _recorder(_name))
Tracer.__abstractmethods__ = frozenset()

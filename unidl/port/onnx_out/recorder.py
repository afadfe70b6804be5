"""Recorder: the contract on tensors that are names in an ONNX graph.

A model that is called on it writes itself down. Results' shapes and dtypes, and the errors, are
those of the shape rules; what has no writer in the table runs the contract's own body, down to
operations that have one.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from unidl.backend import dtypes, registry
from unidl.backend.contract import Backend
from unidl.port.errors import Refused
from unidl.port.onnx_out import control
from unidl.port.onnx_out.graph import Graph
from unidl.port.onnx_out.sizes import key_of, sizes_tensor, with_axes
from unidl.port.onnx_out.table import Laid, writers
from unidl.port.onnx_out.value import Held, Value
from unidl.tracing import KerasTensor, graph, symbolic
from unidl.tracing.capture.symbol import KeySymbol
from unidl.tracing.sizes import OpenSize, has_open

# Results of constants that are larger are computed when the file runs, instead of being stored.
LARGEST_CONSTANT = 1 << 16

# Operations that only move elements: of weights they are done when the file is written.
_MOVES = (
    "broadcast_to", "cast", "concatenate", "copy", "expand_dims", "flip", "getitem", "reshape",
    "squeeze", "stack", "stop_gradient", "transpose",
)  # fmt: skip
_SAME = ("stop_gradient", "copy", "detach")


class Recorder(Backend):
    """
    Attributes:
        graph: where nodes are put now.
        opset: the version of ONNX's operators.
        refused: {(path of the layer, reason): None}.
        failed_at: path of the layer that an error came out of.
    """

    traces = True
    absorbs = True
    takes_open_sizes = True
    tensor_types = (Value,)

    def __init__(self, backend: Any, opset: int) -> None:
        self.stands_for = backend
        self.name, self.version, self.nests = backend.name, backend.version, backend.nests
        self.kernels, self.unsupported = backend.kernels, {}
        self.dtypes = dtypes.ALL
        self.opset = opset
        self.graph = Graph()
        self.place = ""
        self.refused: dict[tuple[str, str], None] = {}
        self.failed_at = ""
        self._host = registry.get_backend(registry.DEFAULT)
        self._moved: dict[Any, Value] = {}
        self._kept: list[Any] = []  # whose ids are keys above

    # -- what the contract asks ------------------------------------------------------------------

    def shape(self, x: Any) -> Any:
        return x.shape

    def dtype(self, x: Any) -> str:
        return x.dtype

    def is_tensor(self, x: Any) -> bool:
        return isinstance(x, Value)

    def devices(self) -> list[str]:
        return self.stands_for.devices()

    def has_value(self, x: Any) -> bool:
        return False

    def to_numpy(self, x: Any) -> Any:
        return x.load() if x.is_constant else x._no_value()

    def detach(self, value: Any) -> Any:
        return value

    def asarray(self, x: Any, dtype: Any = None) -> Any:
        if isinstance(x, Value):
            return x if dtype in (None, x.dtype) else self.cast(x, dtype)
        if isinstance(x, list | tuple) and any(isinstance(v, Value) for v in x):
            return self.stack([self.asarray(v, dtype) for v in x], 0)
        if type(x) is OpenSize or (isinstance(x, list | tuple) and has_open(x)):
            return self.open_sizes(x, dtype or "int32")
        owner = None if type(x) is np.ndarray else registry.owner_of_type(type(x))
        array = self._host.asarray(x if owner is None else owner.to_numpy(x), dtype)
        return self.held("constant", array.shape, self._host.dtype(array), lambda: array, True)

    # -- functions of functions ------------------------------------------------------------------

    def scan(self, step: Any, state: Any, xs: Any, reverse: bool = False) -> Any:
        return control.scan(self, step, state, xs, reverse)

    def cond(self, pred: Any, true_fn: Any, false_fn: Any) -> Any:
        return control.cond(self, pred, true_fn, false_fn)

    def while_loop(
        self, condition: Any, body: Any, state: Any, maximum_iterations: Any = None
    ) -> Any:
        return control.while_loop(self, condition, body, state, maximum_iterations)

    def custom_gradient(self, function: Any, tensors: Any) -> Any:
        return [self.asarray(y) for y in function(*tensors)[0]]

    def remat(self, function: Any, tensors: Any) -> Any:
        return [self.asarray(y) for y in function(*tensors)[0]]

    def value_and_grad(self, fn: Any, variables: Any, has_aux: bool = False) -> Any:
        raise Refused("it takes gradients, for which ONNX has no operators")

    def jvp(self, function: Any, primals: Any, tangents: Any) -> Any:
        raise Refused("it takes derivatives, for which ONNX has no operators")

    def store(self, value: Any) -> Any:
        raise Refused("it creates a Variable in call(). Create it in build() or in the constructor")

    # -- values ----------------------------------------------------------------------------------

    def held(self, label: str, shape: Any, dtype: str, load: Any, is_constant: bool) -> Value:
        return Value(self, shape, dtype, None, Held(label, load, is_constant))

    def value(self, spec: Any, name: str, axes: tuple[int, ...] | None = None) -> Value:
        """The Value that is `name` in the graph, with its axes in the order `axes`."""
        value = Value(self, spec.shape, spec.dtype, self.graph)
        value.names[axes or tuple(range(len(spec.shape)))] = name
        with_axes(value)
        return value

    def any_order(self, value: Value) -> tuple[str, tuple[int, ...]]:
        """(a name of `value`, the order of the axes under it)."""
        if not value.names:
            self(value)
        axes, name = next(iter(value.names.items()))
        return name, axes

    def __call__(self, value: Any, axes: tuple[int, ...] | None = None) -> str:
        """The name of `value`, with its axes in the order `axes`."""
        axes = axes or tuple(range(len(value.shape)))
        if axes not in value.names:
            if value.held is not None:
                value.names[axes] = self._hold(value, axes)
            else:
                given, name = next(iter(value.names.items()))
                moved = [given.index(a) for a in axes]
                value.names[axes] = value.graph.add(self.place, "Transpose", [name], perm=moved)
        return value.names[axes]

    def _hold(self, value: Value, axes: tuple[int, ...]) -> str:
        if axes == tuple(range(len(axes))):
            if value.is_constant and math.prod(value.shape) <= 64:
                return self.graph.constant(value.load(), value.dtype)
            return self.graph.hold(value)
        return self(self.transpose(value, axes))

    def open_sizes(self, sizes: Any, dtype: str) -> Value:
        """A size, or a list of them, as a tensor."""
        if not isinstance(sizes, list | tuple):
            return self.reshape(self.open_sizes([sizes], dtype), ())
        if any(isinstance(s, list | tuple) for s in sizes):
            return self.stack([self.open_sizes(s, dtype) for s in sizes], 0)
        found = self.value(KerasTensor((len(sizes),), "int64"), sizes_tensor(self, sizes))
        return self.cast(found, dtype)

    # -- nodes -----------------------------------------------------------------------------------

    def node(self, operator: str, *inputs: Any, outputs: int = 1, **attributes: Any) -> Any:
        """The name of a new node's result, or a list of names: `inputs` are names and Values, None
        for one that is left out."""
        names = ["" if x is None else self(x) if isinstance(x, Value) else x for x in inputs]
        while names and not names[-1]:
            names.pop()
        return self.graph.add(self.place, operator, names, outputs, **attributes)

    def ints(self, numbers: Any) -> str:
        """An int64 constant, (n,) for a list."""
        return self.graph.constant(np.asarray(numbers, "int64"), "int64")

    def number(self, number: Any, dtype: str) -> str:
        """A number, which may be the size of an open axis, as a tensor ()."""
        if type(number) is OpenSize:
            return self(self.open_sizes(number, dtype))
        return self.graph.constant(number, dtype)

    @contextmanager
    def inside(self, body: Graph) -> Iterator[None]:
        """Nodes that are made inside go into `body`."""
        around, self.graph = self.graph, body
        try:
            yield
        finally:
            self.graph = around

    @contextmanager
    def naming(self, path: str) -> Iterator[None]:
        """Inside, nodes are those of the layer at `path`."""
        before, self.place = self.place, path
        try:
            yield
        except Exception:
            self.failed_at = self.failed_at or path
            raise
        finally:
            self.place = before

    def refuse(self, reason: str) -> None:
        self.refused[self.failed_at or self.place, reason] = None


def _run(to: Recorder, name: str, args: tuple, kwargs: dict[str, Any]) -> Any:
    """One operation of the contract."""
    if name in _SAME:
        return args[0]
    draws = any(isinstance(a, KeySymbol) for a in args)
    args = tuple(to.asarray(a) if isinstance(a, np.ndarray) else a for a in args)
    with graph.paused():
        spec = getattr(symbolic, name)(
            *map(_spec_of, args), **{k: _spec_of(v) for k, v in kwargs.items()}
        )
    if draws:
        to.refuse("it draws random numbers in inference, and those of ONNX are others")
        return _results(to, spec, _placeholder(spec))
    if isinstance(spec, KerasTensor):
        if _is_same(name, args, kwargs, spec):
            return args[0]
        found = _held(to, name, args, kwargs, spec)
        if found is not None:
            return found
    try:
        made = NotImplemented
        if name in writers():
            made = writers()[name](to, spec, *args, **kwargs)
        if made is NotImplemented:
            if getattr(getattr(Backend, name), "__isabstractmethod__", False):
                raise Refused(f"ONNX has no operator for {name}")
            made = getattr(Backend, name)(to, *args, **kwargs)
    except Refused as error:
        to.refuse(str(error))
        made = _placeholder(spec)
    return _results(to, spec, made)


def _results(to: Recorder, spec: Any, made: Any) -> Any:
    if isinstance(made, str):
        return to.value(spec, made)
    if isinstance(made, Laid):
        return to.value(spec, *made)
    if isinstance(made, tuple | list):
        return type(made)(_results(to, s, m) for s, m in zip(spec, made, strict=True))
    return made


def _placeholder(spec: Any) -> Any:
    """What stands for a result that is not written, so that all that is refused is found."""
    if isinstance(spec, KerasTensor):
        return "refused"
    return tuple(map(_placeholder, spec))


def _held(to: Recorder, name: str, args: tuple, kwargs: dict[str, Any], spec: Any) -> Any:
    """The result if it is known now, or when the file is written; None if it is computed there."""
    values = list(_values((args, kwargs)))
    if "bfloat16" in (spec.dtype, *(v.dtype for v in values)):
        return None  # which NumPy does not have
    if any(v.held is None for v in values) or _has_open((args, kwargs)) or has_open(spec.shape):
        return None
    size = math.prod(spec.shape)
    if all(v.is_constant for v in values) and (size <= LARGEST_CONSTANT or name in _MOVES):
        array = getattr(to._host, name)(*_arrays(args), **_arrays(kwargs))
        return to.held("constant", spec.shape, spec.dtype, lambda: array, True)
    if name not in _MOVES or not values:
        return None
    key = (name, *(id(v) for v in values), repr(_numbers((args, kwargs))))
    if key not in to._moved:
        host = to._host
        to._kept.append(values)
        to._moved[key] = found = to.held(
            values[0].label,
            spec.shape,
            spec.dtype,
            lambda: np.asarray(getattr(host, name)(*_arrays(args), **_arrays(kwargs))),
            False,
        )
        if name == "transpose":
            found.held.transposed = values[0], _axes_of(args, kwargs)  # type: ignore[union-attr]
    return to._moved[key]


def _is_same(name: str, args: Any, kwargs: Any, spec: Any) -> bool:
    """Whether an operation returns its first argument as it is."""
    first = args[0] if args else None
    if not isinstance(first, Value) or len(first.shape) != len(spec.shape):
        return False
    if name == "cast":
        return first.dtype == spec.dtype
    if name == "transpose":
        return _axes_of(args, kwargs) == tuple(range(first.ndim))
    if name in ("reshape", "broadcast_to"):
        return list(map(key_of, first.shape)) == list(map(key_of, spec.shape))
    return False


def _axes_of(args: Any, kwargs: Any) -> tuple[int, ...]:
    """The axes of a call of `transpose`."""
    return tuple(args[1] if len(args) > 1 else kwargs["axes"])


def _mapped(function: Any, structure: Any) -> Any:
    if isinstance(structure, Value):
        return function(structure)
    if isinstance(structure, list | tuple):
        return type(structure)(_mapped(function, v) for v in structure)
    if isinstance(structure, dict):
        return {k: _mapped(function, v) for k, v in structure.items()}
    return structure


def _spec_of(x: Any) -> Any:
    if isinstance(x, KeySymbol):
        return (0, 0)
    return _mapped(lambda v: KerasTensor(v.shape, v.dtype), x)


def _arrays(x: Any) -> Any:
    return _mapped(lambda v: v.load(), x)


def _numbers(x: Any) -> Any:
    return _mapped(lambda v: None, x)


def _values(structure: Any) -> Iterator[Value]:
    found: list[Value] = []
    _mapped(found.append, structure)
    return iter(found)


def _has_open(structure: Any) -> bool:
    """Whether a size of an open axis is among the numbers."""
    if isinstance(structure, dict):
        return any(map(_has_open, structure.values()))
    if isinstance(structure, list | tuple):
        return any(map(_has_open, structure))
    if isinstance(structure, slice):
        return _has_open([structure.start, structure.stop, structure.step])
    return type(structure) is OpenSize


_OF_THE_BACKEND = (
    "abstract_call", "compile", "compile_step", "concretely", "custom_gradient", "full_precision",
    "in_one_launch", "jvp", "lay_out", "profile", "read", "remat", "scope", "signature", "store",
    "synchronize", "value_and_grad", "write",
)  # fmt: skip


def _recorded(name: str) -> Any:
    def method(self: Recorder, *args: Any, **kwargs: Any) -> Any:
        return _run(self, name, args, kwargs)

    method.__name__ = name
    return method


for _name, _function in inspect.getmembers(Backend, inspect.isfunction):
    if not _name.startswith("_") and _name not in vars(Recorder) and _name not in _OF_THE_BACKEND:
        setattr(Recorder, _name, _recorded(_name))
Recorder.__abstractmethods__ = frozenset()

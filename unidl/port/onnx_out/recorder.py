"""Recorder: the contract on tensors that are names in an ONNX graph.

A model that is called on it writes itself down; the table has a writer for each operation that ONNX
has an operator for.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from unidl.port.exports.axes import key_of
from unidl.port.exports.recording import (
    LARGEST_CONSTANT,
    Recording,
    arrays_of,
    axes_of,
    is_computed,
    mapped,
    values_of,
)
from unidl.port.onnx_out import control
from unidl.port.onnx_out.graph import Graph
from unidl.port.onnx_out.sizes import sizes_tensor, with_axes
from unidl.port.onnx_out.table import Laid, writers
from unidl.port.onnx_out.value import Held, Value
from unidl.tracing import KerasTensor
from unidl.tracing.sizes import OpenSize

# Operations that only move elements: of weights they are done when the file is written.
_MOVES = (
    "broadcast_to", "cast", "concatenate", "copy", "expand_dims", "flip", "getitem", "reshape",
    "squeeze", "stack", "stop_gradient", "transpose",
)  # fmt: skip


class Recorder(Recording):
    """
    Attributes:
        graph: where nodes are put now.
        opset: the version of ONNX's operators.
    """

    runtime = "ONNX"
    tensor_types = (Value,)

    def __init__(self, backend: Any, opset: int) -> None:
        super().__init__(backend)
        self.opset = opset
        self.graph = Graph()
        self._moved: dict[Any, Value] = {}
        self._kept: list[Any] = []  # whose ids are keys above

    # -- operations ------------------------------------------------------------------------------

    def written(self, name: str, spec: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
        if name not in writers():
            return NotImplemented
        return writers()[name](self, spec, *args, **kwargs)

    def result(self, spec: Any, made: Any) -> Value:
        return self.value(spec, *made) if isinstance(made, Laid) else self.value(spec, made)

    def placeholder(self, spec: Any) -> str:
        return "refused"

    def constant(self, array: np.ndarray, dtype: str) -> Value:
        return self.held("constant", array.shape, dtype, lambda: array, True)

    def known(self, name: str, args: tuple, kwargs: dict[str, Any], spec: Any) -> Any:
        """Of weights it is known when the file is written."""
        values = list(values_of((args, kwargs)))
        if any(v.held is None for v in values) or is_computed(values, (args, kwargs), spec):
            return None
        if all(v.is_constant for v in values) and (
            math.prod(spec.shape) <= LARGEST_CONSTANT or name in _MOVES
        ):
            return self.constant(
                getattr(self.host, name)(*arrays_of(args), **arrays_of(kwargs)), spec.dtype
            )
        if name not in _MOVES or not values:
            return None
        numbers = mapped(lambda v: None, (args, kwargs))
        key = (name, *(id(v) for v in values), repr(numbers))
        if key not in self._moved:
            host = self.host
            self._kept.append(values)
            self._moved[key] = found = self.held(
                values[0].label,
                spec.shape,
                spec.dtype,
                lambda: np.asarray(getattr(host, name)(*arrays_of(args), **arrays_of(kwargs))),
                False,
            )
            if name == "transpose":
                found.held.transposed = values[0], axes_of(args, kwargs)  # type: ignore[union-attr]
        return self._moved[key]

    def is_same(self, name: str, args: tuple, kwargs: dict[str, Any], spec: Any) -> bool:
        if name in ("reshape", "broadcast_to") and args and isinstance(args[0], Value):
            return list(map(key_of, args[0].shape)) == list(map(key_of, spec.shape))
        return super().is_same(name, args, kwargs, spec)

    # -- functions of functions ------------------------------------------------------------------

    def scan(self, step: Any, state: Any, xs: Any, reverse: bool = False) -> Any:
        return control.scan(self, step, state, xs, reverse)

    def cond(self, pred: Any, true_fn: Any, false_fn: Any) -> Any:
        return control.cond(self, pred, true_fn, false_fn)

    def while_loop(
        self, condition: Any, body: Any, state: Any, maximum_iterations: Any = None
    ) -> Any:
        return control.while_loop(self, condition, body, state, maximum_iterations)

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

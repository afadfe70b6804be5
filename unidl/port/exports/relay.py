"""Relay: the contract on tensors of a framework that is tracing, of which some axes are open.

What layers compute goes to the framework's adapter; what they see are shapes as the shape rules
infer them, with numbers for open axes. Where such a number comes back as an argument, the framework
gets the size that it stands for.

A call without tensors comes first: it finds all Variables and all that is refused, and what it
notes down would differ for other sizes if something were computed from them on the host.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any

import numpy as np

from unidl.backend.contract import Backend
from unidl.port.errors import PortError, Refused
from unidl.port.exports.axes import Axis
from unidl.port.exports.recording import Recording, Unvalued
from unidl.tracing import KerasTensor
from unidl.tracing.capture.symbol import NotCapturable
from unidl.tracing.sizes import OpenSize


class Relayed(Unvalued):
    """A tensor of the framework.

    Attributes:
        native: the framework's tensor; None for a constant, and while nothing is traced.
        array: of a constant, else None.
        number: how many there were before it.
    """

    __slots__ = ("array", "native", "number")

    def __init__(self, backend: Any, shape: Any, dtype: str, native: Any, array: Any, number: int):
        super().__init__(backend, str(number), shape, dtype, detached=True)
        self.native, self.array, self.number = native, array, number
        self.shape = tuple(
            OpenSize(int(size), size.other, Axis(self, axis)) if type(size) is OpenSize else size
            for axis, size in enumerate(self.shape)
        )

    @property
    def is_constant(self) -> bool:
        return self.array is not None

    def load(self) -> np.ndarray:
        """The array of a constant."""
        return self.array

    def __repr__(self) -> str:
        return f"<tensor that is exported, shape={self.shape}, dtype={self.dtype}>"


class Relay(Recording):
    """Derived classes may have a method run_NAME(spec, *arguments) for an operation, with the
    framework's tensors; it returns NotImplemented where the adapter has to compute it.

    Args:
        backend: of the model.
        adapter: of the framework for which it is traced.
        traces: whether there are tensors; else the call is only noted down.

    Attributes:
        notes: [(path of the layer, operation with its arguments)] of a call without tensors.
        made: how many tensors there are.
    """

    tensor_types = (Relayed,)

    def __init__(self, backend: Any, adapter: Any, traces: bool) -> None:
        super().__init__(backend)
        self.adapter, self.is_tracing = adapter, traces
        self.kernels, self.dtypes = adapter.kernels, adapter.dtypes
        self.notes: list[tuple[str, str]] = []
        self.made = 0

    # -- what a framework says -------------------------------------------------------------------

    def size(self, native: Any, axis: int) -> Any:
        """The framework's size of an axis that is open."""
        raise NotImplementedError

    def sizes_tensor(self, sizes: list[Any], dtype: str) -> Any:
        """Sizes of the framework, and ints, as one tensor."""
        raise NotImplementedError

    def shaped(self, native: Any, shape: tuple[int | None, ...]) -> Any:
        """`native`, of which the framework is told the shape, None for open axes."""
        return native

    def composes(self, name: str, args: tuple) -> bool:
        """Whether an operation is composed by the contract's body although the adapter has a
        kernel."""
        return False

    # -- values ----------------------------------------------------------------------------------

    def value(self, spec: Any, native: Any) -> Relayed:
        """The tensor of the model that `native` is."""
        if self.is_tracing:
            native = self.shaped(
                native, tuple(None if type(s) is OpenSize else s for s in spec.shape)
            )
            found = self.adapter.dtype(native)
            if found != spec.dtype:
                native = self.adapter.cast(native, spec.dtype)
        return self._new(spec.shape, spec.dtype, native)

    def _new(self, shape: Any, dtype: str, native: Any = None, array: Any = None) -> Relayed:
        self.made += 1
        return Relayed(self, shape, dtype, native, array, self.made)

    def constant(self, array: np.ndarray, dtype: str) -> Relayed:
        return self._new(array.shape, dtype, None, array)

    def open_sizes(self, sizes: Any, dtype: str) -> Relayed:
        if not isinstance(sizes, list | tuple):
            return self.reshape(self.open_sizes([sizes], dtype), ())
        if any(isinstance(s, list | tuple) for s in sizes):
            return self.stack([self.open_sizes(s, dtype) for s in sizes], 0)
        self.noted("sizes", (sizes,), {})
        made = None
        if self.is_tracing:
            made = self.sizes_tensor([self.native_size(s) for s in sizes], dtype)
        return self.value(KerasTensor((len(sizes),), dtype), made)

    def native(self, x: Any) -> Any:
        """Arguments of an operation as the adapter takes them."""
        if isinstance(x, Relayed):
            if x.is_constant:  # anew each time: a branch may not use what another has made
                return self.adapter.asarray(x.array, x.dtype)
            return self.native_of(x)
        if isinstance(x, list | tuple):
            return type(x)(map(self.native, x))
        if isinstance(x, dict):
            return {k: self.native(v) for k, v in x.items()}
        if isinstance(x, slice):
            return slice(*map(self.native, (x.start, x.stop, x.step)))
        return self.native_size(x) if type(x) is OpenSize else x

    def native_of(self, value: Relayed) -> Any:
        """The framework's tensor of one that is computed."""
        return value.native

    def native_size(self, size: Any) -> Any:
        if type(size) is not OpenSize:
            return size
        made = size.made
        if made is None:
            raise Refused("it computes with the size of an open axis that no tensor has")
        if isinstance(made, Axis):
            return self.size(self.native(made.value), made.axis)
        function, sizes = made
        return function(*map(self.native_size, sizes))

    # -- operations ------------------------------------------------------------------------------

    def written(self, name: str, spec: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
        own = getattr(self, f"run_{name}", None)
        if own is None and (self.composes(name, args) or not self._has(name)):
            return NotImplemented
        self.noted(name, args, kwargs)
        if not self.is_tracing:
            return _empty(spec)
        with self._telling(name):
            args, kwargs = self.native(args), self.native(kwargs)
            made = NotImplemented if own is None else own(spec, *args, **kwargs)
            if made is NotImplemented and self._has(name):
                made = getattr(self.adapter, name)(*args, **kwargs)
            return made

    @contextmanager
    def _telling(self, name: str) -> Iterator[None]:
        """Inside, an error of the framework is the reason why an operation is refused."""
        try:
            yield
        except (Refused, PortError, NotCapturable):
            raise
        except Exception as error:  # whatever the framework raises
            reason = " ".join(str(error).split())[:300] or type(error).__name__
            raise Refused(f"{self.runtime} does not take {name}: {reason}") from error

    def _has(self, name: str) -> bool:
        """Whether the adapter has something of its own for an operation."""
        return getattr(type(self.adapter), name) is not getattr(Backend, name)

    def result(self, spec: Any, made: Any) -> Relayed:
        return self.value(spec, made)

    def placeholder(self, spec: Any) -> Any:
        made = None
        if self.is_tracing:
            made = self.adapter.full(tuple(map(int, spec.shape)), 0, spec.dtype)
        return self._new(spec.shape, spec.dtype, made)

    def noted(self, name: str, args: Any, kwargs: Any) -> None:
        """Note down an operation, in a call without tensors."""
        if not self.is_tracing:
            self.notes.append((self.place, f"{name} {_told(args)} {_told(kwargs)}"))

    # -- functions of functions ------------------------------------------------------------------

    def scan(self, step: Any, state: Any, xs: Any, reverse: bool = False) -> Any:
        state, xs = tuple(map(self.asarray, state)), tuple(map(self.asarray, xs))
        moments = [KerasTensor(x.shape[1:], x.dtype) for x in xs]
        specs: list[Any] = []

        def inner(before: Any, moment: Any) -> Any:
            given = map(self.value, state, before), map(self.value, moments, moment)
            after, y = step(*map(tuple, given))
            y = self.asarray(y)
            specs[:] = [KerasTensor((xs[0].shape[0], *y.shape), y.dtype)]
            return tuple(self.native(tuple(map(self.asarray, after)))), self.native(y)

        self.noted("scan", (state, xs, reverse), {})
        if self.is_tracing:
            with self._telling("a loop over time"):
                last, ys = self.run_scan(inner, self.native(state), self.native(xs), reverse)
        else:
            inner([None] * len(state), [None] * len(xs))
            last, ys = [None] * len(state), None
        return tuple(map(self.value, state, last)), self.value(specs[0], ys)

    def run_scan(self, step: Any, state: Any, xs: Any, reverse: bool) -> Any:
        return self.adapter.scan(step, state, xs, reverse)

    def cond(self, pred: Any, true_fn: Any, false_fn: Any) -> Any:
        specs: list[Any] = []

        def inner(function: Any) -> Any:
            specs[:] = [self.asarray(y) for y in function()]
            return [self.native(y) for y in specs]

        self.noted("cond", (pred,), {})
        if self.is_tracing:
            with self._telling("cond"):
                made = self.run_cond(
                    self.native(pred), lambda: inner(true_fn), lambda: inner(false_fn)
                )
        else:
            for function in (true_fn, false_fn):
                made = [None] * len(inner(function))
        return list(map(self.value, specs, made))

    def run_cond(self, pred: Any, true_fn: Any, false_fn: Any) -> Any:
        return self.adapter.cond(pred, true_fn, false_fn)

    def while_loop(
        self, condition: Any, body: Any, state: Any, maximum_iterations: Any = None
    ) -> Any:
        state = [self.asarray(s) for s in state]

        def given(natives: Any) -> Any:
            return list(map(self.value, state, natives))

        def goes_on(*natives: Any) -> Any:
            return self.native(self.asarray(condition(*given(natives))))

        def inner(*natives: Any) -> Any:
            return [self.native(self.asarray(s)) for s in body(*given(natives))]

        self.noted("while_loop", (state, maximum_iterations), {})
        if self.is_tracing:
            with self._telling("while_loop"):
                made = self.run_while_loop(
                    goes_on, inner, [self.native(s) for s in state], maximum_iterations
                )
        else:
            made = [None] * len(state)
            goes_on(*made)
            inner(*made)
        return given(made)

    def run_while_loop(self, condition: Any, body: Any, state: Any, limit: Any) -> Any:
        return self.adapter.while_loop(condition, body, state, limit)


def tensors_in(x: Any) -> Iterator[Relayed]:
    """Tensors among arguments, and those whose sizes are."""
    if isinstance(x, Relayed):
        yield x
    elif isinstance(x, list | tuple):
        yield from chain.from_iterable(map(tensors_in, x))
    elif isinstance(x, dict):
        yield from tensors_in(list(x.values()))
    elif isinstance(x, slice):
        yield from tensors_in([x.start, x.stop, x.step])
    elif type(x) is OpenSize and x.made is not None:
        yield from tensors_in(x.made.value if isinstance(x.made, Axis) else x.made[1])


def _empty(spec: Any) -> Any:
    """None for each tensor."""
    return None if isinstance(spec, KerasTensor) else type(spec)(map(_empty, spec))


def _told(x: Any) -> Any:
    """Arguments as they are noted down: the same for other sizes of open axes."""
    if isinstance(x, Relayed):
        if not x.is_constant:
            return f"t{x.number}"
        array = np.ascontiguousarray(x.array)
        return f"{array.dtype}{array.shape}{hash(array.tobytes())}"
    if isinstance(x, list | tuple):
        return [_told(v) for v in x]
    if isinstance(x, dict):
        return {k: _told(v) for k, v in x.items()}
    if isinstance(x, slice):
        return [_told(v) for v in (x.start, x.stop, x.step)]
    if type(x) is OpenSize:
        return _origin(x)
    return x


def _origin(size: Any) -> Any:
    if type(size) is not OpenSize:
        return size
    if isinstance(size.made, Axis):
        return f"t{size.made.value.number}[{size.made.axis}]"
    if size.made is None:
        return "open"
    function, sizes = size.made
    return getattr(function, "__qualname__", "computed"), [_origin(s) for s in sizes]

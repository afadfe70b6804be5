"""Recording: the contract on tensors without a value, on which a model is called once to be
written down for another runtime.

Shapes, dtypes and errors are those of the shape rules; open axes have sizes that know where they
come from. What the derived class has no counterpart for runs the contract's own body, down to what
it has.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import numpy as np

from unidl.backend import dtypes, registry
from unidl.backend.contract import Backend
from unidl.port.errors import Refused
from unidl.tracing import KerasTensor, graph, symbolic
from unidl.tracing.capture.symbol import KeySymbol, NotCapturable, Symbol
from unidl.tracing.sizes import OpenSize, has_open

# Results of constants that are larger are computed when the program runs, instead of being stored.
LARGEST_CONSTANT = 1 << 16

_SAME = ("stop_gradient", "copy", "detach")


class Unvalued(Symbol):
    """A tensor of what is being written.

    Attributes:
        is_constant: whether it is known now, and the same in every model of this structure.
    """

    __slots__ = ()

    @property
    def is_constant(self) -> bool:
        raise NotImplementedError

    def load(self) -> np.ndarray:
        """The array of what is held."""
        raise NotImplementedError

    def _no_value(self, *_: Any, **__: Any) -> NoReturn:
        raise NotCapturable(
            "it needs the value of a tensor, but a model is written by one call on tensors that "
            "have a shape and no value. Use unidl.ops instead of functions of a framework, float() "
            "or an if on values (ops.where and ops.cond choose)"
        )

    __array__ = __bool__ = __float__ = __int__ = __index__ = __array_function__ = _no_value

    def __getattr__(self, name: str) -> NoReturn:
        raise NotCapturable(
            f"it asks a tensor for {name!r}, which tensors of one framework have. Use unidl.ops, "
            "so that call() runs on any backend"
        )


class Recording(Backend):
    """
    Attributes:
        runtime: what errors call that which the model is written for.
        place: path of the layer that runs.
        refused: {(path of the layer, reason): None}.
        failed_at: path of the layer that an error came out of.
    """

    traces = True
    absorbs = True
    takes_open_sizes = True
    runtime = ""

    def __init__(self, backend: Any) -> None:
        self.stands_for = backend
        self.name, self.version, self.nests = backend.name, backend.version, backend.nests
        self.kernels, self.unsupported = backend.kernels, {}
        self.dtypes = dtypes.ALL
        self.place = ""
        self.refused: dict[tuple[str, str], None] = {}
        self.failed_at = ""
        self.host = registry.get_backend(registry.DEFAULT)

    # -- what a derived class says ---------------------------------------------------------------

    def constant(self, array: np.ndarray, dtype: str) -> Any:
        """A tensor that is known now."""
        raise NotImplementedError

    def open_sizes(self, sizes: Any, dtype: str) -> Any:
        """A size, or a list of them, as a tensor."""
        raise NotImplementedError

    def written(self, name: str, spec: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
        """The result of an operation in the derived class' own terms, or NotImplemented, where the
        contract's body has to compose it; `spec` is what the shape rules say."""
        raise NotImplementedError

    def result(self, spec: KerasTensor, made: Any) -> Any:
        """The tensor of one thing that `written` made."""
        raise NotImplementedError

    def placeholder(self, spec: KerasTensor) -> Any:
        """What stands for a result that is refused, so that all that is refused is found."""
        raise NotImplementedError

    def known(self, name: str, args: tuple, kwargs: dict[str, Any], spec: Any) -> Any:
        """The result if it is known before the program runs; None if it is computed there."""
        values = list(values_of((args, kwargs)))
        if is_computed(values, (args, kwargs), spec) or math.prod(spec.shape) > LARGEST_CONSTANT:
            return None
        if not all(v.is_constant for v in values):
            return None
        array = getattr(self.host, name)(*arrays_of(args), **arrays_of(kwargs))
        return self.constant(array, spec.dtype)

    def is_same(self, name: str, args: tuple, kwargs: dict[str, Any], spec: KerasTensor) -> bool:
        """Whether an operation returns its first argument as it is."""
        first = args[0] if args else None
        if not isinstance(first, Unvalued) or len(first.shape) != len(spec.shape):
            return False
        if name == "cast":
            return first.dtype == spec.dtype
        return name == "transpose" and axes_of(args, kwargs) == tuple(range(first.ndim))

    # -- what the contract asks ------------------------------------------------------------------

    def shape(self, x: Any) -> Any:
        return x.shape

    def dtype(self, x: Any) -> str:
        return x.dtype

    def is_tensor(self, x: Any) -> bool:
        return isinstance(x, self.tensor_types)

    def devices(self) -> list[str]:
        return self.stands_for.devices()

    def has_value(self, x: Any) -> bool:
        return False

    def to_numpy(self, x: Any) -> Any:
        return x.load() if x.is_constant else x._no_value()

    def detach(self, value: Any) -> Any:
        return value

    def asarray(self, x: Any, dtype: Any = None) -> Any:
        if isinstance(x, Unvalued):
            return x if dtype in (None, x.dtype) else self.cast(x, dtype)
        if isinstance(x, list | tuple) and any(isinstance(v, Unvalued) for v in x):
            return self.stack([self.asarray(v, dtype) for v in x], 0)
        if type(x) is OpenSize or (isinstance(x, list | tuple) and has_open(x)):
            return self.open_sizes(x, dtype or "int32")
        owner = None if type(x) is np.ndarray else registry.owner_of_type(type(x))
        array = self.host.asarray(x if owner is None else owner.to_numpy(x), dtype)
        return self.constant(array, self.host.dtype(array))

    # -- functions of functions ------------------------------------------------------------------

    def custom_gradient(self, function: Any, tensors: Any) -> Any:
        return [self.asarray(y) for y in function(*tensors)[0]]

    def remat(self, function: Any, tensors: Any) -> Any:
        return [self.asarray(y) for y in function(*tensors)[0]]

    def value_and_grad(self, fn: Any, variables: Any, has_aux: bool = False) -> Any:
        raise Refused(f"it takes gradients, for which {self.runtime} has no operators")

    def jvp(self, function: Any, primals: Any, tangents: Any) -> Any:
        raise Refused(f"it takes derivatives, for which {self.runtime} has no operators")

    def store(self, value: Any) -> Any:
        raise Refused("it creates a Variable in call(). Create it in build() or in the constructor")

    # -- places ----------------------------------------------------------------------------------

    @contextmanager
    def naming(self, path: str) -> Iterator[None]:
        """Inside, operations are those of the layer at `path`."""
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


def _run(to: Recording, name: str, args: tuple, kwargs: dict[str, Any]) -> Any:
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
        to.refuse(f"it draws random numbers in inference, and those of {to.runtime} are others")
        return _results(to, spec, _placeholders(to, spec))
    if isinstance(spec, KerasTensor):
        if to.is_same(name, args, kwargs, spec):
            return args[0]
        found = to.known(name, args, kwargs, spec)
        if found is not None:
            return found
    try:
        made = to.written(name, spec, args, kwargs)
        if made is NotImplemented:
            if getattr(getattr(Backend, name), "__isabstractmethod__", False):
                raise Refused(f"{to.runtime} has no operator for {name}")
            made = getattr(Backend, name)(to, *args, **kwargs)
    except Refused as error:
        to.refuse(str(error))
        made = _placeholders(to, spec)
    return _results(to, spec, made)


def _results(to: Recording, spec: Any, made: Any) -> Any:
    if isinstance(spec, KerasTensor):
        return made if isinstance(made, Unvalued) else to.result(spec, made)
    if isinstance(made, tuple | list):
        return type(made)(_results(to, s, m) for s, m in zip(spec, made, strict=True))
    return made


def _placeholders(to: Recording, spec: Any) -> Any:
    if isinstance(spec, KerasTensor):
        return to.placeholder(spec)
    return tuple(_placeholders(to, s) for s in spec)


def is_computed(values: list[Any], arguments: Any, spec: Any) -> bool:
    """Whether a result with these arguments can be known only when the program runs."""
    if "bfloat16" in (spec.dtype, *(v.dtype for v in values)):
        return True  # which NumPy does not have
    return _has_open(arguments) or has_open(spec.shape)


def axes_of(args: Any, kwargs: Any) -> tuple[int, ...]:
    """The axes of a call of `transpose`."""
    return tuple(args[1] if len(args) > 1 else kwargs["axes"])


def mapped(function: Any, structure: Any) -> Any:
    """`structure` with function(x) for its tensors."""
    if isinstance(structure, Unvalued):
        return function(structure)
    if isinstance(structure, list | tuple):
        return type(structure)(mapped(function, v) for v in structure)
    if isinstance(structure, dict):
        return {k: mapped(function, v) for k, v in structure.items()}
    return structure


def _spec_of(x: Any) -> Any:
    if isinstance(x, KeySymbol):
        return (0, 0)
    return mapped(lambda v: KerasTensor(v.shape, v.dtype), x)


def arrays_of(x: Any) -> Any:
    return mapped(lambda v: v.load(), x)


def values_of(structure: Any) -> Iterator[Any]:
    """The tensors in `structure`."""
    found: list[Any] = []
    mapped(found.append, structure)
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
    def method(self: Recording, *args: Any, **kwargs: Any) -> Any:
        return _run(self, name, args, kwargs)

    method.__name__ = name
    return method


for _name, _function in inspect.getmembers(Backend, inspect.isfunction):
    if not _name.startswith("_") and _name not in vars(Recording) and _name not in _OF_THE_BACKEND:
        setattr(Recording, _name, _recorded(_name))
Recording.__abstractmethods__ = frozenset()

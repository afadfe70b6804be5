"""How a public function finds its backend, converts its arguments and reaches the contract.

The owner of the first native tensor decides; NumPy arrays and numbers are accepted beside any
tensor and, alone, belong to the active backend. Symbolic tensors (`KerasTensor`) go to the symbolic
backend, and the call becomes a node of the graph.
"""

from __future__ import annotations

import functools
import threading
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np

from unidl.backend import dtypes, registry
from unidl.backend.context import holding
from unidl.backend.errors import ArgumentError, ForeignTensorError, NoTensorError
from unidl.backend.host_data import PLAIN, fitted
from unidl.backend.variable import Variable
from unidl.tracing import KerasTensor, graph, symbolic
from unidl.tracing.capture.symbol import Symbol
from unidl.tracing.sizes import OpenSize, has_open
from unidl.typing import Tensor, TensorLike
from unidl.utils.arguments import call_problem
from unidl.utils.traceback_filtering import shorten

if TYPE_CHECKING:
    from unidl.backend import Backend

F = TypeVar("F", bound=Callable[..., Any])

# The backend that owns tensors of a type; None where the type belongs to none and the active
# backend converts.
_owners: dict[type, Backend | None] = {
    np.ndarray: None,
    KerasTensor: symbolic,
    bool: None,
    int: None,
    float: None,
    list: None,
    tuple: None,
    type(None): None,
}

# Those of `_owners` whose tensors need no conversion: the way on which a call of native tensors
# costs least.
_natives: dict[type, Backend] = {}

# The same where a backend stands in for another (`standing_in`), of that thread or task alone. The
# tables above are every thread's, so they say nothing of a backend as long as anything stands in
# for it anywhere.
_owners_here: ContextVar[dict[type, Backend | None] | None] = ContextVar(
    "unidl_owners_here", default=None
)
_contested: Counter[Backend | None] = Counter()
_remembering = threading.Lock()

# Names of dtypes by the framework's own objects for them, which are quicker to get at.
_dtype_names: dict[Hashable, str] = {}

NUMBERS = (int, float, bool)
_CONTAINERS = (list, tuple)


def owner_of(x: TensorLike) -> Backend | None:
    """The backend of a tensor or Variable, None for host data."""
    cls = type(x)
    if cls is Variable:
        return x.backend
    try:
        return _owners[cls]
    except KeyError:
        if isinstance(x, (Variable, Symbol)):
            return x.backend
        here = _owners_here.get()
        if here is not None and cls in here:
            return here[cls]
        owner = registry.owner_of_type(cls)
        if issubclass(cls, np.ndarray) and owner is not None and cls not in owner.tensor_types:
            owner = None  # a memory map or matrix of NumPy: host data
        set_owner(cls, owner)
        return owner


def has_values(x: TensorLike) -> bool:
    """Whether tensor `x` has a value, now or when what is being compiled runs; a symbol of shape
    inference has none."""
    owner = owner_of(x)
    return owner is None or owner.has_values


def sized(x: TensorLike, sizes: Any) -> Any:
    """`x`, or a symbol like it if one of `sizes` is that of an open axis: then only the shape of
    the result is asked for, but for backends that take such sizes."""
    is_given = OpenSize in map(type, sizes)
    return symbolic.asarray(x) if is_given and maker_for(sizes) is symbolic else x


def maker_for(sizes: Any) -> Backend:
    """The backend that makes a tensor of `sizes`, one of which may be that of an open axis."""
    active = registry.get_backend()
    return symbolic if has_open(sizes) and not active.takes_open_sizes else active


def known_sizes(sizes: Any) -> Any:
    """Sizes or counts, one or several, as ints where they are tensors with values: what `cast`,
    `expand_dims` and `concatenate` make of a shape."""
    if isinstance(sizes, int) or sizes is None:
        return sizes
    if isinstance(sizes, list | tuple):
        return [size if isinstance(size, int) else known_sizes(size) for size in sizes]
    if isinstance(sizes, Variable):
        return sizes.numpy().tolist()
    owner = owner_of(sizes)
    return sizes if owner in (None, symbolic) else owner.to_numpy(sizes).tolist()


def set_owner(cls: Any, backend: Any) -> None:
    """Remember `backend` as the one of tensors of type `cls`; None: the active one converts
    them."""
    here = _owners_here.get()
    if here is not None:
        here[cls] = backend
        return
    with _remembering:
        if backend in _contested:
            return
        _owners[cls] = backend
        if backend is not None:
            _natives[cls] = backend


@contextmanager
def standing_in(backend: Backend) -> Iterator[None]:
    """Inside, for this thread or task alone, `backend` is the active one and owns the tensors of
    its framework, whichever backend is registered for these.

    For one that shares its tensors with another: the oracle, or a backend made to try something.
    Public functions ask a tensor's type for its backend, and would find the registered one.
    """
    cls = next((c for c in backend.tensor_types if c is not np.ndarray), np.ndarray)
    registered = registry.owner_of_type(cls)
    if registered is None:
        raise ValueError(
            f"The backend {backend.name!r} has tensors of type {cls.__name__}, which belong to no "
            f"registered backend. Register it under the entry-point group {registry.GROUP!r}, see "
            "docs/writing-a-backend.md."
        )
    if registered is backend:
        with registry.use_backend(backend):
            yield
        return
    tables: tuple[dict[type, Any], ...] = (_owners, _natives)
    with _remembering:
        _contested[registered] += 1
        for known in tables:
            for key in [key for key, owner in known.items() if owner is registered]:
                del known[key]
    around = _owners_here.get() or {}
    others = {key: owner for key, owner in around.items() if owner is not registered}
    try:
        with (
            holding(_owners_here, others),
            registry.replaced(registered, backend),
            registry.use_backend(backend),
        ):
            yield
    finally:
        with _remembering:
            _contested[registered] -= 1
            if not _contested[registered]:
                del _contested[registered]


def dtype_name(backend: Backend, x: Tensor) -> str:
    """`backend.dtype(x)` of a native tensor, remembered by what the framework itself has for it."""
    try:
        return _dtype_names[x.dtype]
    except KeyError:
        _dtype_names[x.dtype] = name = backend.dtype(x)
        return name
    except TypeError:  # this framework's dtypes are no keys
        return backend.dtype(x)


def native_owner(x: TensorLike) -> Backend | None:
    """The backend that takes `x` as it is, None if it must be converted (or has not been met
    yet)."""
    cls = type(x)
    if cls is np.ndarray:
        active = registry.get_backend()
        return active if np.ndarray in active.tensor_types and x.dtype in PLAIN else None
    owner = _natives.get(cls)
    if owner is None and (here := _owners_here.get()) is not None:
        return here.get(cls)
    return owner


def takes(backend: Backend, x: Any) -> bool:
    """Whether `x` is a native tensor of `backend`, whichever is active."""
    cls = type(x)
    return _natives.get(cls) is backend or (
        cls in backend.tensor_types and (cls is not np.ndarray or x.dtype in PLAIN)
    )


def backend_of(tensors: Iterable[TensorLike]) -> Backend:
    """The one backend of all `tensors`, the active one when they are host data."""
    found = None
    for owner in map(_owner_within, tensors):
        if owner is not None and owner is not found:
            if found is None or owner.absorbs:
                found = owner
            elif not found.absorbs:
                raise _foreign(found, owner)
    return registry.get_backend() if found is None else found


def _owner_within(x: TensorLike) -> Backend | None:
    """The backend of a tensor, or of those in a nested list."""
    if type(x) not in _CONTAINERS:
        return owner_of(x)
    owners = {owner for one in _one_of_each_type(x) if (owner := owner_of(one)) is not None}
    if len(owners) > 1:
        first, second = sorted(owners, key=lambda owner: owner.name)[:2]
        raise _foreign(first, second)
    return owners.pop() if owners else None


def _one_of_each_type(nest: Any) -> Iterable[Any]:
    found: dict[type, Any] = {}
    for x in nest:
        if type(x) in _CONTAINERS:
            found.update((type(one), one) for one in _one_of_each_type(x))
        else:
            found[type(x)] = x
    return found.values()


def _foreign(one: Backend, other: Backend) -> ForeignTensorError:
    return ForeignTensorError(
        f"This call mixes tensors of the backends {one.name!r} and {other.name!r}. Convert one of "
        "them first: unidl.ops.convert_to_numpy(x)."
    )


def convert(backend: Backend, x: TensorLike) -> Tensor:
    """`x` as a native tensor of `backend`; Python numbers stay numbers, since they adopt the other
    operand's dtype."""
    cls = type(x)
    if cls in NUMBERS or x is None:
        return x
    if isinstance(x, Variable):
        return (
            x.value
            if x.backend is backend
            else backend.asarray(x.value if backend.has_values else x)
        )
    if isinstance(x, np.generic):
        number = x.item()
        if type(number) in NUMBERS and not _is_large(number):
            return number
    if isinstance(x, np.ndarray) and (cls is np.ndarray or cls not in backend.tensor_types):
        return backend.asarray(x)
    return x if isinstance(x, backend.tensor_types) else backend.asarray(x)


def _is_large(x: Any) -> bool:
    """Whether `x` is an int that does not fit into int32."""
    return type(x) is int and not -(2**31) <= x < 2**31


def _as_they_are(
    tensors: Sequence[TensorLike], promoted: bool = False, to_floats: bool = False
) -> tuple[Backend, list[Tensor]] | None:
    """(backend, native tensors) of a call of which nothing has to be converted, None for all
    others.

    So it is with tensors and Variables of one backend, None and numbers among them. With `promoted`
    they also have one dtype, and that a float dtype if there are numbers or with `to_floats`.
    Nearly all calls are of this kind, which one look at each operand tells.
    """
    backend: Backend | None = None
    first = dtype = None
    native: list[Tensor] = []
    for x in tensors:
        cls = type(x)
        owner = _natives.get(cls)
        if owner is None:
            if cls is Variable:
                owner, x = x.read()
            elif cls in NUMBERS:
                if cls is int and not -2147483648 <= x <= 2147483647:
                    return None
                to_floats = True
                native.append(x)
                continue
            elif x is None:
                if promoted and len(tensors) == 2:
                    return None
                native.append(x)
                continue
            elif cls is not np.ndarray or (owner := native_owner(x)) is None:
                return None
        if backend is None:
            backend, first, dtype = owner, x, promoted and x.dtype
        elif owner is not backend or (promoted and x.dtype is not dtype):
            return None
        native.append(x)
    if backend is None:
        return None
    if promoted and to_floats and dtype_name(backend, first) not in dtypes.FLOATS:
        return None
    return backend, native


def prepare(tensors: Sequence[TensorLike]) -> tuple[Backend, list[Tensor]]:
    """(backend, converted tensors)."""
    found = _as_they_are(tensors)
    return _converted(tensors) if found is None else found


def _converted(tensors: Sequence[TensorLike]) -> tuple[Backend, list[Tensor]]:
    backend = backend_of(tensors)
    return backend, [convert(backend, x) for x in tensors]


def prepare_tensors(tensors: Sequence[TensorLike]) -> tuple[Backend, list[Tensor]]:
    """(backend, converted tensors), numbers too. The first is no option, and must not be None."""
    backend, tensors = prepare(tensors)
    if tensors and tensors[0] is None:
        raise nothing_given()
    return backend, [backend.asarray(x) if type(x) in NUMBERS else x for x in tensors]


def nothing_given() -> NoTensorError:
    """The error for None where a tensor is needed."""
    return NoTensorError("cannot make a tensor of None: expected numbers, an array or a tensor.")


def tensor_of(x: TensorLike) -> tuple[Backend, Tensor]:
    """(backend, `x` as its native tensor), numbers too."""
    backend = native_owner(x)
    if backend is not None:
        return backend, x
    backend, (x,) = prepare_tensors((x,))
    return backend, x


def call(name: str, *tensors: TensorLike, **kwargs: Any) -> Any:
    """The contract's `name` on `tensors`, each made a native tensor, numbers too; `kwargs` are
    passed on as they are."""
    backend = native_owner(tensors[0]) if len(tensors) == 1 else None
    operands: Sequence[Tensor] = tensors
    if backend is None:
        backend, operands = prepare_tensors(tensors)
    if kwargs:
        _check_axis(name, operands, kwargs)
    return run(backend, name, operands, kwargs)


def call_float(name: str, *tensors: TensorLike, **kwargs: Any) -> Any:
    """Like `call` for functions of floats: integer and bool tensors become `floatx` first."""
    backend = native_owner(tensors[0]) if len(tensors) == 1 else None
    operands: Sequence[Tensor] = tensors
    if backend is None or dtype_name(backend, tensors[0]) not in dtypes.FLOATS:
        backend, operands = prepare_tensors(tensors)
        operands = [to_float(backend, x) for x in operands]
    if kwargs:
        _check_axis(name, operands, kwargs)
    return run(backend, name, operands, kwargs)


def _check_axis(name: str, tensors: Sequence[Tensor], kwargs: dict[str, Any]) -> None:
    """An error for an axis out of range. Adapters count axes modulo the rank and would not
    notice."""
    axis = kwargs.get("axis")
    if axis is None or name == "expand_dims":
        return
    rank = len(tensors[0].shape)
    if type(axis) is not int and hasattr(axis, "__index__"):  # of NumPy's ints too
        kwargs["axis"] = int(axis)
        axis = kwargs["axis"]
    if not (-rank <= axis < rank if type(axis) is int else all(-rank <= a < rank for a in axis)):
        error = explain(name, tensors, kwargs)
        assert error is not None, "the shape rules check every axis"
        raise error


def call_bool(name: str, *tensors: TensorLike, **kwargs: Any) -> Any:
    """Like `call` for functions of bools: other tensors become bool, True where not zero."""
    backend, operands = prepare_tensors(tensors)
    return run(backend, name, [to_bool(backend, x) for x in operands], kwargs)


def call_promoted(name: str, *tensors: TensorLike, to_floats: bool = False, **kwargs: Any) -> Any:
    """Like `call` with all tensors promoted to one dtype; Python numbers adopt it. `to_floats`: a
    float dtype at least."""
    found = _as_they_are(tensors, True, to_floats)
    if found is None:
        if len(tensors) == 2 and (tensors[0] is None or tensors[1] is None):
            raise nothing_given()
        backend, operands = _converted(tensors)
        operands = promote(backend, operands, to_floats)
    else:
        backend, operands = found
    return run(backend, name, operands, kwargs)


def call_sequence(name: str, tensors: Sequence[TensorLike], **kwargs: Any) -> Any:
    """Like `call_promoted` for a contract function that takes a list of tensors."""
    backend, tensors = prepare_tensors(tensors)
    tensors = promote(backend, tensors) if tensors else tensors
    return run(backend, name, [tensors], kwargs)


def to_float(backend: Backend, x: Tensor) -> Tensor:
    return x if x is None or dtypes.is_float(backend.dtype(x)) else backend.cast(x, dtypes.floatx())


def to_bool(backend: Backend, x: Tensor) -> Tensor:
    return x if backend.dtype(x) == "bool" else backend.cast(x, "bool")


def promote(backend: Backend, tensors: Sequence[Tensor], to_floats: bool = False) -> list[Tensor]:
    """`tensors` in their common dtype; of numbers alone at least one becomes a tensor."""
    if all(type(x) in NUMBERS for x in tensors):
        tensors = [backend.asarray(x) for x in tensors]
    kinds = [backend.dtype(x) for x in tensors if x is not None and type(x) not in NUMBERS]
    dtype = kinds[0] if all(k == kinds[0] for k in kinds) else dtypes.result_type(*kinds)
    numbers = [x for x in tensors if type(x) in NUMBERS]
    if not dtypes.is_float(dtype):
        if to_floats or any(type(x) is float for x in numbers):
            dtype = dtypes.floatx()
        elif dtype == "bool" and any(type(x) is int for x in numbers):
            dtype = "int32"
    return [
        x
        if x is None
        else fitted(x, dtype)
        if type(x) in NUMBERS
        else x
        if backend.dtype(x) == dtype
        else backend.cast(x, dtype)
        for x in tensors
    ]


def run(backend: Backend, name: str, tensors: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Call the contract; a framework's error about shapes becomes the one that every backend
    gives."""
    try:
        return getattr(backend, name)(*tensors, **kwargs)
    except Exception as error:
        if not backend.absorbs:
            explanation = explain(name, tensors, kwargs)
            if explanation is not None:
                raise explanation from error
        raise


def explain(name: str, tensors: Sequence[Any], kwargs: dict[str, Any]) -> Exception | None:
    """The error that the shape rules give for this call, None where they find nothing wrong."""
    try:
        symbols = [[_symbol(t) for t in x] if isinstance(x, list) else _symbol(x) for x in tensors]
        with graph.paused():
            getattr(symbolic, name)(*symbols, **kwargs)
    except (ValueError, TypeError, IndexError) as error:
        return error
    return None


def _symbol(x: Any) -> Any:
    """What stands for `x` in a shape rule: numbers, strings, shapes and None stand for
    themselves."""
    return x if x is None or isinstance(x, (*NUMBERS, str, tuple)) else symbolic.asarray(x)


def names_itself(function: F) -> F:
    """A public function of numbers, which puts its name before what is said of its arguments."""

    @functools.wraps(function)
    def public(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except ArgumentError as error:
            error.function = function.__name__
            shorten(error)
            raise

    return cast(F, public)


def op(function: F) -> F:
    """Mark a public function of tensors: called on symbolic tensors it becomes one node of the
    graph."""

    @functools.wraps(function)
    def public(*args: Any, **kwargs: Any) -> Any:
        try:
            for x in args:
                cls = type(x)
                if cls is KerasTensor or (
                    cls in _CONTAINERS and any(type(y) is KerasTensor for y in x)
                ):
                    return graph.record_call(function, args, kwargs)
            if kwargs and graph.flatten_tensors(kwargs):
                return graph.record_call(function, args, kwargs)
            return function(*args, **kwargs)
        except BaseException as error:
            if isinstance(error, ArgumentError):
                error.function = function.__name__
            problem = call_problem(function, error, kwargs)
            if problem:
                raise TypeError(f"ops.{function.__name__}: {problem}") from None
            shorten(error)
            raise

    return cast(F, public)

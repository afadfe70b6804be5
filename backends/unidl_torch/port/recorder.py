"""A user's own `forward`, run once on the example inputs, with every function of torch that it
calls written down as what stands for it in unidl.

The forward computes real numbers, so code that looks at sizes, types and settings runs as it is;
only what follows from the values of inputs cannot be recorded. Modules that have a Piece are not
looked into, so their insides (training mode, fused kernels) do not matter.
"""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.overrides import TorchFunctionMode, resolve_name

from unidl import Input, ops, tree
from unidl.port.errors import Refused
from unidl.port.laid import Laid
from unidl.port.layers import Constant, Fixed
from unidl_torch.port import functions, networks, shaping  # noqa: F401
from unidl_torch.port.function_table import (
    AS_THEY_ARE,
    FUNCTIONS,
    MAKE_NEW,
    METHODS,
    READ_VALUES,
    SEE_FIXED,
    SEE_RESULT,
)
from unidl_torch.port.open_size import OpenSize
from unidl_torch.port.pieces import LookInside, Piece, maker_of
from unidl_torch.port.shaping import written

_FEW = 4  # numbers that stand in the code itself


class _Refused:
    """Stands for a result that was refused: what follows from it is not told again."""


_REFUSED = _Refused()
_INSIDE = object()  # a module has to be looked into


class _Late:
    """Stands for a tensor that follows only the size of the batch and has no counterpart: it is
    refused where it meets what follows from inputs. What code decides by it is the same for all."""

    def __init__(self, reason: str) -> None:
        self.reason = reason


class Recorder(TorchFunctionMode):
    """
    Attributes:
        inputs: the symbols that stand for the examples.
        pieces: {path of a module: Piece}. constants: {path of a parameter or buffer: layer}.
        refused: [(place, reason)], everything that has no counterpart.
        narrows: whether the forward goes on in fewer digits than its inputs have.
    """

    def __init__(self, module: nn.Module, examples: list[torch.Tensor]) -> None:
        super().__init__()
        self.inputs: list[Any] = []
        self.pieces: dict[str, Piece] = {}
        self.constants: dict[str, tuple[Constant, Laid]] = {}
        self.refused: list[tuple[str, str]] = []
        self.narrows = False
        self._module, self._examples = module, examples
        self._paths = {id(m): path for path, m in module.named_modules()}
        self._held = {id(t): n for n, t in module.named_buffers()}
        self._parameters = {id(p): n for n, p in module.named_parameters()}
        self._shared = _shared_parameters(module)
        self._values: dict[int, tuple[torch.Tensor, Any]] = {}
        self._free: set[int] = set()  # of tensors that follow from no value, only from sizes
        self._slices: dict[int, tuple] = {}  # {id of a slice: (of what, which, itself)}
        self._inside: list[str] = []
        self._called = nn.Module.__call__
        self._rests = False  # inside a module that has a Piece

    def run(self) -> Any:
        """The structure of what `forward` returns, with `Laid` tensors; None where something was
        refused."""
        names = _names_of_inputs(self._module, len(self._examples))
        for name, example in zip(names, self._examples, strict=True):
            if not example.ndim:
                self._refuse(name, "an input without axes has none for the batch")
                return None
            dtype = str(example.dtype).removeprefix("torch.")
            symbol = Input(tuple(example.shape[1:]), dtype=dtype, name=name)
            self.inputs.append(symbol)
            self._set(example, Laid(symbol))
        with _left_as_it_was(self._module, self._examples), self._calls_seen(), self:
            outputs = self._module(*self._examples)
        found = tree.map_structure(self._output, as_structure(outputs))
        return None if self.refused else found

    def _output(self, value: Any) -> Any:
        if not isinstance(value, torch.Tensor):
            self._refuse("", f"it returns {type(value).__name__} {value!r}, which is no tensor")
            return None
        laid = self._laid(value)
        if isinstance(laid, _Refused | Laid):
            return laid
        self._refuse("", "it returns a tensor that does not depend on its inputs")
        return None

    # -- modules -------------------------------------------------------------------------------

    @contextmanager
    def _calls_seen(self) -> Iterator[None]:
        recorder = self

        def called(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
            return recorder._call(module, args, kwargs)

        nn.Module.__call__ = called
        try:
            yield
        finally:
            nn.Module.__call__ = self._called

    def _call(self, module: nn.Module, args: tuple, kwargs: dict) -> Any:
        path = self._paths.get(id(module))
        if path is None or self._rests:
            return self._called(module, *args, **kwargs)
        maker = maker_of(type(module))
        if maker is None or any(id(p) in self._shared for p in module.parameters()):
            return self._through(module, path, args, kwargs)
        with torch._C.DisableTorchFunction():
            outputs = self._by_piece(maker, module, path, args, kwargs)
        if outputs is _INSIDE:
            return self._through(module, path, args, kwargs)
        return outputs

    def _by_piece(
        self, maker: Callable, module: nn.Module, path: str, args: tuple, kwargs: dict
    ) -> Any:
        is_new = path not in self.pieces
        found = None
        try:
            if is_new:
                self.pieces[path] = maker(module, path or type(module).__name__.lower())
            piece = self.pieces[path]
            fixed = np.asarray if piece.takes_arrays else self._fixed
            given_args, given = self._given((args, kwargs), fixed)
            found = called_with(piece.apply, given_args, given)
        except _FollowsRefused:
            pass
        except LookInside:
            if is_new:
                self.pieces.pop(path, None)
            return _INSIDE
        except (Refused, ValueError, TypeError) as error:  # ours, or of a layer of unidl
            self._refuse(path, str(error))
        self._rests = True
        try:
            with _in_inference(module):
                outputs = self._called(module, *args, **kwargs)
        finally:
            self._rests = False
        self._keep(outputs, found)
        return outputs

    def _through(self, module: nn.Module, path: str, args: tuple, kwargs: dict) -> Any:
        """A module without a Piece, by what its forward does. Where that has no counterpart, and
        the module is one of torch's, the module is what is refused."""
        before = len(self.refused)
        self._inside.append(path)
        try:
            return self._called(module, *args, **kwargs)
        finally:
            self._inside.pop()
            own = type(module).__module__.startswith("torch.nn.") and not [*module.children()]
            if own and len(self.refused) > before:
                del self.refused[before:]
                self.refused.append((path, f"{type(module).__name__} has no counterpart"))

    # -- functions -----------------------------------------------------------------------------

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict | None = None
    ) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        if name == "__get__":
            return self._attribute(func, args)
        if func in AS_THEY_ARE:
            return func(*args, **kwargs)
        if not self._is_followed(args, kwargs):
            return func(*args, **kwargs)
        if name in READ_VALUES:
            return self._read(func, name, args)
        if name in MAKE_NEW and not any(isinstance(n, OpenSize) for n in _leaves((args, kwargs))):
            return func(*args, **kwargs)  # of a tensor it takes no more than the dtype
        if name == "size":
            sizes = self._sizes(args[0])
            dim = args[1] if len(args) > 1 else kwargs.get("dim")
            return sizes if dim is None else sizes[dim]
        if name == "numel":
            count = func(*args)
            return (
                OpenSize(count)
                if any(isinstance(n, OpenSize) for n in self._sizes(args[0]))
                else count
            )
        return self._function(func, name, args, kwargs)

    def _attribute(self, func: Any, args: Any) -> Any:
        name = func.__self__.__name__
        if name == "shape" and self._is_followed(args, {}):
            return self._sizes(args[0])
        if name in METHODS and self._is_followed(args, {}):
            return self._function(func, name, args, {})
        return func(*args)

    def _sizes(self, tensor: torch.Tensor) -> torch.Size:
        laid = self._laid(tensor)
        sizes = tuple(torch._C.TensorBase.size(tensor))
        if not isinstance(laid, Laid):
            return torch.Size(sizes)

        def zeros(axis: int) -> Callable:
            place = tuple(slice(None) if a == axis else 0 for a in range(len(sizes)))
            tensor: Any = laid.first()
            return lambda: ops.zeros_like(tensor[place])

        return torch.Size(
            OpenSize(n, zeros(axis)) if laid.shape[axis] is None else n
            for axis, n in enumerate(sizes)
        )

    def _read(self, func: Any, name: str, args: Any) -> Any:
        tensor = args[0]
        if name in ("__len__", "__iter__", "unbind") and not isinstance(
            self._sizes(tensor)[0], OpenSize
        ):
            return func(*args)
        if id(tensor) in self._free or (
            id(tensor) in self._held and id(tensor) not in self._values
        ):
            return func(*args)
        told = "control flow that depends on values"
        if name in ("__len__", "__iter__"):
            told = "a loop over the batch"
        self._refuse("", f"its forward cannot be recorded: {told} ({name} of a tensor)")
        return func(*args)

    def _function(self, func: Any, name: str, args: Any, kwargs: dict) -> Any:
        given_tensors = [t for t in _leaves((args, kwargs)) if _is_tensor(t)]
        versions = [(t, t._version) for t in given_tensors]
        is_free = all(
            id(t) in self._free for t in given_tensors
            if id(t) in self._values or id(t) in self._parameters
        )  # fmt: skip
        outputs = func(*args, **kwargs)
        if name == "__setitem__":
            self._write(*args)
            return outputs
        try:
            handler = self._handler(func, name)
            given_args, given = self._given((args, kwargs))
            if handler in SEE_FIXED:
                given["fixed"] = self._fixed
            if handler in SEE_RESULT:
                given["result"] = tuple(torch._C.TensorBase.size(outputs))
            self._keep(outputs, called_with(handler, given_args, given))
        except _FollowsRefused:
            self._keep(outputs, None)
        except (Refused, ValueError, TypeError) as error:  # ours, or of a function of unidl
            if not is_free:
                self._refuse(self._place(name), str(error))
            self._keep(outputs, _Late(str(error)) if is_free else None)
        if is_free:
            self._free.update(id(t) for t in _leaves(outputs) if _is_tensor(t))
        self._keep_in_place(name, versions, outputs)
        if name == "__getitem__" and outputs._is_view():
            self._slices[id(outputs)] = args[0], args[1], outputs
        return outputs

    def _handler(self, func: Any, name: str) -> Callable:
        handler = FUNCTIONS.get(func)
        full = resolve_name(func) or name
        if handler is None and full.startswith("torch.Tensor."):
            handler = METHODS.get(name)
            full = f"the method {name}()"
        if handler is None:
            raise Refused(f"it calls {full}, which has no counterpart")
        return handler

    def _keep_in_place(self, name: str, versions: list, outputs: Any) -> None:
        """A tensor that the function changed is what the function returned; so are those of which
        it is a slice."""
        for tensor, before in versions:
            if tensor._version == before:
                continue
            if _is_tensor(outputs) and outputs.data_ptr() == tensor.data_ptr():
                self._set(tensor, self._values.get(id(outputs), (None, _REFUSED))[1])
            else:
                self._refuse(self._place(name), "it changes a tensor in place")
            if id(tensor) in self._slices:
                base, index, _ = self._slices[id(tensor)]
                self._write(base, index, tensor)

    def _write(self, tensor: torch.Tensor, index: Any, values: Any) -> None:
        """`tensor[index] = values`."""
        try:
            found = written(*self._given((tensor, index, values)))
            self._set(tensor, self._checked(tensor, found))
        except _FollowsRefused:
            self._set(tensor, _REFUSED)
        except (Refused, ValueError, TypeError) as error:
            self._refuse(self._place("__setitem__"), str(error))
            self._set(tensor, _REFUSED)
        if id(tensor) in self._slices:
            base, place, _ = self._slices[id(tensor)]
            self._write(base, place, tensor)

    # -- tensors -------------------------------------------------------------------------------

    def _is_followed(self, args: Any, kwargs: Any) -> bool:
        """Whether something here follows from inputs or parameters, or from the batch."""
        found = False
        for value in _leaves((args, kwargs)):
            if isinstance(value, OpenSize):
                found = True
            elif _is_tensor(value):
                found = found or id(value) in self._values or id(value) in self._parameters
        return found

    def _set(self, tensor: torch.Tensor, value: Any) -> None:
        self._values[id(tensor)] = tensor, value

    def _laid(self, tensor: torch.Tensor) -> Any:
        """Its Laid tensor; the tensor itself if nothing is known of it."""
        if id(tensor) in self._values:
            value = self._values[id(tensor)][1]
            if callable(value):
                value = self._checked(tensor, value())
                self._set(tensor, value)
            return value
        path = self._parameters.get(id(tensor)) or self._held.get(id(tensor))
        if path is not None and not tensor.is_floating_point():
            return tensor  # a table of places, or a mask: nothing that trains
        return tensor if path is None else self._constant(path, tensor)

    def _constant(self, path: str, tensor: torch.Tensor) -> Laid:
        if path not in self.constants:
            dtype = str(tensor.dtype).removeprefix("torch.")
            layer = Constant(tuple(torch._C.TensorBase.size(tensor)), dtype, name=path)
            layer.trainable = isinstance(tensor, nn.Parameter)
            self.constants[path] = layer, Laid(layer(self.inputs[0]))
        return self.constants[path][1]

    def _fixed(self, array: np.ndarray) -> Laid:
        """An array as a tensor of the model, for layers: floats as a weight that is not trained."""
        if array.dtype.kind == "f":
            return Laid(Fixed(array)(self.inputs[0]))
        first: Any = self.inputs[0]
        nothing = ops.zeros_like(first[(0,) * len(first.shape)])
        if array.dtype == bool:
            return Laid(ops.logical_or(array, ops.cast(nothing, "bool")))
        return Laid(ops.add(array, ops.cast(nothing, str(array.dtype))))

    def _array(self, array: np.ndarray) -> Any:
        """Floats as a weight that is not trained, as other frameworks want them; a few numbers, and
        what is chosen by, as they are."""
        return self._fixed(array) if array.dtype.kind == "f" and array.size > _FEW else array

    def _given(self, arguments: Any, fixed: Callable | None = None) -> Any:
        """The arguments for a handler: Laid tensors, what `fixed` makes of arrays of NumPy where a
        tensor depends on nothing, everything else as it is."""

        fixed = fixed or self._array

        def given(value: Any) -> Any:
            if not _is_tensor(value):
                return value
            laid = self._laid(value)
            if isinstance(laid, _Refused):
                raise _FollowsRefused
            if isinstance(laid, _Late):
                raise Refused(laid.reason)
            return laid if isinstance(laid, Laid) else fixed(value.detach().cpu().numpy())

        return _mapped(given, arguments)

    def _keep(self, outputs: Any, found: Any) -> None:
        """Writes down what stands for the tensors in `outputs`."""
        if _is_tensor(outputs):
            if isinstance(found, Laid):
                try:
                    found = self._checked(outputs, found)
                except Refused as error:
                    self._refuse(self._place(""), str(error))
                    found = None
            self._set(outputs, _REFUSED if found is None else found)
        elif isinstance(outputs, (tuple, list)):
            parts = found if isinstance(found, (tuple, list)) else [found] * len(outputs)
            for one, other in zip(outputs, parts, strict=True):
                self._keep(one, other)
        elif isinstance(outputs, dict):
            for key, one in outputs.items():
                self._keep(one, found[key] if isinstance(found, dict) else found)

    def _checked(self, tensor: torch.Tensor, found: Laid) -> Laid:
        """`found` in the dtype of `tensor`, whose shape it must have."""
        if not isinstance(found, Laid):
            found = Laid(found)
        sizes = tuple(torch._C.TensorBase.size(tensor))
        alike = len(sizes) == found.rank and all(
            one is None or one == other for one, other in zip(found.shape, sizes, strict=True)
        )
        if not alike:
            raise Refused(f"shape {sizes} became {tuple(found.shape)}")
        if tensor.is_floating_point():
            self.narrows |= tensor.element_size() < torch.get_default_dtype().itemsize
        dtype = str(tensor.dtype).removeprefix("torch.")
        if str(found.tensor.dtype) != dtype:
            found = found.like(ops.cast(found.tensor, dtype))
        return found

    # -- refusals ------------------------------------------------------------------------------

    def _place(self, name: str) -> str:
        inside = self._inside[-1] if self._inside else ""
        return f"{inside}.{name}".strip(".")

    def _refuse(self, place: str, reason: str) -> None:
        if (place, reason) not in self.refused:
            self.refused.append((place, reason))


def _shared_parameters(module: nn.Module) -> set[int]:
    """Parameters that several modules hold: layers have their weights for themselves, so these are
    weights on their own."""
    every = Counter(id(p) for _, p in module.named_parameters(remove_duplicate=False))
    return {key for key, count in every.items() if count > 1}


class _FollowsRefused(Exception):
    """An input was refused already."""


def called_with(function: Callable, args: Any, kwargs: Any) -> Any:
    try:
        inspect.signature(function).bind(*args, **kwargs)
    except TypeError as error:
        raise Refused(f"it is called in a way that has no counterpart: {error}") from None
    return function(*args, **kwargs)


def _is_tensor(value: Any) -> bool:
    return isinstance(value, torch.Tensor)


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, (tuple, list)):
        for each in value:
            yield from _leaves(each)
    elif isinstance(value, dict):
        for each in value.values():
            yield from _leaves(each)
    elif isinstance(value, slice):
        yield from (value.start, value.stop, value.step)
    else:
        yield value


def _mapped(function: Callable, value: Any) -> Any:
    if isinstance(value, torch.Size):
        return tuple(value)
    if isinstance(value, (tuple, list)):
        found: list[Any] = [_mapped(function, each) for each in value]
        return type(value)(*found) if hasattr(value, "_fields") else type(value)(found)
    if isinstance(value, dict):
        return {key: _mapped(function, each) for key, each in value.items()}
    return function(value)


def as_structure(outputs: Any) -> Any:
    """Tuples, lists and dicts; what of them is None is left out, as from records of outputs."""
    if isinstance(outputs, dict):
        return {str(k): as_structure(v) for k, v in outputs.items() if v is not None}
    if isinstance(outputs, (tuple, list)):
        return [as_structure(v) for v in outputs if v is not None]
    return outputs


def _names_of_inputs(module: nn.Module, count: int) -> list[str]:
    if maker_of(type(module)) is not None:
        return [f"x{i}" for i in range(count)]
    found: list[str] = []
    for name, parameter in inspect.signature(module.forward).parameters.items():
        if parameter.kind is parameter.VAR_POSITIONAL:
            found += [f"{name}_{i}" for i in range(count - len(found))]
        elif parameter.kind is not parameter.KEYWORD_ONLY:
            found.append(name)
    return found[:count] + [f"x{i}" for i in range(len(found), count)]


@contextmanager
def _in_inference(module: nn.Module) -> Iterator[None]:
    before = [(part, part.training) for part in module.modules()]
    for part, _ in before:
        part.training = False
    try:
        yield
    finally:
        for part, was in before:
            part.training = was


@contextmanager
def _left_as_it_was(module: nn.Module, examples: list[torch.Tensor]) -> Iterator[None]:
    """Nothing of the run stays: buffers, torch's random numbers, the dtype of what it makes."""
    buffers = [(b, b.clone()) for b in module.buffers()]
    dtype = torch.get_default_dtype()
    floats = [t.dtype for t in (*module.parameters(), *examples) if t.dtype.is_floating_point]
    with ExitStack() as stack:
        stack.enter_context(torch.no_grad())
        stack.enter_context(torch.random.fork_rng(devices=[]))
        if floats and floats[0] in (torch.float32, torch.float64):
            torch.set_default_dtype(floats[0])
        try:
            yield
        finally:
            torch.set_default_dtype(dtype)
            for buffer, value in buffers:
                if not torch.equal(buffer, value):
                    buffer.copy_(value)

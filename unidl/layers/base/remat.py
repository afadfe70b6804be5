"""Recomputation: of a function only the inputs are kept for the gradient, and it runs once more."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

from unidl import tree
from unidl.backend import Backend, registry
from unidl.backend.errors import UnsupportedError
from unidl.backend.variable import Variable, commit
from unidl.layers.base import call_context
from unidl.layers.base.annotations import logits, masks
from unidl.layers.base.call_context import CallContext
from unidl.ops.dispatch import backend_of, owner_of
from unidl.tracing import graph
from unidl.tracing.replay import Replay

F = TypeVar("F", bound=Callable[..., Any])


def remat(f: F) -> F:
    """`f`, whose intermediate results are not kept for the gradient but computed a second time.

    Without it everything between the inputs and the outputs of `f` stays in memory until the
    gradient has been taken. With it only inputs, outputs and weights do, and `f` runs again when
    its turn comes on the way back: about a third more time for a training step, and the same
    numbers. The second run draws the same random numbers, and what it assigns or adds as a loss
    counts once. `docs/memory.md` has figures.

    Args:
        f: a function of tensors, or nests of them, that returns the like; a layer or a model too.
            Gradients flow to its arguments and to the weights that it reads. It must do the same
            each time that it runs: no counters, no file reads, no host random numbers.

    Returns:
        A function with `f`'s arguments. For whole layers of a model see `RematScope`.

    Raises:
        TypeError: `f` is not callable.
        UnsupportedError: called on symbolic tensors outside of a layer.

    Examples:
        >>> block = unidl.Sequential([unidl.layers.Dense(4, "relu"), unidl.layers.Dense(4, "relu")])
        >>> x = np.ones((2, 3), "float32")
        >>> y = block(x)
        >>> np.array_equal(unidl.remat(block)(x), y)
        True
    """
    if not callable(f):
        raise TypeError(
            f"remat: takes a function, a layer or a model, got {type(f).__name__}. "
            "Write: y = unidl.remat(f)(x)."
        )

    def rematerialized(*args: Any, **kwargs: Any) -> Any:
        if graph.flatten_tensors((args, kwargs)):
            if graph.recording():
                raise _on_symbols(f)
            return f(*args, **kwargs)  # shapes alone: there is nothing to keep
        return _Call(f, args, kwargs).outputs()

    with_name = functools.wraps(f, updated=()) if hasattr(f, "__name__") else _same
    return cast(F, with_name(rematerialized))


def _same(function: Any) -> Any:
    return function


def _on_symbols(f: Any) -> UnsupportedError:
    return UnsupportedError(
        f"remat: {_name_of(f)} is called on symbolic tensors, outside of a layer, where "
        "a call becomes a part of the model's graph. Make layers inside `with "
        "unidl.RematScope():`, or call unidl.remat(f) in the call() of a layer of your own."
    )


class _Place:
    """Where a tensor stands in the list of tensors of a call."""

    __slots__ = ("index",)

    def __init__(self, index: int) -> None:
        self.index = index


class _Form(NamedTuple):
    """What the flat list of tensors is that a run returns.

    They are the tensors of `f`'s result, the losses that layers added, the notes on the former,
    and the values of the Variables that were assigned.

    Attributes:
        structure: `f`'s result with a _Place for each tensor.
        losses: how many.
        notes: (annotations, index of the tensor, kind or None) of each note.
    """

    structure: Any
    losses: int
    notes: list[Any]


class _Call:
    """One call of a function that may run again."""

    def __init__(self, f: Any, args: Any, kwargs: Any) -> None:
        self._f, self._backend = f, _backend_for(f, args, kwargs)
        # No tensor stays here: what keeps them is the backend's affair.
        self._given, self._tensors = self._taken_apart((args, kwargs))
        cut = self._backend.remat_cut
        self._masks = [_cut_off(masks.get(tensor), cut) for tensor in self._tensors]
        self._context = call_context.current()
        self._replay = Replay(cut)
        self._form: Any = None

    def outputs(self) -> Any:
        """What `f` returns, with its effects put into place."""
        tensors, self._tensors = self._tensors, []
        with registry.use_backend(self._backend):
            found = list(self._backend.remat(self._run, tensors))
            variables, form = self._replay.assigned[0], self._form
            noted = len(found) - len(variables)
            commit(variables, found[noted:])
        first = noted - len(form.notes)
        for (notes, index, kind), value in zip(form.notes, found[first:noted], strict=True):
            notes.set(found[index], value if kind is None else (kind, value))
        self._add_losses(found[first - form.losses : first])
        return _put_together(form.structure, found)

    def _run(self, *values: Any) -> Any:
        """(tensors, Variables read), see `contract.Autodiff.remat`."""
        replay, count = self._replay, len(self._masks)
        function = functools.partial(self._computed, values[:count])
        if replay.has_run:
            tensors, _ = replay.again(function, values[count:])
        else:
            tensors, self._form = replay.first(function)
        return [*tensors, *replay.assigned[1]], list(replay.read)

    def _computed(self, values: Any) -> tuple[list[Any], _Form]:
        for value, mask in zip(values, self._masks, strict=True):
            if mask is not None:
                masks.set(value, mask)
        args, kwargs = _put_together(self._given, values)
        context = CallContext() if self._context is None else copy.copy(self._context)
        context.losses = []
        with registry.use_backend(self._backend), call_context.entered(context):
            structure, tensors = self._taken_apart(self._f(*args, **kwargs))
            losses = [self._backend.asarray(loss) for loss in context.losses]
        notes, noted = [], []
        for index, tensor in enumerate(tensors):
            mask, made_from = masks.get(tensor), logits.get(tensor)
            if mask is not None:
                notes.append((masks, index, None))
                noted.append(mask)
            if made_from is not None:
                notes.append((logits, index, made_from[0]))
                noted.append(made_from[1])
        return [*tensors, *losses, *noted], _Form(structure, len(losses), notes)

    def _taken_apart(self, structure: Any) -> tuple[Any, list[Any]]:
        """(`structure` with a _Place for each native tensor, the tensors)."""
        tensors: list[Any] = []

        def place(x: Any) -> Any:
            if isinstance(x, Variable) or not self._backend.is_tensor(x):
                return x
            tensors.append(x)
            return _Place(len(tensors) - 1)

        return tree.map_structure(place, structure), tensors

    def _add_losses(self, losses: Any) -> None:
        if self._context is not None:
            self._context.losses.extend(losses)
        elif hasattr(self._f, "_losses"):
            self._f._losses = losses
        elif losses:
            raise UnsupportedError(
                f"remat: layers inside of {_name_of(self._f)} add losses, which belong to no layer "
                "here. Call unidl.remat(f) in the call() of a layer or model, or give it the layer "
                "itself: unidl.remat(layer)(x)."
            )


def _cut_off(mask: Any, cut: Any) -> Any:
    return mask if mask is None or cut is None else cut(mask)


def _put_together(structure: Any, tensors: Any) -> Any:
    return tree.map_structure(lambda x: tensors[x.index] if type(x) is _Place else x, structure)


def _backend_for(f: Any, args: Any, kwargs: Any) -> Any:
    """That of the layer, if `f` is one or a method of one, else that of the tensors."""
    owner = getattr(getattr(f, "__self__", f), "backend", None)
    if isinstance(owner, Backend) and not registry.get_backend().absorbs:
        return owner
    return backend_of([x for x in tree.flatten((args, kwargs)) if owner_of(x) is not None])


def _name_of(f: Any) -> str:
    return str(getattr(f, "name", None) or getattr(f, "__name__", type(f).__name__))

"""Layers that call a framework by themselves, and so run on that framework's tensors alone."""

from __future__ import annotations

from functools import cache
from traceback import walk_tb

import numpy as np

from unidl import tree
from unidl.backend import registry
from unidl.backend.errors import ForeignTensorError, UnsupportedError

# Where a layer's `call` is called. An error that was raised deeper in unidl is unidl's.
_CALLERS = ("unidl.layers.base", "unidl.models", "unidl.verify.calls")


def runs_elsewhere(error, backend) -> bool:
    """Whether `error` says no more than that the tensors of `backend` are the wrong ones here.

    That is what unidl says of two frameworks' tensors in one call, or what a backend cannot do; or
    an error from beyond unidl, out of the framework that a `call` turned to, which names the type
    of tensor that it was given.
    """
    if isinstance(error, (ForeignTensorError, UnsupportedError)):
        return True
    modules = [frame.f_globals.get("__name__", "") for frame, _ in walk_tb(error.__traceback__)]
    ours = [m for m in modules if m.partition(".")[0] in _our_packages()]
    if not ours or not ours[-1].startswith(_CALLERS) or modules[-1] == ours[-1]:
        return False
    names = {cls.__name__ for cls in backend.tensor_types}
    return any(name in str(error) for name in names)


@cache
def _our_packages():
    return {"unidl"} | {spec.adapter.partition(".")[0] for spec in registry.specs().values()}


def check_owned(backend, outputs, who):
    """An error if a call on `backend` gave another's tensors, on which what follows would run."""
    for x in tree.flatten(outputs):
        if isinstance(x, np.ndarray) or backend.is_tensor(x):
            continue
        owner = registry.owner_of_type(type(x))
        if owner is not None and not owner.absorbs:
            raise ForeignTensorError(
                f"{who} was given tensors of the backend {backend.name!r} and returned one of "
                f"{owner.name!r}."
            )

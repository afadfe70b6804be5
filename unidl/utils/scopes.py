"""Scopes of names: where a variable stands in the model, "block/dense/kernel"."""

from __future__ import annotations

from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import Any

from unidl.backend.context import holding

_path: ContextVar[tuple] = ContextVar("unidl_path", default=())
current_path = _path.get

# `use_path` for those who are called too often for a generator: `token = push(path)`, `pop(token)`.
push, pop = _path.set, _path.reset


def use_path(path: tuple[str, ...]) -> AbstractContextManager[Any]:
    """Paths of variables made inside begin with `path`, a tuple of names."""
    return holding(_path, path)


def name_scope(name: str) -> Any:
    """`with name_scope("encoder"):` puts "encoder/" before the paths of layers and variables that
    are built inside.

    Scopes nest; each layer opens one of its own name.

    Examples:
        >>> with unidl.name_scope("encoder"):
        ...     layer = unidl.layers.Dense(1, name="head")
        ...     y = layer(np.ones((1, 2)))
        >>> layer.kernel.path
        'encoder/head/kernel'
    """
    if not isinstance(name, str) or not name or "/" in name:
        raise ValueError(f"name_scope: expected a name without '/', got {name!r}.")
    return use_path((*current_path(), name))

"""Names: `Dense` -> "dense", the next one "dense_1"; and whose a class is."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import Any

from unidl.backend.context import holding

_of_process: Counter[str] = Counter()
_used: ContextVar[Counter[str]] = ContextVar("unidl_names", default=_of_process)


def to_snake_case(name: str) -> str:
    """ "LSTMCell" -> "lstm_cell", "Conv2DTranspose" -> "conv2d_transpose"."""
    name = re.sub(r"\W+", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def prefix_of(cls: Any) -> str:
    """What names of objects of `cls` begin with: the class's name in snake case, or `_named_after`,
    where Keras' class has another."""
    return to_snake_case(vars(cls).get("_named_after", cls.__name__))


def auto_name(prefix: str) -> str:
    """The snake-case `prefix`, from the second call on followed by a number."""
    return uniquify(to_snake_case(prefix))


def uniquify(name: str) -> str:
    """`name` the first time, then `name_1`, `name_2` ..."""
    used = _used.get()
    count = used[name]
    used[name] += 1
    return f"{name}_{count}" if count else name


def numbered(names: Iterable[str]) -> Iterator[str]:
    """ "a", "a", "b" -> "a", "a_1", "b": the names of siblings in files."""
    used: dict[str, int] = {}
    for name in names:
        count = used.get(name, 0)
        used[name] = count + 1
        yield f"{name}_{count}" if count else name


def reset_names() -> None:
    """Forget which names were given, so that the next model's layers are numbered from the
    start."""
    _used.get().clear()


def names_here() -> AbstractContextManager[Any]:
    """Inside, names are given as if here alone: what is made outside is numbered as ever."""
    return holding(_used, Counter(_used.get()))


def is_of_unidl(thing: Any) -> bool:
    """Whether a class or function is one of this library, and none that a user wrote."""
    return str(thing.__module__).startswith("unidl.")

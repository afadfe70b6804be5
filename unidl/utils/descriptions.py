"""What objects say of themselves: `<Adam learning_rate=0.001, clipnorm=1.0>`."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np

from unidl.utils.naming import to_snake_case

# Longer values are cut in their middle, and longer lists at their end.
_LONGEST, _ELEMENTS = 60, 4
_MISSING = object()
# They hold something also where nothing was given.
_UNTOLD = ("name", "dtype", "data_format", "weights", "autocast")


def description(thing: Any, first: Mapping[str, Any], last: Mapping[str, Any] | None = None) -> str:
    """The class of `thing` and what is worth knowing of it.

    The arguments of its constructor are told that have no default or differ from it, if `thing`
    keeps them in attributes of their names; `first` and `last` are in any case, before and behind
    them.
    """
    last = last or {}
    told = dict(first)
    for name, default in _arguments(type(thing)).items():
        if name in (*_UNTOLD, *told, *last):
            continue
        value = getattr(thing, name, _MISSING)
        if value is not _MISSING and (default is _MISSING or not _means(default, value)):
            told[name] = value
    words = [f"{name}={_words(value)}" for name, value in {**told, **last}.items()]
    return f"<{' '.join([type(thing).__name__, ', '.join(words)]).rstrip()}>"


def _arguments(cls: type) -> dict[str, object]:
    """{name: default} of what the constructor of `cls` takes: what that of a base takes too if it
    passes arguments on, but for those without a default, which it must have given itself."""
    found: dict[str, object] = {}
    own = True
    for base in cls.__mro__:
        if "__init__" not in vars(base):
            continue
        parameters = inspect.signature(base.__init__).parameters.values()  # type: ignore[misc]
        for each in [*parameters][1:]:
            has_default = each.default is not each.empty
            if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY) and (
                own or has_default
            ):
                found.setdefault(each.name, each.default if has_default else _MISSING)
        own = False
        if not any(each.kind == each.VAR_KEYWORD for each in parameters):
            break
    return found


def _means(default: object, value: Any) -> bool:
    """Whether `value` is what a constructor makes of `default`."""
    if value is default:
        return True
    if isinstance(value, tuple) and isinstance(default, int):  # one size for all axes
        return all(each == default for each in value)
    if isinstance(value, bool | int | float | str):
        return bool(value == default)
    if isinstance(value, list | tuple | dict):
        if default is None:
            return not value
        return type(value) is type(default) and _words(value) == _words(default)
    if inspect.isfunction(value):
        return value.__name__ == ("linear" if default is None else default)
    # An object without arguments, of which one may ask by its name: "random_uniform", "uniform".
    name = to_snake_case(type(value).__name__)
    return (
        isinstance(default, str)
        and default in (name, name.removeprefix("random_"))
        and repr(value) == f"<{type(value).__name__}>"
    )


def _words(value: Any) -> str:
    if isinstance(value, np.ndarray) and value.ndim:
        return f"<array of shape {value.shape}>"
    if isinstance(value, float | np.floating):
        return repr(float(f"{value:.6g}"))
    if isinstance(value, str):
        return value
    if inspect.isroutine(value):
        return value.__name__
    if isinstance(value, list) and value:
        inner = [_words(each) for each in value[:_ELEMENTS]] + ["..."] * (len(value) > _ELEMENTS)
        return f"[{', '.join(inner)}]"
    text = repr(value)
    half = _LONGEST // 2 - 2
    return text if len(text) <= _LONGEST else f"{text[:half]}...{text[-half:]}"

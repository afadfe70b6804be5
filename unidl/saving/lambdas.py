"""Python lambdas in configs, in Keras' layout: byte code, defaults and closure.

Byte code does whatever it says, and damaged byte code can end the interpreter. So it is read only
where the program, never the file, has said that the file is trusted.
"""

from __future__ import annotations

import base64
import binascii
import builtins
import codecs
import marshal
import sys
import types
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

# Beside Keras' keys, whose readers pass over it: byte code is that of one Python version.
_VERSION = "python"
_PYTHON = str(sys.implementation.cache_tag)

# What the call that reads at present was told; None outside of one.
_safe: ContextVar[bool | None] = ContextVar("unidl_safe_mode", default=None)
_enabled = False
_copying: ContextVar[bool] = ContextVar("unidl_copying", default=False)

_REFUSED = (
    "This config contains a lambda as byte code, which can do anything and is not run by default. "
    "Replace it in the model by a named function, register that with "
    "@unidl.saving.register_keras_serializable(), and save the model again; or, if you trust "
    "whoever made the file, load it with safe_mode=False."
)


def enable_unsafe_deserialization() -> None:
    """Let lambdas be read from configs and files by the whole program from now on, as if every call
    had `safe_mode=False`. They run with all rights of the program: only for trusted files.

    Examples:
        >>> unidl.config.enable_unsafe_deserialization()  # doctest: +SKIP
    """
    global _enabled
    _enabled = True


@contextmanager
def reading(safe_mode: bool | None, inherited: bool = True) -> Iterator[None]:
    """Lambdas are read inside if `safe_mode` is False, or `enable_unsafe_deserialization` was
    called. A call inside another one keeps to what the outer one was told if `inherited`."""
    outer = _safe.get() if inherited else None
    token = _safe.set((safe_mode is not False) if outer is None else outer)
    try:
        yield
    finally:
        _safe.reset(token)


@contextmanager
def copying() -> Iterator[None]:
    """Configs made inside hold lambdas as they are, for a copy in the same process."""
    token = _copying.set(True)
    try:
        yield
    finally:
        _copying.reset(token)


def stays(value: Any) -> bool:
    """Whether it is a lambda on its way into a copy."""
    return _copying.get() and is_lambda(value)


def is_lambda(value: Any) -> bool:
    return isinstance(value, types.FunctionType) and value.__name__ == "<lambda>"


def dump(function: Any, serialize: Callable[[Any], Any]) -> dict[str, Any]:
    """The parts of a lambda: "code", "defaults", "closure" and the Python version.

    Raises:
        ValueError: a part of it has no place in a config.
    """
    code = function.__code__
    where = f"The lambda of {code.co_filename}, line {code.co_firstlineno}"
    if function.__kwdefaults__:
        raise ValueError(
            f"{where} has defaults of keyword-only arguments, for which the format has no place. "
            "Write lambda x, scale=2: ... without `*`."
        )
    try:
        cells = [cell.cell_contents for cell in function.__closure__ or ()]
        closure = [serialize(value) for value in cells] if cells else None
        defaults = None if function.__defaults__ is None else serialize([*function.__defaults__])
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{where} uses a value that cannot be written to a config: {error} Write a named "
            "function and register it with @unidl.saving.register_keras_serializable()."
        ) from error
    warnings.warn(
        f"{where} is written as byte code. Only Python of this version reads it, and only with "
        "safe_mode=False. Better: a named function, registered with "
        "@unidl.saving.register_keras_serializable().",
        stacklevel=2,
    )
    raw = codecs.encode(marshal.dumps(code), "base64").decode("ascii")
    return {"code": raw, "defaults": defaults, "closure": closure, _VERSION: _PYTHON}


def load(config: Any, deserialize: Callable[[Any], Any]) -> Any:
    """The lambda of `dump`'s dict, or of {"value": [code, defaults, closure]}.

    Raises:
        ValueError: lambdas are not let in; it is damaged, or of another Python version.
    """
    # Before anything of it is looked at.
    if _safe.get() is not False and not _enabled:
        raise ValueError(_REFUSED)
    code, defaults, closure = _parts(config)
    made = _code(code)
    defaults = None if defaults is None else tuple(_value(v, deserialize) for v in defaults)
    cells = tuple(types.CellType(_value(v, deserialize)) for v in closure or ())
    if len(cells) != len(made.co_freevars) or len(defaults or ()) > made.co_argcount:
        raise ValueError(_damaged("its closure or defaults do not fit its code"))
    return types.FunctionType(made, _names(), made.co_name, defaults, cells)


def _parts(config: Any) -> tuple[Any, Any, Any]:
    if not isinstance(config, dict):
        raise ValueError(_damaged("it is no dict"))
    written = config.get(_VERSION, _PYTHON)
    if written != _PYTHON:
        raise ValueError(
            f"The byte code of a lambda was written by {written!r}, and this is {_PYTHON!r}. Load "
            "the file with that version, put a named function in the lambda's place, and save it."
        )
    value = config.get("value", [config.get(name) for name in ("code", "defaults", "closure")])
    lists = isinstance(value, list | tuple) and len(value) == 3
    if not lists or not all(v is None or isinstance(v, list | tuple) for v in value[1:]):
        raise ValueError(_damaged("its parts are not code, defaults and closure"))
    return value[0], value[1], value[2]


def _code(text: Any) -> types.CodeType:
    try:
        made = marshal.loads(base64.b64decode("".join(text.split()), validate=True))
    except (AttributeError, ValueError, TypeError, EOFError, MemoryError, binascii.Error) as error:
        raise ValueError(_damaged(f"{type(error).__name__}: {error}")) from error
    if not isinstance(made, types.CodeType):
        raise ValueError(_damaged(f"it holds a {type(made).__name__}, no code"))
    return made


def _value(value: Any, deserialize: Callable[[Any], Any]) -> Any:
    """A string stays one, which `deserialize` would look up as a name."""
    return deserialize(value) if isinstance(value, dict) else value


def _names() -> dict[str, Any]:
    """What the lambda finds beside its arguments and closure: the module it was written in is not
    in the file."""
    import numpy as np

    import unidl

    return {"__builtins__": builtins, "unidl": unidl, "ops": unidl.ops, "np": np}


def _damaged(what: str) -> str:
    return f"The byte code of a lambda is damaged, or of another Python version: {what}."

"""Python lambdas in configs, in Keras' layout: byte code, defaults and closure.

Byte code does whatever it says, and damaged byte code can end the interpreter. So it is read only
where the program, never the file, has said that the file is trusted.
"""

from __future__ import annotations

import base64
import binascii
import builtins
import codecs
import dis
import marshal
import sys
import threading
import types
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import Any

from unidl.backend.context import holding
from unidl.utils.traceback_filtering import user_stacklevel

# A key beside those of Keras, which ignores it: byte code fits one version of Python.
_VERSION = "python"
_PYTHON = str(sys.implementation.cache_tag)

# The safe mode of the outermost call that is reading; None outside of one.
_safe: ContextVar[bool | None] = ContextVar("unidl_safe_mode", default=None)
# Whether this thread reads lambdas. No context variable: a permission has to hold in a notebook's
# next cell too, which may run in a context of its own.
_permission = threading.local()
_forbidden: ContextVar[bool] = ContextVar("unidl_lambdas_forbidden", default=False)
_copying: ContextVar[bool] = ContextVar("unidl_copying", default=False)

_REFUSED = (
    "This config contains a lambda as byte code, which can do anything and is not run by default. "
    "Put a named function in its place, register it with "
    "@unidl.saving.register_keras_serializable(), and save the model again. Or, if you trust the "
    "file, load it with safe_mode=False."
)
_GLOBAL = ("LOAD_GLOBAL", "LOAD_NAME")
_PASS = (
    ": a lambda that was read knows only `unidl`, `ops`, `np` and Python's built-in names. Pass "
    "numbers as defaults: `lambda x, scale=scale: ...`."
)


class LambdaError(ValueError):
    """A lambda is not written or not read; `of` says whose it is."""

    owned = False

    def of(self, class_name: Any, config: Any) -> LambdaError:
        """The error with the name of the innermost object that has one."""
        name = config.get("name") if isinstance(config, dict) else None
        if self.owned or name is None:
            return self
        error = LambdaError(f"{class_name} {name!r}: {self}")
        error.owned = True
        return error


def enable_unsafe_deserialization() -> None:
    """Read Python lambdas from configs and files in this thread from now on, as if every call had
    `safe_mode=False`, until `unidl.utils.clear_session()`.

    A lambda can do anything that the program can: call this only if you trust all files that the
    thread loads. Other threads, those that it starts later too, refuse lambdas until they call it
    themselves.

    Examples:
        >>> import warnings
        >>> with warnings.catch_warnings():
        ...     warnings.simplefilter("ignore")  # a lambda is written
        ...     config = unidl.saving.serialize_keras_object(unidl.layers.Lambda(lambda x: x * 2))
        >>> unidl.config.enable_unsafe_deserialization()
        >>> unidl.saving.deserialize_keras_object(config).function(3)
        6
        >>> unidl.utils.clear_session()
    """
    _permission.given = True


def disable_unsafe_deserialization() -> None:
    """Undo `enable_unsafe_deserialization` in every thread."""
    global _permission
    _permission = threading.local()


def _is_enabled() -> bool:
    return getattr(_permission, "given", False)


def reading(safe_mode: bool | None, inherited: bool = True) -> AbstractContextManager[Any]:
    """Lambdas are read inside if `safe_mode` is False, or `enable_unsafe_deserialization` was
    called in this thread. If `inherited`, a call inside another one obeys the outer one."""
    outer = _safe.get() if inherited else None
    return holding(_safe, (safe_mode is not False) if outer is None else outer)


def forbidden() -> AbstractContextManager[Any]:
    """Lambdas are refused inside, whatever the outer call or the program allows."""
    return holding(_forbidden, True)


def copying() -> AbstractContextManager[Any]:
    """Configs made inside keep lambdas as they are, for a copy in the same process."""
    return holding(_copying, True)


def stays(value: Any) -> bool:
    """Whether it is a lambda on its way into a copy."""
    return _copying.get() and is_lambda(value)


def is_lambda(value: Any) -> bool:
    return isinstance(value, types.FunctionType) and value.__name__ == "<lambda>"


def is_bare(config: Any) -> bool:
    """Whether it is a lambda's config alone, as Keras writes activations."""
    return isinstance(config, dict) and "value" in config and config.keys() <= {"value", _VERSION}


def dump(function: Any, serialize: Callable[[Any], Any]) -> dict[str, Any]:
    """The parts of a lambda: "code", "defaults", "closure" and the Python version.

    Raises:
        LambdaError: a part of it cannot be written to a config.
    """
    code = function.__code__
    where = f"The lambda of {code.co_filename}, line {code.co_firstlineno}"
    if function.__kwdefaults__:
        raise LambdaError(
            f"{where} has defaults of keyword-only arguments, which the format cannot hold. "
            "Write `lambda x, scale=2: ...` without `*`."
        )
    try:
        cells = [cell.cell_contents for cell in function.__closure__ or ()]
        _refuse_state([cells, function.__defaults__])
        closure = [serialize(value) for value in cells] if cells else None
        defaults = None if function.__defaults__ is None else serialize([*function.__defaults__])
    except LambdaError:  # of a lambda inside
        raise
    except (TypeError, ValueError, RecursionError) as error:
        raise LambdaError(
            f"{where} uses a value that cannot be written to a config: {error} Or write a named "
            "function and register it with @unidl.saving.register_keras_serializable()."
        ) from error
    missing = _missing_names(code, function.__globals__)
    warnings.warn(
        f"{where} is written as byte code. Only this version of Python can read it, and only with "
        "safe_mode=False. Better: a named function, registered with "
        "@unidl.saving.register_keras_serializable()."
        + (f" It uses {missing} of its module, which is not in the file{_PASS}" if missing else ""),
        stacklevel=user_stacklevel(),
    )
    raw = codecs.encode(marshal.dumps(code), "base64").decode("ascii")
    return {"code": raw, "defaults": defaults, "closure": closure, _VERSION: _PYTHON}


def _refuse_state(value: Any) -> None:
    """TypeError if it holds weights: a config would lose them."""
    if isinstance(value, list | tuple | dict):
        for each in value.values() if isinstance(value, dict) else value:
            _refuse_state(each)
    elif hasattr(value, "variables"):
        raise TypeError(
            f"{value!r} has variables, which a config does not contain. Call it outside of the "
            "lambda, in the model or in a layer of your own."
        )


def load(config: Any, deserialize: Callable[[Any], Any]) -> Any:
    """The lambda of `dump`'s dict, or of {"value": [code, defaults, closure]}.

    Raises:
        LambdaError: lambdas are refused, or this one is damaged or of another Python version.
    """
    # Before anything of it is looked at.
    if _forbidden.get() or (_safe.get() is not False and not _is_enabled()):
        raise LambdaError(_REFUSED)
    code, defaults, closure = _parts(config)
    made = _code(code)
    missing = _missing_names(made, {})
    if missing:
        raise LambdaError(
            f"A lambda uses {missing} of the module it was written in, which is not in the file"
            f"{_PASS} Or put a named function in its place, and register it."
        )
    defaults = None if defaults is None else tuple(_value(v, deserialize) for v in defaults)
    cells = tuple(types.CellType(_value(v, deserialize)) for v in closure or ())
    if len(cells) != len(made.co_freevars) or len(defaults or ()) > made.co_argcount:
        raise LambdaError(_damaged("its closure or defaults do not fit its code"))
    return types.FunctionType(made, _names(), made.co_name, defaults, cells)


def _parts(config: Any) -> tuple[Any, Any, Any]:
    if not isinstance(config, dict):
        raise LambdaError(_damaged("it is not a dict"))
    written = config.get(_VERSION, _PYTHON)
    if written != _PYTHON:
        raise LambdaError(
            f"The byte code of a lambda was written by {written!r}, and this is {_PYTHON!r}. Load "
            "the file with that version, put a named function in the lambda's place, and save it."
        )
    value = config.get("value", [config.get(name) for name in ("code", "defaults", "closure")])
    lists = isinstance(value, list | tuple) and len(value) == 3
    if not lists or not all(v is None or isinstance(v, list | tuple) for v in value[1:]):
        raise LambdaError(_damaged("its parts are not code, defaults and closure"))
    return value[0], value[1], value[2]


def _code(text: Any) -> types.CodeType:
    try:
        made = marshal.loads(base64.b64decode("".join(text.split()), validate=True))
    except (AttributeError, ValueError, TypeError, EOFError, MemoryError, binascii.Error) as error:
        raise LambdaError(_damaged(f"{type(error).__name__}: {error}")) from error
    if not isinstance(made, types.CodeType):
        raise LambdaError(_damaged(f"it contains a {type(made).__name__}, not code"))
    return made


def _missing_names(code: types.CodeType, module: dict[str, Any]) -> str:
    """The global names in the code that a reader lacks, or that mean something else in `module`."""
    found, codes = set(), [code]
    try:
        for each in codes:
            found |= {i.argval for i in dis.get_instructions(each) if i.opname in _GLOBAL}
            codes += [c for c in each.co_consts if isinstance(c, types.CodeType)]
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise LambdaError(_damaged(f"{type(error).__name__}: {error}")) from error
    known = vars(builtins) | _names()
    missing = (n for n in found if n not in known or module.get(n, known[n]) is not known[n])
    return ", ".join(f"`{name}`" for name in sorted(missing))


def _value(value: Any, deserialize: Callable[[Any], Any]) -> Any:
    """Strings stay strings; `deserialize` would look them up as names."""
    if isinstance(value, list):
        return [_value(each, deserialize) for each in value]
    if isinstance(value, dict) and not {"class_name", "config"} <= value.keys():
        return {key: _value(each, deserialize) for key, each in value.items()}
    return deserialize(value) if isinstance(value, dict) else value


def _names() -> dict[str, Any]:
    """The globals of a lambda that was read: the module it was written in is not in the file."""
    import numpy as np

    import unidl

    return {"__builtins__": builtins, "unidl": unidl, "ops": unidl.ops, "np": np}


def _damaged(what: str) -> str:
    return f"The byte code of a lambda is damaged, or of another Python version: {what}."

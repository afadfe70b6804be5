"""What a layer is called with: tensors, arrays, or nested lists of numbers, in any structure."""

from __future__ import annotations

import types
from typing import Any

import numpy as np

from unidl import tree

_NEVER = (str, bytes, type, types.FunctionType, types.BuiltinFunctionType, types.ModuleType)


def problem_with(value: Any, of_unidl: bool) -> str:
    """What is wrong with the first argument of a call, "" if nothing is.

    A layer of the user's own may take what it likes, but for what is never a tensor. This runs
    where a call is looked at in any case, never where a built layer computes with tensors.
    """
    if isinstance(value, _NEVER):
        return _wrong(value)
    if isinstance(value, np.ndarray):
        return _wrong(value) if value.dtype.kind in "OSUMm" else ""
    if isinstance(value, list | tuple) and value and _is_plain(value):
        return _of_nested(value)
    if of_unidl and not any(hasattr(leaf, "shape") for leaf in tree.flatten(value)):
        return "" if isinstance(value, list | tuple) and value else _wrong(value)
    return ""


def _is_plain(values: Any) -> bool:
    """Whether nested lists hold no arrays and tensors."""
    return not any(hasattr(leaf, "shape") for leaf in tree.flatten(values))


def _of_nested(values: Any) -> str:
    try:
        kind = np.asarray(values).dtype.kind
    except ValueError:
        return (
            f"the rows of the input differ in length: {_short(values)}. Pad them to the same "
            "length."
        )
    return _wrong(values) if kind in "SUMm" or (kind == "O" and None not in values) else ""


def _wrong(value: Any) -> str:
    which = f" of dtype {value.dtype}" if isinstance(value, np.ndarray) else ""
    return (
        f"the input must be a tensor or an array of numbers, got {_short(value)} of type "
        f"{type(value).__name__}{which}."
    )


def _short(value: Any) -> str:
    text = getattr(value, "__name__", None) or " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."

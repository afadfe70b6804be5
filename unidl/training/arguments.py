"""The numbers given to fit, evaluate and predict: checked before anything else happens."""

from __future__ import annotations

import inspect
import math
import numbers
from collections.abc import Container, Mapping
from typing import Any

import numpy as np

from unidl.utils.suggestions import did_you_mean


def whole(caller: str, name: str, value: Any, least: int = 1) -> int:
    """`value` as an int; an error unless it is a whole number, of Python or NumPy, from `least`
    on."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Integral):
        hint = ""
        if isinstance(value, float) and value == value // 1:
            hint = f" Write {name}={int(value)}; use // for an integer quotient."
        raise TypeError(
            f"{caller}: {name} must be {_KINDS[least]}, got {value!r} of type "
            f"{type(value).__name__}.{hint}"
        )
    if value < least:
        raise ValueError(f"{caller}: {name} must be {_KINDS[least]}, got {int(value)}.")
    return int(value)


_KINDS = {0: "an integer of 0 or more", 1: "a positive integer"}


def whole_or_none(caller: str, name: str, value: Any) -> int | None:
    """`value` as a positive int, or None."""
    return None if value is None else whole(caller, name, value)


def frequency(value: Any) -> Any:
    """`validation_freq`: a positive int, or a collection of numbers of epochs."""
    if isinstance(value, Container) and not isinstance(value, str | bytes | Mapping):
        if isinstance(value, list | tuple | set | frozenset | range):
            for epoch in value:
                whole("fit", "each entry of validation_freq", epoch)
        return value
    return whole("fit", "validation_freq", value)


def verbosity(caller: str, value: Any) -> Any:
    """ "auto", 0, 1 or 2; None is 0."""
    if value is None:
        return 0
    if isinstance(value, str | numbers.Integral | np.bool_) and value in ("auto", 0, 1, 2):
        return value
    raise ValueError(
        f'{caller}: verbose must be "auto", 0 (nothing), 1 (a bar) or 2 (one line per epoch), got '
        f"{value!r}.{did_you_mean(value, ['auto'])}"
    )


def yes_or_no(caller: str, name: str, value: Any) -> bool:
    """A truth value, and not a text, which would be true whatever it says; None is False."""
    if (
        value is None
        or isinstance(value, bool | np.bool_)
        or (isinstance(value, numbers.Integral) and value in (0, 1))
    ):
        return bool(value)
    raise TypeError(f"{caller}: {name} must be True or False, got {value!r}.")


def share(value: Any) -> float:
    """`validation_split`: a number from 0, for none, to below 1; None is 0."""
    if value is None:
        return 0.0
    if isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Real):
        raise TypeError(
            f"fit: validation_split must be a number between 0 and 1, got {value!r} of type "
            f"{type(value).__name__}."
        )
    if not 0 <= float(value) < 1:
        raise ValueError(f"fit: validation_split must lie between 0 and 1, got {value}.")
    return float(value)


def class_weights(caller: str, given: Any) -> dict[int, float] | None:
    """{class: weight} with integers for classes and finite numbers for weights."""
    if given is None:
        return None
    if not isinstance(given, Mapping):
        example = ""
        if isinstance(given, list | tuple | np.ndarray):
            example = " For a list: class_weight=dict(enumerate(weights))."
        raise TypeError(
            f"{caller}: class_weight must be a dict {{class: weight}}, such as {{0: 1.0, 1: 5.0}}, "
            f"got {type(given).__name__}.{example}"
        )
    found: dict[int, float] = {}
    for label, weight in given.items():
        if (
            isinstance(label, str | bytes | bool | np.bool_)
            or not isinstance(label, numbers.Real)
            or not float(label).is_integer()
        ):
            raise TypeError(
                f"{caller}: the keys of class_weight must be the integer classes in y, got the key "
                f"{label!r}. Write {{0: 1.0, 1: 5.0}}."
            )
        if isinstance(weight, bool | np.bool_) or not isinstance(weight, numbers.Real):
            raise TypeError(
                f"{caller}: class_weight[{label!r}] must be a number, got {weight!r} of type "
                f"{type(weight).__name__}."
            )
        if not 0 <= float(weight) < float("inf"):
            raise ValueError(
                f"{caller}: class_weight[{label!r}] must be a finite number of 0 or more, got "
                f"{weight!r}."
            )
        found[int(float(label))] = float(weight)
    return found


def of_two(what: str, given: Any) -> None:
    """An error if `given` is a function that does not take targets and predictions."""
    if not inspect.isfunction(given):
        return
    try:
        inspect.signature(given).bind(None, None)
    except TypeError as error:
        raise TypeError(
            f"compile: the {what} {given.__name__!r} must take (y_true, y_pred), but its arguments "
            f"are {inspect.signature(given)}: {error}."
        ) from None


def factor(given: Any) -> None:
    """An error if an entry of `loss_weights` is a text, or no finite number."""
    if isinstance(given, str | bytes) or (isinstance(given, float) and not math.isfinite(given)):
        raise ValueError(
            f"compile: loss_weights must be finite numbers, one for each output, got {given!r}."
        )

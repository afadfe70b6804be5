"""What values an argument may have: a test, and the words for an error."""

from __future__ import annotations

import math
import numbers
import os
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from unidl.utils.suggestions import did_you_mean


class Rule(NamedTuple):
    """`allows(value)` tells whether a value is right, "must be {words}" says what is, and
    `choices` are the values if they are few."""

    words: str
    allows: Callable[[Any], bool]
    choices: tuple[Any, ...] = ()


def _is_number(value: Any) -> bool:
    return (
        isinstance(value, numbers.Real)
        and not isinstance(value, bool)
        and math.isfinite(float(value))
    )


def _number(words: str, test: Callable[[float], bool]) -> Rule:
    return Rule(words, lambda value: _is_number(value) and bool(test(value)))


def _integer(words: str, least: float) -> Rule:
    return Rule(
        words,
        lambda value: (
            isinstance(value, numbers.Integral)
            and not isinstance(value, bool)
            and int(value) >= least
        ),
    )


NUMBER = _number("a finite number", lambda value: True)
POSITIVE = _number("a positive number", lambda value: value > 0)
NOT_NEGATIVE = _number("a non-negative number", lambda value: value >= 0)
SHARE = _number("a number from 0 to 1", lambda value: 0 <= value <= 1)
BELOW_ONE = _number("a number from 0 to below 1", lambda value: 0 <= value < 1)
COUNT = _integer("a positive integer", 1)
FROM_ZERO = _integer("a non-negative integer", 0)
INTEGER = _integer("an integer", -math.inf)

# What Python and NumPy take for true and false; a text such as "no" would be true.
FLAG = Rule(
    "True or False",
    lambda value: isinstance(value, bool | int) or type(value).__name__ in ("bool_", "bool"),
)
TEXT = Rule("a string", lambda value: isinstance(value, str))
CALLABLE = Rule("a function", lambda value: callable(value) and not isinstance(value, type))
AXIS = Rule(
    "an integer or a tuple of integers",
    lambda value: (
        INTEGER.allows(value)
        or (isinstance(value, list | tuple) and all(map(INTEGER.allows, value)))
    ),
)
NUMBERS = Rule(
    "a list of finite numbers",
    lambda value: _is_list(value) and all(map(NUMBER.allows, value)),
)
COUNTS = Rule(
    "a list of integers",
    lambda value: isinstance(value, list | tuple) and all(map(INTEGER.allows, value)),
)
ONE_OR_MORE_NUMBERS = Rule(
    "a finite number or a list of finite numbers",
    lambda value: NUMBER.allows(value) or NUMBERS.allows(value),
)
CLASSES = Rule(
    "a list of class numbers",
    lambda value: _is_list(value) and all(map(FROM_ZERO.allows, value)),
)
NUMERIC = Rule("a number or an array of numbers", lambda value: _kind(value) in "biufcV")
CHARACTER = Rule("one character", lambda value: isinstance(value, str) and len(value) == 1)
SEED = Rule(
    "None, an int or a SeedGenerator",
    lambda value: (
        value is None or isinstance(value, numbers.Integral | dict) or hasattr(value, "advance")
    ),
)
PATH = Rule("a path", lambda value: isinstance(value, str | os.PathLike) and bool(os.fspath(value)))


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple | range) or (
        isinstance(value, np.ndarray) and value.ndim == 1
    )


def _kind(value: Any) -> str:
    """NumPy's letter for what an array of `value` holds; "O" for what can be no array."""
    try:
        return str(np.asarray(value).dtype.kind)
    except (TypeError, ValueError):
        return "O"


def optional(rule: Rule) -> Rule:
    """None, or what `rule` allows."""
    return Rule(f"None or {rule.words}", lambda value: value is None or rule.allows(value))


def one_of(choices: Iterable[Any]) -> Rule:
    """One of a few values."""
    known = tuple(choices)
    return Rule(words_of(known), lambda value: is_among(value, known), known)


def words_of(choices: Iterable[Any]) -> str:
    return f"one of {', '.join(map(repr, choices))}"


def is_among(value: Any, choices: Iterable[Any]) -> bool:
    """Whether `value` is one of `choices`: 1 is not True, and an array is no choice."""
    return any(
        value is each
        or (
            isinstance(value, type(each))
            and isinstance(value, bool) == isinstance(each, bool)
            and value == each
        )
        for each in choices
    )


def choice_problem(name: str, value: Any, choices: Iterable[Any]) -> str:
    """The end of an error on a `value` that is none of `choices`."""
    known = tuple(choices)
    return f"{name} must be {words_of(known)}; got {value!r}.{did_you_mean(value, known)}"

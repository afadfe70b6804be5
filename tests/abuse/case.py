"""A case of wrong use, and what came of it on a backend."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from unidl.backend import use_backend
from unidl.utils import clear_session

CLEAR, RIGHT, UNCLEAR, SILENT, CRASH = "clear", "right", "unclear", "silent", "crash"
GOOD = (CLEAR, RIGHT)


@dataclass(frozen=True)
class Case:
    """`call()` on the active backend must raise `kind` with a text in which `mentions` is found
    (a regular expression), or, without `mentions`, return what `expected` says: a value, nested
    as it may be, or a function that asserts. `once`: no backend has a part in it, so that the
    suite asks one alone.
    """

    name: str
    call: Callable
    mentions: str = ""
    kind: type[BaseException] | tuple = (ValueError, TypeError)
    expected: object = None
    slow: bool = False
    once: bool = False


@dataclass(frozen=True)
class Outcome:
    """`what` is one of the five words above; `text` the error's or, if silent, what came."""

    what: str
    text: str = ""

    @property
    def good(self) -> bool:
        return self.what in GOOD


def told(name, call, mentions, kind=(ValueError, TypeError), **flags) -> Case:
    """A case in which an error must say what is wrong."""
    return Case(name, call, mentions, kind, **flags)


def right(name, call, expected, **flags) -> Case:
    """A case that has a right result, the same everywhere."""
    return Case(name, call, expected=expected, **flags)


def outcome(case: Case, backend: str) -> Outcome:
    with use_backend(backend):
        clear_session(free_memory=False)  # automatic names are numbered from one again
        try:
            result = case.call()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the outcome
            text = f"{type(error).__name__}: {error}"
            expected = bool(case.mentions) and isinstance(error, case.kind)
            return Outcome(
                CLEAR if expected and re.search(case.mentions, str(error)) else UNCLEAR, text
            )
        if case.mentions:
            return Outcome(SILENT, f"no error, but {_short(result)}")
        try:
            _expect(result, case.expected)
        except AssertionError as error:
            return Outcome(SILENT, f"{_short(result)}: {error}")
        return Outcome(RIGHT)


def same_everywhere(outcomes) -> bool:
    """Whether backends said the same, word for word but for the numbers in automatic names."""
    return len({re.sub(r"_\d+\b", "", each.text) for each in outcomes}) == 1


def _expect(result, expected):
    if callable(expected):
        expected(result)
    elif isinstance(expected, (list, tuple)) and isinstance(result, (list, tuple)):
        assert len(result) == len(expected), f"{len(expected)} values expected"
        for one, other in zip(result, expected, strict=True):
            _expect(one, other)
    else:
        found, wanted = _array(result), np.asarray(expected)
        assert found.shape == wanted.shape, f"shape {wanted.shape} expected"
        if isinstance(expected, np.ndarray):
            assert found.dtype == wanted.dtype, f"dtype {wanted.dtype} expected"
        np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-30)


def _array(value):
    from unidl import ops

    return ops.convert_to_numpy(value)


def _short(result):
    return " ".join(repr(result).split())[:200]

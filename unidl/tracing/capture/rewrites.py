"""Peepholes: two neighbouring calls of a captured program become ones that cost less and give the same numbers and gradients.

Only where nothing else needs what the first of the two made.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import Any, NamedTuple

from unidl.backend.contract import names
from unidl.tracing.capture.symbol import Symbol

# Non-decreasing, with slope 0 wherever two different numbers give the same: one commutes with a maximum, gradients included.
_MONOTONE = frozenset(("relu", "relu6"))

_OF_ONE_TENSOR = frozenset(
    (*names.UNARY, *_MONOTONE, "cast", "reshape", "transpose", "softmax", "log_softmax")
)


class Call(NamedTuple):
    """`results = function(*args, **kwargs)`, where `results` is one name or a list of names."""

    results: str | list[str]
    function: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    code: str  # of the arguments
    used: frozenset[str]  # names in `code`


def rewritten(calls, outputs, make):
    """`calls` with every rule applied as often as it can be; `outputs` are the names that the program returns.

    `make(results, function, args, kwargs)` is a new Call.
    """
    calls = list(calls)
    while (found := _find(calls, outputs)) is not None:
        first, second, rule = found
        calls[second : second + 1] = rule(calls[first], calls[second], make)
        del calls[first]
    return calls


def _find(calls, outputs):
    """(place of a call, place of the only call that uses its result, rule for the two), or None."""
    uses = Counter(name for call in calls for name in call.used)
    uses.update(outputs)
    made = {
        call.results: place for place, call in enumerate(calls) if isinstance(call.results, str)
    }
    for second, call in enumerate(calls):
        given = call.args[0] if call.args else None
        first = (
            made.get(given.code) if isinstance(given, Symbol) and uses[given.code] == 1 else None
        )
        if first is not None and (rule := _rule(calls[first], call)) is not None:
            return first, second, rule
    return None


def _rule(first, second):
    if (
        second.function == "max_pool"
        and first.function in _MONOTONE
        and math.prod(_strides(*second.args, **second.kwargs)) > 1
    ):
        return _exchange  # the smaller tensor goes through both directions of the activation
    if second.function == "stop_gradient" and first.function in _OF_ONE_TENSOR:
        return _exchange  # nothing is kept for a gradient that nobody takes
    if second.function == "add" and first.function == "conv" and _is_bias(*second.args):
        return _with_bias
    return None


def _strides(x, window, strides, padding):
    return strides


def _exchange(first, second, make):
    """y = second(first(x)) -> y = first(second(x))."""
    between = second.args[0]
    return [
        make(first.results, second.function, (first.args[0], *second.args[1:]), second.kwargs),
        make(second.results, first.function, (between, *first.args[1:]), first.kwargs),
    ]


def _is_bias(x, bias):
    return isinstance(bias, Symbol) and bias.shape == x.shape[-1:] and bias.dtype == x.dtype


def _with_bias(first, second, make):
    x, kernel, *rest = first.args
    return [make(second.results, "biased_conv", (x, kernel, second.args[1], *rest), first.kwargs)]

"""Peepholes: two neighbouring calls of a captured program become ones that cost less and give the
same numbers and gradients.

Only where nothing else needs what the first of the two made.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import Any, NamedTuple

from unidl.backend.contract import names
from unidl.tracing.capture.symbol import Symbol

# Non-decreasing, with slope 0 wherever two different numbers give the same: one commutes with a
# maximum, gradients included.
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
    place: str  # path of the layer that made it


def rewritten(calls, outputs, make):
    """`calls` with every rule applied as often as it can be, in time linear in their number.

    `outputs` are the names that the program returns, and `make(results, function, args, kwargs)` is
    a new Call.
    """
    uses = Counter(name for call in calls for name in call.used)
    uses.update(outputs)
    slots = [[call] for call in calls]  # where a call stood: what stands there now
    slot_of = {call.results: i for i, call in enumerate(calls) if isinstance(call.results, str)}
    for place, slot in enumerate(slots):
        second = slot[-1]
        while (first := _producer(second, uses, slots, slot_of)) is not None:
            rule = next((rule for applies, rule in RULES if applies(first, second)), None)
            if rule is None:
                break
            new = [c._replace(place=c.place or first.place) for c in rule(first, second, make)]
            slots[slot_of[first.results]].remove(first)
            at = slot.index(second)
            slot[at : at + 1] = new
            slot_of |= {call.results: place for call in new}
            second = new[0]
    return [call for slot in slots for call in slot]


def _producer(call, uses, slots, slot_of):
    """The call that made the first argument of `call`, if nothing else needs it."""
    given = call.args[0] if call.args else None
    if not isinstance(given, Symbol) or uses[given.code] != 1 or given.code not in slot_of:
        return None
    return next((c for c in slots[slot_of[given.code]] if c.results == given.code), None)


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


def _shrinks_after_activation(first, second):
    """The smaller tensor goes through both directions of the activation."""
    if second.function != "max_pool" or first.function not in _MONOTONE:
        return False
    return math.prod(_strides(*second.args, **second.kwargs)) > 1


def _stops_gradient(first, second):
    """Nothing is kept for a gradient that nobody takes."""
    return second.function == "stop_gradient" and first.function in _OF_ONE_TENSOR


def _adds_bias(first, second):
    return second.function == "add" and first.function == "conv" and _is_bias(*second.args)


# (whether it applies to two neighbouring calls, what takes their place)
RULES = (
    (_shrinks_after_activation, _exchange),
    (_stops_gradient, _exchange),
    (_adds_bias, _with_bias),
)

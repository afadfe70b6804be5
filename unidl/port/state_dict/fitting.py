"""Whether the arrays of a module fit a layer, and why they do not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from unidl.port.state_dict.naming import Form, Group, Naming, shape_of, tokens
from unidl.port.state_dict.places import Part, Place
from unidl.port.weight_rules import Weight

# What a layer without this weight computes with.
_NEUTRAL = {"gamma": 1.0, "beta": 0.0, "bias": 0.0}


# How the projections of an attention are called.
_WORDS = {
    "query": {"q", "query"},
    "key": {"k", "key"},
    "value": {"v", "value"},
    "output": {"o", "out", "output"},
}


@dataclass
class Fit:
    """
    Attributes:
        weights: for each weight of the layer where its numbers come from.
        neutral: names of arrays for which the layer has no weight, and which change nothing.
    """

    weights: list[Weight] = field(default_factory=list)
    neutral: list[str] = field(default_factory=list)


def fit(place: Place, group: Group, naming: Naming) -> Fit | str:
    """The Fit, or what does not fit."""
    if place.projection and _is_other_projection(place.projection, group.path):
        return f"its name tells that it is no {place.projection}"
    reasons = []
    for form in naming.forms(place.family):
        found = _fit_form(place, group, form)
        if isinstance(found, Fit):
            return found
        reasons.append(found)
    return reasons[0] if reasons else f"{naming.framework} has no such layer"


def wanted(place: Place, naming: Naming) -> str:
    """The arrays that the layer needs, as the original would call them."""
    for form in naming.forms(place.family):
        if set(place.parts) <= set(form):
            rows: dict[str, tuple[int, ...]] = {}
            for role, part in place.parts.items():
                rows.update(dict.fromkeys(form[role].names, _shape(part, form, role)))
            return ", ".join(f"{name} {shape}" for name, shape in rows.items())
    return ", ".join(f"{role} {part.shape}" for role, part in place.parts.items())


def _shape(part: Part, form: Form, role: str) -> tuple[int, ...]:
    blocks = form[role].block[1]
    return (part.shape[0] * blocks, *part.shape[1:]) if blocks > 1 else part.shape


def _fit_form(place: Place, group: Group, form: Form) -> Fit | str:
    lacking = [role for role in place.parts if role not in form]
    if lacking:
        return f"there is no array for its {lacking[0]}"
    found, used = Fit(), set()
    for role, part in place.parts.items():
        source, shape = form[role], _shape(part, form, role)
        for name in source.names:
            used.add(name)
            if name not in group.arrays:
                return f"it has no {name} {shape}"
            array = group.arrays[name]
            if shape_of(array) != shape:
                hint = ", which is its transpose" if shape_of(array) == shape[::-1] else ""
                return f"its {name} is {shape_of(array)} instead of {shape}{hint}"
            if not _dtypes_agree(array, part.variable):
                return f"its {name} is {array.dtype} instead of {part.variable.dtype}"
        names = tuple(group.names[name] for name in source.names)
        found.weights.append(Weight(names, part.variable, part.rule, source.block))
    for name in group.arrays:
        if name not in used and not _is_neutral(name, group.arrays[name], place, form):
            return f"it has a {name} too, for which {place.path} has no weight"
        if name not in used:
            found.neutral.append(group.names[name])
    return found


def _is_other_projection(name: str, path: str) -> bool:
    """Whether the words of a path are those of another part of an attention."""
    words = set(tokens(path)[-2:])
    told = [each for each, ways in _WORDS.items() if words & ways]
    return bool(told) and name not in told


def _dtypes_agree(array: Any, variable: Any) -> bool:
    return (array.dtype.kind == "f") == ("float" in str(variable.dtype))


def _is_neutral(name: str, array: Any, place: Place, form: Form) -> bool:
    """Whether an array holds what the layer computes with anyway."""
    role = next((role for role, source in form.items() if source.names == (name,)), None)
    value = _NEUTRAL.get(role or "")
    return value is not None and bool(np.all(np.asarray(array) == value))

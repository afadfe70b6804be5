"""The values that a function without side effects is given, and the variables they stand for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from unidl.backend import registry
from unidl.backend.stateless_scope import StatelessScope


def paired(who: str, argument: str, source: str, variables: Sequence[Any], values: Any) -> list:
    """[(variable, value)].

    Args:
        who, argument, source: for the errors: "Dense 'd': stateless_call()",
            "trainable_variables", "layer.trainable_variables".

    Raises:
        TypeError: for values that are no list.
        ValueError: for more or fewer values than variables, or one of another shape.
    """
    if isinstance(values, str | bytes | dict) or not hasattr(values, "__len__"):
        raise TypeError(
            f"{who} takes a list of values as {argument}, one for each of {source}, got "
            f"{type(values).__name__}. Write e.g. [v.value for v in {source}]."
        )
    if len(values) != len(variables):
        names = ", ".join(v.path for v in variables)
        raise ValueError(
            f"{who} got {len(values)} values as {argument}, but there are {len(variables)} "
            f"variables: {names or 'none'}. Give the values of {source}, in this order."
        )
    for variable, value in zip(variables, values, strict=True):
        owner = registry.owner_of_type(type(value))
        shape = getattr(value, "shape", None) if owner is None else owner.shape(value)
        if shape is not None and tuple(shape) != tuple(variable.shape):
            raise ValueError(
                f"{who}: the value of {variable.path!r} among {argument} has the shape "
                f"{tuple(shape)}, the variable {tuple(variable.shape)}. Give the values in the "
                f"order of {source}."
            )
    return list(zip(variables, values, strict=True))


def values_in(scope: StatelessScope, variables: Sequence[Any]) -> list:
    """The value of each variable at the end of `scope`, one that it does not know as it is."""
    found = [scope.get_current_value(variable) for variable in variables]
    return [v.value if x is None else x for v, x in zip(variables, found, strict=True)]

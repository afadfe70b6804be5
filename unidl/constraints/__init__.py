"""Constraints, by name or config."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unidl.constraints.constraints import Constraint, MaxNorm, MinMaxNorm, NonNeg, UnitNorm
from unidl.saving.lookup import Catalogue
from unidl.utils.namespaces import namespace

_catalogue: Catalogue[Any] = Catalogue(
    "constraints",
    "constraint",
    'Give a name such as "max_norm", or MaxNorm(2).',
    (Constraint, MaxNorm, MinMaxNorm, NonNeg, UnitNorm),
)
deserialize, get = _catalogue.deserialize, _catalogue.get


def serialize(constraint: Any) -> Any:
    """The config of a constraint.

    Examples:
        >>> unidl.constraints.serialize(unidl.constraints.MaxNorm(3))["config"]
        {'max_value': 3, 'axis': 0}
    """
    return _catalogue.serialize(constraint)


max_norm, min_max_norm, non_neg, unit_norm = MaxNorm, MinMaxNorm, NonNeg, UnitNorm

__all__ = [
    "Constraint",
    "MaxNorm",
    "MinMaxNorm",
    "NonNeg",
    "UnitNorm",
    "deserialize",
    "get",
    "max_norm",
    "min_max_norm",
    "non_neg",
    "serialize",
    "unit_norm",
]

if not TYPE_CHECKING:
    __getattr__, __dir__ = namespace(__name__, __all__)

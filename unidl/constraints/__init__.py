"""Constraints, by name or config."""

from unidl.constraints.constraints import Constraint, MaxNorm, MinMaxNorm, NonNeg, UnitNorm
from unidl.saving.lookup import Catalogue

_catalogue = Catalogue("constraint", (Constraint, MaxNorm, MinMaxNorm, NonNeg, UnitNorm))


def serialize(constraint):
    """The config of a constraint."""
    return _catalogue.serialize(constraint)


def deserialize(config, custom_objects=None):
    """The constraint of a config or name."""
    found = _catalogue.deserialize(config, custom_objects)
    return found() if isinstance(found, type) else found


def get(identifier):
    """A constraint by name, config, class or callable; None stays None."""
    found = _catalogue.get(identifier)
    if found is not None and not callable(found):
        raise ValueError(
            f'constraints.get: {identifier!r} is no constraint. Give a name such as "max_norm", or MaxNorm(2).'
        )
    return found


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

"""Regularizers, by name or config."""

from unidl.regularizers.regularizers import L1, L1L2, L2, OrthogonalRegularizer, Regularizer
from unidl.saving.lookup import Catalogue

_catalogue = Catalogue(
    "regularizer",
    (L1, L2, L1L2, OrthogonalRegularizer, Regularizer),
    aliases={"l1_l2": L1L2, "l1l2": L1L2},
)


def serialize(regularizer):
    """The config of a regularizer."""
    return _catalogue.serialize(regularizer)


def deserialize(config, custom_objects=None):
    """The regularizer of a config or name."""
    found = _catalogue.deserialize(config, custom_objects)
    return found() if isinstance(found, type) else found


def get(identifier):
    """A regularizer by name, config, class or callable; None stays None."""
    found = _catalogue.get(identifier)
    if found is not None and not callable(found):
        raise ValueError(
            f'regularizers.get: {identifier!r} is no regularizer. Give a name such as "l2", or L2(1e-4).'
        )
    return found


l1, l2, l1_l2, orthogonal_regularizer = L1, L2, L1L2, OrthogonalRegularizer

__all__ = [
    "L1",
    "L1L2",
    "L2",
    "OrthogonalRegularizer",
    "Regularizer",
    "deserialize",
    "get",
    "l1",
    "l1_l2",
    "l2",
    "orthogonal_regularizer",
    "serialize",
]

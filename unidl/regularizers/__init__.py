"""Regularizers, by name or config."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unidl.regularizers.regularizers import L1, L1L2, L2, OrthogonalRegularizer, Regularizer
from unidl.saving.lookup import Catalogue
from unidl.utils.namespaces import namespace

_catalogue: Catalogue[Any] = Catalogue(
    "regularizers",
    "regularizer",
    'Give a name such as "l2", or L2(1e-4).',
    (L1, L2, L1L2, OrthogonalRegularizer, Regularizer),
    aliases={"l1_l2": L1L2, "l1l2": L1L2},
)
deserialize, get = _catalogue.deserialize, _catalogue.get


def serialize(regularizer: Any) -> Any:
    """The config of a regularizer.

    Examples:
        >>> unidl.regularizers.serialize(unidl.regularizers.L2(0.1))["config"]
        {'l2': 0.1}
    """
    return _catalogue.serialize(regularizer)


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

if not TYPE_CHECKING:
    __getattr__, __dir__ = namespace(__name__, __all__)

"""First values of weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from unidl.backend import registry
from unidl.initializers.constant import Constant, Identity, Ones, Zeros
from unidl.initializers.initializer import Initializer, host_array
from unidl.initializers.orthogonal import Orthogonal
from unidl.initializers.random import RandomNormal, RandomUniform, TruncatedNormal
from unidl.initializers.stft import STFT
from unidl.initializers.variance_scaling import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    VarianceScaling,
)
from unidl.saving.lookup import Catalogue
from unidl.typing import DType, TensorLike
from unidl.utils.namespaces import namespace

_CLASSES = (
    Initializer, Constant, Identity, Ones, Zeros, Orthogonal, STFT, RandomNormal, RandomUniform,
    TruncatedNormal, VarianceScaling, GlorotNormal, GlorotUniform, HeNormal, HeUniform, LecunNormal,
    LecunUniform,
)  # fmt: skip

_ALIASES = {
    "IdentityInitializer": Identity,
    "OrthogonalInitializer": Orthogonal,
    "STFTInitializer": STFT,
    "normal": RandomNormal,
    "one": Ones,
    "uniform": RandomUniform,
    "zero": Zeros,
}

_catalogue: Catalogue[Any] = Catalogue(
    "initializers",
    "initializer",
    'Give a name such as "glorot_uniform", an Initializer, an array, '
    "or a function (shape, dtype=None) -> array.",
    _CLASSES,
    aliases=_ALIASES,
)
deserialize = _catalogue.deserialize


def serialize(initializer: Any) -> Any:
    """The config of an initializer.

    Examples:
        >>> unidl.initializers.serialize(unidl.initializers.Constant(0.5))["config"]
        {'value': 0.5}
    """
    return _catalogue.serialize(initializer)


def get(identifier: Any) -> Any:
    """An initializer by name, config, class or callable; for an array one of its values.

    Examples:
        >>> unidl.initializers.get("he_normal").__class__.__name__
        'HeNormal'
        >>> unidl.initializers.get({"class_name": "Constant", "config": {"value": 0.5}})((2,))
        array([0.5, 0.5], dtype=float32)
    """
    owner = None if isinstance(identifier, np.ndarray) else registry.owner_of_type(type(identifier))
    if owner is not None:
        identifier = owner.to_numpy(identifier)
    if isinstance(identifier, (np.ndarray, np.generic)):
        return _returning(np.asarray(identifier))
    return _catalogue.get(identifier)


def _returning(array: TensorLike) -> Any:
    def initialize(shape: Any, dtype: DType | None = None) -> Any:
        if tuple(shape) != array.shape:
            raise ValueError(
                f"The initializer is an array of shape {array.shape}; the weight has shape "
                f"{tuple(shape)}."
            )
        return host_array(array, dtype).copy()

    return initialize


# Keras offers the classes in snake case too: `initializers.he_normal()`; and three under a second
# name.
IdentityInitializer, OrthogonalInitializer, STFTInitializer = Identity, Orthogonal, STFT
constant, zeros, ones, identity, orthogonal, stft = (
    Constant,
    Zeros,
    Ones,
    Identity,
    Orthogonal,
    STFT,
)
random_normal, random_uniform, truncated_normal = RandomNormal, RandomUniform, TruncatedNormal
variance_scaling, glorot_normal, glorot_uniform = VarianceScaling, GlorotNormal, GlorotUniform
he_normal, he_uniform, lecun_normal, lecun_uniform = HeNormal, HeUniform, LecunNormal, LecunUniform

__all__ = [
    "STFT",
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "IdentityInitializer",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "OrthogonalInitializer",
    "RandomNormal",
    "RandomUniform",
    "STFTInitializer",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "constant",
    "deserialize",
    "get",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "identity",
    "lecun_normal",
    "lecun_uniform",
    "ones",
    "orthogonal",
    "random_normal",
    "random_uniform",
    "serialize",
    "stft",
    "truncated_normal",
    "variance_scaling",
    "zeros",
]

if not TYPE_CHECKING:
    __getattr__, __dir__ = namespace(__name__, __all__)

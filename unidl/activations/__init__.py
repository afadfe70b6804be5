"""Activation functions, by name or config."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from unidl.activations import functions
from unidl.activations.functions import (
    celu,
    elu,
    exponential,
    gelu,
    glu,
    hard_shrink,
    hard_sigmoid,
    hard_silu,
    hard_tanh,
    leaky_relu,
    linear,
    log_sigmoid,
    log_softmax,
    mish,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    soft_shrink,
    softmax,
    softplus,
    softsign,
    sparse_plus,
    sparse_sigmoid,
    sparsemax,
    squareplus,
    tanh,
    tanh_shrink,
    threshold,
)
from unidl.saving import lambdas
from unidl.saving.lookup import Catalogue
from unidl.utils.namespaces import namespace

swish, hard_swish = silu, hard_silu

_FUNCTIONS = [f for f in vars(functions).values() if isinstance(f, types.FunctionType)]
_catalogue: Catalogue[Callable[..., Any]] = Catalogue(
    "activations",
    "activation",
    'Give a name such as "relu", or a function of a tensor.',
    functions=_FUNCTIONS,
    aliases={"swish": silu, "hard_swish": hard_silu},
)
deserialize = _catalogue.deserialize


def get(identifier: Any) -> Callable[..., Any]:
    """An activation by name, config, or as it is; None is `linear`.

    Examples:
        >>> unidl.activations.get("relu") is unidl.activations.relu
        True
        >>> unidl.activations.get(None)(3.0)  # `linear`
        3.0
    """
    if lambdas.is_bare(identifier):
        identifier = {"class_name": "__lambda__", "config": identifier}
    return linear if identifier is None else _catalogue.get(identifier)


def serialize(activation: Any) -> Any:
    """The name of an activation of ours, the config of any other.

    Examples:
        >>> unidl.activations.serialize(unidl.activations.relu)
        'relu'
    """
    if activation in _FUNCTIONS:
        return activation.__name__
    return _catalogue.serialize(activation)


__all__ = [
    "celu",
    "deserialize",
    "elu",
    "exponential",
    "gelu",
    "get",
    "glu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "leaky_relu",
    "linear",
    "log_sigmoid",
    "log_softmax",
    "mish",
    "relu",
    "relu6",
    "selu",
    "serialize",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softmax",
    "softplus",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "sparsemax",
    "squareplus",
    "swish",
    "tanh",
    "tanh_shrink",
    "threshold",
]

if not TYPE_CHECKING:
    __getattr__, __dir__ = namespace(__name__, __all__)

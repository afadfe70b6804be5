"""An endpoint as a functional model, for writers that read its graph."""

from __future__ import annotations

from typing import Any

from unidl import Input
from unidl.models.cloning import clone_model
from unidl.models.model import Functional
from unidl.port.exports.endpoint import Endpoint
from unidl.port.source.block import without_a_trace


def functional(endpoint: Endpoint) -> Any:
    """The model itself, if it is one and no other signature was given for it; else one of inputs as
    the signature has them."""
    model = endpoint.model
    if model._plan is not None and endpoint.given is None:
        return model
    inputs = [
        Input(
            batch_shape=[None if isinstance(s, str) else s for s in each.shape],
            dtype=each.dtype,
            name=each.name,
        )
        for each in endpoint.signature.inputs
    ]
    arguments = endpoint.signature.arguments(inputs)
    with without_a_trace(model):
        if model._plan is None:
            return Functional(inputs, model(*arguments), name=model.name)
        (given,) = arguments
        return clone_model(model, given, clone_function=lambda layer: layer, recursive=True)

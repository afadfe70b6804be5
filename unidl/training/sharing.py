"""Models that share a layer stand on one backend: a layer has its weights in one place."""

from __future__ import annotations

import gc
from weakref import WeakKeyDictionary, WeakSet

# The models in whose graph a layer is. By layer, and not in it, since these can be neither copied
# nor pickled.
_models: WeakKeyDictionary = WeakKeyDictionary()


def note(model, layers):
    """Remember that the `layers` belong to the graph of `model`; an error if their weights are not
    all on the model's backend."""
    for layer in layers:
        if layer._device_variables and layer.backend is not model.backend:
            there, here = layer.backend.name, model.backend.name
            raise ValueError(
                f"{model._who()}: the layer {layer.name!r} has its weights on {there!r}, but the "
                f"model is made on {here!r}. A layer stands on one backend: make the model under "
                f"unidl.use_backend({there!r}), move the layer, layer.to({here!r}), or create a "
                "new one, layer.from_config(layer.get_config())."
            )
    for layer in layers:
        _models.setdefault(layer, WeakSet()).add(model)


def followers(model, target):
    """The other models all of whose layers move when `model` moves to the backend `target`; an
    error if one of them would be torn apart."""
    torn = _torn(model, target)
    if torn:
        gc.collect()  # a model that nobody holds any more does not count
        torn = _torn(model, target)
    for other, shared, stays in torn:
        raise ValueError(
            f"{model._who()}: to({target.name!r}) would move the layer {shared.name!r}, which is "
            f"also part of {other._who()}, whose layer {stays.name!r} stays on "
            f"{stays.backend.name!r}. Move a model that contains both, or a copy: "
            "unidl.models.clone_model(model), then set_weights(model.get_weights())."
        )
    return [other for other, _ in _others(model)]


def _torn(model, target):
    """[(other model, a layer that it shares, one that would stay)]."""
    moved = {id(layer) for layer in model._flatten_layers()}
    return [
        (other, shared, stays[0])
        for other, shared in _others(model)
        if (
            stays := [
                layer
                for layer in other._flatten_layers()
                if id(layer) not in moved
                and layer is not other
                and layer.backend is not target
                and layer._device_variables
            ]
        )
    ]


def _others(model):
    """[(model that is no part of `model`, a layer with weights of both)]."""
    layers = list(model._flatten_layers())
    inside = {id(layer) for layer in layers}
    found = {}
    for layer in layers:
        if layer._device_variables:
            for other in _models.get(layer, ()):
                if id(other) not in inside:
                    found.setdefault(id(other), (other, layer))
    return list(found.values())

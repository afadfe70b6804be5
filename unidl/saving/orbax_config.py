"""The config of a model in Orbax' folders, from which Keras makes variables with the paths that the
saved ones have.

Values find their variables by paths there, and Keras passes over those that it does not find. A
layer that is built from its own config, before its model is, has a path without the model's name:
"dense/kernel" in place of "sequential/dense/kernel". So the shapes for building stand only where a
model begins, and the layers below are built by it.
"""

from __future__ import annotations

from typing import Any

_SHAPES = "build_config"
_SHAPE_OF_MODEL = "build_input_shape"


def built_from_above(config: dict[str, Any], model: Any) -> dict[str, Any]:
    """`config` of `model` in which the layers of Sequential and functional models are built by
    these."""
    inside = {
        layer.name
        for layer in model._flatten_layers()
        if not all(w.path.startswith(f"{layer.name}/") for w in layer.weights)
    }
    return _changed(config, inside, False)


def _changed(config: Any, inside: set[str], below: bool) -> Any:
    """`inside` are the names of layers that were built by one around them; `below` tells whether a
    model around builds this one."""
    if isinstance(config, list):
        return [_changed(each, inside, below) for each in config]
    if not isinstance(config, dict):
        return config
    if "class_name" not in config or not isinstance(config.get("config"), dict):
        return {key: _changed(each, inside, below) for key, each in config.items()}
    own = config["config"]
    builds = below or _builds_itself(config)
    if below and own.get("name") in inside and _SHAPE_OF_MODEL in own:  # a Sequential
        own = {key: each for key, each in own.items() if key != _SHAPE_OF_MODEL}
        own["layers"] = [each for each in own["layers"] if each["class_name"] != "InputLayer"]
    kept = {key: each for key, each in config.items() if key != _SHAPES or not below}
    return kept | {"config": _changed(own, inside, builds)}


def _builds_itself(config: dict[str, Any]) -> bool:
    """Whether it is a model of layers that knows the shape of its inputs."""
    layers = config["config"].get("layers")
    if not isinstance(layers, list):
        return False
    begins = any(isinstance(e, dict) and e.get("class_name") == "InputLayer" for e in layers)
    return begins or bool(config.get(_SHAPES))

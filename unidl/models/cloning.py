"""Models made from models, and from JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from unidl.layers.base.input_layer import Input, InputLayer
from unidl.layers.base.layer import Layer
from unidl.models.model import Functional, Model
from unidl.models.sequential import Sequential
from unidl.saving.json_config import config_of
from unidl.saving.object_registration import deserialize_keras_object
from unidl.tracing import graph
from unidl.typing import CustomObjects


def clone_model(
    model: Any, input_tensors: Any = None, clone_function: Callable[[Any], Any] | None = None
) -> Model:
    """A model of the same structure with new layers, and so new weights; not compiled.

    Args:
        model: a Sequential or functional model. A subclassed one is made anew by its own
            constructor.
        input_tensors: KerasTensors to begin with, in the structure of `model.input`; new inputs by
            default.
        clone_function: layer -> the layer that takes its place; by default one of the same config.
    """
    clone = clone_function or (lambda layer: type(layer).from_config(layer.get_config()))
    if isinstance(model, Sequential) and input_tensors is None:
        layers = [
            type(x).from_config(x.get_config()) if isinstance(x, InputLayer) else clone(x)
            for x in model._stack
        ]
        return Sequential(layers, name=model.name)
    if not isinstance(model, Model) or model._plan is None:
        raise ValueError(
            f"clone_model: takes a Sequential or functional model, got {model!r}. A subclassed "
            "model is copied by making another: "
            f"{type(model).__name__}(...)."
        )
    plan = model._plan
    inputs = plan.inputs if input_tensors is None else input_tensors
    if input_tensors is None:
        inputs = graph.map_tensors(
            lambda t: Input(batch_shape=t.shape, dtype=t.dtype, name=t.name), inputs
        )
    copies = {id(op): clone(op) for op in plan.layers if not isinstance(op, InputLayer)}
    outputs = plan.run(
        graph.flatten_tensors(inputs),
        lambda op: copies[id(op)] if isinstance(op, Layer) else _recording(op.function),
    )
    return Functional(inputs, outputs, name=model.name)


def _recording(function: Any) -> Any:
    return lambda *args, **kwargs: graph.record_call(function, args, kwargs)


def model_from_json(json_string: str, custom_objects: CustomObjects | None = None) -> Model:
    """The model that `Model.to_json` of unidl or of Keras wrote, with new weights.

    Raises:
        ValueError, TypeError: the text is no JSON, or no config of a model; it has more than 64
            million characters; it names what is neither public nor registered. No code of the text
            is run.
    """
    if not isinstance(json_string, str | bytes):
        raise TypeError(
            "model_from_json: expected the text that model.to_json() returns, got "
            f"{type(json_string).__name__}."
        )
    config = config_of(json_string, "model_from_json", "what model.to_json() returns")
    model = deserialize_keras_object(config, custom_objects)
    if not isinstance(model, Model):
        raise ValueError(
            f"model_from_json: this is the config of a {type(model).__name__}, not of a model. "
            "Give what model.to_json() returns."
        )
    if not model.built and config.get("build_config"):
        model.build_from_config(config["build_config"])
    return model

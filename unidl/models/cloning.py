"""Models made from models, and from JSON."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from unidl.layers.base.input_layer import Input, InputLayer
from unidl.layers.base.layer import Layer
from unidl.models.model import Functional, Model
from unidl.models.sequential import Sequential
from unidl.saving import lambdas
from unidl.saving.json_config import config_of
from unidl.saving.object_registration import deserialize_keras_object
from unidl.tracing import graph
from unidl.typing import CustomObjects


def clone_model(
    model: Any,
    input_tensors: Any = None,
    clone_function: Callable[[Any], Any] | None = None,
    call_function: Callable[..., Any] | None = None,
    recursive: bool = False,
) -> Model:
    """A model of the same structure with new layers, and so new weights; compiled if `model` is.

    Args:
        model: a model. A subclassed model is recreated from its config, with all of its layers.
        input_tensors: KerasTensors to use as inputs, in the structure of `model.input`; new inputs
            by default.
        clone_function: layer -> its replacement; by default a layer with the same config.
        call_function: (new layer, *args, **kwargs) -> outputs, in place of each call of a layer in
            the graph of a functional model.
        recursive: pass the layers of nested models, not the models themselves, to `clone_function`.

    Raises:
        ValueError: the model has no graph, or is a Sequential, and an argument requires one.

    Examples:
        >>> model = unidl.Sequential([unidl.Input((4,)), unidl.layers.Dense(2)])
        >>> clone = unidl.models.clone_model(model)
        >>> np.array_equal(clone.get_weights()[0], model.get_weights()[0])  # new weights
        False
    """
    if recursive not in (True, False):
        raise TypeError(f"clone_model: recursive must be True or False, got {recursive!r}.")
    return _clone(model, input_tensors, clone_function, call_function, recursive, {})


def _clone(
    model: Any, inputs: Any, clone_function: Any, call_function: Any, recursive: bool, made: Any
) -> Model:
    """`made`: {id of a layer: its clone}, of layers that several models share."""
    if isinstance(model, Sequential) and call_function is not None:
        raise ValueError(
            f"clone_model: {model._who()} is a sequence of layers without calls, so call_function "
            "would never be called. Give a clone_function, or clone Model(model.inputs, "
            "model.outputs)."
        )

    def clone(layer: Any) -> Any:
        if id(layer) not in made:
            inner = recursive and (isinstance(layer, Sequential) or _has_graph(layer))
            call = None if isinstance(layer, Sequential) else call_function
            made[id(layer)] = (
                _clone(layer, None, clone_function, call, True, made)
                if inner
                else (clone_function or _of_same_config)(layer)
            )
        return made[id(layer)]

    if isinstance(model, Sequential):
        new = _cloned_row(model, inputs, clone)
    elif _has_graph(model):
        new = _cloned_graph(model, inputs, clone, call_function)
    else:
        new = _cloned_by_config(model, (inputs, clone_function, call_function))
    if model.optimizer is not None:
        with lambdas.copying():
            config = model.get_compile_config()
            if config is not None:
                new.compile_from_config(config)
    return new


def _has_graph(model: Any) -> bool:
    return isinstance(model, Model) and model._plan is not None


def _of_same_config(layer: Any) -> Any:
    with lambdas.copying():
        return type(layer).from_config(layer.get_config())


def _cloned_row(model: Sequential, inputs: Any, clone: Callable[[Any], Any]) -> Sequential:
    layers = [clone(layer) for layer in model.layers]
    if inputs is not None:
        given = graph.flatten_tensors(inputs)
        if len(given) != 1:
            raise ValueError(
                f"clone_model: {model._who()} has one input tensor; input_tensors={inputs!r} has a "
                "different number of KerasTensors."
            )
        (start,) = given
        begins = start.history is not None and isinstance(start.history[0].operation, InputLayer)
        layers.insert(0, start if begins else Input(tensor=start))
    elif len(model._stack) > len(model.layers):
        layers.insert(0, _of_same_config(model._stack[0]))
    row = Sequential(layers, name=model.name, trainable=model.trainable)
    if inputs is None and model._start is not None:
        row._begin(_inputs_like(model))
    return row


def _cloned_graph(model: Any, inputs: Any, clone: Callable[[Any], Any], call_function: Any) -> Any:
    plan = model._plan
    if inputs is None:
        inputs = _inputs_like(model)
    elif len(graph.flatten_tensors(inputs)) != len(plan.input_tensors):
        raise ValueError(
            f"clone_model: {model._who()} begins with {len(plan.input_tensors)} tensors "
            f"({', '.join(t.name for t in plan.input_tensors)}); input_tensors={inputs!r} has "
            f"{len(graph.flatten_tensors(inputs))} KerasTensors."
        )

    def instead(operation: Any) -> Any:
        if not isinstance(operation, Layer):
            return _recording(operation.function)
        layer = clone(operation)
        return layer if call_function is None else partial(call_function, layer)

    outputs = plan.run(graph.flatten_tensors(inputs), instead)
    # A class whose constructor takes other things than a graph is known by its config alone.
    cls = type(model) if type(model).__init__ is Model.__init__ else Functional
    return cls(inputs, outputs, name=model.name)


def _inputs_like(model: Any) -> Any:
    """New inputs in the structure of the model's."""
    plan = model._plan
    return graph.map_tensors(
        lambda t: Input(
            batch_shape=t.shape, dtype=t.dtype, name=t.name, optional=plan.is_optional(t)
        ),
        plan.inputs,
    )


def _cloned_by_config(model: Any, of_graphs: Any) -> Any:
    if not isinstance(model, Model):
        raise ValueError(
            f"clone_model: expected a model, got {model!r}. Build one: Sequential([...])."
        )
    if any(given is not None for given in of_graphs):
        raise ValueError(
            f"clone_model: {model._who()} is not a functional model, so it has no graph to clone: "
            "input_tensors, clone_function and call_function cannot be used. Leave them out."
        )
    try:
        return _of_same_config(model)
    except (TypeError, ValueError, NotImplementedError) as error:
        name = type(model).__name__
        raise type(error)(
            f"clone_model: {name}.from_config(config) of {model._who()}, with its get_config(), "
            f"raised: {error} Let the constructor take **kwargs and pass them to "
            "super().__init__(**kwargs), and return its arguments in get_config(); or create "
            f"another model by hand: {name}(...)."
        ) from error


def _recording(function: Any) -> Any:
    return lambda *args, **kwargs: graph.record_call(function, args, kwargs)


def model_from_json(json_string: str, custom_objects: CustomObjects | None = None) -> Model:
    """The model that `Model.to_json` of unidl or of Keras wrote, with new weights.

    Raises:
        ValueError, TypeError: the text is not JSON, or not the config of a model; it has more than
            64 million characters; it names something that is neither public nor registered. No code
            from the text is run.

    Examples:
        >>> model = unidl.Sequential([unidl.Input((4,)), unidl.layers.Dense(2)])
        >>> unidl.models.model_from_json(model.to_json()).output_shape
        (None, 2)
    """
    if not isinstance(json_string, str | bytes):
        raise TypeError(
            "model_from_json: expected the string that model.to_json() returns, got "
            f"{type(json_string).__name__}."
        )
    config = config_of(json_string, "model_from_json", "what model.to_json() returns")
    model = deserialize_keras_object(config, custom_objects)
    if not isinstance(model, Model):
        raise ValueError(
            f"model_from_json: this is the config of a {type(model).__name__}, not of a model. "
            "Give the string that model.to_json() returns."
        )
    if not model.built and config.get("build_config"):
        model.build_from_config(config["build_config"])
    return model

"""Whole models in HDF5 files of Keras 2, which Keras 3 writes too: for reading.

The config is in the attribute "model_config", the arguments of `compile` in "training_config". The
weights of each layer are below model_weights/<layer>, those of the optimizer in optimizer_weights;
attributes list their names.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from unidl.saving import hdf5
from unidl.saving.json_config import config_of
from unidl.saving.legacy_config import modern

_WEIGHTS, _OPTIMIZER = "model_weights", "optimizer_weights"


def config_in(reader: hdf5.Reader, path: str) -> dict[str, Any]:
    """The model's config in Keras 3's layout, with "compile_config" if there is one."""
    config = _json(reader, "model_config", path)
    if not isinstance(config, dict):
        raise ValueError(
            f"load_model: {path} has no model config. If it contains only weights, create the "
            "model in Keras 3, load them there, and save them with save_weights('m.weights.h5')."
        )
    found = _told(modern, path, config)
    training = _json(reader, "training_config", path)
    if isinstance(training, dict):
        found["compile_config"] = _told(_compile_config, path, training)
    return found


def _told(make: Callable[[Any], Any], path: str, config: Any) -> Any:
    try:
        return make(config)
    except ValueError as error:
        raise ValueError(f"load_model: {path} is not loaded: {error}") from None
    except (KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(
            f"load_model: {path} is not loaded: its config is damaged, or nested too deeply: "
            f"{type(error).__name__} {error}"
        ) from error


def _compile_config(training: dict[str, Any]) -> dict[str, Any]:
    """What `compile` is given; losses and metrics share names, so each is told its package."""
    found = {"optimizer": modern(training["optimizer_config"], ("optimizers",))}
    for name in ("loss", "loss_weights"):
        found[name] = modern(training.get(name), ("losses",))
    for name in ("metrics", "weighted_metrics"):
        found[name] = modern(training.get(name), ("metrics",))
    return found


def refuse_lambdas(compile_config: dict[str, Any], path: str) -> None:
    """ValueError if a loss or metric was a lambda: such files name it '<lambda>', and no more."""
    for part in ("loss", "metrics", "weighted_metrics"):
        if _has_a_lambda(compile_config[part]):
            raise ValueError(
                f"load_model: the model in {path} cannot be compiled as before: {part} has a "
                "lambda, of which an .h5 file contains only the name '<lambda>'. Write "
                "load_model(path, compile=False), and compile the model yourself."
            )


def _has_a_lambda(value: Any) -> bool:
    if isinstance(value, list | dict):
        return any(map(_has_a_lambda, value.values() if isinstance(value, dict) else value))
    return value == "<lambda>"


def _json(reader: hdf5.Reader, name: str, path: str) -> Any:
    text = reader.text_attribute(name)
    what = "a file that Keras wrote"
    return None if text is None else config_of(text, f"load_model: {path}", what)


def read_state(model: Any, reader: hdf5.Reader, path: str) -> Callable[[], None]:
    """Read and check weights and the optimizer's state; what comes back sets them."""
    values = []
    for layer in model.layers:
        variables = layer.trainable_weights + layer.non_trainable_weights
        place = f"{_WEIGHTS}/{layer.name}"
        values += _values(reader, place, variables, f"the layer {layer.name!r}")
    own = reader.words(f"{_WEIGHTS}/top_level_model_weights", "weight_names")
    if own:
        raise hdf5.NotPlain(f"there is {own[0]!r}, which belongs to no layer of the model")
    set_optimizer = None if model.optimizer is None else _read_optimizer(model, reader, path)

    def assign() -> None:
        for variable, value in values:
            variable.assign(value)
        if set_optimizer is not None:
            set_optimizer()

    return assign


def _values(reader: hdf5.Reader, place: str, variables: Any, whose: str) -> list[Any]:
    """[(variable, its numbers)]."""
    names = reader.words(place, "weight_names")
    if len(names) != len(variables):
        raise hdf5.NotPlain(
            f"there are {len(names)} arrays for {whose}, which has {len(variables)} weights"
        )
    found = []
    for variable, name in zip(variables, names, strict=True):
        value = reader.array(f"{place}/{name}", tuple(variable.shape))
        if value is None:
            raise hdf5.NotPlain(f"there is no array {name!r} for {whose}")
        found.append((variable, value))
    return found


def _read_optimizer(model: Any, reader: hdf5.Reader, path: str) -> Callable[[], None] | None:
    """What sets the state; None, with a warning, for that of another optimizer, which those before
    Keras 2.11 are."""
    names = reader.words(_OPTIMIZER, "weight_names")
    if not names:
        return None
    optimizer = model.optimizer
    like = type(optimizer).from_config(optimizer.get_config())
    like.build(model.trainable_variables)
    places = list(range(len(like.variables)))
    if len(names) == len(places) - 1 and names[0].startswith("iteration"):
        del places[1]  # Keras 2 has the learning rate in the config alone
    if len(names) != len(places):
        warnings.warn(
            f"load_model: the optimizer's state in {path} has {len(names)} arrays, "
            f"{optimizer.name} has {len(places)}; it belongs to another optimizer and is ignored. "
            "The weights are loaded.",
            stacklevel=5,
        )
        return None
    variables = [like.variables[i] for i in places]
    values = _values(reader, _OPTIMIZER, variables, f"the optimizer {optimizer.name!r}")

    def assign() -> None:
        if not optimizer.built:
            optimizer.build(model.trainable_variables)
        for i, (_, value) in zip(places, values, strict=True):
            optimizer.variables[i].assign(value)

    return assign

"""Orbax' folders: a model's state as Keras' OrbaxCheckpoint lays it out.

A folder holds one for each step, "0", "1" ..., each with the parts "pytree" (what
`Model.get_state_tree` returns, as arrays of the host) and "model_config". The arrays are read by
Orbax, which opens what the folder's own files name; the config is read as that of a ".keras" file.
"""

from __future__ import annotations

import json
import os
import warnings
from importlib import import_module
from typing import Any

import numpy as np

from unidl.optimizers import LossScaleOptimizer
from unidl.saving.orbax_config import built_from_above
from unidl.saving.serialization import ObjectSharingScope, serialize_keras_object
from unidl.saving.state_tree import fitting, flat

_FINISHED = "_CHECKPOINT_METADATA"  # what Orbax writes into a step's folder at last


def orbax(who: str) -> Any:
    """The module `orbax.checkpoint.v1`.

    Raises:
        ImportError: it is not installed, or older than that.
    """
    try:
        return import_module("orbax.checkpoint").v1
    except (ImportError, AttributeError) as error:
        raise ImportError(
            f"{who} needs the package orbax-checkpoint, and JAX, which it brings. Install it with: "
            "pip install 'unidl-framework[orbax]'. Without it callbacks.ModelCheckpoint saves "
            "models, and callbacks.BackupAndRestore lets training resume after a crash."
        ) from error


def is_checkpoint(path: Any) -> bool:
    """Whether `path` is a folder of steps, or of one step."""
    path = os.fspath(path) if isinstance(path, str | os.PathLike) else ""
    return os.path.isdir(path) and (_is_step(path) or bool(steps_in(path)))


def steps_in(path: str) -> list[int]:
    """The steps that were finished, ascending."""
    names = [name for name in os.listdir(path) if name.isdecimal()]
    return sorted(int(name) for name in names if _is_step(os.path.join(path, name)))


def _is_step(path: str) -> bool:
    return os.path.exists(os.path.join(path, _FINISHED)) and os.path.isdir(
        os.path.join(path, "pytree")
    )


def parts_of(model: Any, weights_only: bool, who: str) -> dict[str, Any]:
    """What is written for a step, copied, as Orbax takes it.

    Raises:
        ValueError: for a variable without elements, which Orbax refuses, and for layers with files
            of their own.
    """
    state = model.get_state_tree(value_format="numpy_array")
    if weights_only:
        state = {name: state[name] for name in ("trainable_variables", "non_trainable_variables")}
    for path, value in flat(state):
        if value.size == 0:
            raise ValueError(
                f"{who}: the variable {path!r} has the shape {value.shape}, and Orbax writes no "
                "arrays without elements. Use callbacks.ModelCheckpoint."
            )
    parts = {"pytree": _copied(state)}
    if not weights_only:
        if any(hasattr(layer, "save_assets") for layer in model._flatten_layers()):
            raise ValueError(
                f"{who}: layers of {model._who()} save files of their own, for which there is no "
                "place in Orbax' folders. Use callbacks.ModelCheckpoint('model.keras'), or "
                "save_weights_only=True."
            )
        with ObjectSharingScope():
            config = built_from_above(serialize_keras_object(model), model)
        parts["model_config"] = {"config": json.dumps(config)}
    return parts


def _copied(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {name: _copied(inner) for name, inner in tree.items()}
    return np.array(tree)


def config_in(path: str, who: str) -> tuple[str, str, int]:
    """(folder of the last step, text of the model's config, bytes of the step)."""
    step = _step(path, who)
    if not os.path.isdir(os.path.join(step, "model_config")):
        raise ValueError(
            f"{who}: {step} holds weights alone, by save_weights_only=True. Make the model, and "
            "write model.load_weights(path)."
        )
    found = orbax(who).load_checkpointables(step, {"model_config": None})
    sizes = [
        os.path.getsize(os.path.join(folder, name))
        for folder, _, names in os.walk(step)
        for name in names
    ]
    return step, found["model_config"]["config"], sum(sizes)


def _step(path: Any, who: str) -> str:
    path = os.path.abspath(path)
    if _is_step(path):
        return path
    return os.path.join(path, str(steps_in(path)[-1]))


def load_state(model: Any, path: Any, who: str, skip_mismatch: bool = False) -> None:
    """Assign the state in the last step of a folder; nothing changes unless all weights fit.

    The optimizer's state is taken over by a compiled model, those of metrics by one that has them.
    """
    step = _step(path, who)
    state = orbax(who).load_checkpointables(step, {"pytree": None})["pytree"]
    who = f"{who}: {step}"
    optimizer = model.optimizer
    if optimizer is None:
        state = {name: inner for name, inner in state.items() if name != "optimizer_variables"}
    elif "optimizer_variables" in state:
        _prepare_optimizer(model, state["optimizer_variables"])
    found, unfit = fitting(who, model, state)
    told = {path for _, path, _ in unfit} | {variable.path for variable, _ in found}
    problems = [words for group, path, words in unfit if not _is_left_out(group, path)] + [
        f"there is no value for the weight {weight.path!r}"
        for weight in model.weights
        if weight.path not in told
    ]
    if problems and not skip_mismatch:
        raise ValueError(
            f"{who} does not fit {model._who()}: {'; '.join(problems)}. Make the model with the "
            "names it had when it was saved, or load_weights(path, skip_mismatch=True)."
        )
    if problems:
        warnings.warn(f"{who}: {'; '.join(problems)}.", stacklevel=4)
    for variable, value in found:
        variable.assign(np.asarray(value))


def _is_left_out(group: str, path: str) -> bool:
    """Whether a value may have no place in the model: that of a metric which is made with the first
    data, and begins anew with each epoch, or of a random generator of Keras, whose numbers are
    others."""
    return group == "metrics_variables" or path.endswith("seed_generator_state")


def _prepare_optimizer(model: Any, state: Any) -> None:
    """Make the variables that the state is for."""
    scales = any(path.endswith("/dynamic_scale") for path, _ in flat(state))
    if scales and not isinstance(model.optimizer, LossScaleOptimizer):
        model.optimizer = LossScaleOptimizer(model.optimizer, name="loss_scale_optimizer")
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)

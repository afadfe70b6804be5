"""Whole models in files: Keras 3's ".keras" format, which holds config, weights, the optimizer's
state, and what else layers write.

A file may come from a stranger. `model_archive`, `hdf5` and `serialization` say what each of its
parts may be; no code of it runs, and nothing outside it is opened.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
import warnings
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unidl.distribution.placing import is_split
from unidl.layers.base import weight_limit
from unidl.layers.base.undrawn import undrawn
from unidl.optimizers import LossScaleOptimizer
from unidl.saving import (
    hdf5,
    lambdas,
    layer_extras,
    legacy_h5,
    model_archive,
    model_paths,
    orbax_files,
    single_ends,
)
from unidl.saving.json_config import LONGEST_JSON, config_of
from unidl.saving.serialization import (
    ObjectSharingScope,
    deserialize_keras_object,
    serialize_keras_object,
)
from unidl.saving.shards import copies, once
from unidl.saving.weights import arrays_of, read_state
from unidl.typing import CustomObjects
from unidl.utils.archives import MOST_BYTES as _MOST_BYTES
from unidl.utils.arguments import public_function

if TYPE_CHECKING:
    from os import PathLike

    from unidl.models.model import Model

# Of Keras, whose format is written; its readers show it, and decide nothing by it.
KERAS_VERSION = "3.15.1"


@public_function
def save_model(
    model: Model, filepath: str | PathLike[str], overwrite: bool = True, zipped: bool | None = None
) -> None:
    """Write a whole model to a ".keras" file, from which `load_model` of unidl and of Keras make it
    again: config, weights, the arguments of `compile`, the optimizer's state.

    The file is whole or the old one stays. unidl's own reader also takes up where the random
    numbers of dropout were.

    Args:
        filepath: ends with ".keras".
        overwrite: False is an error where there is such a file.
        zipped: False writes a folder of the same parts, whose name does not end with ".keras".

    Raises:
        ValueError: another ending; a part of the model cannot be written to a config.
        FileExistsError: `overwrite=False`, and there is something.
        FileNotFoundError, PermissionError: the folder is not there, or takes no new files.

    Examples:
        >>> model = unidl.Sequential([unidl.Input((4,)), unidl.layers.Dense(2)])
        >>> unidl.models.save_model(model, "model.keras")
        >>> unidl.models.load_model("model.keras").output_shape
        (None, 2)
    """
    path = model_paths.to_save(filepath, zipped)
    if not overwrite and os.path.lexists(path):
        raise FileExistsError(f"save_model: {path} exists. Choose another name, or overwrite=True.")
    if not model.built:
        warnings.warn(
            f"{model._who()}: saved without weights, since it is not built. To save them, call it "
            "on data first, or give its input shape.",
            stacklevel=4,
        )
    write = writer_of(model, copied=is_split(model))
    once(model, lambda: write(path, zipped is not False), "save_model")


def writer_of(model: Any, copied: bool = False) -> Callable[[str, bool], None]:
    """A function of path and `zipped` that writes the model, `copied` as it is now: then it may be
    called while training goes on."""
    with ObjectSharingScope():
        config = json.dumps(serialize_keras_object(model))
    metadata = {
        "keras_version": KERAS_VERSION,
        "date_saved": time.strftime("%Y-%m-%d@%H:%M:%S"),
    }
    arrays: Any = chain(arrays_of(model), layer_extras.random_state_of(model))
    if copied:
        arrays = copies(model, arrays)
    assets = layer_extras.assets_of(model)

    def write(path: str, zipped: bool) -> None:
        with model_archive.writing(path, zipped) as sink:
            sink.text(model_archive.METADATA, json.dumps(metadata))
            sink.text(model_archive.CONFIG, config)
            with tempfile.TemporaryFile() as weights:
                with hdf5.create(weights) as file:
                    for place, value in arrays:
                        hdf5.write_array(file, place, value)
                sink.file(model_archive.WEIGHTS, weights)
            if assets is not None:
                with assets:
                    sink.assets(Path(assets.name))

    return write


@public_function
def load_model(
    filepath: str | PathLike[str],
    custom_objects: CustomObjects | None = None,
    compile: bool = True,
    safe_mode: bool | None = True,
) -> Model:
    """The model that `save_model` of unidl, or of Keras 3, wrote, on the active backend.

    Args:
        filepath: a ".keras" file, or the folder that `zipped=False` makes; or the older ".h5" file
            of a model that Keras 2 or 3 wrote; or a folder of `callbacks.OrbaxCheckpoint`, of which
            the last step is read.
        custom_objects: {name: class or function} known besides those registered.
        compile: False leaves the arguments of `compile` and the optimizer's state in the file.
        safe_mode: False also reads Python lambdas, which can do anything that the program can:
            use it only for files that you trust. True and None refuse lambdas.

    Raises:
        ValueError: the file is damaged; refers to anything outside itself; contains a lambda; names
            a class that is neither public nor known; was written in another format. The text names
            the file.
        FileNotFoundError: there is none.

    Examples:
        >>> model = unidl.Sequential([unidl.Input((4,)), unidl.layers.Dense(2)])
        >>> model.save("model.keras")
        >>> x = np.ones((1, 4))
        >>> bool(unidl.ops.all(unidl.models.load_model("model.keras")(x) == model(x)))
        True
    """
    # A load inside another one, by a layer of the user's own, obeys its own argument.
    with lambdas.reading(safe_mode, inherited=False):
        if orbax_files.is_checkpoint(filepath):
            return _load_orbax(os.fspath(filepath), custom_objects, compile)
        path = model_paths.to_load(filepath)
        load = _load_legacy if path.endswith(model_paths.LEGACY) else _load_archive
        return load(path, custom_objects, compile)


def _load_archive(path: str, custom_objects: Any, compile: bool) -> Any:
    with model_archive.opened(path, "load_model") as source:
        config = _config_in(source, path)
        compile_config = config.pop("compile_config", None)
        with ObjectSharingScope():
            model = _made(config, custom_objects, path, source.packed)
            if compile and compile_config:
                _compile(model, compile_config, custom_objects, path)
        with source.weights() as weights, hdf5.reading(path, "load_model", weights) as reader:
            if not model.built and reader.members("layers") is not None:
                raise ValueError(_cannot_be_built(model, path))
            _wrap_optimizer(model, reader)
            assign = read_state(model, reader, "load_model", path, at_once=True)
            restart = layer_extras.read_random_state(model, reader)
        assign()
        restart()
        layer_extras.read_assets(model, source)
    return model


def _load_orbax(path: str, custom_objects: Any, compile: bool) -> Any:
    step, text, size = orbax_files.config_in(path, "load_model")
    config = config_of(text, f"load_model: {step}", "a folder of callbacks.OrbaxCheckpoint")
    compile_config = config.pop("compile_config", None)
    with ObjectSharingScope():
        model = _made(config, custom_objects, step, size)
        if compile and compile_config:
            _compile(model, compile_config, custom_objects, step)
    orbax_files.load_state(model, step, "load_model")
    return model


def _load_legacy(path: str, custom_objects: Any, compile: bool) -> Any:
    with hdf5.reading(path, "load_model") as reader:
        version = reader.text_attribute("keras_version")
        config = single_ends.unwrapped(legacy_h5.config_in(reader, path), version)
        compile_config = config.pop("compile_config", None)
        model = _made(config, custom_objects, path, os.path.getsize(path))
        if compile and compile_config:
            legacy_h5.refuse_lambdas(compile_config, path)
            _compile(model, compile_config, custom_objects, path)
        assign = legacy_h5.read_state(model, reader, path)
    assign()
    return model


def _config_in(source: model_archive.Source, path: str) -> dict[str, Any]:
    what = "a file that model.save() wrote"
    metadata = config_of(
        source.text(model_archive.METADATA, LONGEST_JSON), f"load_model: {path}", what
    )
    version = metadata.get("keras_version") if isinstance(metadata, dict) else None
    if str(version).startswith(("0.", "1.", "2.")):
        raise ValueError(
            f"load_model: {path} was written by Keras {version}, whose files have a different "
            "layout. Convert it: tf_keras.models.load_model(path).save('model.h5') with the "
            "package tf_keras, then keras.models.load_model('model.h5').save('model.keras') with "
            "Keras 3."
        )
    config = config_of(source.text(model_archive.CONFIG, LONGEST_JSON), f"load_model: {path}", what)
    if not isinstance(config, dict):
        raise ValueError(
            f"load_model: {path} is not loaded: its config is a {type(config).__name__}, not of a "
            "model."
        )
    return single_ends.unwrapped(config, version)


def _made(config: Any, custom_objects: Any, path: str, packed: int) -> Any:
    """The model of a config, built where that can be done, in a file of `packed` bytes."""
    from unidl.models.model import Model

    try:
        with weight_limit.at_most((_MOST_BYTES[0] + _MOST_BYTES[1] * packed) // 4), undrawn():
            model = deserialize_keras_object(config, custom_objects)
            if not isinstance(model, Model):
                raise ValueError(
                    f"its config is that of a {type(model).__name__}, not of a model. Save a "
                    "single layer in a model: Sequential([Input(shape), layer])"
                )
            if not model.built and config.get("build_config"):
                model.build_from_config(config["build_config"])
    except (ValueError, TypeError) as error:
        raise ValueError(f"load_model: {path} is not loaded: {error}") from error
    return model


def _compile(model: Any, config: Any, custom_objects: Any, path: str) -> None:
    try:
        model.compile(**deserialize_keras_object(config, custom_objects))
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"load_model: the model in {path} cannot be compiled as before: {error} Or write "
            "load_model(path, compile=False), and compile it yourself."
        ) from error


def _cannot_be_built(model: Any, path: str) -> str:
    return (
        f"load_model: {path} has weights, but {model._who()} does not know the input shapes to "
        "create them for. Define build_from_config(self, config) and get_build_config(self), which "
        "returns that config, and save the model again."
    )


def _wrap_optimizer(model: Any, reader: Any) -> None:
    """Scale the loss if that was done in training: Keras does so by the policy that is in force,
    and does not write it into the arguments of `compile`."""
    was_wrapped = reader.members("optimizer/inner_optimizer/vars") is not None
    if was_wrapped and not isinstance(model.optimizer, LossScaleOptimizer | None):
        model.optimizer = LossScaleOptimizer(model.optimizer, name="loss_scale_optimizer")

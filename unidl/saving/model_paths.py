"""Where a model is saved and loaded: what a path may be, and what to write instead."""

from __future__ import annotations

import os
from typing import Any

from unidl.saving import model_archive
from unidl.utils.whole_folder import finish_replacing

LEGACY = (".h5", ".hdf5")


def _path(filepath: Any, who: str) -> str:
    if not isinstance(filepath, str | os.PathLike):
        raise TypeError(
            f"{who}: a model is saved in a file: give its path as a string, such as 'model.keras', "
            f"got {filepath!r}."
        )
    path = os.fspath(filepath)
    if isinstance(path, str) and path.startswith("hf://"):
        raise ValueError(
            f"{who}: {path} is in the Hugging Face Hub, which unidl does not access. Use a local "
            "file, and huggingface_hub to upload or download it."
        )
    return path


def to_save(filepath: Any, zipped: bool | None) -> str:
    path = _path(filepath, "save_model")
    ends_so = path.endswith(".keras")
    if zipped is False and ends_so:
        raise ValueError(
            "save_model: zipped=False creates a folder, whose name must not end with '.keras', got "
            f"{path!r}. Write model.save('model', zipped=False)."
        )
    if zipped is not False and not ends_so:
        if path.endswith(".weights.h5"):
            advice = "To save only the weights, write model.save_weights(path)."
        elif path.endswith(LEGACY):
            advice = "The older format .h5 is not written; .keras contains everything that it does."
        else:
            advice = "Write model.save('model.keras')."
        raise ValueError(
            f"save_model: the name of a model file must end with '.keras', got {path!r}. {advice}"
        )
    return path


def to_load(filepath: Any) -> str:
    path = _path(filepath, "load_model")
    if not os.path.exists(path):
        finish_replacing(path)
    if not os.path.exists(path):
        raise FileNotFoundError(f"load_model: there is no file {path}.")
    if os.path.isdir(path):
        if os.path.exists(os.path.join(path, "saved_model.pb")):
            raise ValueError(
                f"load_model: {path} is a SavedModel, a TensorFlow program, which unidl does not "
                "run. Save the model in Keras 3 as model.keras."
            )
        if not os.path.exists(os.path.join(path, model_archive.CONFIG)):
            raise ValueError(
                f"load_model: {path} is a folder without a {model_archive.CONFIG}. Give the "
                "'.keras' file, or the folder that model.save(path, zipped=False) made."
            )
    elif path.endswith(".weights.h5"):
        raise ValueError(
            f"load_model: {path} contains only weights. Create the model first, then write "
            "model.load_weights(path)."
        )
    elif not path.endswith((".keras", *LEGACY)):
        raise ValueError(
            f"load_model: the name of a model file must end with '.keras' or '.h5', got {path!r}."
        )
    return path

"""Helpers for users' scripts, loaded when asked for: `utils.naming` stands below all else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unidl.utils.namespaces import namespace

_LOGGING = "unidl.utils.interactive_logging"
_SAVING = "unidl.saving"

_HOMES = {
    "Config": "unidl.utils.config_dict",
    "CustomObjectScope": _SAVING,
    "Progbar": "unidl.utils.progbar",
    "PyDataset": "unidl.utils.py_dataset",
    "Sequence": "unidl.utils.py_dataset",
    "array_to_img": "unidl.utils.images",
    "audio_dataset_from_directory": "unidl.utils.datasets.audio_folder",
    "clear_session": "unidl.utils.session",
    "custom_object_scope": _SAVING,
    "deserialize_keras_object": _SAVING,
    "disable_interactive_logging": _LOGGING,
    "enable_interactive_logging": _LOGGING,
    "get_custom_objects": _SAVING,
    "get_file": "unidl.utils.files",
    "get_registered_name": _SAVING,
    "get_registered_object": _SAVING,
    "get_source_inputs": "unidl.utils.source_inputs",
    "image_dataset_from_directory": "unidl.utils.datasets.image_folder",
    "img_to_array": "unidl.utils.images",
    "is_interactive_logging_enabled": _LOGGING,
    "is_keras_tensor": "unidl.tracing",
    "load_img": "unidl.utils.images",
    "model_cost": "unidl.models.cost",
    "model_to_dot": "unidl.utils.drawing.plot",
    "name_scope": "unidl.utils.scopes",
    "normalize": "unidl.utils.arrays",
    "pack_x_y_sample_weight": "unidl.utils.batch",
    "pad_sequences": "unidl.utils.sequences",
    "plot_model": "unidl.utils.drawing.plot",
    "register_keras_serializable": _SAVING,
    "save_img": "unidl.utils.images",
    "serialize_keras_object": _SAVING,
    "set_random_seed": "unidl.utils.random_seed",
    "split_dataset": "unidl.utils.datasets.splitting",
    "standardize_dtype": "unidl.backend",
    "text_dataset_from_directory": "unidl.utils.datasets.text_folder",
    "timeseries_dataset_from_array": "unidl.utils.datasets.time_series",
    "to_categorical": "unidl.utils.one_hot",
    "trial_run": "unidl.training.trial",
    "unpack_x_y_sample_weight": "unidl.utils.batch",
}

if TYPE_CHECKING:
    from unidl.backend import standardize_dtype
    from unidl.models.cost import model_cost
    from unidl.saving import (
        CustomObjectScope,
        custom_object_scope,
        deserialize_keras_object,
        get_custom_objects,
        get_registered_name,
        get_registered_object,
        register_keras_serializable,
        serialize_keras_object,
    )
    from unidl.tracing import is_keras_tensor
    from unidl.training.trial import trial_run
    from unidl.utils.arrays import normalize
    from unidl.utils.batch import pack_x_y_sample_weight, unpack_x_y_sample_weight
    from unidl.utils.config_dict import Config
    from unidl.utils.datasets.audio_folder import audio_dataset_from_directory
    from unidl.utils.datasets.image_folder import image_dataset_from_directory
    from unidl.utils.datasets.splitting import split_dataset
    from unidl.utils.datasets.text_folder import text_dataset_from_directory
    from unidl.utils.datasets.time_series import timeseries_dataset_from_array
    from unidl.utils.drawing.plot import model_to_dot, plot_model
    from unidl.utils.files import get_file
    from unidl.utils.images import array_to_img, img_to_array, load_img, save_img
    from unidl.utils.interactive_logging import (
        disable_interactive_logging,
        enable_interactive_logging,
        is_interactive_logging_enabled,
    )
    from unidl.utils.one_hot import to_categorical
    from unidl.utils.progbar import Progbar
    from unidl.utils.py_dataset import PyDataset, Sequence
    from unidl.utils.random_seed import set_random_seed
    from unidl.utils.scopes import name_scope
    from unidl.utils.sequences import pad_sequences
    from unidl.utils.session import clear_session
    from unidl.utils.source_inputs import get_source_inputs
else:
    __getattr__, __dir__ = namespace(__name__, _HOMES, _HOMES)

__all__ = [
    "Config",
    "CustomObjectScope",
    "Progbar",
    "PyDataset",
    "Sequence",
    "array_to_img",
    "audio_dataset_from_directory",
    "clear_session",
    "custom_object_scope",
    "deserialize_keras_object",
    "disable_interactive_logging",
    "enable_interactive_logging",
    "get_custom_objects",
    "get_file",
    "get_registered_name",
    "get_registered_object",
    "get_source_inputs",
    "image_dataset_from_directory",
    "img_to_array",
    "is_interactive_logging_enabled",
    "is_keras_tensor",
    "load_img",
    "model_cost",
    "model_to_dot",
    "name_scope",
    "normalize",
    "pack_x_y_sample_weight",
    "pad_sequences",
    "plot_model",
    "register_keras_serializable",
    "save_img",
    "serialize_keras_object",
    "set_random_seed",
    "split_dataset",
    "standardize_dtype",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
    "to_categorical",
    "trial_run",
    "unpack_x_y_sample_weight",
]

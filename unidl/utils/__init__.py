"""Helpers for users' scripts. Loaded when asked for, since `utils.naming` stands below all else."""

import importlib

_SAVING = "unidl.saving"

_HOME = {
    "CustomObjectScope": _SAVING,
    "Progbar": "unidl.utils.progbar",
    "PyDataset": "unidl.utils.py_dataset",
    "Sequence": "unidl.utils.py_dataset",
    "clear_session": "unidl.utils.session",
    "custom_object_scope": _SAVING,
    "deserialize_keras_object": _SAVING,
    "get_custom_objects": _SAVING,
    "get_file": "unidl.utils.files",
    "get_registered_name": _SAVING,
    "get_registered_object": _SAVING,
    "is_keras_tensor": "unidl.tracing",
    "name_scope": "unidl.utils.scopes",
    "normalize": "unidl.utils.arrays",
    "pack_x_y_sample_weight": "unidl.utils.batch",
    "pad_sequences": "unidl.utils.sequences",
    "register_keras_serializable": _SAVING,
    "serialize_keras_object": _SAVING,
    "set_random_seed": "unidl.utils.random_seed",
    "standardize_dtype": "unidl.backend",
    "to_categorical": "unidl.utils.one_hot",
    "unpack_x_y_sample_weight": "unidl.utils.batch",
}

__all__ = sorted(_HOME)


def __getattr__(name):
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__():
    return sorted({*globals(), *_HOME})

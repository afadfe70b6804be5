"""Objects to configs and back, in Keras' JSON layout; whole models and weights in files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unidl.saving.object_registration import (
    CustomObjectScope,
    ObjectSharingScope,
    custom_object_scope,
    deserialize_keras_object,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
    serialize_keras_object,
)
from unidl.utils.namespaces import namespace

if TYPE_CHECKING:
    from unidl.saving.model_files import load_model, save_model
    from unidl.saving.weights import load_weights, save_weights

__all__ = [
    "CustomObjectScope",
    "ObjectSharingScope",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "load_model",
    "load_weights",
    "register_keras_serializable",
    "save_model",
    "save_weights",
    "serialize_keras_object",
]

# They know models, which know this package: found when they are asked for.
_LATER = {
    "load_model": "unidl.saving.model_files",
    "load_weights": "unidl.saving.weights",
    "save_model": "unidl.saving.model_files",
    "save_weights": "unidl.saving.weights",
}

if not TYPE_CHECKING:
    __getattr__, __dir__ = namespace(__name__, __all__, _LATER)

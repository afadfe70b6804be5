"""Objects to configs and back, in Keras' JSON layout."""

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

__all__ = [
    "CustomObjectScope",
    "ObjectSharingScope",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "register_keras_serializable",
    "serialize_keras_object",
]

if not TYPE_CHECKING:
    __getattr__, __dir__ = namespace(__name__, __all__)

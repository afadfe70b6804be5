"""Configs: what a layer was made with, in Keras' JSON layout, and a layer made from one."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from unidl import activations
from unidl.layers.base.signature import call_signature
from unidl.saving.custom_objects import CustomObjectScope
from unidl.saving.object_registration import deserialize_keras_object, serialize_keras_object
from unidl.typing import Config, CustomObjects
from unidl.utils.constructors import constructor_arguments, made_from

if TYPE_CHECKING:
    from typing_extensions import Self

_BASE = ("activity_regularizer", "trainable", "dtype", "autocast", "name")


class Configurable:
    """Remembers its constructor's arguments; `get_config` reads each back from the attribute of the
    same name, if there is one."""

    name: str
    trainable: bool
    dtype_policy: Any
    activity_regularizer: Any
    _arguments: dict[str, Any]
    built: bool
    _build_shapes: Any

    if TYPE_CHECKING:

        def _build_with(self, shapes: Any) -> None: ...

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        self = super().__new__(cls, *args, **kwargs)
        try:
            bound = inspect.signature(cls.__init__).bind(self, *args, **kwargs)
        except TypeError:
            return self  # the constructor itself will raise the same, with a better text
        given = dict(list(bound.arguments.items())[1:])
        object.__setattr__(self, "_arguments", given | given.pop("kwargs", {}))
        return self

    _lists_activity_regularizer = (
        False  # some of Keras' layers write it into their config also when there is none
    )

    _config_omits: frozenset[str] = (
        frozenset()
    )  # arguments that Keras does not write into the config

    def get_config(self) -> Config:
        """A dict of JSON values from which `from_config` makes an equal layer (without weights)."""
        config: Config = {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": serialize_keras_object(self.dtype_policy),
        }
        if self.activity_regularizer is not None or self._lists_activity_regularizer:
            config["activity_regularizer"] = serialize_keras_object(self.activity_regularizer)
        for name, default in constructor_arguments(type(self)).items():
            if name not in _BASE and name not in self._config_omits:
                value = (
                    getattr(self, name)
                    if hasattr(self, name)
                    else self._arguments.get(name, default)
                )
                config[name] = _to_config(value)
        return config

    def get_build_config(self) -> Config | None:
        """The shapes that the weights were made for, as JSON values; None for a layer that is not
        built."""
        shapes = self._build_shapes
        if not self.built or not shapes:
            return None
        if len(shapes) == 1:
            return {"input_shape": next(iter(shapes.values()))}
        return {"shapes_dict": dict(shapes)}

    def build_from_config(self, config: Config) -> None:
        """Make the weights for the shapes in a dict of `get_build_config`, of unidl or of Keras."""
        names = call_signature(type(self)).shapes_of_build
        shapes = shapes_in(config, names[0] if names else "input_shape")
        if shapes:
            self._build_with(shapes)

    @classmethod
    def from_config(cls, config: Any, custom_objects: CustomObjects | None = None) -> Self:
        """A new object from `get_config`'s dict, or from Keras' own for the same class.
        `custom_objects`: {name in the dict: class or function}."""
        with CustomObjectScope(custom_objects):
            return cls(**{key: _from_config(v) for key, v in made_from(cls, config).items()})


def _to_config(value: Any) -> Any:
    if callable(value) and getattr(value, "__module__", "").startswith("unidl.activations"):
        return activations.serialize(value)
    return serialize_keras_object(value)


def _from_config(value: Any) -> Any:
    if isinstance(value, dict) and "class_name" in value:
        return deserialize_keras_object(value)
    if isinstance(value, list) and value and all(isinstance(v, dict) for v in value):
        return [_from_config(v) for v in value]
    return value


def shapes_in(config: Any, first: str) -> dict[str, Any]:
    """{parameter of build: shape} in a dict of `get_build_config`; an only shape is for `first`."""
    shapes = config.get("shapes_dict") or {}
    if config.get("input_shape") is not None:
        shapes = {first: config["input_shape"]}
    return {name: _as_shape(shape) for name, shape in shapes.items()}


def _as_shape(value: Any) -> Any:
    """Lists of JSON as shapes: tuples in lists and dicts."""
    if isinstance(value, dict):
        return {key: _as_shape(each) for key, each in value.items()}
    if not isinstance(value, list | tuple):
        return value
    is_shape = all(size is None or isinstance(size, int) for size in value)
    return tuple(value) if is_shape else [_as_shape(each) for each in value]

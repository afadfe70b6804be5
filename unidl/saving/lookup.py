"""What `get`, `serialize` and `deserialize` of initializers, losses, optimizers ... have in common."""

from __future__ import annotations

import difflib
import inspect

from unidl.saving import custom_objects as registration
from unidl.saving import serialization
from unidl.utils.naming import to_snake_case


class UnknownName(ValueError):
    """There is no object of this name; `by(owner)` is the same with the class before it that was given the name."""

    def by(self, owner):
        error = UnknownName(f"{owner}: {self.plain}")
        error.plain = self.plain
        return error

    def __init__(self, message):
        super().__init__(message)
        self.plain = message


class Catalogue:
    """The objects of one kind by all their names.

    Args:
        kind: "initializer", for messages.
        classes: their class names and the snake-case forms become names.
        functions: the same by `__name__`.
        aliases: {name: class or function}.
        name_of: the second name of a class, snake case by default.
    """

    def __init__(self, kind, classes=(), functions=(), aliases=None, name_of=to_snake_case):
        self.kind = kind
        self.objects = {cls.__name__: cls for cls in classes}
        self.objects.update({name_of(cls.__name__): cls for cls in classes})
        self.objects.update({function.__name__: function for function in functions})
        self.objects.update(aliases or {})

    def deserialize(self, config, custom_objects=None):
        """The object of a name or config; classes are instantiated only where the config has arguments for them."""
        with registration.CustomObjectScope(custom_objects):
            if isinstance(config, str):
                return self._by_name(config)
            if (
                isinstance(config, dict)
                and "module" not in config
                and config.get("class_name") in self.objects
            ):
                return self._from_short_config(config)
            return serialization.deserialize_keras_object(config)

    def get(self, identifier):
        """None, an object as it is, or what a name, a config or a class stands for."""
        found = self.deserialize(identifier) if isinstance(identifier, (str, dict)) else identifier
        return found() if inspect.isclass(found) else found

    def serialize(self, obj):
        """The config of an object; a function of this kind is its name alone."""
        return serialization.serialize_keras_object(obj)

    def _by_name(self, name):
        found = registration.get_registered_object(name, module_objects=self.objects)
        if found is None:
            near = difflib.get_close_matches(name, self.objects, n=3)
            hint = (
                f" Did you mean {' or '.join(map(repr, near))}?"
                if near
                else f" There are {', '.join(sorted(self.objects))}."
            )
            raise UnknownName(f"There is no {self.kind} called {name!r}.{hint}")
        return found

    def _from_short_config(self, config):
        """{"class_name", "config"} without a module, as people write it by hand."""
        cls = self.objects[config["class_name"]]
        return cls.from_config(dict(config.get("config") or {})) if inspect.isclass(cls) else cls

"""What `get`, `serialize` and `deserialize` of initializers, losses, optimizers ... have in
common."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, TypeVar, overload

from unidl.saving import custom_objects as registration
from unidl.saving import serialization
from unidl.utils.naming import to_snake_case
from unidl.utils.suggestions import UnknownName, did_you_mean

T = TypeVar("T")


class Catalogue(Generic[T]):
    """The objects of one kind by all their names.

    Args:
        package: "losses", whose functions `get` and `deserialize` are in the messages.
        kind: "loss", for messages.
        advice: what to write instead of something that is none of this kind.
        classes: their class names and the snake-case forms become names.
        functions: the same by `__name__`.
        aliases: {name: class or function}.
        others: names that are no objects, for suggestions.
        accepts: whether something is of this kind; by default None and whatever can be called.
        name_of: the second form of a name, snake case by default.
    """

    def __init__(
        self,
        package: str,
        kind: str,
        advice: str,
        classes: Iterable[type] = (),
        functions: Iterable[Callable[..., Any]] = (),
        aliases: Mapping[str, Callable[..., Any]] | None = None,
        accepts: Callable[[Any], bool] = lambda found: found is None or callable(found),
        name_of: Callable[[str], str] = to_snake_case,
        others: Iterable[str] = (),
    ) -> None:
        self.others = tuple(others)
        self.package, self.kind, self.advice = package, kind, advice
        self.accepts, self.name_of = accepts, name_of
        self.objects: dict[str, Callable[..., Any]] = {cls.__name__: cls for cls in classes}
        self.objects.update({name_of(name): cls for name, cls in self.objects.items()})
        self.objects.update({function.__name__: function for function in functions})
        self.objects.update(aliases or {})

    def serialize(self, obj: Any) -> Any:
        """The config of an object or function.

        Examples:
            >>> config = unidl.losses.serialize(unidl.losses.Huber(delta=2.0))
            >>> config["class_name"], config["config"]["delta"]
            ('Huber', 2.0)
        """
        return serialization.serialize_keras_object(obj)

    def deserialize(self, config: Any, custom_objects: Mapping[str, Any] | None = None) -> T:
        """The object of a name or of a config that `serialize`, of unidl or of Keras, wrote.

        Args:
            config: name or dict.
            custom_objects: {name: class or function} known besides those registered.

        Examples:
            >>> config = unidl.optimizers.serialize(unidl.optimizers.SGD(0.5, nesterov=True))
            >>> unidl.optimizers.deserialize(config).nesterov
            True
        """
        return self._checked("deserialize", config, self._read(config, custom_objects))

    @overload
    def get(self, identifier: None) -> None: ...
    @overload
    def get(self, identifier: Any) -> T: ...

    def get(self, identifier: Any) -> T | None:
        """The object of a name, config or class, or the object as it is; None stays None.

        Examples:
            >>> unidl.optimizers.get("adam").__class__.__name__
            'Adam'
            >>> unidl.losses.get({"class_name": "Huber", "config": {"delta": 2.0}}).delta
            2.0
        """
        given = isinstance(identifier, (str, dict))
        return self._checked("get", identifier, self._read(identifier) if given else identifier)

    def _read(self, config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
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

    def _checked(self, function: str, given: Any, found: Any) -> Any:
        """`found`, instantiated if it is a class, or an error that says what to write."""
        why = ""
        if inspect.isclass(found):
            needed = _needed_arguments(found)
            if not needed:
                found = found()
            why = f": {found.__name__} needs {', '.join(needed)}" if needed else ""
        if why or not self.accepts(found):
            raise UnknownName(
                f"{self.package}.{function}: {given!r} is no {self.kind}{why}. {self.advice}", given
            )
        return found

    def _by_name(self, name: str) -> Any:
        for form in (name, self.name_of(name)):
            found = registration.get_registered_object(form, module_objects=self.objects)
            if found is not None:
                return found
        hint = did_you_mean(name, [*self.objects, *self.others], 3)
        hint = hint or f" There are {', '.join(sorted(self.objects))}."
        raise UnknownName(f"There is no {self.kind} called {name!r}.{hint}", name)

    def _from_short_config(self, config: dict[str, Any]) -> Any:
        """{"class_name", "config"} without a module, as people write it by hand."""
        cls: Any = self.objects[config["class_name"]]
        if not inspect.isclass(cls):
            return cls
        make: Callable[[dict[str, Any]], Any] = cls.from_config  # type: ignore[attr-defined]
        return make(dict(config.get("config") or {}))


def _needed_arguments(cls: type) -> list[str]:
    """The constructor's arguments that have no default."""
    return [
        name
        for name, parameter in inspect.signature(cls).parameters.items()
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]

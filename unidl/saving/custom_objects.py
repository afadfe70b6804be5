"""Custom classes and functions by name, so that a config can mention them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeVar

from unidl.typing import CustomObjects

if TYPE_CHECKING:
    from typing_extensions import Self

T = TypeVar("T", bound=Any)

_objects: dict[str, object] = {}
_names: dict[object, str] = {}
# The default is never mutated.
_scope: ContextVar[dict] = ContextVar("unidl_custom_objects", default={})  # noqa: B039


def register_keras_serializable(
    package: str = "Custom", name: str | None = None
) -> Callable[[T], T]:
    """Decorator: register a class or function as "package>name", under which configs mention it.

    A class needs `get_config()`; `name` is its own name by default.

    Examples:
        >>> @unidl.saving.register_keras_serializable(package="shop")
        ... class Scale(unidl.layers.Layer):
        ...     pass
        >>> unidl.saving.get_registered_name(Scale)
        'shop>Scale'
    """

    def register(target: T) -> T:
        if inspect.isclass(target) and not hasattr(target, "get_config"):
            raise ValueError(
                f"register_keras_serializable: the class {target.__name__} has no get_config(). "
                "Define one that returns the arguments of __init__ as a dict, so that the object "
                "can be recreated."
            )
        registered = f"{package}>{name or target.__name__}"
        _objects[registered] = target
        _names[target] = registered
        return target

    return register


def get_registered_name(obj: Any) -> str:
    """The name under which a class or function is registered, else its own.

    Examples:
        >>> unidl.saving.get_registered_name(unidl.layers.Dense)  # not registered: its own name
        'Dense'
    """
    return _names.get(obj, obj.__name__)


def get_registered_object(
    name: Any,
    custom_objects: CustomObjects | None = None,
    module_objects: Mapping[str, Any] | None = None,
) -> Any:
    """The class or function called `name`: of the scope, of the registry, of the two dicts; None if
    there is none.

    Examples:
        >>> unidl.saving.get_registered_object("shop>Nothing") is None
        True
    """
    for table in (_scope.get(), _objects, custom_objects, module_objects):
        if table and name in table:
            return table[name]
    return None


def get_custom_objects() -> dict:
    """The registry itself, {"package>name": object}.

    Examples:
        >>> unidl.saving.get_custom_objects()["double"] = lambda x: x * 2
        >>> unidl.saving.get_registered_object("double")(4)
        8
        >>> unidl.saving.get_custom_objects().pop("double")(5)
        10
    """
    return _objects


class CustomObjectScope:
    """Inside a `with` block the objects of the dict `custom_objects` are known by its keys.

    Examples:
        >>> class Mine(unidl.layers.Layer):
        ...     pass
        >>> config = unidl.layers.serialize(Mine())
        >>> with unidl.saving.CustomObjectScope({"Mine": Mine}):
        ...     type(unidl.layers.deserialize(config)).__name__
        'Mine'
    """

    def __init__(self, custom_objects: CustomObjects | None) -> None:
        self.custom_objects = dict(custom_objects or {})

    def __enter__(self) -> Self:
        self._token = _scope.set({**_scope.get(), **self.custom_objects})
        return self

    def __exit__(self, *error: Any) -> None:
        _scope.reset(self._token)


custom_object_scope = CustomObjectScope

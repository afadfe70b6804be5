"""Where a class of ours is found in Keras, and the other way round.

`unidl.initializers.random.HeNormal` is public as `unidl.initializers.HeNormal`, so a config calls
it "keras.initializers", "HeNormal". A class that Keras has elsewhere says so in the attribute
`keras_module`, for example `keras_module = "keras.src.models.functional"`.
"""

from __future__ import annotations

import importlib
import importlib.util
import types
from typing import Any

ROOT = "unidl"
FOREIGN_ROOT = "keras"

# Packages whose functions a config may mention: functions of tensors alone, nothing that reads or
# writes files.
FUNCTION_PACKAGES = (
    "activations",
    "losses",
    "metrics",
    "initializers",
    "regularizers",
    "constraints",
    "ops",
)


def keras_module_of(cls: Any) -> str | None:
    """The Keras module of a public class of unidl ("keras.layers"), None for any other class."""
    if "keras_module" in vars(cls):
        return cls.keras_module
    package, *parts = cls.__module__.split(".")
    if package != ROOT:
        return None
    for depth in range(1, len(parts) + 1):
        path = ".".join(parts[:depth])
        if getattr(importlib.import_module(f"{ROOT}.{path}"), cls.__name__, None) is cls:
            return f"{FOREIGN_ROOT}.{path}"
    return None


def find_public(module: str, name: str) -> Any:
    """The class or function that Keras (or unidl itself) calls `module`.`name`, None if unidl has
    none.

    "keras.src." is Keras' inner layout, of which the first component is the public package.
    """
    package, *parts = module.split(".")
    if package not in (ROOT, FOREIGN_ROOT):
        return None
    if parts[:1] == ["src"]:
        parts = parts[1:]
    for depth in range(len(parts), -1, -1):
        path = ".".join((ROOT, *parts[:depth]))
        found = getattr(_module(path), name, None)
        if _may_come_from_a_config(found, parts):
            return found
    return None


def _module(path: Any) -> Any:
    parent, _, _ = path.rpartition(".")
    if parent and (_module(parent) is None or not hasattr(_module(parent), "__path__")):
        return None
    return importlib.import_module(path) if importlib.util.find_spec(path) else None


def _may_come_from_a_config(found: Any, parts: Any) -> bool:
    if isinstance(found, type):
        return hasattr(found, "from_config")
    return isinstance(found, types.FunctionType) and bool(parts) and parts[0] in FUNCTION_PACKAGES


def all_names() -> list[str]:
    """The classes that a config may mention, for suggestions."""
    packages = (
        importlib.import_module(f"{ROOT}.{name}")
        for name in (*FUNCTION_PACKAGES, "layers", "models", "optimizers", "callbacks")
    )
    return [name for package in packages for name in package.__all__]

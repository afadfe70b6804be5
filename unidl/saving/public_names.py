"""Where a class of ours is found in Keras, and the other way round.

`unidl.initializers.random.HeNormal` is public as `unidl.initializers.HeNormal`, so a config calls
it "keras.initializers", "HeNormal". A class that Keras has elsewhere says so in the attribute
`keras_module`, for example `keras_module = "keras.src.models.functional"`.
"""

from __future__ import annotations

import importlib
import types
from typing import Any

from unidl.utils.namespaces import missing_names

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

# Where a config may name something of ours: Keras' package -> our modules. All else is refused.
PACKAGES = {
    "": (ROOT,),
    **{name: (f"{ROOT}.{name}",) for name in (*FUNCTION_PACKAGES, "layers", "random")},
    "models": (f"{ROOT}.models", ROOT),
    "dtype_policies": (f"{ROOT}.dtype_policies",),
    "optimizers": (f"{ROOT}.optimizers", f"{ROOT}.optimizers.schedules"),
    "port": tuple(f"{ROOT}.port.{name}" for name in ("layers", "optimizers", "schedules")),
}


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

    "keras.src." is Keras' inner layout, of which the first component is the public package; what
    replaces optimizers on one backend is in "keras.src.backend.<name>.optimizers". Only public
    names of PACKAGES are looked at, and nothing is imported that a config names.
    """
    package = _package_of(module)
    if package is None or not isinstance(name, str):
        return None
    for place in PACKAGES.get(package, ()):
        home = importlib.import_module(place)
        found = getattr(home, name, None) if name in home.__all__ else None
        if _may_come_from_a_config(found, package):
            return found
    return None


def why_missing(module: Any, name: str) -> str:
    """Why unidl has not what Keras calls `module`.`name`, "" if Keras has no such thing either."""
    package = _package_of(module)
    if package is None:
        return ""
    places = ("dtype_policies", "") if package in ("dtype_policies", "") else (package,)
    reasons = (missing_names().get(f"{place}.{name}".lstrip(".")) for place in places)
    return next(filter(None, reasons), "")


def _package_of(module: Any) -> str | None:
    """The public package that a module of Keras or unidl belongs to, "" for the root."""
    root, *parts = module.split(".") if isinstance(module, str) else [""]
    if root not in (ROOT, FOREIGN_ROOT):
        return None
    if parts[:1] == ["src"]:
        parts = parts[3:] if parts[1:2] + parts[3:4] == ["backend", "optimizers"] else parts[1:]
    return parts[0] if parts else ""


def _may_come_from_a_config(found: Any, package: str) -> bool:
    if isinstance(found, type):
        return hasattr(found, "from_config")
    return isinstance(found, types.FunctionType) and package in FUNCTION_PACKAGES


def all_names() -> list[str]:
    """The classes that a config may mention, for suggestions."""
    homes = sorted({home for places in PACKAGES.values() for home in places})
    return [name for home in homes for name in importlib.import_module(home).__all__]

"""Objects as JSON-ready dicts in Keras' layout, and back.

An object is {"module", "class_name", "config", "registered_name"}, a layer or model also has
"build_config" and "compile_config". The only code is that of lambdas, which are read if the caller
allows it (see `lambdas`); a name is looked up among the public classes of unidl and what was
registered, never imported from elsewhere.
"""

from __future__ import annotations

import types
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import numpy as np

from unidl.backend import dtypes, registry
from unidl.saving import custom_objects as registration
from unidl.saving import lambdas, public_names
from unidl.tracing import KerasTensor
from unidl.typing import CustomObjects
from unidl.utils.naming import is_of_unidl
from unidl.utils.suggestions import did_you_mean

if TYPE_CHECKING:
    from typing_extensions import Self

PLAIN = (str, int, float, bool, type(None))

_shared: ContextVar[tuple[dict, dict] | None] = ContextVar("unidl_shared_objects", default=None)


class ObjectSharingScope:
    """Inside a `with` block an object that occurs twice is written with an id and read as one
    object.

    Examples:
        >>> layer = unidl.layers.Dense(1)
        >>> with unidl.saving.ObjectSharingScope():
        ...     configs = unidl.saving.serialize_keras_object([layer, layer])
        >>> with unidl.saving.ObjectSharingScope():
        ...     first, second = unidl.saving.deserialize_keras_object(configs)
        >>> first is second
        True
    """

    def __enter__(self) -> Self:
        self._token = _shared.set(({}, {}))
        return self

    def __exit__(self, *error: Any) -> None:
        _shared.reset(self._token)


# -- to configs ------------------------------------------------------------------------------------


def serialize_keras_object(obj: Any) -> Any:
    """`obj` (anything with `get_config()`, a function, an array, plain data, or a nest of these) as
    JSON-ready data.

    Examples:
        >>> config = unidl.saving.serialize_keras_object(unidl.optimizers.SGD(0.5))
        >>> config["class_name"], config["config"]["learning_rate"]
        ('SGD', 0.5)
    """
    if isinstance(obj, np.generic):
        return obj.item()
    if isinstance(obj, PLAIN) or lambdas.stays(obj):
        return obj
    if isinstance(obj, (list, tuple)):
        return (
            type(obj)(serialize_keras_object(x) for x in obj)
            if type(obj) in (list, tuple)
            else [*map(serialize_keras_object, obj)]
        )
    if isinstance(obj, dict):
        return {key: serialize_keras_object(value) for key, value in obj.items()}
    special = _serialize_special(obj)
    if special is not None:
        return special
    if isinstance(obj, types.FunctionType):
        return _serialize_function(obj)
    return _serialize_object(obj)


def _serialize_special(obj: Any) -> Any:
    if isinstance(obj, bytes):
        return {"class_name": "__bytes__", "config": {"value": obj.decode("utf-8")}}
    if isinstance(obj, slice):
        parts = {
            name: serialize_keras_object(getattr(obj, name)) for name in ("start", "stop", "step")
        }
        return {"class_name": "__slice__", "config": parts}
    if obj is Ellipsis:
        return {"class_name": "__ellipsis__", "config": {}}
    if isinstance(obj, KerasTensor):
        return {
            "class_name": "__keras_tensor__",
            "config": {"shape": obj.shape, "dtype": obj.dtype, "keras_history": None},
        }
    if isinstance(obj, np.ndarray):
        if obj.ndim == 0:
            return obj.item()
        return {
            "class_name": "__numpy__",
            "config": {"value": obj.tolist(), "dtype": dtypes.standardize_dtype(obj.dtype)},
        }
    owner = registry.owner_of_type(type(obj))
    if owner is not None:
        return {
            "class_name": "__tensor__",
            "config": {"value": owner.to_numpy(obj).tolist(), "dtype": owner.dtype(obj)},
        }
    return None


def _serialize_function(function: Any) -> Any:
    if lambdas.is_lambda(function):
        return {"class_name": "__lambda__", "config": _lambda_config(function)}
    name = registration.get_registered_name(function)
    return {
        "module": "builtins",
        "class_name": "function",
        "config": name,
        "registered_name": "function",
    }


def _lambda_config(function: Any) -> dict[str, Any]:
    """Keras writes one list everywhere but in its Lambda layer."""
    parts = lambdas.dump(function, serialize_keras_object)
    value = [parts.pop(name) for name in ("code", "defaults", "closure")]
    return {"value": value} | parts


def _serialize_object(obj: Any) -> Any:
    cls = type(obj)
    if not hasattr(obj, "get_config"):
        raise TypeError(
            f"{obj!r} of type {cls.__name__} cannot be written to a config: it has no "
            "get_config(). Define one that returns the arguments of __init__ as a dict."
        )
    module = public_names.keras_module_of(cls)
    config = {
        "module": module or (None if cls.__module__ == "__main__" else cls.__module__),
        "class_name": cls.__name__,
        "config": serialize_keras_object(obj.get_config()),
        "registered_name": None if module else registration.get_registered_name(cls),
    }
    for part in ("build_config", "compile_config"):
        value = getattr(obj, f"get_{part}", lambda: None)()
        if value is not None:
            config[part] = serialize_keras_object(value)
    if _shared.get() is not None:
        _mark_shared(obj, config)
    return config


def _mark_shared(obj: Any, config: Any) -> None:
    written, _ = _shared.get() or ({}, {})
    # With the object, so that its number is not given to another one meanwhile.
    _, first = written.setdefault(id(obj), (obj, config))
    if first is not config:
        first["shared_object_id"] = config["shared_object_id"] = id(obj)


# -- from configs ----------------------------------------------------------------------------------


def deserialize_keras_object(
    config: Any, custom_objects: CustomObjects | None = None, safe_mode: bool | None = True
) -> Any:
    """The object that `serialize_keras_object`, of unidl or of Keras, wrote as `config`.

    Args:
        config: dict, list or plain data.
        custom_objects: {name: class or function} known besides those registered.
        safe_mode: False also reads Python lambdas, which can do anything that the program can:
            use it only for configs that you trust. True and None refuse lambdas.

    Raises:
        ValueError, TypeError: the config is damaged, names what is neither public nor registered,
            contains a lambda, or is nested too deeply.

    Examples:
        >>> config = unidl.saving.serialize_keras_object(unidl.losses.Huber(delta=2.0))
        >>> unidl.saving.deserialize_keras_object(config).delta
        2.0
    """
    with registration.CustomObjectScope(custom_objects), lambdas.reading(safe_mode):
        try:
            return _deserialize(config)
        except RecursionError:
            raise ValueError(
                "deserialize_keras_object: the config is nested too deeply. Models of unidl and "
                "Keras are nested only as deeply as their layers, which is far less."
            ) from None


_QUANTIZED = (
    "QuantizedDTypePolicy", "QuantizedFloat8DTypePolicy", "Int4DTypePolicy", "GPTQDTypePolicy",
    "AWQDTypePolicy",
)  # fmt: skip


def _deserialize(config: Any) -> Any:
    if isinstance(config, str):
        found = registration.get_registered_object(config)
        return config if found is None else found
    if isinstance(config, PLAIN) or lambdas.stays(config):
        return config
    if isinstance(config, (list, tuple)):
        return [_deserialize(x) for x in config]
    if not isinstance(config, dict):
        raise TypeError(
            "deserialize_keras_object: a config must be a dict, a list or plain data, got "
            f"{_short(config)}."
        )
    if "class_name" not in config or "config" not in config:
        return {key: _deserialize(value) for key, value in config.items()}
    _require_form(config)
    try:
        if config["class_name"] in _SPECIAL:
            return _SPECIAL[config["class_name"]](config["config"])
        if config["class_name"] == "function":
            return find_function(config["config"], config.get("module"))
        _refuse_quantized(config)
        return _make(config)
    except lambdas.LambdaError as error:
        raise error.of(config["class_name"], config["config"]) from None
    except (AttributeError, KeyError, IndexError, OverflowError) as error:
        raise ValueError(
            f"The config of {config['class_name']!r} is damaged: {type(error).__name__} {error}."
        ) from error


def _require_form(config: dict[str, Any]) -> None:
    """TypeError unless a config has the parts of one, each of its kind."""
    name = config["class_name"]
    kinds: dict[str, Any] = {
        "class_name": str, "module": str | None, "registered_name": str | None,
    }  # fmt: skip
    if name == "function":
        kinds["config"] = str
    elif not (isinstance(name, str) and name in _SPECIAL):
        kinds |= {"config": dict | None, "build_config": dict | None, "compile_config": dict | None}
    for part, kind in kinds.items():
        if not isinstance(config.get(part), kind):
            raise TypeError(
                f"deserialize_keras_object: {part!r} of a config is {_short(config.get(part))}, "
                f"where {getattr(kind, '__name__', kind)} should be: "
                '{"module": "keras.layers", "class_name": "Dense", "config": {"units": 3}}.'
            )


def _refuse_quantized(config: dict[str, Any]) -> None:
    """ValueError if a layer of Keras holds its weights as small integers: unidl has no such
    layers, and would read them as numbers."""
    inner = config["config"] or {}
    dtype = inner.get("dtype")
    if isinstance(dtype, dict) and dtype.get("class_name") in _QUANTIZED:
        policy = dtype.get("config") or {}
        mode = policy.get("mode") or dtype["class_name"]
        raise ValueError(
            f"{config['class_name']} {inner.get('name')!r} is quantized ({mode}). Quantization is "
            "not offered: save the model in Keras before model.quantize()."
        )


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 80 else text[:77] + "..."


def _array(config: dict[str, Any]) -> np.ndarray:
    return np.array(config["value"], dtype=dtypes.standardize_dtype(config["dtype"]))


_SPECIAL = {
    "__bytes__": lambda c: c["value"].encode("utf-8"),
    "__slice__": lambda c: slice(*(_deserialize(c[name]) for name in ("start", "stop", "step"))),
    "__ellipsis__": lambda c: Ellipsis,
    "__keras_tensor__": lambda c: KerasTensor(tuple(c["shape"]), dtype=c["dtype"]),
    "__numpy__": _array,
    "__tensor__": lambda c: registry.get_backend().asarray(_array(c), c["dtype"]),
    "__lambda__": lambda c: lambdas.load(c, _deserialize),
}


def find_function(name: str, module: str | None = None) -> Any:
    """The registered function `name`, else the public one of `module`, or for "builtins" of any
    package that has functions."""
    found = registration.get_registered_object(name)
    if found is not None:
        return found
    modules = (
        [f"{public_names.ROOT}.{p}" for p in public_names.FUNCTION_PACKAGES]
        if module in (None, "builtins")
        else [module]
    )
    for place in modules:
        found = public_names.find_public(place, name)
        if isinstance(found, types.FunctionType):
            return found
    raise _unknown("function", name, module)


def find_class(config: Any) -> Any:
    """The class that a config's "registered_name", or "module" and "class_name", stand for."""
    name, module = config["class_name"], config.get("module")
    for key in (config.get("registered_name"), name):
        found = registration.get_registered_object(key) if key else None
        if found is not None:
            return found
    found = public_names.find_public(module, name) if module else None
    if found is None:
        raise _unknown("class", name, module)
    return found


def _unknown(kind: Any, name: str, module: Any) -> Any:
    reason = public_names.why_missing(module, name)
    if reason:
        return TypeError(
            f"The config mentions the {kind} {name!r} of {module!r}, which unidl does not have. "
            f"{reason}"
        )
    return TypeError(
        f"The config mentions the {kind} {name!r}"
        + (f" of {module!r}" if module else "")
        + ", which is neither part of unidl nor registered."
        + did_you_mean(name, public_names.all_names())
        + " Otherwise: put @unidl.saving.register_keras_serializable() before its definition, or "
        "pass "
        f"custom_objects={{{name!r}: {name.rpartition('>')[2]}}}."
    )


def _has_own_build(instance: Any) -> bool:
    method = getattr(type(instance), "build_from_config", None)
    return method is not None and not is_of_unidl(method)


def _make(config: Any) -> Any:
    shared, number = _shared.get(), config.get("shared_object_id")
    if shared is not None and number in shared[1]:
        return shared[1][number]
    cls = find_class(config)
    if isinstance(cls, types.FunctionType):
        return cls
    if not hasattr(cls, "from_config"):
        raise TypeError(
            f"{cls.__name__} cannot be created from a config: it has no class method "
            "from_config(config)."
        )
    instance = cls.from_config(dict(config["config"] or {}))
    # Layers are built by their first call, or by the layer or model that holds them, where their
    # weights get the full names; all but those that say themselves how.
    if config.get("build_config") and _has_own_build(instance) and not instance.built:
        instance.build_from_config(_deserialize(config["build_config"]))
        instance.built = True
    if config.get("compile_config"):
        instance.compile_from_config(config["compile_config"])
    if shared is not None and number is not None:
        shared[1][number] = instance
    return instance

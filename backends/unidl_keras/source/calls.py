"""Layers and functions of unidl as Keras writes them: by the same names and arguments."""

from __future__ import annotations

import inspect
from typing import Any

from unidl import layers, ops
from unidl.layers import Layer
from unidl.port.errors import Refused
from unidl.port.source.rules import SIGNS
from unidl.saving.object_registration import serialize_keras_object

# What is said otherwise, or is no matter of the written model.
_ELSEWHERE = ("name", "dtype", "seed", "trainable")

_SIZES = ("kernel_size", "pool_size", "strides", "dilation_rate", "size")


def label_of(operation: Any) -> str:
    """The name of a layer; with the torch backend Keras takes none with dots, such as a module's
    path."""
    return operation.name.replace(".", "_")


def function_text(call: Any, name: str, args: Any, kwargs: Any) -> str:
    """A call of a function of `ops`."""
    if name == "get_item":
        keys = args[1] if isinstance(args[1], tuple) else (args[1],)
        parts = ["None" if k is None else call.text(k) for k in keys]
        parts += ["..."] * (len(keys) == 1 and isinstance(keys[0], slice))  # it takes none alone
        return f"{call.text(args[0])}[{', '.join(parts)}]"
    if name == "add" and _is_taken_for_another_bias(*args):
        args = args[::-1]
    if name in SIGNS and len(args) == 2 and not kwargs:
        one, other = map(call.text, args)
        # An array of NumPy on the left would ask for the numbers of what is on the right, and
        # Keras' symbolic tensors are equal to themselves alone.
        by_name = one.startswith("np.") or name in ("equal", "not_equal")
        return f"ops.{name}({one}, {other})" if by_name else f"{one} {SIGNS[name]} {other}"
    if name == "negative":
        return f"-{call.text(args[0])}"
    if name not in ops.__all__:
        raise Refused(f"it calls {name}, which is no public function")
    given = [*map(call.text, args), *(f"{k}={call.text(v)}" for k, v in kwargs.items())]
    return f"ops.{name}({', '.join(given)})"


def _is_taken_for_another_bias(x: Any, y: Any) -> bool:
    """Whether Keras would add a vector y along another axis than it lies: on TensorFlow it takes
    what has one axis longer than 1 for a bias of the last axis, or the second, whichever fits."""
    shapes = [tuple(getattr(each, "shape", ())) for each in (x, y)]
    long = [axis - len(shapes[1]) for axis, n in enumerate(shapes[1]) if n != 1]
    if len(shapes[0]) < 2 or len(long) != 1:
        return False
    size = shapes[1][long[0]]
    places = [axis for axis in (-1, 1 - len(shapes[0])) if shapes[0][axis] == size]
    return bool(places) and places[0] != long[0]


def constructor(layer: Layer, label: str | None = None) -> str:
    """What makes a layer of the same class and config, with that name in a functional model."""
    cls = type(layer)
    if cls is layers.Lambda:
        raise Refused("a Lambda's Python function cannot be written; make a layer of it")
    if getattr(layers, cls.__name__, None) is not cls:
        raise Refused(f"{cls.__name__} is not one of Keras' layers")
    config = layer.get_config()
    parameters = inspect.signature(cls.__init__).parameters
    required = [
        n for n, p in list(parameters.items())[1:]
        if p.default is p.empty and p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
    ]  # fmt: skip
    left_out = {*_ELSEWHERE, *_implied(layer), *(() if label else ("zero_output_for_mask",))}
    kept = [n for n in config if n in required or n not in left_out]
    kept = _needed(cls, config, kept, required)
    given = [_value(layer, n, config[n]) for n in required if n in kept]
    given += [f"{n}={_value(layer, n, config[n])}" for n in kept if n not in required]
    if not layer.trainable:
        given.append("trainable=False")
    policy = layer.dtype_policy.name
    if policy not in ("float32", "float64"):
        given.append(f"dtype={policy!r}")
    if label:
        given.append(f"name={label!r}")
    return f"layers.{cls.__name__}({', '.join(given)})"


def _needed(cls: Any, config: Any, names: list[str], required: list[str]) -> list[str]:
    """Those of `names` that have to be given: the defaults of some depend on others."""

    def made(chosen: list[str]) -> Any:
        try:
            return cls.from_config({n: config[n] for n in chosen}).get_config()
        except (TypeError, ValueError):
            return {}

    chosen = [n for n in names if n in required]
    while True:
        found = made(chosen)
        missing = [n for n in names if n not in chosen and found.get(n) != config[n]]
        if not missing:
            return chosen
        # Several at once only where nothing could be made: else the first may explain the others.
        chosen = [n for n in names if n in chosen or n in (missing if not found else missing[:1])]


def _implied(layer: Layer) -> list[str]:
    """What a Bidirectional layer makes itself of its first layer."""
    both: list[Any] = [getattr(layer, n, None) for n in ("forward_layer", "backward_layer")]
    if None in both:
        return []
    configs = [one.get_config() for one in both]
    differ = {k for k in configs[0] if configs[0][k] != configs[1].get(k)}
    return ["backward_layer"] if differ <= {"name", "go_backwards", "seed"} else []


def _value(layer: Layer, name: str, value: Any) -> str:
    if name in ("layer", "backward_layer"):
        inner = "forward_layer" if name == "layer" and hasattr(layer, "forward_layer") else name
        return constructor(getattr(layer, inner)) if value else "None"
    is_size = name in _SIZES and isinstance(value, list | tuple) and len(set(value)) == 1
    return _literal(value[0] if is_size else value)


def _literal(value: Any) -> str:
    if isinstance(value, dict) and "class_name" in value:
        module = str(value.get("module") or "").removeprefix("unidl.").removeprefix("keras.")
        if module not in ("initializers", "regularizers", "constraints", "dtype_policies"):
            raise Refused(f"{value['class_name']} is not one of Keras' objects")
        inside = {k: v for k, v in value["config"].items() if k != "seed"}
        given = ", ".join(f"{k}={_literal(v)}" for k, v in inside.items())
        return f"keras.{module}.{value['class_name']}({given})"
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    if isinstance(value, tuple):
        return f"({', '.join(map(_literal, value))}{',' if len(value) == 1 else ''})"
    if value is None or isinstance(value, bool | int | float | str):
        return repr(value)
    config = serialize_keras_object(value)
    if isinstance(config, dict) and "class_name" in config:
        return _literal(config)
    raise Refused(f"an argument of type {type(value).__name__} cannot be written")

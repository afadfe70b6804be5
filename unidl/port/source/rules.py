"""What the tables of rules of several frameworks share."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

from unidl import activations, layers
from unidl.port.errors import Refused

# Functions of two tensors that Python has signs for.
SIGNS = {
    "add": "+", "subtract": "-", "multiply": "*", "divide": "/", "true_divide": "/",
    "power": "**", "equal": "==", "not_equal": "!=", "less": "<", "less_equal": "<=",
    "greater": ">", "greater_equal": ">=", "matmul": "@",
}  # fmt: skip

# Activations that are called otherwise than the function in ops.
_OTHERWISE = {"exponential": "exp"}


def registering(table: dict[Any, Any]) -> Callable[..., Any]:
    """A decorator that enters a rule into `table` under all the keys that it gets."""

    def under(*keys: Any) -> Callable[[Any], Any]:
        def register(rule: Any) -> Any:
            table.update(dict.fromkeys(keys, rule))
            return rule

        return register

    return under


def activation(function: Any, functions: dict[str, Any]) -> Any:
    """The rule among `functions` that writes an activation; None where there is nothing to do."""
    if function is None or function is activations.linear:
        return None
    config = activations.serialize(function)
    name = config if isinstance(config, str) else getattr(function, "__name__", "")
    rule = functions.get(_OTHERWISE.get(name, name))
    if rule is None or not isinstance(config, str):
        raise Refused(f"the activation {name or function!r} has no counterpart")
    # Its defaults, which are not all those of the function in ops.
    known = inspect.signature(rule).parameters
    given = inspect.signature(function).parameters.items()
    return partial(
        rule, **{n: p.default for n, p in given if p.default is not p.empty and n in known}
    )


class Written:
    """Stands for a call whose input is an expression already."""

    def __init__(self, call: Any, text: str) -> None:
        self._call, self._text = call, text

    def either(self) -> str:
        return self._text

    def plain(self) -> str:
        if self._call.first:
            raise Refused("an activation along the last axis of a convolution")
        return self._text

    def text(self, argument: Any) -> str:
        return self._text

    def __getattr__(self, name: str) -> Any:
        return getattr(self._call, name)


def merges(module: str, texts: Any = None) -> dict[type, Any]:
    """The rules of layers that merge their inputs, with `module`'s functions for extremes.

    texts: gives those of the inputs of a call; by default `inputs`.
    """
    texts = texts or inputs

    def signed(sign: str) -> Any:
        return lambda m, call: f" {sign} ".join(texts(call))

    def averaged(m: Any, call: Any) -> str:
        names = texts(call)
        return f"({' + '.join(names)}) / {len(names)}"

    def extreme(name: str) -> Any:
        def rule(m: Any, call: Any) -> str:
            first, *rest = texts(call)
            for other in rest:
                first = f"{module}.{name}({first}, {other})"
            return first

        return rule

    return {
        layers.Add: signed("+"),
        layers.Subtract: signed("-"),
        layers.Multiply: signed("*"),
        layers.Average: averaged,
        layers.Maximum: extreme("maximum"),
        layers.Minimum: extreme("minimum"),
    }


def inputs(call: Any) -> list[str]:
    """All inputs, if they have as many axes: others are aligned at the batch, as in Keras."""
    if len({len(t.shape) for t in call.node.inputs}) > 1:
        raise Refused("inputs with different numbers of axes")
    return call.alike()


def initial_states(call: Any) -> list[str]:
    """The states with which a recurrent layer begins, if they are given."""
    args = call.node.args
    given = args[1] if len(args) > 1 else call.node.kwargs.get("initial_state")
    if given is None:
        return []
    given = list(given) if isinstance(given, list | tuple) else [given]
    if any(isinstance(each, list | tuple) for each in given):
        raise Refused("initial states in lists of lists")
    return [call.text(each) for each in given]


def linear(call: Any, x: Any, kernel: Any, bias: Any = None) -> str:
    product = f"{call.text(x)} @ {call.text(kernel)}"
    return product if bias is None else f"{product} + {call.text(bias)}"


def converted(call: Any, x: Any, dtype: Any = None) -> str:
    return call.text(x)


# Functions that are written alike wherever tensors have Python's operators.
COMMON = {"linear": linear, "convert_to_tensor": converted}

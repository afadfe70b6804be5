"""What the tables of rules of several frameworks share."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

from unidl import activations, layers, tree
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


def activated(function: Any, call: Any, text: str, functions: dict[str, Any]) -> str:
    """`text` with an activation around it."""
    rule = activation(function, functions)
    return text if rule is None else rule(Written(call, text), call.outputs[0])


def called(name: str, *arguments: Any, **options: Any) -> str:
    """A call as text, with the options that are not None."""
    given = [repr(a) for a in arguments]
    given += [f"{k}={v!r}" for k, v in options.items() if v is not None]
    return f"{name}({', '.join(given)})"


def bias_of(m: Any) -> list:
    """The entry of the bias that a layer may have."""
    return [("bias", m.bias)] if m.use_bias else []


def one_or_each(sizes: Any) -> Any:
    """3 for (3, 3)."""
    sizes = tuple(sizes)
    return sizes[0] if len(set(sizes)) == 1 else sizes


def unless(value: Any, default: Any) -> Any:
    """None for the default, which need not be written."""
    return None if value == default else value


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


class Text(str):
    """Code that stands among arguments as it is."""

    def __repr__(self) -> str:
        return str(self)


def reshape_text(m: Any, call: Any) -> str:
    """A Reshape layer, where a method of tensors takes -1 for one open size."""
    sizes = ", ".join(str(-1 if s is None else s) for s in m.target_shape)
    if m.target_shape.count(-1) == 0:
        return f"{call.plain()}.reshape(-1, {sizes})" if sizes else f"{call.plain()}.reshape(-1)"
    solved = call.outputs[0].shape[1:]
    if None in solved:
        return f"{call.plain()}.reshape({call.plain()}.shape[0], {sizes})"
    return f"{call.plain()}.reshape(-1, {', '.join(map(str, solved))})"


def initial_states(call: Any) -> list[str]:
    """Those with which a recurrent layer is called, tensors or arrays."""
    args = call.node.args
    given = call.node.kwargs.get("initial_state", args[1] if len(args) > 1 else None)
    return [call.text(state) for state in tree.flatten(given) if state is not None]


def costs_nothing(call: Any, axes: tuple) -> bool:
    """Whether axes in another order are a change between channels last and second alone, for which
    the result is then the input as it lies."""
    rank = len(axes)
    to_last, to_second = (0, *range(2, rank), 1), (0, rank - 1, *range(1, rank - 1))
    if rank > 2 and axes == to_last:
        call.scope.same_as(call, True, call.plain())
        return True
    if rank > 2 and axes == to_second:
        call.scope.same_as(call, False, call.channels_first())
        return True
    return False


def joined(call: Any, xs: Any, axis: int) -> tuple[list[str], int]:
    """(tensors that are concatenated, in one order of axes; the axis there)."""
    rank = len(xs[0].shape)
    names = call.alike() if len(xs) == len(call.node.inputs) else [call.text(x) for x in xs]
    if call.first and axis % rank == rank - 1:
        return names, 1
    if call.first:
        call.first = False
        names = [call.text(x) for x in xs]
    return names, axis


def linear(call: Any, x: Any, kernel: Any, bias: Any = None) -> str:
    product = f"{call.text(x)} @ {call.text(kernel)}"
    return product if bias is None else f"{product} + {call.text(bias)}"


def converted(call: Any, x: Any, dtype: Any = None) -> str:
    return call.text(x)


# Functions that are written alike wherever tensors have Python's operators.
COMMON = {"linear": linear, "convert_to_tensor": converted}

"""What a rule of a target framework sees of one call, and what it may ask for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from unidl.backend.variable import Variable
from unidl.layers.base.signature import call_signature
from unidl.port.errors import Refused
from unidl.port.weight_rules import Rule, same
from unidl.tracing import KerasTensor

if TYPE_CHECKING:
    from unidl.port.source.scope import Scope


class Call:
    """One node of the graph, while its statement is written.

    Attributes:
        node: of the graph. layer: its operation.
        shape, outputs: of the first input; the symbolic outputs.
        first: set by a rule whose result has its channels second, where unidl's has them last.
        comment: stands behind the statement, the shape of the result by default.
    """

    def __init__(self, scope: Scope, node: Any) -> None:
        self.scope, self.node, self.layer = scope, node, node.operation
        self.outputs = node.outputs
        self.shape = node.inputs[0].shape if node.inputs else ()
        self.first = False
        self.comment: str | None = None

    @property
    def rank(self) -> int:
        return len(self.shape)

    # Inputs.

    def plain(self, i: int = 0) -> str:
        """Input i with its axes as in unidl."""
        return self.scope.value(self.node.inputs[i], first=False)

    def channels_first(self, i: int = 0) -> str:
        """Input i with the last axis of unidl as its second; so is the result."""
        self.first = True
        return self.scope.value(self.node.inputs[i], first=True)

    def either(self, i: int = 0) -> str:
        """Input i as it lies, and so the result lies."""
        name, self.first = self.scope.as_it_lies(self.node.inputs[i])
        return name

    def alike(self) -> list[str]:
        """All inputs in one order of axes, and so the result lies."""
        ranks = {len(t.shape) for t in self.node.inputs}
        lie = {self.scope.as_it_lies(t)[1] for t in self.node.inputs}
        self.first = lie == {True} and len(ranks) == 1
        return [self.scope.value(t, first=self.first) for t in self.node.inputs]

    def masks(self) -> dict[str, Any]:
        """{argument: mask} of those that the layer gets."""
        names = call_signature(type(self.layer)).masks
        return {n: v for n, v in self.node.kwargs.items() if n in names and v is not None}

    def mask(self) -> str | None:
        """The mask of the only input, None if it has none."""
        mask = self.masks().get("mask")
        mask = mask[0] if isinstance(mask, list | tuple) else mask
        return None if mask is None else self.text(mask)

    def own_mask(self) -> str:
        """The mask that the layer makes for its result, which stands before the call."""
        mask = self.scope.block.masks.get(id(self.outputs[0]))
        if mask is None or not self.scope.holds(mask):
            raise Refused("a mask that no layer reads")
        return self.text(mask)

    def text(self, argument: Any) -> str:
        """Any argument, as it is written."""
        if isinstance(argument, KerasTensor):
            return self.scope.value(argument, first=False)
        if isinstance(argument, Variable):
            return self.scope.own_weight(argument)
        if isinstance(argument, tuple):
            inside = ", ".join(map(self.text, argument))
            return f"({inside},)" if len(argument) == 1 else f"({inside})"
        if isinstance(argument, list):
            return f"[{', '.join(map(self.text, argument))}]"
        if isinstance(argument, dict):
            return "{" + ", ".join(f"{k!r}: {self.text(v)}" for k, v in argument.items()) + "}"
        if isinstance(argument, slice):
            parts = ["" if p is None else self.text(p) for p in (argument.start, argument.stop)]
            step = "" if argument.step is None else f":{self.text(argument.step)}"
            return ":".join(parts) + step
        if argument is Ellipsis:
            return "..."
        if isinstance(argument, np.generic):
            argument = argument.item()
        if isinstance(argument, float) and not math.isfinite(argument):
            return f'float("{argument}")'
        if argument is None or isinstance(argument, bool | int | float | str):
            return repr(argument)
        if hasattr(argument, "shape"):
            return self.scope.constant(np.asarray(argument))
        raise Refused(f"an argument of type {type(argument).__name__} cannot be written")

    def only_user(self) -> Any:
        """The node that alone uses the result, None if there are several."""
        return self.scope.only_user(self.outputs[0])

    # What stands around the call.

    def child(self, made: str, *weights: tuple, **more: Any) -> str:
        """The attribute of the class that `made` makes, once for each layer.

        weights: (name in the child or several, Variable or an array that stays, rule).
        """
        return self.scope.child(
            self.layer, made, [(n, v, rule[0] if rule else same) for n, v, *rule in weights], **more
        )

    def weight(self, name: str, variable: Any, rule: Rule = same) -> str:
        """A weight of the layer, where weights are no parts of children."""
        me = self.scope.child(self.layer, "", [])
        return self.scope.weight_of(self.layer, me, name, variable, rule)

    def helper(self, name: str) -> str:
        """The helper function or class of that name, which the file gets."""
        self.scope.writer.helpers[name] = None
        return name

    def warn(self, text: str) -> None:
        self.scope.writer.warn(f"{self.layer.name}: {text}")

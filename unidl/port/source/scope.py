"""One class of the source while it is written: which names hold which tensors."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from unidl.layers import Layer
from unidl.port.errors import Refused
from unidl.port.source.block import Block, of_window
from unidl.port.source.names import Names, identifier, trimmed
from unidl.port.source.part import Call
from unidl.port.source.repeats import Repeated
from unidl.port.weight_rules import Rule, same
from unidl.tracing import KerasTensor, graph

if TYPE_CHECKING:
    from unidl.port.source.writer import Writer


class Entry(NamedTuple):
    """An array of the written model.

    Attributes:
        names: its paths below the class, several where the other model has several arrays for one.
        variable: unidl's Variable; or an array that does not change.
        rule: from the written model's layout to unidl's.
    """

    names: tuple[str, ...]
    variable: Any
    rule: Rule = same


class Scope:
    """
    Attributes:
        first: whether inputs and outputs have their channels second.
        made: lines that make the children. body: lines of the call.
        entries: arrays, with their names in this class.
        given: names of arrays that come to the call as arguments.
        returned: what the call returns.
    """

    def __init__(
        self,
        writer: Writer,
        block: Block,
        path: str,
        names: dict[int, str] | None = None,
        first: bool = False,
    ) -> None:
        self.writer, self.block, self.path = writer, block, path
        self._names, self.first = names or {}, first
        owner = {} if getattr(block.owner, "_plan", None) else getattr(block.owner, "__dict__", {})
        self._of_owner = {n: x for n, x in owner.items() if not n.startswith("_")}
        if not owner and not self._names:
            self._names = _short_names([n.operation for n in block.nodes])
        self.given: list[str] = []
        self.made: list[str] = []
        self.body: list[str] = []
        self.entries: list[Entry] = []
        self._attributes = Names(*writer.taken_attributes)
        self._children: dict[Any, str] = {}
        self._weights: dict[int, str] = {}  # {id of a Variable or array: what holds it}
        self._locals = Names("self", *writer.reserved)
        self._spare = ""
        # {id of a tensor: {whether its channels come second: the name that holds it}}
        self._held: dict[int, dict[bool, str]] = {}
        # {id of a tensor: how its user has to pad it}, where a layer of padding left it to that.
        self.padding: dict[int, Any] = {}
        self._uses = Counter(id(t) for node in block.nodes for t in node.inputs)
        self._uses.update(id(t) for t in graph.flatten_tensors(block.outputs))
        self._of_masks = {id(t) for t in block.of_masks}
        self.arguments = [self._locals.new(n) for n in writer.argument_names(block)]
        if writer.keeps_inputs(block):
            self._uses.update(id(t) for t in block.inputs)
        for tensor, name in zip(block.inputs, self.arguments, strict=True):
            self._held[id(tensor)] = {first: name}
        for node in writer.parts(block):
            try:
                self._write_repeated(node) if isinstance(node, Repeated) else self._write(node)
            except Refused as error:
                writer.refused.append((self._place(node), str(error)))
                self._invent(node)
        self.returned = self._returned()

    def _place(self, node: Any) -> str:
        first = node.windows[0][0] if isinstance(node, Repeated) else node
        return f"{self.path}{first.operation.name}"

    def _invent(self, node: Any) -> None:
        """Names for what was refused, so that the rest is looked at too."""
        outputs = [node.output] if isinstance(node, Repeated) else node.outputs
        for tensor in outputs:
            self._held.setdefault(id(tensor), {False: "refused"})

    def only_user(self, tensor: KerasTensor) -> Any:
        """The node that alone uses `tensor`, None if there are several or it is returned."""
        users = [n for n in self.block.nodes if any(t is tensor for t in n.inputs)]
        return users[0] if len(users) == 1 and self._uses[id(tensor)] == 1 else None

    # Values.

    def value(self, tensor: KerasTensor, first: bool) -> str:
        """The name that holds `tensor` in that order of axes; a line brings it there."""
        if id(tensor) in self.block.weights:
            return self.own_weight(self.block.weights[id(tensor)])
        held = self._held[id(tensor)]
        if first not in held:
            name = held[not first]
            moved = self.writer.moved(name, len(tensor.shape), first)
            is_last = self._uses[id(tensor)] == 1 and self._is_alone(tensor, name)
            new = name if is_last else self._locals.new(f"{name}_{'first' if first else 'last'}")
            self.body.append(f"{new} = {moved}  # channels {'second' if first else 'last'}")
            if new == name:
                held.clear()
            held[first] = new
        return held[first]

    def holds(self, tensor: KerasTensor) -> bool:
        """Whether there is a name for `tensor`."""
        return id(tensor) in self._held

    def _is_alone(self, tensor: KerasTensor, name: str) -> bool:
        """Whether no other tensor that is still used is held by `name`."""
        return not any(
            name in held.values() and self._uses[other] > 0
            for other, held in self._held.items()
            if other != id(tensor)
        )

    def as_it_lies(self, tensor: KerasTensor) -> tuple[str, bool]:
        """(the name that holds it, whether its channels come second)."""
        if id(tensor) in self.block.weights:
            return self.own_weight(self.block.weights[id(tensor)]), False
        held = self._held[id(tensor)]
        first = False not in held
        return held[first], first

    def rebind(self, tensor: KerasTensor, pattern: str) -> None:
        """A line that puts something else in the place of `tensor` for all that follows."""
        name, first = self.as_it_lies(tensor)
        new = name if self._is_alone(tensor, name) else self._locals.new(f"{name}_made")
        self.body.append(f"{new} = {pattern.format(name)}")
        self._held[id(tensor)] = {first: new}

    def own_weight(self, variable: Any) -> str:
        """An attribute that holds a weight which the owner's own code reads."""
        if id(variable) not in self._weights:
            of_owner = self._of_owner.items()
            wanted = next((n for n, v in of_owner if v is variable), variable.name)
            name = self._name_of_array(identifier(wanted))
            self.made += self.writer.weight(self, name, variable)
            self.entries.append(Entry((name,), variable, self.writer.own_rule(variable)))
            self._weights[id(variable)] = self.writer.held(self, name)
        return self._weights[id(variable)]

    def constant(self, array: np.ndarray) -> str:
        """An array that does not change."""
        if self.writer.is_literal(array):
            return self.writer.small_constant(array)
        if id(array) not in self._weights:
            name = self._name_of_array("constant")
            self.made += self.writer.constant(self, name, array)
            self.entries.append(Entry((self.writer.constant_entry(self, name),), array))
            self._weights[id(array)] = self.writer.held(self, name)
        return self._weights[id(array)]

    def _name_of_array(self, wanted: str) -> str:
        """An attribute; where it comes to the call as an argument, also the argument."""
        if not self.writer.shares_names(self.block):
            return self._attributes.new(wanted)
        name = self._attributes.new(wanted, self._locals)
        if self.writer.gives_weights:
            self.given.append(name)
        return name

    def line(self, wanted: str, expression: str, comment: str) -> str:
        """A statement before that of the call; the name that holds its value."""
        name = self._locals.new(wanted)
        self.body += self.writer.statement(name, expression, comment)
        return name

    def lines(self, wanted: list[str], expression: str) -> list[str]:
        """The same for the values of a tuple."""
        names = [self._locals.new(name) for name in wanted]
        self.body += self.writer.statement(", ".join(names), expression, "")
        return names

    def spare(self) -> str:
        """A name for what one statement computes before another."""
        if not self._spare:
            self._spare = self._locals.new("a")
        return self._spare

    def state(self) -> Any:
        """What `restore` takes, if a rule gives up."""
        held = {key: dict(names) for key, names in self._held.items()}
        lengths = len(self.made), len(self.body), len(self.entries), len(self.given)
        return held, lengths, dict(self._children), dict(self._weights), dict(self.padding)

    def restore(self, state: Any) -> None:
        self._held, lengths, self._children, self._weights, self.padding = state
        made, body, entries, given = lengths
        del self.made[made:], self.body[body:], self.entries[entries:], self.given[given:]

    # Children.

    def child(self, layer: Any, made: str, weights: list, after: tuple[str, ...] = ()) -> str:
        if id(layer) not in self._children:
            name = self._attributes.new(self._named(layer))
            is_once = sum(node.operation is layer for node in self.block.nodes) == 1
            self._children[id(layer)], lines = self.writer.child(
                self, name, made, layer, after, is_once
            )
            self.made += lines
            for names, variable, rule in weights:
                names = (names,) if isinstance(names, str) else names
                full = tuple(self.writer.entry_name(name, layer, n) for n in names)
                self.entries.append(Entry(full, variable, rule))
        return self._children[id(layer)]

    def single(self, name: str, made: str) -> str:
        """A child without weights that the whole class has once."""
        if name not in self._children:
            new = self._attributes.new(name)
            self._children[name], lines = self.writer.child(self, new, made, None, (), False)
            self.made += lines
        return self._children[name]

    def weight_of(self, layer: Any, me: str, name: str, variable: Any, rule: Rule) -> str:
        """A weight of a child that is no object of its own."""
        full = f"{me}.{name}"
        if id(variable) not in self._weights:
            self.entries.append(Entry((full,), variable, rule))
            self._weights[id(variable)] = self.writer.held(self, full)
        return self._weights[id(variable)]

    def _write(self, node: Any) -> None:
        call = Call(self, node)
        expression = self.writer.expression(call)
        for tensor in node.inputs:
            self._uses[id(tensor)] -= 1
        if expression is None:  # the rule has named the results itself
            return
        names: list[str] = []
        for tensor in node.outputs:
            name = self._name_for(node, names) if self._uses[id(tensor)] else "_"
            names.append(name)
            self._held[id(tensor)] = {call.first: name}
        if [expression] == names:
            return
        comment = call.comment or self._shape_comment(node, call.first)
        self.body += self.writer.statement(", ".join(names), expression, comment)

    def _write_repeated(self, part: Repeated) -> None:
        """A loop over modules of one class."""
        rows = [[self._named(n.operation) for n in window] for window in part.windows[:2]]
        names = _without_counts(*rows)
        short = _short_names([n.operation for n in part.windows[0]], names)
        names = [short.get(id(n.operation), m) for n, m in zip(part.windows[0], names, strict=True)]
        x, first = self.as_it_lies(part.input)
        scopes = []
        for i, window in enumerate(part.windows):
            carry = part.input if i == 0 else part.windows[i - 1][-1].outputs[0]
            block = of_window(window, carry, part.masks, self.block)
            # A layer's name may count the parts, so all have the names of the first.
            given = {id(n.operation): name for n, name in zip(window, names, strict=True)}
            scopes.append(self.writer.class_of(block, "Block", self.path, given, first))
        self._uses[id(part.input)] -= sum(
            part.input is t for n in part.windows[0] for t in n.inputs
        )
        kept = self._uses[id(part.input)] or not self._is_alone(part.input, x)
        result = self._locals.new("x") if kept else x
        name = self._attributes.new("blocks")
        self.made += self.writer.children(name, [kind for kind, _ in scopes])
        if result != x:
            self.body.append(f"{result} = {x}")
        taken = [result, *(self.value(mask, first=False) for mask in part.masks)]
        self.body += self.writer.loop(self.writer.attribute(self, name), taken)
        for i, (_, scope) in enumerate(scopes):
            for names_, variable, rule in scope.entries:
                full = tuple(f"{name}.{i}.{n}" for n in names_)
                self.entries.append(Entry(full, variable, rule))
        self._held[id(part.output)] = {first: result}

    def same_as(self, call: Call, first: bool, name: str) -> None:
        """The result is what `name` holds already."""
        self._held[id(call.outputs[0])] = {first: name}

    def _name_for(self, node: Any, taken: list[str]) -> str:
        """That of an input which is used for the last time, or a new one."""
        is_mask = any(id(t) in self._of_masks for t in node.outputs)
        for tensor in node.inputs:
            if (id(tensor) in self._of_masks) != is_mask:
                continue
            for name in self._held.get(id(tensor), {}).values():
                free = not self._uses[id(tensor)] and self._is_alone(tensor, name)
                if free and name not in taken:
                    return name
        if is_mask:
            return self._locals.new("mask")
        for name in self.writer.short_names:
            tensors = [t for t, held in self._held.items() if name in held.values()]
            if name not in taken and not any(self._uses[t] > 0 for t in tensors):
                return name
        return self._locals.new(self._named(node.operation))

    def _named(self, operation: Any) -> str:
        """As the owner's own code calls it, if it does."""
        return (
            self._names.get(id(operation))
            or next((n for n, x in self._of_owner.items() if x is operation), None)
            or identifier(operation.name)
        )

    def _shape_comment(self, node: Any, first: bool) -> str:
        if len(node.outputs) != 1 or not node.inputs:
            return ""
        before, after = node.inputs[0].shape, node.outputs[0].shape
        return "" if before == after else shape_text(after, first)

    def _returned(self) -> Any:
        def named(tensor: KerasTensor) -> str:
            return self.value(tensor, first=self.first)

        return graph.map_tensors(named, self.block.outputs)


def _without_counts(names: list[str], others: list[str]) -> list[str]:
    """Names for the calls of all parts, without what counts the parts."""
    both = zip(names, others, strict=True)
    return [identifier(re.sub(r"_?\d+$", "", n) or n if n != o else n) for n, o in both]


def _short_names(operations: list[Any], names: list[str] | None = None) -> dict[int, str]:
    """{id of a layer with weights: its name without what all of them have in common}."""
    names = [x.name for x in operations] if names is None else names
    rows = zip(operations, names, strict=True)
    found = {id(x): name for x, name in rows if isinstance(x, Layer) and x.weights}
    return dict(zip(found, trimmed([*found.values()]), strict=True)) if len(found) > 1 else {}


def shape_text(shape: tuple, first: bool = False) -> str:
    """(batch, 8, 8, 3), with the channels second if they are."""
    if first and len(shape) > 2:
        shape = (shape[0], shape[-1], *shape[1:-1])
    parts = ["batch" if i == 0 and s is None else "?" if s is None else str(s)
             for i, s in enumerate(shape)]  # fmt: skip
    return f"({', '.join(parts)})" if len(parts) != 1 else f"({parts[0]},)"

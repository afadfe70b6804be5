"""A model as source of another framework: what is common to all of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np

from unidl.backend.dtypes import is_float
from unidl.backend.install import from_here
from unidl.layers import (
    ELU,
    RNN,
    Activation,
    Dense,
    Dropout,
    InputLayer,
    Layer,
    LeakyReLU,
    ReLU,
    StackedRNNCells,
    TimeDistributed,
)
from unidl.models import Functional, Model, Sequential
from unidl.port.errors import PortError, Refused
from unidl.port.proof import Proof
from unidl.port.source import block as blocks
from unidl.port.source.layout import WIDTH, loaded
from unidl.port.source.masking import given_to, masks_within, require_writable, show_masks
from unidl.port.source.names import Names, class_name, identifier
from unidl.port.source.part import Call
from unidl.port.source.repeats import grouped
from unidl.port.source.scope import Entry, Scope, shape_text
from unidl.port.weight_rules import Rule, Weight, same
from unidl.saving import safetensors
from unidl.tracing import graph

# Layers that see the last axis alone, or each element.
_ALONE = (Dense, Activation, ReLU, LeakyReLU, ELU, Dropout)
# On symbols these say how large their result is, and no more.
_SHAPES_ALONE = (RNN, StackedRNNCells)


class Writer(ABC):
    """
    Attributes:
        rules: {class of a layer: rule(layer, call) -> expression}.
        functions: {name in unidl.ops: rule(call, *args, **kwargs) -> expression}.
        helpers: names of the helpers that are used, in order.
    """

    rules: dict[type, Any]
    functions: dict[str, Any]
    reserved: tuple[str, ...] = ()  # names of the file that classes may not have
    taken_attributes: tuple[str, ...] = ()  # that classes have already
    short_names: tuple[str, ...] = ("y", "z")  # for values beside the first, as people write them
    takes_masks = False
    masked: tuple[type, ...] = ()  # layers whose rules read the masks of their inputs
    keeps_states = False  # whether states of recurrent layers may stay between calls
    trains = True  # whether what is written can be trained
    largest_literal = 4
    suffix = ".safetensors"  # of files of weights
    gives_weights = False  # whether weights come to a call as arguments of their own
    unwraps = True  # whether a subclassed model is the root itself, without a graph around it
    needs: tuple[str, ...] = ()  # packages that run what is written
    install = ""  # the command that brings them

    def __init__(self, model: Any) -> None:
        self.helpers: dict[str, None] = {}
        self.refused: list[tuple[str, str]] = []
        self.warnings: list[str] = []
        self.classes: dict[str, str] = {}  # {text without its name: name}
        self.texts: list[str] = []
        self._class_names = Names(*self.reserved)
        self.name = class_name(model.name)
        block, name = blocks.of_model(model), model.name
        inside = block.nodes[0].operation if len(block.nodes) == 1 else None
        if self.unwraps and isinstance(inside, Model) and inside._plan is None:
            block, name = self.block_of(block.nodes[0]), type(inside).__name__
        self.root, self.scope = self.class_of(block, class_name(name), "")
        self.dtype = self._dtype_of_weights()
        if self.refused:
            raise PortError(model.name, self.refused)

    @classmethod
    def require(cls, who: str) -> None:
        """ImportError where a package is missing that runs what is written."""
        missing = [name for name in cls.needs if find_spec(name) is None]
        if missing:
            raise ImportError(
                f"{who} needs {' and '.join(missing)} to run what is written. Install with: "
                f"{from_here(cls.install)}"
            )

    @property
    def entries(self) -> list[Entry]:
        return self.scope.entries

    def _dtype_of_weights(self) -> str:
        """That of all floats among the weights."""
        given = [e.variable for e in self.entries if not isinstance(e.variable, np.ndarray)]
        found = {v.dtype for v in given if is_float(v.dtype)} or {"float32"}
        if len(found) > 1:
            self.refused.append(("", f"its weights are of several dtypes, {', '.join(found)}"))
        elif not found <= {"float16", "float32", "float64"}:
            self.refused.append(("", f"its weights are {found.pop()}, which NumPy does not have"))
        return min(found, default="float32")

    def _warn_of_dtypes(self, layer: Layer) -> None:
        """A warning where a layer computes in another dtype than its weights have."""
        policy = layer.dtype_policy
        if policy.compute_dtype != policy.variable_dtype:
            self.warn(
                f"{layer.name}: in unidl it computes in {policy.compute_dtype}, as written in the "
                "dtype of its weights"
            )

    def warn(self, text: str) -> None:
        if text not in self.warnings:
            self.warnings.append(text)

    def class_of(
        self,
        block: Any,
        name: str,
        path: str,
        names: dict[int, str] | None = None,
        first: bool = False,
    ) -> tuple[str, Scope]:
        """(name of the class that is written for `block`, its Scope).

        names: {id of an operation: the name of its attribute}, where it is not the operation's own.
        first: whether its input and output have their channels second.
        """
        if not self.takes_masks and not names:
            show_masks(block, self)
        scope = Scope(self, block, path, names, first)
        text = self.class_text(scope, "{name}")
        if text not in self.classes:
            self.classes[text] = self._class_names.new(self.title(name, block))
            self.texts.append(text.replace("{name}", self.classes[text], 1))
        return self.classes[text], scope

    def parts(self, block: Any) -> list[Any]:
        """The calls of a block, those that are repeated in one."""
        return grouped(block.nodes, block.outputs, block.of_masks)

    def expression(self, call: Call) -> str | None:
        operation = call.layer
        if isinstance(operation, Layer):
            self._warn_of_dtypes(operation)
            masks = call.masks()
            require_writable(operation, masks, call.scope.block.nodes)
            rule = self.rules.get(type(operation))
            if masks and type(operation) not in self.masked:
                rule = None
            if isinstance(operation, TimeDistributed) and isinstance(operation.layer, _ALONE):
                rule = self._of_each
            return self.nested(call) if rule is None else self._by_rule(rule, call)
        name = operation.function.__name__
        rule = self.functions.get(name)
        if rule is None:
            raise Refused(f"ops.{name} has no counterpart")
        try:
            return rule(call, *call.node.args, **call.node.kwargs)
        except TypeError as error:
            raise Refused(f"ops.{name} is called in a way that is not written: {error}") from None

    def _of_each(self, layer: Any, call: Call) -> str | None:
        """A TimeDistributed layer of one that does with each moment what it does with all."""
        inner = layer.layer
        rule = self.rules.get(type(inner))
        if rule is None:
            raise Refused("a layer for each moment")
        return rule(inner, call)

    def _by_rule(self, rule: Any, call: Call) -> str | None:
        """What the rule writes; where it refuses, what the layer's call() does."""
        state = call.scope.state()
        try:
            return rule(call.layer, call)
        except Refused as reason:
            call.scope.restore(state)
            call.first, refused = False, len(self.refused)
            try:
                text = self.nested(call)
            except Refused:
                raise reason from None
            if len(self.refused) > refused:
                del self.refused[refused:]
                raise
            return text

    def nested(self, call: Call) -> str:
        """A call of a model, or of a layer that has no rule, which becomes a class."""
        layer, node, scope = call.layer, call.node, call.scope
        if isinstance(layer, InputLayer):
            raise Refused("an input within a graph")
        block = self.block_of(node)
        outside = masks_within(block, node, scope.block.masks)
        self.hand_on(outside)
        is_model = type(layer) in (Functional, Sequential)
        wanted = layer.name if is_model else type(layer).__name__
        name, inner = self.class_of(block, class_name(wanted), f"{scope.path}{layer.name}/")
        me = scope.child(layer, f"{name}()", self.inner_entries(layer, inner))
        given = given_to(node) + [outside[id(t)] for t in inner.block.added]
        return f"{me}({', '.join(call.scope.value(t, first=False) for t in given)})"

    def hand_on(self, masks: dict[int, Any]) -> None:
        """What stands for masks in a class that is written next: {id there: the mask here}."""

    def block_of(self, node: Any) -> Any:
        layer = node.operation
        if getattr(layer, "_plan", None) is not None:
            return blocks.of_model(layer)
        if isinstance(layer, TimeDistributed):
            return blocks.of_moments(layer, node.inputs[0])
        if isinstance(layer, _SHAPES_ALONE):
            raise Refused(f"{type(layer).__name__} has no counterpart")
        kwargs = {k: v for k, v in node.kwargs.items() if k != "training"}
        return blocks.of_layer(layer, node.args, kwargs, self.trains)

    # What a framework says of itself.

    @abstractmethod
    def class_text(self, scope: Scope, name: str) -> str: ...

    @abstractmethod
    def file_text(self, stem: str) -> str:
        """The whole file, beside which lie the files `stem` and `stem`_check, with `suffix`."""

    @abstractmethod
    def weight(self, scope: Scope, name: str, variable: Any) -> list[str]: ...

    @abstractmethod
    def constant(self, scope: Scope, name: str, array: np.ndarray) -> list[str]: ...

    def kept(self, array: np.ndarray) -> np.ndarray:
        """A `constant` as the file of weights has it."""
        return array

    def constant_entry(self, scope: Scope, name: str) -> str:
        """What the file of weights calls the `constant` of that name."""
        return name

    def is_literal(self, array: np.ndarray) -> bool:
        """Whether an array that does not change is written out where it is used."""
        return array.size <= self.largest_literal and array.ndim <= 1

    @abstractmethod
    def small_constant(self, array: np.ndarray) -> str: ...

    @abstractmethod
    def child(
        self, scope: Scope, name: str, made: str, layer: Any, after: tuple[str, ...], is_once: bool
    ) -> tuple[str, list[str]]:
        """(what is called, the lines that make it): `made`, with the lines `after` it."""

    def title(self, name: str, block: Any) -> str:
        """The name, in camel case, as that of what `block` becomes."""
        return name

    def entry_name(self, name: str, layer: Any, inside: str) -> str:
        return f"{name}.{inside}"

    def inner_entries(self, layer: Any, inner: Scope) -> list[tuple]:
        """What a child that is a class of its own holds: (names in it, variable, rule)."""
        return [tuple(e) for e in inner.entries]

    def argument_names(self, block: Any) -> list[str]:
        return [identifier(n) for n in block.names]

    def keeps_inputs(self, block: Any) -> bool:
        """Whether the names of the inputs have to stay theirs."""
        return False

    def shares_names(self, block: Any) -> bool:
        """Whether arrays of the class and values of the call are names of one function."""
        return self.gives_weights

    @abstractmethod
    def children(self, name: str, kinds: list[str]) -> list[str]:
        """Lines that make a list of children of these classes, mostly one class."""

    def loop(self, children: str, given: list[str]) -> list[str]:
        """Lines that apply them one after the other to the first of what is given."""
        return [f"for block in {children}:", f"    {given[0]} = block({', '.join(given)})"]

    @abstractmethod
    def moved(self, name: str, rank: int, first: bool) -> str:
        """`name` with its last axis second, or back."""

    @abstractmethod
    def prove(self, source: str, twin: Any, weights: list[Weight], inputs: list) -> Proof:
        """How what `source` makes compares with `twin`, a model in float64 without dropout."""

    def defined(self, source: str) -> Any:
        """The class or function that makes the model, of a written file."""
        return getattr(loaded(source), self.root)

    @abstractmethod
    def native(self, found: Any) -> Any:
        """The live model that the source makes, with `found` as its attribute `exported`."""

    def arrays(self) -> Iterator[tuple[str, np.ndarray]]:
        """(name, numbers) of all that the written model holds, one weight at a time."""
        for names, variable, rule in self.entries:
            if isinstance(variable, np.ndarray):
                yield names[0], self.kept(variable)
            else:
                yield from Weight(names, variable, rule).take_out().items()

    def attribute(self, scope: Scope, name: str) -> str:
        """What the call names a child by."""
        return f"self.{name}"

    def held(self, scope: Scope, name: str) -> str:
        """What the call names an array by."""
        return f"self.{name}"

    def own_rule(self, variable: Any) -> Rule:
        """From the written layout of a weight that a layer's own code reads to unidl's."""
        return same

    def write(self, file: Any, arrays: Iterable[tuple[str, Any]]) -> None:
        """Arrays, also those that are made `Later`, in the format of files that end in `suffix`."""
        safetensors.write(file, arrays)

    def statement(self, target: str, expression: str, comment: str) -> list[str]:
        line = f"{target} = {expression}"
        behind = f"{line}  # {comment}"
        return [behind if comment and len(behind) + 8 <= WIDTH else line]

    def signature_text(self, scope: Scope) -> str:
        """A sentence with the shapes of inputs and outputs."""
        returned = graph.flatten_tensors(scope.block.outputs)
        inputs, outputs = (
            _shapes_text([shape_text(t.shape, scope.first) for t in tensors])
            for tensors in (scope.block.inputs, returned)
        )
        return f"{inputs} -> {outputs}."


def _shapes_text(shapes: list[str]) -> str:
    whole = ", ".join(shapes)
    return whole if len(whole) <= 40 else f"{len(shapes)} tensors such as {shapes[0]}"

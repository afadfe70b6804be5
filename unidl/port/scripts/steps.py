"""A block that records gradients becomes a function for `unidl.value_and_grad`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import libcst as cst

from unidl.port.scripts.calls import code
from unidl.port.scripts.names import VisitsNames
from unidl.port.scripts.rewriter import Rewriter
from unidl.port.scripts.source import NotPorted

FUNCTION = "forward"


@dataclass(frozen=True)
class Recorded:
    """What is known of a recording block.

    parameters: names that it reads before it assigns them, which become the function's. results:
    names that it assigns, and that are read elsewhere.
    """

    block: cst.IndentedBlock
    parameters: list[str]
    assigned: list[str]
    results: list[str]
    function: str


def recorded(node: cst.With, rewriter: Rewriter) -> Recorded:
    """Raises NotPorted where its body cannot become a function."""
    if not isinstance(node.body, cst.IndentedBlock):
        raise NotPorted("write the block on lines of its own")
    flow = _Flow()
    node.body.visit(flow)
    if flow.leaves:
        raise NotPorted(f"the block has a `{flow.leaves}`, which cannot leave a function")
    reads = _Reads()
    for statement in node.body.body:
        statement.visit(reads)
    around = _Loads(without=node)
    rewriter.function_around(node).visit(around)
    assigned = list(dict.fromkeys(reads.assigned))
    results = [name for name in assigned if name in around.names]
    free = around.names | around.stored
    name = FUNCTION if FUNCTION not in free else f"{FUNCTION}_pass"
    return Recorded(node.body, list(dict.fromkeys(reads.first_read)), assigned, results, name)


def function_of(found: Recorded, updated: cst.With, value: str) -> cst.BaseCompoundStatement:
    """`def forward():` with the ported body, which returns `value` and the results."""
    parameters = ", ".join(f"{name}={name}" for name in found.parameters)
    made: Any = cst.parse_statement(f"def {found.function}({parameters}):\n    pass\n")
    results = [name for name in found.results if name != value]
    returned = f"{value}, {_nest(results)}" if results else value
    body: Any = updated.body
    last = cst.parse_statement(f"return {returned}")
    return made.with_changes(
        body=body.with_changes(body=[*body.body, last]), leading_lines=updated.leading_lines
    )


def call_of(found: Recorded, value: str, gradients: str, variables: str) -> cst.BaseStatement:
    """The line that computes the loss and its gradients."""
    results = [name for name in found.results if name != value]
    left = value if value in found.results else "_"
    if "," in gradients and gradients[0] not in "([":
        gradients = f"({gradients})"
    if results:
        text = f"({left}, {_nest(results)}), {gradients} = unidl.value_and_grad("
        text += f"{found.function}, {variables}, has_aux=True)"
    else:
        text = f"{left}, {gradients} = unidl.value_and_grad({found.function}, {variables})"
    return cst.parse_statement(text)


def building(
    owner: str,
    updated: cst.With,
    found: Recorded,
    rewriter: Rewriter,
    methods: Sequence[str] = (),
) -> list[cst.BaseStatement]:
    """Lines that give a model its weights before their gradients are asked for: a model of one's
    own creates them in its first call, which would be inside the function. `methods` call it too.
    """
    if owner.startswith("self") or owner in known_as_built(rewriter):
        return []
    call = _CallOf({owner, *(f"{owner}.{name}" for name in methods)})
    updated.body.visit(call)
    if call.found is None:
        return []
    arguments = [
        argument.with_changes(comma=cst.MaybeSentinel.DEFAULT)
        for argument in call.found.args
        if argument.keyword is None or argument.keyword.value != "training"
    ]
    names = _Loads()
    for argument in arguments:
        argument.value.visit(names)
    if names.names & (set(found.assigned) - set(found.parameters)):
        return []
    inside = code(call.found.with_changes(args=arguments))
    return [cst.parse_statement(f"if not {owner}.built:\n    {inside}\n")]


def known_as_built(rewriter: Rewriter) -> set[str]:
    """Names of models that have their weights when they are created."""
    found = _Built(rewriter)
    rewriter.module.visit(found)
    return found.names


def loads_in(nodes: Iterable[cst.CSTNode]) -> set[str]:
    """The names that some statements read."""
    found = _Loads()
    for node in nodes:
        node.visit(found)
    return found.names


def stores_in(nodes: Iterable[cst.CSTNode]) -> set[str]:
    """The names that some statements assign."""
    found = _Loads()
    for node in nodes:
        node.visit(found)
    return found.stored


def _nest(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"({', '.join(names)})"


class _Flow(cst.CSTVisitor):
    """Statements that leave the block."""

    def __init__(self) -> None:
        self.leaves: str | None = None
        self._loops = 0

    def visit_FunctionDef(self, node: cst.FunctionDef) -> bool:
        return False

    def visit_Lambda(self, node: cst.Lambda) -> bool:
        return False

    def visit_For(self, node: cst.For) -> None:
        self._loops += 1

    def leave_For(self, original_node: cst.For) -> None:
        self._loops -= 1

    def visit_While(self, node: cst.While) -> None:
        self._loops += 1

    def leave_While(self, original_node: cst.While) -> None:
        self._loops -= 1

    def visit_Return(self, node: cst.Return) -> None:
        self.leaves = "return"

    def visit_Yield(self, node: cst.Yield) -> None:
        self.leaves = "yield"

    def visit_Global(self, node: cst.Global) -> None:
        self.leaves = "global"

    def visit_Nonlocal(self, node: cst.Nonlocal) -> None:
        self.leaves = "nonlocal"

    def visit_Break(self, node: cst.Break) -> None:
        self.leaves = self.leaves if self._loops else "break"

    def visit_Continue(self, node: cst.Continue) -> None:
        self.leaves = self.leaves if self._loops else "continue"


class _Loads(VisitsNames):
    """Names read and names assigned; what attributes and arguments are called is neither."""

    def __init__(self, without: cst.CSTNode | None = None) -> None:
        self.names: set[str] = set()
        self.stored: set[str] = set()
        self._without = without

    def on_visit(self, node: cst.CSTNode) -> bool:
        return super().on_visit(node) if node is not self._without else False

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        self.stored.add(node.name.value)

    def visit_Param(self, node: cst.Param) -> bool:
        if node.default is not None:
            node.default.visit(self)
        return False

    def visit_AssignTarget(self, node: cst.AssignTarget) -> bool:
        return self._target(node.target)

    def visit_For(self, node: cst.For) -> bool:
        node.iter.visit(self)
        self._target(node.target)
        node.body.visit(self)
        if node.orelse is not None:
            node.orelse.visit(self)
        return False

    def visit_AugAssign(self, node: cst.AugAssign) -> bool:
        node.value.visit(self)
        node.target.visit(self)
        return self._target(node.target)

    def visit_AsName(self, node: cst.AsName) -> bool:
        return self._target(node.name)

    def visit_Name(self, node: cst.Name) -> None:
        self.names.add(node.value)

    def _target(self, target: cst.CSTNode) -> bool:
        if isinstance(target, cst.Name):
            self.stored.add(target.value)
        elif isinstance(target, cst.Tuple | cst.List):
            for element in target.elements:
                self._target(element.value)
        else:
            target.visit(self)
        return False


class _Reads(_Loads):
    """In the order in which a block runs: what it assigns, and what of it it has read before."""

    def __init__(self) -> None:
        super().__init__()
        self.assigned: list[str] = []
        self.first_read: list[str] = []
        self._early: list[str] = []

    def visit_Assign(self, node: cst.Assign) -> bool:
        node.value.visit(self)
        for target in node.targets:
            self._target(target.target)
        return False

    def visit_Name(self, node: cst.Name) -> None:
        if node.value not in self.assigned:
            self._early.append(node.value)

    def _target(self, target: cst.CSTNode) -> bool:
        if isinstance(target, cst.Name):
            if target.value in self._early:
                self.first_read.append(target.value)
            self.assigned.append(target.value)
            return False
        return super()._target(target)


class _CallOf(cst.CSTVisitor):
    def __init__(self, functions: set[str]) -> None:
        self.functions = functions
        self.found: cst.Call | None = None

    def visit_Call(self, node: cst.Call) -> None:
        if self.found is None and code(node.func) in self.functions:
            self.found = node


class _Built(cst.CSTVisitor):
    """`name = Model(inputs, outputs)` or a Sequential that starts with an Input."""

    def __init__(self, rewriter: Rewriter) -> None:
        self.names: set[str] = set()
        self._rewriter = rewriter

    def visit_Assign(self, node: cst.Assign) -> None:
        value = node.value
        if not isinstance(value, cst.Call):
            return
        name = (self._rewriter.names.full(value.func) or "").rpartition(".")[2]
        text = code(value)
        built = (name == "Model" and value.args) or (
            name == "Sequential" and ("Input" in text or "input_shape" in text)
        )
        if built:
            self.names |= {code(target.target) for target in node.targets}

"""What a Gluon script tells about its own names, before anything is changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import libcst as cst
from libcst import matchers as m

import unidl
from unidl.port.scripts.calls import code
from unidl.port.scripts.source import NotPorted
from unidl_mxnet.port.scripts.initializers import GLUONS_OWN, initializer

BLOCKS = ("Block", "HybridBlock")
_CONTAINERS = ("Sequential", "HybridSequential")


class Facts(cst.CSTVisitor):
    """networks: expressions that are networks. classes: the script's own blocks. trainers:
    {trainer: its network}. functions: names by which `hybrid_forward` calls MXNet's
    functions. tensors: names of arrays. taken: attributes of the script's blocks that are
    properties of models in unidl. own: attributes of `self` in these blocks. starts: calls
    `super().__init__(...)` of theirs. sequences: networks that are layers one after the
    other. embeddings: names of Embeddings. initial: the code of the initializer for the
    weights of layers.
    """

    def __init__(
        self, full: Callable[[cst.CSTNode], str | None], is_piece: Callable[[Any], bool]
    ) -> None:
        self.full, self._is_piece = full, is_piece
        self.networks: set[str] = set()
        self.classes: set[str] = set()
        self.trainers: dict[str, str] = {}
        self.functions: set[str] = set()
        self.tensors: set[str] = set()
        self.losses: set[str] = set()
        self.taken: set[str] = set()
        self.own: set[cst.CSTNode] = set()
        self.starts: set[cst.CSTNode] = set()
        self.sequences: set[str] = set()
        self.embeddings: set[str] = set()
        self._initial: dict[str, cst.BaseExpression | None] = {}
        self._in_block: list[bool] = []
        self._parameters: dict[str, list[str]] = {}  # of the script's functions
        self._returned: dict[str, list[bool]] = {}  # of which parts are tensors that they return
        self._functions_around: list[str] = []

    def learn(self, module: cst.Module) -> None:
        """Goes through the script until nothing new is found: names may be used above the line
        that tells what they are, and go from function to function."""
        known = -1
        while known < self._count():
            known = self._count()
            module.visit(self)

    def _count(self) -> int:
        found = sum(map(len, (self.networks, self.trainers, self.tensors, self.losses)))
        return found + sum(map(sum, self._returned.values()))

    @property
    def initial(self) -> str | None:
        """None where the script initializes in several ways."""
        if len(self._initial) > 1:
            return None
        node = next(iter(self._initial.values()), None)
        return GLUONS_OWN if node is None else initializer(node)

    def visit_ClassDef(self, node: cst.ClassDef) -> None:
        self._in_block.append(False)
        bases = [self.full(base.value) or "" for base in node.bases]
        own = {code(base.value) for base in node.bases} & self.classes
        is_block = bool(own) or any(
            base.startswith("mxnet.") and base.rpartition(".")[2] in BLOCKS for base in bases
        )
        if is_block:
            self.classes.add(node.name.value)
        self._in_block[-1] = is_block

    def leave_ClassDef(self, original_node: cst.ClassDef) -> None:
        self._in_block.pop()

    def on_visit(self, node: cst.CSTNode) -> bool:
        is_piece = isinstance(node, cst.FunctionDef | cst.ClassDef) and self._is_piece(node)
        return super().on_visit(node) and not is_piece

    def leave_FunctionDef(self, original_node: cst.FunctionDef) -> None:
        self._functions_around.pop()

    def visit_Return(self, node: cst.Return) -> None:
        self._gives(node)

    def visit_Yield(self, node: cst.Yield) -> None:
        self._gives(node)

    def _gives(self, node: cst.Return | cst.Yield) -> None:
        if self._functions_around and isinstance(node.value, cst.BaseExpression):
            tensors = [self.makes_tensor(part) for part in _parts(node.value)]
            self._returned[self._functions_around[-1]] = tensors

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        self._functions_around.append(node.name.value)
        names = [parameter.name.value for parameter in node.params.params]
        self._parameters[node.name.value] = names
        if not self._in_block or not self._in_block[-1]:
            return
        if node.name.value == "hybrid_forward" and len(names) > 1:
            self.functions.add(names[1])
            self.tensors |= set(names[2:])
        elif node.name.value == "forward":
            self.tensors |= set(names[1:])

    def visit_Attribute(self, node: cst.Attribute) -> None:
        if self._in_block and self._in_block[-1] and code(node.value) == "self":
            self.own.add(node)

    def visit_Assign(self, node: cst.Assign) -> None:
        targets = [code(target.target) for target in node.targets]
        for assigned in node.targets:
            self._note_tensors(assigned.target, node.value)
            if self._in_block and self._in_block[-1]:
                self.taken |= _own_attributes(assigned.target) & _PROPERTIES
        if not isinstance(node.value, cst.Call):
            return
        full = self.full(node.value.func) or ""
        last = full.rpartition(".")[2]
        called = code(node.value.func)
        if (full.startswith("mxnet.gluon.") and last in _CONTAINERS) or called in self.classes:
            self.networks |= set(targets)
            self.sequences |= set(targets) if last in _CONTAINERS else set()
        elif full == "mxnet.gluon.Trainer" and node.value.args:
            network = _owner(node.value.args[0].value, "collect_params")
            if network:
                self.trainers |= dict.fromkeys(targets, network)
                self.networks.add(network)
        elif full == "mxnet.gluon.nn.Embedding":
            self.embeddings |= set(targets)
        elif full.startswith("mxnet.gluon.loss."):
            self.losses |= set(targets)

    def _note_tensors(self, target: cst.BaseExpression, value: cst.BaseExpression) -> None:
        """Of `x = ...` and `x, y = ...`."""
        if not isinstance(target, cst.Tuple | cst.List):
            if self.makes_tensor(value):
                self.tensors.add(code(target))
            return
        names = [code(element.value) for element in target.elements]
        found = [self.makes_tensor(part) for part in _parts(value)]
        if isinstance(value, cst.Call):
            found = self._returned.get(code(value.func), found)
        if len(found) == len(names):
            self.tensors |= {name for name, is_one in zip(names, found, strict=True) if is_one}
        elif self.makes_tensor(value):  # several at once, such as outputs and states
            self.tensors |= set(names)

    def visit_For(self, node: cst.For) -> None:
        """Over something that has a name, such as a loader: what it gives are batches."""
        target: Any = node.target
        source: Any = node.iter
        if isinstance(source, cst.Call) and code(source.func) == "enumerate" and source.args:
            source = source.args[0].value
            target = target.elements[1].value if isinstance(target, cst.Tuple) else None
        if target and isinstance(source, cst.Call) and code(source.func) in self._returned:
            self._note_tensors(target, source)
        if isinstance(source, cst.Name) and isinstance(target, cst.Tuple):
            self.tensors |= {code(element.value) for element in target.elements}

    def visit_With(self, node: cst.With) -> None:
        for item in node.items:
            if isinstance(item.item, cst.Call):
                full = self.full(item.item.func)
                if full == "mxnet.autograd.record":
                    collected = _Assigned()
                    node.body.visit(collected)
                    self.tensors |= collected.names

    def visit_Call(self, node: cst.Call) -> None:
        if self._in_block and self._in_block[-1] and m.matches(node.func, _START):
            self.starts.add(node)
        parameters = self._parameters.get(code(node.func), [])
        for place, argument in enumerate(node.args):
            if self.makes_tensor(argument.value):
                if argument.keyword is not None:
                    self.tensors |= {argument.keyword.value} & set(parameters)
                elif place < len(parameters):
                    self.tensors.add(parameters[place])
        network = _owner(node, "initialize")
        if network and self.full(node.func) is None:
            self.networks.add(network.removesuffix(".collect_params()"))
            given = [
                argument.value
                for place, argument in enumerate(node.args)
                if (place == 0 and argument.keyword is None)
                or (argument.keyword is not None and argument.keyword.value == "init")
            ]
            self._initial[code(given[0]) if given else ""] = given[0] if given else None

    def makes_tensor(self, node: cst.BaseExpression) -> bool:
        """Whether an expression gives an array of MXNet."""
        if isinstance(node, cst.Name):
            return node.value in self.tensors
        if isinstance(node, cst.BinaryOperation):
            return self.makes_tensor(node.left) or self.makes_tensor(node.right)
        if isinstance(node, cst.UnaryOperation):
            return self.makes_tensor(node.expression)
        if isinstance(node, cst.Comparison):
            return self.makes_tensor(node.left)
        if isinstance(node, cst.Subscript):
            return self.makes_tensor(node.value)
        if isinstance(node, cst.Attribute):
            return node.attr.value == "T" and self.makes_tensor(node.value)
        if isinstance(node, cst.Call):
            full = self.full(node.func) or ""
            called = code(node.func)
            if full.startswith(("mxnet.nd.", "mxnet.ndarray.")):
                return True
            if called in self.networks | self.losses or called.startswith("self."):
                return True
            network, _, method = called.rpartition(".")
            if network in self.networks and method in ("begin_state", "unroll"):
                return True
            if self._returned.get(called) == [True]:
                return True
            if isinstance(node.func, cst.Attribute):
                owner = node.func.value
                if node.func.attr.value in ("asnumpy", "asscalar"):
                    return False
                return code(owner) in self.functions or self.makes_tensor(owner)
        return False


_START = m.Attribute(m.Call(m.Name("super")), m.Name("__init__"))
_PROPERTIES = {
    name
    for name in dir(unidl.Model)
    if isinstance(there := getattr(unidl.Model, name, None), property) and there.fset is None
}


def _own_attributes(target: cst.BaseExpression) -> set[str]:
    """Names that `self.name = ...` assigns, alone or several at once."""
    if isinstance(target, cst.Tuple | cst.List):
        return set().union(*(_own_attributes(element.value) for element in target.elements))
    own = isinstance(target, cst.Attribute) and code(target.value) == "self"
    return {target.attr.value} if own and isinstance(target, cst.Attribute) else set()


def _parts(node: cst.BaseExpression) -> list[cst.BaseExpression]:
    """The elements of a tuple that is written out, else the expression alone."""
    if isinstance(node, cst.Tuple) and not any(
        isinstance(element, cst.StarredElement) for element in node.elements
    ):
        return [element.value for element in node.elements]
    return [node]


class _Assigned(cst.CSTVisitor):
    def __init__(self) -> None:
        self.names: set[str] = set()

    def visit_AssignTarget(self, node: cst.AssignTarget) -> None:
        if isinstance(node.target, cst.Name):
            self.names.add(node.target.value)


def _owner(node: cst.BaseExpression, method: str) -> str | None:
    """`x` of `x.method(...)`."""
    if (
        isinstance(node, cst.Call)
        and isinstance(node.func, cst.Attribute)
        and node.func.attr.value == method
    ):
        return code(node.func.value)
    return None


def network_of(trainer: str, facts: Facts) -> str:
    """The network whose weights a trainer has. Raises NotPorted."""
    if trainer in facts.trainers:
        return facts.trainers[trainer]
    if len(set(facts.trainers.values())) == 1:  # a function's parameter
        return next(iter(facts.trainers.values()))
    raise NotPorted(f"of which network {trainer!r} has the weights shows only when it runs")

"""What a Gluon script tells about its own names, before anything is changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import libcst as cst

from unidl.port.scripts.calls import code
from unidl.port.scripts.source import NotPorted
from unidl_mxnet.port.scripts.initializers import GLUONS_OWN, initializer

BLOCKS = ("Block", "HybridBlock")
_CONTAINERS = ("Sequential", "HybridSequential")


class Facts(cst.CSTVisitor):
    """networks: expressions that are networks. classes: the script's own blocks. trainers:
    {trainer: its network}. functions: names by which `hybrid_forward` calls MXNet's functions.
    tensors: names of arrays. initial: the code of the initializer for the weights of layers.
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
        self._initial: dict[str, cst.BaseExpression | None] = {}
        self._in_block: list[bool] = []

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

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        if not self._in_block or not self._in_block[-1]:
            return
        names = [parameter.name.value for parameter in node.params.params]
        if node.name.value == "hybrid_forward" and len(names) > 1:
            self.functions.add(names[1])
            self.tensors |= set(names[2:])
        elif node.name.value == "forward":
            self.tensors |= set(names[1:])

    def visit_Assign(self, node: cst.Assign) -> None:
        targets = [code(target.target) for target in node.targets]
        if not isinstance(node.value, cst.Call):
            return
        full = self.full(node.value.func) or ""
        last = full.rpartition(".")[2]
        called = code(node.value.func)
        if (full.startswith("mxnet.gluon.") and last in _CONTAINERS) or called in self.classes:
            self.networks |= set(targets)
        elif full == "mxnet.gluon.Trainer" and node.value.args:
            network = _owner(node.value.args[0].value, "collect_params")
            if network:
                self.trainers |= dict.fromkeys(targets, network)
                self.networks.add(network)
        elif full.startswith("mxnet.gluon.loss."):
            self.losses |= set(targets)
        elif full.startswith(("mxnet.nd.", "mxnet.ndarray.")) or self.makes_tensor(node.value):
            self.tensors |= set(targets)

    def visit_For(self, node: cst.For) -> None:
        """Over something that has a name, such as a loader: what it gives are batches."""
        target: Any = node.target
        source: Any = node.iter
        if isinstance(source, cst.Call) and code(source.func) == "enumerate" and source.args:
            source = source.args[0].value
            target = target.elements[1].value if isinstance(target, cst.Tuple) else None
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
        if isinstance(node, cst.Call):
            full = self.full(node.func) or ""
            called = code(node.func)
            if full.startswith(("mxnet.nd.", "mxnet.ndarray.")):
                return True
            if called in self.networks | self.losses or called.startswith("self."):
                return True
            if isinstance(node.func, cst.Attribute):
                owner = node.func.value
                if node.func.attr.value in ("asnumpy", "asscalar"):
                    return False
                return code(owner) in self.functions or self.makes_tensor(owner)
        return False


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

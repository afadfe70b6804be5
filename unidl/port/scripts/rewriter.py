"""Goes through a script and asks the tables what each name of a framework becomes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import libcst as cst
from libcst.metadata import (
    ExpressionContext,
    ExpressionContextProvider,
    MetadataWrapper,
    ParentNodeProvider,
    PositionProvider,
)

from unidl.port.scripts.blocks import as_marked, marked, tidied
from unidl.port.scripts.calls import expression
from unidl.port.scripts.names import Names
from unidl.port.scripts.ported import Kept
from unidl.port.scripts.source import NotPorted, Source

Statement = cst.SimpleStatementLine | cst.BaseCompoundStatement


class Rewriter(cst.CSTTransformer):
    """Everything but the imports, which follow when it is known what is still in use.

    kept: what was not ported so far. calls, calls_kept: how many calls of a framework there were,
    and how many stay.
    """

    def __init__(self, wrapper: MetadataWrapper, names: Names, by_root: dict[str, Source]) -> None:
        super().__init__()
        self.names, self.by_root = names, by_root
        self.sources = list(dict.fromkeys(by_root.values()))
        self.positions = wrapper.resolve(PositionProvider)
        self.module = wrapper.module
        self.kept: list[Kept] = []
        self.calls = self.calls_kept = 0
        self.still_used: set[str] = set()  # names of imports, in what stays
        self.needed: dict[str, list[str]] = {}
        self._parents = wrapper.resolve(ParentNodeProvider)
        self._contexts = wrapper.resolve(ExpressionContextProvider)
        self._called: set[cst.CSTNode] = set()
        # For each statement around: what of it was not ported.
        self._notes: list[list[Kept]] = [[]]
        self._accepted: set[cst.CSTNode] = set()
        self._reasons: dict[cst.CSTNode, str] = {}
        self._replaced: dict[cst.CSTNode, Callable[[Any], list[Any]]] = {}

    # What tables ask and tell.

    def replace(self, statement: cst.CSTNode, by: Callable[[Any], list[Any]]) -> None:
        """`by(the ported statement)` returns what takes the place of a statement."""
        self._replaced[statement] = by

    def function_around(self, node: cst.CSTNode) -> cst.CSTNode:
        """The function in which a node is, or the module."""
        while not isinstance(node, cst.Module):
            node = self._parents[node]
            if isinstance(node, cst.FunctionDef):
                break
        return node

    def is_within(self, node: cst.CSTNode, calls: Sequence[str]) -> bool:
        """Whether a node is part of a call of something with one of these last names."""
        while not isinstance(node, Statement):
            node = self._parents[node]
            if isinstance(node, cst.Call) and _ending(node.func).lstrip(".") in calls:
                return True
        return False

    def only_own_names(self, *nodes: cst.CSTNode) -> None:
        """Raises NotPorted where code that is copied as it is would use a framework."""
        for node in nodes:
            found = _FrameworkNames(self.names)
            node.visit(found)
            if found.name:
                raise NotPorted(f"compute what uses {found.name} on a line before")

    def need(self, name: str, home: str) -> None:
        """The ported script gets a copy of a function or class of the module `home`."""
        self.needed.setdefault(home, []).append(name)

    def accept(self, call: cst.CSTNode) -> None:
        """A call of a framework that a replaced statement takes along."""
        self._accepted.add(call)

    def explain(self, statement: cst.CSTNode, reason: str) -> None:
        """Why a statement is not ported as a whole, where a name in it says less."""
        self._reasons[statement] = reason

    def keep(self, name: str, reason: str, node: cst.CSTNode, is_call: bool = False) -> None:
        """Mark the statement around as not ported."""
        self._notes[-1].append(Kept(self.positions[node].start.line, name, reason))
        self.calls_kept += is_call

    def note_kept(self, node: cst.CSTNode, name: str, reason: str) -> None:
        """Of an import, which is marked elsewhere."""
        self.kept.append(Kept(self.positions[node].start.line, name, reason))

    def comments_above(self, statement: cst.CSTNode) -> list[str]:
        """Those that libcst gives to the module and not to its first statement."""
        if not self.module.body or statement is not self.module.body[0]:
            return []
        return [line.comment.value for line in self.module.header if line.comment is not None]

    def count_call(self) -> None:
        self.calls += 1

    def source_of(self, full: str) -> Source:
        return self.by_root[full.partition(".")[0]]

    def written(self, full: str, node: cst.CSTNode) -> cst.CSTNode | None:
        """The expression for a framework's name, None where that at hand stays right: the import
        that it comes from will bring unidl's. Raises NotPorted."""
        path = self.source_of(full).target(full)
        if path is None:
            raise NotPorted("unidl has no such package; write out what is used of it")
        bound = self.names.bindings.get(_first_name(node))
        if bound is not None:
            try:
                start = self.source_of(bound).target(bound)
            except NotPorted:
                start = None
            if start and path == f"{start}{full[len(bound) :]}":
                return None
        return expression(f"unidl.{path}" if path else "unidl")

    # Names.

    def visit_Import(self, node: cst.Import) -> bool:
        return False

    def visit_ImportFrom(self, node: cst.ImportFrom) -> bool:
        return False

    def visit_FunctionDef(self, node: cst.FunctionDef) -> bool:
        return not self.is_piece(node)

    def visit_ClassDef(self, node: cst.ClassDef) -> bool:
        return not self.is_piece(node)

    def is_piece(self, node: cst.FunctionDef | cst.ClassDef) -> bool:
        """Whether an earlier run brought it."""
        at_top = isinstance(self._parents[node], cst.Module)
        return at_top and any(node.name.value in source.pieces for source in self.sources)

    def visit_Decorator(self, node: cst.Decorator) -> bool:
        return not self._is_dropped(node)

    def leave_Decorator(self, original_node: Any, updated_node: Any) -> Any:
        return cst.RemoveFromParent() if self._is_dropped(original_node) else updated_node

    def _is_dropped(self, node: cst.Decorator) -> bool:
        inner = node.decorator
        full = self.names.full(inner.func if isinstance(inner, cst.Call) else inner)
        return full is not None and full in self.source_of(full).dropped_decorators

    def visit_Call(self, node: cst.Call) -> None:
        if self._full(node.func) is not None:
            self._called.add(node.func)

    def visit_Attribute(self, node: cst.Attribute) -> bool:
        return self._full(node) is None

    def leave_Attribute(self, original_node: Any, updated_node: Any) -> Any:
        for source in self.sources:
            made = source.attribute(original_node, updated_node)
            if made is not None:
                return made
        return self._reference(original_node, updated_node)

    def leave_Name(self, original_node: Any, updated_node: Any) -> Any:
        return self._reference(original_node, updated_node)

    def leave_SimpleString(self, original_node: Any, updated_node: Any) -> Any:
        for source in self.sources:
            found = source.reference(original_node.value)
            if found is not None:
                return expression(found)
        return updated_node

    def leave_Call(self, original_node: Any, updated_node: Any) -> Any:
        full = self._full(original_node.func)
        try:
            if full is None and original_node in self._accepted:
                return updated_node
            if full is None:
                for source in self.sources:
                    found = source.method(original_node, updated_node, self)
                    if found is not None:
                        return found
                return updated_node
            self.count_call()
            if original_node in self._accepted:
                return updated_node
            made = self.source_of(full).call(full, updated_node, self)
            if made is not None:
                return made
            function = self.written(full, original_node.func)
            if function is None:
                self.still_used.add(_first_name(original_node.func))
                return updated_node
            return updated_node.with_changes(func=function)
        except NotPorted as why:
            name = full or _ending(original_node.func)
            self.keep(name, str(why), original_node, is_call=True)
            self.still_used.add(_first_name(original_node.func))
            return updated_node

    def _reference(self, node: Any, updated: Any) -> Any:
        full = None if node in self._called else self._full(node)
        if full is None:
            return updated
        try:
            code = self.source_of(full).reference(full)
            made = expression(code) if code is not None else self.written(full, node)
        except NotPorted as why:
            self.keep(full, str(why), node)
            made = None
        if made is None:
            self.still_used.add(_first_name(node))
        return updated if made is None else made

    def _full(self, node: cst.CSTNode) -> str | None:
        """The framework's name that an expression reads."""
        if not _is_chain(node) or self._contexts.get(node) is not ExpressionContext.LOAD:
            return None
        return self.names.full(node)

    # Statements.

    def on_visit(self, node: cst.CSTNode) -> bool:
        if isinstance(node, Statement):
            self._notes.append([])
            for source in self.sources:
                source.enter(node, self)
        if isinstance(node, cst.Module | cst.IndentedBlock):
            for source in self.sources:
                source.block(node.body, self)
        return super().on_visit(node)

    def on_leave(self, original_node: Any, updated_node: Any) -> Any:
        updated: Any = super().on_leave(original_node, updated_node)
        if isinstance(original_node, Statement) and isinstance(updated, Statement):
            return self._statement(original_node, updated)
        if isinstance(updated, cst.Module | cst.IndentedBlock):
            return tidied(updated)
        return updated

    def _statement(self, original: Any, updated: Any) -> Any:
        by = self._replaced.get(original)
        try:
            made = by(updated) if by else updated
            for source in self.sources if by is None else ():
                made = source.statement(original, made, self)
        except NotPorted as why:
            self.keep(type(original).__name__.lower(), str(why), original)
            made = updated
        for source in self.sources:
            source.leave(original, self)
        notes = self._notes.pop()
        if original in self._reasons:
            notes = [replace(note, reason=self._reasons[original]) for note in notes]
        above = self.comments_above(original)
        notes = as_marked(notes, original, above)
        self.kept += notes
        several: Sequence[Any] = made if isinstance(made, list) else [made]
        if notes and several:
            several = [marked(several[0], notes, above), *several[1:]]
        return several[0] if len(several) == 1 else cst.FlattenSentinel(several)


class _FrameworkNames(cst.CSTVisitor):
    def __init__(self, names: Names) -> None:
        self.names = names
        self.name: str | None = None

    def visit_Name(self, node: cst.Name) -> None:
        self.name = self.name or self.names.full(node)


def _is_chain(node: cst.CSTNode) -> bool:
    """Whether it is `a.b.c`; a call in between makes it something else."""
    while isinstance(node, cst.Attribute):
        node = node.value
    return isinstance(node, cst.Name)


def _first_name(node: cst.CSTNode) -> str:
    while isinstance(node, cst.Attribute):
        node = node.value
    return node.value if isinstance(node, cst.Name) else ""


def _ending(node: cst.CSTNode) -> str:
    return f".{node.attr.value}" if isinstance(node, cst.Attribute) else _first_name(node)

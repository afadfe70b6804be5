"""Which name of a framework stands behind an expression of a script."""

from __future__ import annotations

from collections.abc import Container

import libcst as cst
from libcst.helpers import get_full_name_for_node
from libcst.metadata import MetadataWrapper, QualifiedNameProvider, QualifiedNameSource


class Names:
    """Of one script. `bindings` are the names that imports make, and those that are assigned a name
    of a framework at the top of the script, as in `layers = framework.layers`: each with what it
    stands for."""

    def __init__(self, wrapper: MetadataWrapper, roots: Container[str]) -> None:
        self.roots = roots
        self._found = wrapper.resolve(QualifiedNameProvider)
        self.bindings: dict[str, str] = {}
        collector = _Imports()
        wrapper.module.visit(collector)
        for local, full in collector.bindings:
            if full.partition(".")[0] in roots:
                self.bindings[local] = full
        self.of_imports = frozenset(self.bindings)
        for statement in wrapper.module.body:
            self._note_alias(statement)

    def full(self, node: cst.CSTNode) -> str | None:
        """The dotted name in the framework, or None where it is something else."""
        found = self._found.get(node, ())
        if callable(found):
            found = found()
        for name in sorted(found, key=lambda one: one.name):
            root, _, rest = name.name.partition(".")
            if name.source is QualifiedNameSource.IMPORT and root in self.roots:
                return name.name
            if name.source is QualifiedNameSource.LOCAL and root in self.bindings:
                return f"{self.bindings[root]}.{rest}".rstrip(".")
        return None

    def _note_alias(self, statement: cst.CSTNode) -> None:
        if not isinstance(statement, cst.SimpleStatementLine):
            return
        for small in statement.body:
            if (
                isinstance(small, cst.Assign)
                and len(small.targets) == 1
                and isinstance(small.targets[0].target, cst.Name)
                and isinstance(small.value, cst.Attribute)
            ):
                full = self.full(small.value)
                if full is not None:
                    self.bindings.setdefault(small.targets[0].target.value, full)


class _Imports(cst.CSTVisitor):
    def __init__(self) -> None:
        self.bindings: list[tuple[str, str]] = []

    def visit_Import(self, node: cst.Import) -> None:
        for alias in node.names:
            full = get_full_name_for_node(alias.name) or ""
            if alias.asname is not None:
                self.bindings.append((local_name(alias), full))
            else:
                top = full.partition(".")[0]
                self.bindings.append((top, top))

    def visit_ImportFrom(self, node: cst.ImportFrom) -> None:
        if node.module is None or node.relative or isinstance(node.names, cst.ImportStar):
            return
        home = get_full_name_for_node(node.module)
        for alias in node.names:
            self.bindings.append((local_name(alias), f"{home}.{alias.evaluated_name}"))


def local_name(alias: cst.ImportAlias) -> str:
    """The name that an import makes."""
    return alias.evaluated_alias or alias.evaluated_name.partition(".")[0]


class VisitsNames(cst.CSTVisitor):
    """Comes to names alone: what attributes and arguments are called is none."""

    def visit_Attribute(self, node: cst.Attribute) -> bool:
        node.value.visit(self)
        return False

    def visit_Arg(self, node: cst.Arg) -> bool:
        node.value.visit(self)
        return False

"""The import statements of a script whose names have been ported."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import libcst as cst
from libcst.helpers import get_full_name_for_node

from unidl.port.scripts.blocks import gone, marked, tidied
from unidl.port.scripts.names import VisitsNames, local_name
from unidl.port.scripts.ported import Kept
from unidl.port.scripts.rewriter import Rewriter
from unidl.port.scripts.source import NotPorted


def rewrite_imports(module: cst.Module, rewriter: Rewriter) -> cst.Module:
    """Imports of the frameworks become unidl's; those whose names are no longer used disappear."""
    before, after = _Used(), _Used()
    rewriter.module.visit(before)
    module.visit(after)
    importer = _Importer(rewriter, before.names, rewriter.still_used)
    importer.needs_root = "unidl" in after.names and "unidl" not in after.imported
    module = module.visit(importer)
    return _with_root(tidied(module)) if importer.needs_root else tidied(module)


class _Used(VisitsNames):
    """The names in a script outside its imports."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.imported: set[str] = set()

    def visit_Import(self, node: cst.Import) -> bool:
        self.imported |= {local_name(alias) for alias in node.names}
        return False

    def visit_ImportFrom(self, node: cst.ImportFrom) -> bool:
        return False

    def visit_Name(self, node: cst.Name) -> None:
        self.names.add(node.value)


class _Importer(cst.CSTTransformer):
    def __init__(self, rewriter: Rewriter, before: set[str], after: set[str]) -> None:
        super().__init__()
        self.rewriter, self.before, self.after = rewriter, before, after
        self.needs_root = False  # `import unidl`, which no line has brought yet
        # Those of the first statement belong to the module.
        self.comments_above = [
            line.comment.value for line in rewriter.module.header if line.comment is not None
        ]
        self._depth = 0

    def visit_IndentedBlock(self, node: cst.IndentedBlock) -> None:
        self._depth += 1

    def leave_IndentedBlock(self, original_node: Any, updated_node: Any) -> Any:
        self._depth -= 1
        return tidied(updated_node)

    def leave_SimpleStatementLine(self, original_node: Any, updated_node: Any) -> Any:
        if not any(self._is_of_frameworks(small) for small in original_node.body):
            return updated_node
        lines: list[str] = []
        kept: list[Any] = []
        if self.needs_root and self._depth == 0:
            lines.append("import unidl")
            self.needs_root = False
        notes: list[Kept] = []
        for small in original_node.body:
            if not self._is_of_frameworks(small):
                kept.append(small)
            elif isinstance(small, cst.Import):
                self._plain(small, lines, kept, notes)
            else:
                self._from(small, lines, kept, notes)
        made = [cst.parse_statement(line) for line in lines]
        if kept:
            last = kept[-1].with_changes(semicolon=cst.MaybeSentinel.DEFAULT)
            there = original_node.leading_lines
            above = self.comments_above
            line = marked(
                cst.SimpleStatementLine([*kept[:-1], last], leading_lines=there), notes, above
            )
            made.append(line.with_changes(leading_lines=line.leading_lines[len(there) :]))
        if not made:
            made = [gone(original_node)]
        else:
            above = original_node.leading_lines
            made[0] = made[0].with_changes(leading_lines=[*above, *made[0].leading_lines])
            trailing = original_node.trailing_whitespace
            made[-1] = made[-1].with_changes(trailing_whitespace=trailing)
        return cst.FlattenSentinel(made)

    def _is_of_frameworks(self, small: cst.CSTNode) -> bool:
        names = []
        if isinstance(small, cst.Import):
            names = [get_full_name_for_node(alias.name) or "" for alias in small.names]
        elif isinstance(small, cst.ImportFrom) and small.module is not None and not small.relative:
            names = [get_full_name_for_node(small.module) or ""]
        return any(name.partition(".")[0] in self.rewriter.by_root for name in names)

    def _plain(self, small: cst.Import, lines: list[str], kept: list[Any], notes: Any) -> None:
        stay = []
        for alias in small.names:
            full = get_full_name_for_node(alias.name) or ""
            if full.partition(".")[0] not in self.rewriter.by_root:
                stay.append(alias)
            elif alias.asname is None:
                if local_name(alias) in self.after:
                    stay.append(alias)
            else:
                line, keeps = self._one(full, local_name(alias), small, notes)
                lines += [line] if line else []
                stay += [alias] if keeps else []
        if stay:
            kept.append(small.with_changes(names=_without_last_comma(stay)))

    def _from(self, small: cst.ImportFrom, lines: list[str], kept: list[Any], notes: Any) -> None:
        home = get_full_name_for_node(small.module) if small.module else ""
        if isinstance(small.names, cst.ImportStar):
            reason = "a star import hides which names are used. Import them by name"
            self._note(small, f"from {home} import *", reason, notes)
            kept.append(small)
            return
        stay = []
        for alias in small.names:
            full = f"{home}.{alias.evaluated_name}"
            line, keeps = self._one(full, local_name(alias), small, notes)
            if line:
                _append_import(lines, line)
            stay += [alias] if keeps else []
        if len(stay) == len(small.names):
            kept.append(small)
        elif stay:
            # Parentheses may have come for the length of the line; they are no longer needed.
            text = ", ".join(_alias_code(alias) for alias in stay)
            kept.append(cst.parse_statement(f"from {home} import {text}").body[0])  # type: ignore

    def _note(self, node: Any, name: str, reason: str, notes: list[Kept]) -> None:
        self.rewriter.note_kept(node, name, reason)
        notes.append(self.rewriter.kept[-1])

    def _one(self, full: str, local: str, node: Any, notes: Any) -> tuple[str | None, bool]:
        """(the line that takes an import's place, whether the import stays)."""
        used = local in self.after
        if not used and local in self.before:
            return None, False
        try:
            path = self.rewriter.source_of(full).target(full)
        except NotPorted as why:
            self._note(node, full, str(why), notes)
            return None, True
        if not path:
            return None, used
        parent, _, name = path.rpartition(".")
        renamed = name if name == local else f"{name} as {local}"
        return f"from {f'unidl.{parent}'.rstrip('.')} import {renamed}", False


def _append_import(lines: list[str], line: str) -> None:
    """Names of one module share a line, as long as that is not too long."""
    start, _, name = line.partition(" import ")
    if lines and lines[-1].startswith(f"{start} import ") and len(lines[-1]) + len(name) < 98:
        lines[-1] += f", {name}"
    else:
        lines.append(line)


def _alias_code(alias: cst.ImportAlias) -> str:
    name = alias.evaluated_name
    return f"{name} as {alias.evaluated_alias}" if alias.asname else name


def _without_last_comma(aliases: Sequence[cst.ImportAlias]) -> list[cst.ImportAlias]:
    return [*aliases[:-1], aliases[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)]


def _with_root(module: cst.Module) -> cst.Module:
    """With `import unidl` before all other code."""
    body = list(module.body)
    place = 0
    while place < len(body) and _stays_first(body[place], place):
        place += 1
    return module.with_changes(
        body=[*body[:place], cst.parse_statement("import unidl"), *body[place:]]
    )


def _stays_first(statement: Any, place: int) -> bool:
    """A docstring or an import from `__future__`."""
    if not isinstance(statement, cst.SimpleStatementLine):
        return False
    small = statement.body[0]
    if isinstance(small, cst.ImportFrom) and small.module is not None:
        return get_full_name_for_node(small.module) == "__future__"
    return place == 0 and isinstance(small, cst.Expr) and isinstance(small.value, cst.SimpleString)

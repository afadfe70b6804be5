"""Functions and classes that a ported script gets a copy of, since unidl has nothing like them."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import libcst as cst

from unidl.port.scripts.rewriter import Rewriter
from unidl.port.scripts.steps import loads_in


def with_pieces(module: cst.Module, rewriter: Rewriter) -> cst.Module:
    """The script with what it needs behind its imports; what it has already it keeps."""
    body: list[Any] = list(module.body)
    there = {one.name.value for one in body if isinstance(one, cst.FunctionDef | cst.ClassDef)}
    for home, names in rewriter.needed.items():
        imports, pieces = _of_module(home)
        wanted = _closed(names, pieces)
        used = loads_in(pieces[name] for name in wanted)
        made = [piece for name, piece in pieces.items() if name in wanted and name not in there]
        place = _behind_imports(body, {piece.name.value for piece in made})
        above = [
            line
            for local, line in imports.items()
            if local in used and not _is_imported(local, body[:place])
        ]
        body[place:place] = [*above, *made]
    return module.with_changes(body=body)


def _of_module(home: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """({local name: its import}, {name: function or class}) of a module, read but not run."""
    found = find_spec(home)
    assert found is not None
    assert found.origin is not None
    tree = cst.parse_module(Path(found.origin).read_text(encoding="utf-8"))
    imports: dict[str, Any] = {}
    pieces: dict[str, Any] = {}
    for statement in tree.body:
        if isinstance(statement, cst.FunctionDef | cst.ClassDef):
            pieces[statement.name.value] = statement
        elif isinstance(statement, cst.SimpleStatementLine):
            small = statement.body[0]
            if isinstance(small, cst.Import):
                alias = small.names[0]
                local = alias.evaluated_alias or alias.evaluated_name
                imports[local] = statement.with_changes(leading_lines=[])
    imports.pop("unidl", None)  # comes with the other imports
    return imports, pieces


def _closed(names: list[str], pieces: dict[str, Any]) -> set[str]:
    """With what they call in turn."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += loads_in([pieces[name]]) & pieces.keys()
    return found


def _behind_imports(body: list[Any], names: set[str]) -> int:
    """Behind the last import, but above the first statement that uses one of the names."""
    last = 0
    for place, statement in enumerate(body):
        if names & loads_in([statement]):
            break
        if isinstance(statement, cst.SimpleStatementLine) and isinstance(
            statement.body[0], cst.Import | cst.ImportFrom
        ):
            last = place + 1
    return last


def _is_imported(local: str, body: list[Any]) -> bool:
    for statement in body:
        if isinstance(statement, cst.SimpleStatementLine):
            for small in statement.body:
                if isinstance(small, cst.Import) and any(
                    (alias.evaluated_alias or alias.evaluated_name) == local
                    for alias in small.names
                ):
                    return True
    return False

"""Statements that disappear, and remarks above those that stay."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import libcst as cst

from unidl.port.scripts.ported import Kept

_GONE = "__unidl_port_gone__"
MARK = "# unidl port: "


def gone(statement: Any) -> cst.SimpleStatementLine:
    """Takes the place of a statement that disappears, until its block is complete: the comments
    above it stay."""
    return cst.SimpleStatementLine(
        [cst.Expr(cst.Name(_GONE))], leading_lines=statement.leading_lines
    )


def tidied(block: Any) -> Any:
    """A block or module without what is gone; `pass` where nothing is left."""
    if not any(_is_gone(statement) for statement in block.body):
        return block
    body: list[Any] = []
    waiting: list[Any] = []
    for statement in block.body:
        if _is_gone(statement):
            waiting += [line for line in statement.leading_lines if line.comment is not None]
        else:
            lines = [*waiting, *statement.leading_lines]
            body.append(statement.with_changes(leading_lines=lines) if waiting else statement)
            waiting = []
    if not body and isinstance(block, cst.IndentedBlock):
        body = [cst.SimpleStatementLine([cst.Pass()])]
    return block.with_changes(body=body, footer=[*waiting, *block.footer])


def marked(statement: Any, notes: Iterable[Kept], above: Iterable[str] = ()) -> Any:
    """With a comment for each note, unless it is there, or `above`, from an earlier run."""
    there = {line.comment.value for line in statement.leading_lines if line.comment is not None}
    there |= set(above)
    comments = dict.fromkeys(MARK + " ".join(f"{n.name}: {n.reason}".split()) for n in notes)
    lines = [cst.EmptyLine(comment=cst.Comment(text)) for text in comments if text not in there]
    return statement.with_changes(leading_lines=[*statement.leading_lines, *lines])


def as_marked(notes: list[Kept], statement: Any, above: Iterable[str]) -> list[Kept]:
    """The notes, with the reasons that an earlier run gave: it saw more of the script."""
    lines = [line.comment.value for line in statement.leading_lines if line.comment is not None]
    marks = (line.removeprefix(MARK).partition(": ") for line in (*lines, *above) if MARK in line)
    reasons = {name: reason for name, _, reason in marks}
    return [replace(note, reason=reasons.get(note.name, note.reason)) for note in notes]


def marks_in(text: str) -> list[Kept]:
    """What earlier runs have kept."""
    lines = text.splitlines()
    found = []
    for place, line in enumerate(lines):
        if line.strip().startswith(MARK):
            name, _, reason = line.strip().removeprefix(MARK).partition(": ")
            below = place + 1
            while below < len(lines) and lines[below].strip().startswith("#"):
                below += 1
            found.append(Kept(below + 1, name, reason))
    return found


def _is_gone(statement: Any) -> bool:
    return (
        isinstance(statement, cst.SimpleStatementLine)
        and len(statement.body) == 1
        and isinstance(statement.body[0], cst.Expr)
        and isinstance(statement.body[0].value, cst.Name)
        and statement.body[0].value.value == _GONE
    )

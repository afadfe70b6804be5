"""Notebooks: their code cells are ported as one script, and become cells again."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import Any

from unidl.port.scripts.blocks import MARK
from unidl.port.scripts.files import LARGEST, CannotRead
from unidl.port.scripts.magics import Aside, cell_magic
from unidl.port.scripts.ported import Kept, Ported
from unidl.port.scripts.whole import framework_names, mentioned, port_whole

_BORDER = "__unidl_port_border__"  # a statement, since comments may move with what they are above


@dataclass(frozen=True)
class _Cell:
    """number: its place in the notebook, from 1. magic: the line above the code. code: None where
    it is no Python, for the reason `kept`."""

    number: int
    magic: str
    code: str | None
    kept: Kept | None = None


def port_notebook(text: str) -> Ported:
    """The notebook `text`, a file of nbformat 4, ported as far as it goes: `text` of the result is
    a notebook too, without outputs. What is kept has the number of its cell, from 1.

    Raises CannotRead, a ValueError, where it is no notebook with Python.
    """
    notebook = _read(text)
    aside = Aside()
    cells = [
        _cell(number, source_of(cell), aside)
        for number, cell in enumerate(notebook["cells"], 1)
        if cell["cell_type"] == "code"
    ]
    with_code = [cell for cell in cells if cell.code is not None]
    script, places = _joined(with_code)
    found = port_whole(script)
    whole = "".join(source_of(cell) for cell in notebook["cells"] if cell["cell_type"] == "code")
    if not mentioned(whole) and MARK not in whole:
        return Ported(text, text)
    ported, timed = _with_marked_magics(found.text, script, aside)
    parts = ported.split(f"{_BORDER}\n") if with_code else []
    new = [aside.with_magics(part) for part in parts]
    written = {
        cell.number: cell.magic + _as_before(source_of(notebook["cells"][cell.number - 1]), part)
        for cell, part in zip(with_code, new, strict=True)
    }
    unread = [cell.kept for cell in cells if cell.kept is not None]
    for one in unread:
        assert one.cell is not None
        written[one.cell] = _marked(source_of(notebook["cells"][one.cell - 1]), one)
    kept = [_in_cell(one, places) for one in {*found.kept, *timed}]
    every = sorted([*kept, *unread], key=lambda one: (one.cell, one.line, one.name))
    if all(source_of(notebook["cells"][n - 1]) == code for n, code in written.items()):
        return Ported(text, text, every, found.calls, found.ported)
    _write(notebook, written)
    return Ported(text, _dumped(notebook, text), every, found.calls, found.ported)


def code_of(text: str) -> str:
    """The code cells of a notebook, one below the other, for showing differences."""
    cells = enumerate(_read(text)["cells"], 1)
    parts = [(n, source_of(cell)) for n, cell in cells if cell["cell_type"] == "code"]
    return "\n".join(f"# Cell {number}\n{source}\n" for number, source in parts)


def source_of(cell: dict[str, Any]) -> str:
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def _read(text: str) -> Any:
    try:
        found = json.loads(text)
    except RecursionError as error:
        raise CannotRead("it is no notebook: it is nested too deeply") from error
    except ValueError as error:
        raise CannotRead(f"it is no notebook, which is a file of JSON: {error}") from error
    if isinstance(found, dict) and "cells" not in found and "worksheets" in found:
        raise CannotRead(
            "it is a notebook of nbformat 3. Bring it up to date: jupyter nbconvert --to notebook"
        )
    if not isinstance(found, dict) or not isinstance(found.get("cells"), list):
        raise CannotRead("it is no notebook: it has no list of cells")
    for number, cell in enumerate(found["cells"], 1):
        _check(number, cell)
    language = _language(found)
    if not language.startswith(("python", "ipython")):
        raise CannotRead(f"its language is {language[:40]}, and of notebooks Python is ported")
    code = sum(len(source_of(one)) for one in found["cells"] if one["cell_type"] == "code")
    if code > LARGEST:
        raise CannotRead(f"its code has {code:,} characters; scripts have up to {LARGEST:,}")
    return found


def _check(number: int, cell: Any) -> None:
    if not isinstance(cell, dict) or not isinstance(cell.get("cell_type"), str):
        raise CannotRead(f"it is no notebook: cell {number} has no cell_type")
    source = cell.get("source")
    lines = isinstance(source, list) and all(isinstance(line, str) for line in source)
    if cell["cell_type"] == "code" and not lines and not isinstance(source, str):
        raise CannotRead(f"it is no notebook: cell {number} has no text for its source")


def _language(notebook: dict[str, Any]) -> str:
    metadata = notebook.get("metadata")
    for name, key in (("language_info", "name"), ("kernelspec", "language")):
        there = metadata.get(name) if isinstance(metadata, dict) else None
        found = there.get(key) if isinstance(there, dict) else None
        if isinstance(found, str) and found:
            return found.lower()
    return "python"


def _cell(number: int, source: str, aside: Aside) -> _Cell:
    magic, code = cell_magic(source)
    if code is None:
        return _Cell(number, magic, None)
    try:
        return _Cell(number, magic, aside.without_magics(code.rstrip("\n")))
    except (RecursionError, MemoryError):
        line, why = 1, "it is nested too deeply"
    except SyntaxError as error:
        line, why = error.lineno or 1, f"it is no Python 3: {error.msg}"
    except ValueError:  # zeros, or halves of characters
        line, why = 1, "it has characters that no text has"
    kept = Kept(line + magic.count("\n"), "cell", why, cell=number)
    return _Cell(number, magic, None, kept)


def _joined(cells: list[_Cell]) -> tuple[str, dict[int, tuple[int, int]]]:
    """(one script, {its line: (cell, line there)})."""
    lines: list[str] = []
    places: dict[int, tuple[int, int]] = {}
    for cell in cells:
        if lines:
            lines.append(_BORDER)
        assert cell.code is not None
        for place, line in enumerate(cell.code.split("\n"), 1):
            lines.append(line)
            places[len(lines)] = (cell.number, place + cell.magic.count("\n"))
    return "\n".join([*lines, ""]), places


def _with_marked_magics(ported: str, script: str, aside: Aside) -> tuple[str, list[Kept]]:
    """(the ported script with remarks above magics that use a framework, these magics)."""
    before, kept = script.split("\n"), []
    for name, used in aside.using(framework_names(script)).items():
        line = next(place for place, text in enumerate(before, 1) if text.strip() == name)
        why = f"its code uses {used}, and stays. Write the code below %%time, in a cell of its own"
        kept.append(Kept(line, "magic", why))
        mark = f"{MARK}magic: {why}"
        ported = re.sub(rf"(?m)^([ \t]*){name}$", rf"\g<1>{mark}\n\g<0>", ported)
    return ported, kept


def _in_cell(kept: Kept, places: dict[int, tuple[int, int]]) -> Kept:
    line = max(one for one in places if one <= kept.line)  # marks may end a cell
    return replace(kept, cell=places[line][0], line=places[line][1])


def _as_before(source: str, code: str) -> str:
    """With as many ends of lines as the cell had."""
    ends = len(source) - len(source.rstrip("\n"))
    return code.rstrip("\n") + "\n" * ends if code.strip("\n") else ""


def _marked(source: str, kept: Kept) -> str:
    mark = f"{MARK}{kept.name}: {kept.reason}\n"
    return source if source.startswith(mark) else mark + source


def _write(notebook: dict[str, Any], written: dict[int, str]) -> None:
    """Outputs are those of the old code, and go."""
    for number, cell in enumerate(notebook["cells"], 1):
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
        if number in written:
            code = written[number]
            in_lines = isinstance(cell["source"], list)
            cell["source"] = code.splitlines(keepends=True) if in_lines else code


def _dumped(notebook: dict[str, Any], before: str) -> str:
    """As Jupyter writes it, or whoever wrote it before."""
    indent = re.match(r"\{\r?\n( +)", before)
    made = json.dumps(
        notebook,
        indent=len(indent.group(1)) if indent else (1 if "\n" in before.strip() else None),
        ensure_ascii=before.isascii(),
    )
    return made + "\n" * before.endswith("\n")

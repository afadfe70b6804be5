"""Text of written files: structures, the last touch (double quotes, lines of at most 100
characters), and what the text is once it runs."""

from __future__ import annotations

import ast
import io
import tokenize
from types import ModuleType
from typing import Any

WIDTH = 100
_OPEN, _CLOSE = "([{", ")]}"


def loaded(source: str) -> ModuleType:
    """The module that a written file is, as if it had been imported."""
    made = ModuleType("written")
    made.__file__ = "written.py"
    exec(compile(source, made.__file__, "exec"), vars(made))
    return made


def structure_text(structure: Any, brackets: bool) -> str:
    """Lists, tuples and dicts of names as they are returned; sequences in brackets, or without."""
    if isinstance(structure, dict):
        rows = (f"{k!r}: {structure_text(v, brackets)}" for k, v in structure.items())
        return "{" + ", ".join(rows) + "}"
    if isinstance(structure, list | tuple):
        inside = ", ".join(structure_text(each, brackets) for each in structure)
        return f"[{inside}]" if brackets else inside
    return structure


def tidy(text: str) -> str:
    """`text` as a formatter would have it."""
    lines = _double_quoted(text).split("\n")
    return "\n".join(part for line in lines for part in _broken(line))


def _double_quoted(text: str) -> str:
    lines = text.split("\n")
    for token in reversed([*tokenize.generate_tokens(io.StringIO(text).readline)]):
        (row, begin), (last, end) = token.start, token.end
        if token.type == tokenize.STRING and row == last and token.string[0] == "'":
            value = ast.literal_eval(token.string)
            if '"' not in value and "\\" not in token.string:
                line = lines[row - 1]
                lines[row - 1] = f'{line[:begin]}"{value}"{line[end:]}'
    return "\n".join(lines)


def _broken(line: str) -> list[str]:
    """A long line, broken inside of its first bracket that ends where the line does."""
    if len(line) <= WIDTH or line.lstrip().startswith(("#", '"')):
        return [line]
    code, _, comment = line.partition("  # ")
    if len(code) <= WIDTH:
        indent = code[: len(code) - len(code.lstrip())]
        return [f"{indent}# {comment}", code] if comment else [code]
    indent = code[: len(code) - len(code.lstrip())]
    place = _outer_bracket(code)
    if place is None:
        return [line]
    begin, end = place
    head, inside, tail = code[: begin + 1], code[begin + 1 : end], code[end:]
    deeper = f"{indent}    "
    parts = _parts(inside)
    is_a_generator = len(parts) == 1 and code[begin] == "(" and " for " in inside
    if is_a_generator:
        return [head, *_broken(deeper + inside), indent + tail]
    if len(parts) == 1 and _groups(code, begin):
        terms = _parts(inside, " +")
        rows = [terms[0], *(f"+ {term}" for term in terms[1:])]
        return [head, *(part for row in rows for part in _broken(deeper + row)), indent + tail]
    one_line = f"{deeper}{inside}"
    if len(one_line) <= WIDTH:
        return [head, one_line, indent + tail]
    return [head, *(row for part in parts for row in _broken(f"{deeper}{part},")), indent + tail]


def _groups(code: str, begin: int) -> bool:
    """Whether a bracket only holds an expression together: a comma would make a tuple of it."""
    before = code[:begin].rstrip()[-1:]
    return code[begin] == "(" and not (before.isidentifier() or before in ")]")


def _outer_bracket(code: str) -> tuple[int, int] | None:
    """(where the longest pair of outermost brackets opens, where it closes)."""
    depth, quote, start, best = 0, "", 0, None
    for i, char in enumerate(code):
        if quote:
            quote = "" if char == quote and code[i - 1] != "\\" else quote
        elif char in "\"'":
            quote = char
        elif char in _OPEN:
            start = i if depth == 0 else start
            depth += 1
        elif char in _CLOSE:
            depth -= 1
            if depth == 0 and i - start > 1 and (best is None or i - start > best[1] - best[0]):
                best = start, i
    return best


def _parts(inside: str, sign: str = ",") -> list[str]:
    """What commas, or plus signs, outside of brackets separate."""
    found, depth, quote, part = [], 0, "", ""
    for i, char in enumerate(inside):
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        elif char in _OPEN:
            depth += 1
        elif char in _CLOSE:
            depth -= 1
        if inside[max(0, i + 1 - len(sign)) : i + 1] == sign and not depth and not quote:
            part = part[: len(part) + 1 - len(sign)]
            found.append(part.strip())
            part = ""
        else:
            part += char
    return [*found, part.strip()] if part.strip() else found

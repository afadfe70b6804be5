"""Lines of notebooks that are IPython's and not Python's: put aside, and back again."""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass, field

from unidl.port.scripts.whole import parsed

# `%matplotlib inline`, `!pip install x`, `?f`, `f?`, `files = !ls`, `x = %env HOME`.
_MAGIC = re.compile(r"\s*(?:[%!?]|[\w\s,.\[\]]*=\s*[%!])|.*\?\s*$")
# Magics for whole cells, behind which there is Python; behind others there may be anything.
_WITH_PYTHON = re.compile(r"%%(?:time|timeit|capture|prun|memit|mprun|debug)\b")
_TIMES = re.compile(r"%(?:time|timeit|prun|memit)\b")  # with Python behind it, on the same line
_MOST = 100  # magics in a cell: each is found by another look at the cell


@dataclass
class Aside:
    """lines: {name that stands in the code for a line: the line}."""

    lines: dict[str, list[str]] = field(default_factory=dict)

    def without_magics(self, text: str) -> str:
        """The cell's code with a name in place of each magic. Raises SyntaxError where the rest is
        no Python, with the line of the cell."""
        lines = text.split("\n")
        for _ in range(_MOST):
            try:
                parsed("\n".join(lines) + "\n")
                return "\n".join(lines)
            except SyntaxError as error:
                at = (error.lineno or 0) - 1
                if not 0 <= at < len(lines) or not _MAGIC.match(lines[at]):
                    raise
                self._put(lines, at)
        raise SyntaxError(f"it has more than {_MOST} magics")

    def _put(self, lines: list[str], at: int) -> None:
        """Those that go on behind a backslash become one name and empty lines."""
        end = at + 1
        while lines[end - 1].endswith("\\") and end < len(lines):
            end += 1
        name = f"__unidl_port_magic_{len(self.lines)}__"
        indent = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
        self.lines[name] = [lines[at].lstrip(), *lines[at + 1 : end]]
        lines[at:end] = [indent + name, *[""] * (end - at - 1)]

    def using(self, names: Container[str]) -> dict[str, str]:
        """{what stands for a line that times Python code: the first of the names in it}."""
        found = {}
        for name, lines in self.lines.items():
            words = re.findall(r"(?<![\w.])[A-Za-z_]\w*", " ".join(lines))
            used = [word for word in words if word in names]
            if used and _TIMES.match(lines[0]):
                found[name] = used[0]
        return found

    def with_magics(self, text: str) -> str:
        """The code with the magics again."""
        made: list[str] = []
        lines = text.split("\n")
        while lines:
            line = lines.pop(0)
            stripped = line.strip()
            if stripped in self.lines:
                first, *rest = self.lines[stripped]
                made += [line.replace(stripped, first), *rest]
                del lines[: len(rest)]
            else:
                made.append(line)
        return "\n".join(made)


def cell_magic(text: str) -> tuple[str, str | None]:
    """(the line of a magic for the whole cell, the Python behind it: None where it is no Python).

    Without such a line ("", text).
    """
    if not text.lstrip().startswith("%%"):
        return "", text
    first, end, rest = text.lstrip().partition("\n")
    return (first + end, rest) if _WITH_PYTHON.match(first) else (text, None)

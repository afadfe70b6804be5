"""A diagram as Mermaid text, which GitHub, GitLab and Jupyter draw within Markdown."""

from __future__ import annotations

from unidl.utils.drawing.diagram import Box, Branch, Group
from unidl.utils.drawing.scene import colours_of

# What would end the label or begin markup in it.
_ESCAPES = str.maketrans(
    {"#": "#35;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "&": "#amp;", "`": "#96;"}
)


def mermaid(diagram: Group | Branch, rankdir: str) -> str:
    """A flowchart; of a tree lines without arrows from each layer to its sublayers."""
    number_of: dict[Box, str] = {}
    lines = [f"flowchart {rankdir}"]
    if isinstance(diagram, Branch):
        _add_branch(diagram, lines, number_of)
    else:
        _add_parts(diagram, lines, number_of, "    ")
        for start, end in diagram.box_edges():
            lines.append(f"    {number_of[start]} --> {number_of[end]}")
    families: dict[str, list[str]] = {}
    for box, number in number_of.items():
        families.setdefault(box.family, []).append(number)
    for family, numbers in families.items():
        fill, stroke = colours_of(family)
        lines.append(f"    classDef {family}_ fill:{fill},stroke:{stroke},color:#1c2430")
        lines.append(f"    class {','.join(numbers)} {family}_")
    return "\n".join(lines) + "\n"


def _add_parts(group: Group, lines: list[str], number_of: dict[Box, str], indent: str) -> None:
    for part in group.parts:
        if isinstance(part, Group):
            lines.append(f'{indent}subgraph g{len(lines)} ["{_text(part.title)}"]')
            _add_parts(part, lines, number_of, f"{indent}    ")
            lines.append(f"{indent}end")
        else:
            lines.append(indent + _node(part, number_of))


def _add_branch(branch: Branch, lines: list[str], number_of: dict[Box, str]) -> None:
    lines.append(f"    {_node(branch.box, number_of)}")
    for each in branch.below:
        _add_branch(each, lines, number_of)
        lines.append(f"    {number_of[branch.box]} --- {number_of[each.box]}")


def _node(box: Box, number_of: dict[Box, str]) -> str:
    number_of[box] = f"n{len(number_of)}"
    text = "<br/>".join([f"<b>{_text(box.heading)}</b>", *map(_text, box.rows)])
    return f'{number_of[box]}["{text}"]'


def _text(text: str) -> str:
    return text.translate(_ESCAPES)

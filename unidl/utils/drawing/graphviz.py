"""A diagram for Graphviz, by pydot."""

from __future__ import annotations

import shutil
import subprocess
from importlib.util import find_spec
from typing import Any

from unidl.utils.drawing.diagram import Box, Branch, Group
from unidl.utils.drawing.scene import EDGE, INK, colours_of

_FONT = "Helvetica"
POINTS = 72  # in an inch


def pydot(asked_by: str) -> Any:
    try:
        import pydot
    except ImportError:
        raise ImportError(
            f"{asked_by} needs pydot. Install it with: pip install 'unidl-framework[drawing]', or "
            "write a file that needs neither: plot_model(model, 'model.svg')."
        ) from None
    return pydot


def is_installed() -> bool:
    """Whether there are both pydot and Graphviz' program."""
    return find_spec("pydot") is not None and shutil.which("dot") is not None


def rendered(dot: Any, kind: str) -> bytes:
    """The drawing of a `pydot.Dot` in a format of Graphviz."""
    done = subprocess.run(
        ["dot", f"-T{kind}"], input=dot.to_string().encode(), capture_output=True, check=False
    )
    if done.returncode:
        raise ValueError(
            f"plot_model: Graphviz could not write {kind!r}: {done.stderr.decode().strip()}"
        )
    return done.stdout


def dot_of(
    diagram: Group | Branch, title: str, rankdir: str, dpi: int, splines: str, subgraph: bool
) -> Any:
    """A `pydot.Dot`, or with `subgraph` a `pydot.Cluster`."""
    library = pydot("model_to_dot")
    number_of: dict[Box, str] = {}
    if subgraph:
        dot = _cluster(library, title, "0")
    else:
        dot = library.Dot(
            graph_type="digraph", rankdir=rankdir, dpi=dpi, splines=splines, concentrate=True
        )
        dot.set_node_defaults(
            shape="box", style='"rounded,filled"', fontname=_FONT, fontsize=12, fontcolor=f'"{INK}"'
        )
        dot.set_edge_defaults(color=f'"{EDGE}"')
    if isinstance(diagram, Branch):
        for _, branch in diagram.walk():
            dot.add_node(_node(library, branch.box, number_of))
        for _, branch in diagram.walk():
            for each in branch.below:
                ends = number_of[branch.box], number_of[each.box]
                dot.add_edge(library.Edge(*ends, dir="none"))
        return dot
    _add_parts(library, dot, diagram, number_of, "0")
    for start, end in diagram.box_edges():
        dot.add_edge(library.Edge(number_of[start], number_of[end]))
    return dot


def _add_parts(library: Any, dot: Any, group: Group, number_of: dict[Box, str], path: str) -> None:
    for i, part in enumerate(group.parts):
        if isinstance(part, Group):
            inner = _cluster(library, part.title, f"{path}_{i}")
            _add_parts(library, inner, part, number_of, f"{path}_{i}")
            dot.add_subgraph(inner)
        else:
            dot.add_node(_node(library, part, number_of))


def _cluster(library: Any, title: str, path: str) -> Any:
    return library.Cluster(
        path, label=_quoted(title), labeljust="l", style="dashed", color=f'"{EDGE}"', fontname=_FONT
    )


def _node(library: Any, box: Box, number_of: dict[Box, str]) -> Any:
    number_of[box] = f"n{len(number_of)}"
    fill, stroke = colours_of(box.family)
    label = _quoted("\n".join([box.heading, *box.rows]))
    return library.Node(number_of[box], label=label, fillcolor=f'"{fill}"', color=f'"{stroke}"')


def _quoted(text: str) -> str:
    for raw, written in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n")):
        text = text.replace(raw, written)
    return f'"{text}"'

"""plot_model and model_to_dot."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import PurePath
from typing import Any

from unidl.layers.base.layer import Layer
from unidl.utils.arguments import public_function
from unidl.utils.drawing import graphviz, pixels
from unidl.utils.drawing.diagram import Branch, Group, Shown, diagram_of
from unidl.utils.drawing.mermaid import mermaid
from unidl.utils.drawing.scene import DIRECTIONS, SPLINES, scene_of
from unidl.utils.drawing.svg import svg
from unidl.utils.suggestions import did_you_mean
from unidl.utils.whole_file import whole_file

_MERMAID = ("mmd", "md")
_DOT = ("dot", "gv")
_OF_LINES = ("svg", "pdf", "ps", "eps")
_MIME = {"png": "png", "jpg": "jpeg", "jpeg": "jpeg", "webp": "webp", "gif": "gif", "bmp": "bmp"}


@dataclass(frozen=True)
class Drawing:
    """What `plot_model` returns: a notebook shows it.

    Attributes:
        content: of the file, bytes.
        kind: its format: "svg", "png", ...
        path: where it was written, None if nowhere.
    """

    content: bytes
    kind: str
    path: str | None

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        if self.kind == "svg":
            return {"image/svg+xml": self.content.decode()}
        if self.kind in _MIME:
            from base64 import b64encode

            return {f"image/{_MIME[self.kind]}": b64encode(self.content).decode()}
        text = self.content.decode(errors="replace") if self.kind in (*_MERMAID, *_DOT) else ""
        if self.kind == "mmd":
            text = f"```mermaid\n{text}```\n"
        return {"text/markdown" if self.kind in _MERMAID else "text/plain": text or repr(self)}

    def __repr__(self) -> str:
        return f"<Drawing {self.kind}, {self.path or 'in no file'}>"


@public_function
def plot_model(
    model: Any,
    to_file: str | os.PathLike[str] | None = "model.png",
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = False,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: str = "ortho",
) -> Drawing:
    """Draw a model into a file; in a notebook the result of the last line of a cell is shown.

    A functional model or a Sequential is drawn as its graph. Of a subclass, whose `call` is Python,
    the tree of its layers is drawn.

    Args:
        model: a model that is built.
        to_file: what it ends with says the format. ".svg", and the Mermaid text of ".mmd" and
            ".md", need nothing; ".png" and other images Pillow; ".pdf", ".dot" and what else
            Graphviz writes pydot and Graphviz, which draw images and ".svg" too where both are
            installed. Without an ending it is "png". None: no file, an SVG is returned.
        show_shapes, show_dtype: of what goes in and comes out.
        show_layer_names: beside the layers' classes.
        rankdir: "TB" from top to bottom, "BT", "LR" from left to right, or "RL".
        expand_nested: draw models within the model, and all sublayers of a subclass.
        dpi: dots per inch of images, fewer for a model that would be too large.
        show_layer_activations: of the layers that have an `activation`.
        show_trainable: of the layers that have weights.
        splines: "ortho" for edges with right angles, "curved", "spline", "polyline" or "line".

    Raises:
        ValueError: the model is not built, or an argument is none of those.
        ImportError: what the format needs is not installed.

    Examples:
        >>> model = unidl.Sequential([unidl.Input((4,)), unidl.layers.Dense(2)])
        >>> drawing = unidl.utils.plot_model(model, "model.mmd", show_shapes=True)
        >>> with open("model.mmd") as file:
        ...     "Dense" in file.read()
        True
    """
    shown = Shown(show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable)
    _check("plot_model", model, rankdir, splines)
    kind = "svg" if to_file is None else PurePath(to_file).suffix[1:].lower() or "png"
    diagram = diagram_of(model, shown, expand_nested)
    content = _content(diagram, model.name, kind, rankdir, dpi, splines, to_file is not None)
    if to_file is None:
        return Drawing(content, kind, None)
    with whole_file(to_file) as file:
        file.write(content)
    return Drawing(content, kind, os.fspath(to_file))


def _content(
    diagram: Group | Branch,
    title: str,
    kind: str,
    rankdir: str,
    dpi: int,
    splines: str,
    by_graphviz: bool,
) -> bytes:
    if kind in _MERMAID:
        text = mermaid(diagram, rankdir)
        return (f"```mermaid\n{text}```\n" if kind == "md" else text).encode()
    if kind in _DOT:
        dot = graphviz.dot_of(diagram, title, rankdir, dpi, splines, subgraph=False)
        return str(dot.to_string()).encode()
    if by_graphviz and graphviz.is_installed():
        # Lines have no dots, and Graphviz cuts an SVG to another size than it draws it.
        dpi = graphviz.POINTS if kind in _OF_LINES else dpi
        dot = graphviz.dot_of(diagram, title, rankdir, dpi, splines, subgraph=False)
        return graphviz.rendered(dot, kind)
    if kind == "svg":
        return svg(scene_of(diagram, title, rankdir, splines)).encode()
    if kind in pixels.FORMATS and find_spec("PIL") is not None:
        return pixels.image_bytes(scene_of(diagram, title, rankdir, splines), kind, dpi)
    raise ImportError(
        f"plot_model: to_file='....{kind}' needs "
        + ("Pillow, or " if kind in pixels.FORMATS else "")
        + "pydot and Graphviz (https://graphviz.org/download). "
        + (
            "Install Pillow with: pip install 'unidl-framework[images]'. "
            if kind in pixels.FORMATS
            else ""
        )
        + "Or write a file that needs neither: plot_model(model, 'model.svg')."
    )


@public_function
def model_to_dot(
    model: Any,
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = True,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    subgraph: bool = False,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: str = "ortho",
) -> Any:
    """The model as a `pydot.Dot`, or with `subgraph` as a `pydot.Cluster`; the other arguments are
    those of `plot_model`.

    Raises:
        ValueError: the model is not built, or an argument is none of those.
        ImportError: pydot is not installed.

    Examples:
        >>> model = unidl.Sequential(
        ...     [unidl.Input((4,)), unidl.layers.Dense(3), unidl.layers.Dense(2)]
        ... )
        >>> dot = unidl.utils.model_to_dot(model, show_shapes=True)
        >>> [edge.get_source() for edge in dot.get_edges()]
        ['n0']
    """
    shown = Shown(show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable)
    _check("model_to_dot", model, rankdir, splines)
    diagram = diagram_of(model, shown, expand_nested)
    return graphviz.dot_of(diagram, model.name, rankdir, dpi, splines, subgraph)


def _check(who: str, model: Any, rankdir: str, splines: str) -> None:
    if not isinstance(model, Layer):
        raise TypeError(f"{who}: expected a model, got {model!r} of type {type(model).__name__}.")
    if not model.built:
        raise ValueError(
            f"{who}: {type(model).__name__} {model.name!r} is not built, so there is nothing to "
            "draw yet. Call model.build((None, ...)) with the shape of its input, or call it once."
        )
    for name, value, known in (("rankdir", rankdir, DIRECTIONS), ("splines", splines, SPLINES)):
        if value not in known:
            hint = did_you_mean(value, known)
            raise ValueError(f"{who}: {name} is one of {', '.join(known)}, got {value!r}.{hint}")

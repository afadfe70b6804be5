"""A drawing in plain shapes, which any format can show."""

from __future__ import annotations

from dataclasses import dataclass, field

from unidl.utils.drawing.diagram import Box, Branch, Group
from unidl.utils.drawing.layout import Measures, Placed, Point, place
from unidl.utils.drawing.text_width import text_width

DIRECTIONS = ("TB", "BT", "LR", "RL")
SPLINES = ("ortho", "curved", "polyline", "spline", "line")

INK, SOFT, EDGE, PAPER = "#1c2430", "#5b6472", "#7a8494", "#ffffff"
_MARGIN, _PAD_X, _PAD_Y = 14.0, 12.0, 8.0
_HEADING, _ROW, _TITLE = 13, 11, 12
_LEADING = 1.45
_INDENT, _BETWEEN = 30.0, 10.0

# family -> (fill, stroke)
_COLOURS = {
    "input": ("#eef1f5", "#8a94a5"),
    "function": ("#fbf7e6", "#b3962c"),
    "windows": ("#e6effb", "#3f6fb5"),
    "core": ("#e8f4ec", "#3c8a5c"),
    "recurrent": ("#f3eafa", "#8453ad"),
    "attention": ("#fdebe6", "#c15f3c"),
    "normalization": ("#e5f4f5", "#2f8790"),
    "regularization": ("#f6eeee", "#a36868"),
    "merging": ("#fdf0dc", "#b87a1d"),
    "reshaping": ("#f0f0e8", "#83835a"),
    "models": ("#e9e9f8", "#5a5ab0"),
}
_OTHER = ("#f4f5f7", "#6b7482")


@dataclass(frozen=True)
class Rect:
    x: float
    y: float
    width: float
    height: float
    fill: str
    stroke: str
    dashed: bool = False


@dataclass(frozen=True)
class Path:
    """A line through points; `curved`: smooth from one to the next."""

    points: tuple[Point, ...]
    arrow: bool
    curved: bool = False
    dashed: bool = False


@dataclass(frozen=True)
class Text:
    """One line of text; `y` is the middle of its height, `anchor` "start" or "middle"."""

    x: float
    y: float
    text: str
    size: int
    bold: bool = False
    colour: str = INK
    anchor: str = "start"


@dataclass
class Scene:
    """Shapes from back to front.

    Attributes:
        title: what the drawing shows.
        direction: "TB" or another of `DIRECTIONS`; curves go by it.
    """

    width: float
    height: float
    title: str
    direction: str
    shapes: list[Rect | Path | Text] = field(default_factory=list)


def scene_of(diagram: Group | Branch, title: str, rankdir: str, splines: str) -> Scene:
    """The drawing of a graph or a tree; `rankdir` and `splines` concern graphs."""
    if isinstance(diagram, Branch):
        return _tree(diagram, title)
    turned = rankdir in ("LR", "RL")

    def box_size(box: Box) -> tuple[float, float]:
        width, height = _size(box)
        return (height, width) if turned else (width, height)

    def pads(name: str) -> tuple[tuple[float, float], tuple[float, float]]:
        # The title stands at the top, which is not where the inputs are in all directions.
        plain, tall = (12.0, 12.0), (12.0 + _TITLE * 1.6, 12.0)
        if turned:
            return tall, plain
        return plain, tall[::-1] if rankdir == "BT" else tall

    placed = place(diagram, Measures(box_size, pads, splines))
    return _turned(placed, title, rankdir, splines)


def _turned(placed: Placed, title: str, rankdir: str, splines: str) -> Scene:
    turned, mirrored = rankdir in ("LR", "RL"), rankdir in ("BT", "RL")

    def point(across: float, along: float) -> Point:
        along = placed.along - along if mirrored else along
        x, y = (along, across) if turned else (across, along)
        return x + _MARGIN, y + _MARGIN

    def corner(across: float, along: float, wide: float, long: float) -> tuple[float, ...]:
        x, y = point(across, along + long if mirrored else along)
        return (x, y, long, wide) if turned else (x, y, wide, long)

    width, height = (placed.along, placed.across) if turned else (placed.across, placed.along)
    scene = Scene(width + 2 * _MARGIN, height + 2 * _MARGIN, title, rankdir)
    for name, *area in placed.groups:
        x, y, w, h = corner(*area)
        scene.shapes.append(Rect(x, y, w, h, "#f8f9fb", EDGE, dashed=True))
        scene.shapes.append(Text(x + 8, y + 11, name, _TITLE, True, SOFT))
    curved = splines in ("curved", "spline")
    for line in placed.lines:
        points = tuple(point(*each) for each in line.points)
        scene.shapes.append(Path(points, line.arrow, curved))
    for box, *area in placed.boxes:
        x, y, w, h = corner(*area)
        _draw_box(scene, box, x, y, w, h)
    return scene


def _size(box: Box) -> tuple[float, float]:
    widest = max(
        [text_width(box.heading, _HEADING, bold=True)] + [text_width(row, _ROW) for row in box.rows]
    )
    lines = _HEADING * _LEADING + len(box.rows) * _ROW * _LEADING
    return widest + 2 * _PAD_X, lines + 2 * _PAD_Y - 4


def colours_of(family: str) -> tuple[str, str]:
    """(fill, stroke) of a box."""
    return _COLOURS.get(family, _OTHER)


def _draw_box(scene: Scene, box: Box, x: float, y: float, width: float, height: float) -> None:
    fill, stroke = colours_of(box.family)
    scene.shapes.append(Rect(x, y, width, height, fill, stroke))
    level = y + _PAD_Y - 2 + _HEADING * _LEADING / 2
    middle = x + width / 2
    scene.shapes.append(Text(middle, level, box.heading, _HEADING, True, INK, "middle"))
    level += (_HEADING + _ROW) * _LEADING / 2
    for row in box.rows:
        scene.shapes.append(Text(middle, level, row, _ROW, False, SOFT, "middle"))
        level += _ROW * _LEADING


def _tree(branch: Branch, title: str) -> Scene:
    """Sublayers below their layer and to the right, as folders are listed."""
    lines, boxes, width, top = [], [], 0.0, _MARGIN
    stems: list[tuple[float, float]] = []  # of each depth: where the line to the children begins
    for depth, each in branch.walk():
        x = _MARGIN + depth * _INDENT
        w, h = _size(each.box)
        boxes.append((each.box, x, top, w, h))
        if depth:
            stem_x, stem_y = stems[depth - 1]
            points = ((stem_x, stem_y), (stem_x, top + h / 2), (x, top + h / 2))
            lines.append(Path(points, arrow=False))
        stems[depth:] = [(x + _INDENT / 2, top + h)]
        width = max(width, x + w)
        top += h + _BETWEEN
    scene = Scene(width + _MARGIN, top - _BETWEEN + _MARGIN, title, "TB", list(lines))
    for box in boxes:
        _draw_box(scene, *box)
    return scene

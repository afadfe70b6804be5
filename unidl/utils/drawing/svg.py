"""A scene as SVG text, which needs no font, script or network."""

from __future__ import annotations

from html import escape
from itertools import pairwise

from unidl.utils.drawing.scene import EDGE, PAPER, Path, Rect, Scene, Text

_FONT = "Helvetica,Arial,'Liberation Sans',sans-serif"
_CORNER = 6.0


def svg(scene: Scene, scale: float = 1.0) -> str:
    """The whole file; `scale` is that of the size at which it is shown."""
    width, height = scene.width, scene.height
    body = "\n".join(_shape(each, scene.direction) for each in scene.shapes)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width * scale:.0f}" '
        f'height="{height * scale:.0f}" viewBox="0 0 {width:.1f} {height:.1f}" '
        f'font-family="{_FONT}" role="img">\n<title>{escape(scene.title)}</title>\n'
        f'<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        f'markerHeight="7" orient="auto"><path d="M0,0.5L7.5,4L0,7.5z" fill="{EDGE}"/></marker>'
        f'</defs>\n<rect width="100%" height="100%" fill="{PAPER}"/>\n{body}\n</svg>\n'
    )


def _shape(shape: Rect | Path | Text, direction: str) -> str:
    if isinstance(shape, Rect):
        dashes = ' stroke-dasharray="5 4"' if shape.dashed else ""
        return (
            f'<rect x="{shape.x:.1f}" y="{shape.y:.1f}" width="{shape.width:.1f}" '
            f'height="{shape.height:.1f}" rx="5" fill="{shape.fill}" '
            f'stroke="{shape.stroke}"{dashes}/>'
        )
    if isinstance(shape, Text):
        weight = ' font-weight="600"' if shape.bold else ""
        return (
            f'<text x="{shape.x:.1f}" y="{shape.y:.1f}" dy=".35em" '
            f'font-size="{shape.size}"{weight} fill="{shape.colour}" '
            f'text-anchor="{shape.anchor}">{escape(shape.text)}</text>'
        )
    arrow = ' marker-end="url(#arrow)"' if shape.arrow else ""
    path = _curves(shape, direction) if shape.curved else _corners(shape)
    return f'<path d="{path}" fill="none" stroke="{EDGE}" stroke-width="1.4"{arrow}/>'


def _corners(path: Path) -> str:
    """Straight pieces with round corners."""
    points = path.points
    text = [f"M{points[0][0]:.1f},{points[0][1]:.1f}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        into, out = _towards(corner, before), _towards(corner, after)
        text.append(f"L{into[0]:.1f},{into[1]:.1f}Q{corner[0]:.1f},{corner[1]:.1f}")
        text.append(f" {out[0]:.1f},{out[1]:.1f}")
    text.append(f"L{points[-1][0]:.1f},{points[-1][1]:.1f}")
    return "".join(text)


def _towards(corner: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    length = abs(other[0] - corner[0]) + abs(other[1] - corner[1])
    share = min(_CORNER, length / 2) / length if length else 0.0
    return (
        corner[0] + (other[0] - corner[0]) * share,
        corner[1] + (other[1] - corner[1]) * share,
    )


def _curves(path: Path, direction: str) -> str:
    points = path.points
    text = [f"M{points[0][0]:.1f},{points[0][1]:.1f}"]
    for (x1, y1), (x2, y2) in pairwise(points):
        if direction in ("LR", "RL"):
            middle = (x1 + x2) / 2
            text.append(f"C{middle:.1f},{y1:.1f} {middle:.1f},{y2:.1f} {x2:.1f},{y2:.1f}")
        else:
            middle = (y1 + y2) / 2
            text.append(f"C{x1:.1f},{middle:.1f} {x2:.1f},{middle:.1f} {x2:.1f},{y2:.1f}")
    return "".join(text)

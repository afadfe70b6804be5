"""A scene as an image file, by Pillow."""

from __future__ import annotations

import io
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from unidl.utils.drawing.scene import EDGE, PAPER, Path, Rect, Scene, Text

FORMATS = {
    "png": "PNG", "jpg": "JPEG", "jpeg": "JPEG", "webp": "WEBP", "gif": "GIF", "bmp": "BMP",
    "tif": "TIFF", "tiff": "TIFF",
}  # fmt: skip
_DPI = 96  # at which a pixel of the scene is one
_LARGEST = 60_000  # pixels along one side: what viewers and Pillow still take
_MOST = 150_000_000  # and in all
_SMOOTH = 2  # is drawn so much larger, and made smaller


def image_bytes(scene: Scene, kind: str, dpi: float) -> bytes:
    """The file's content; `kind` from `FORMATS`."""
    from PIL import Image, ImageDraw

    # A large model is drawn in fewer dots an inch than asked for.
    scale = min(
        dpi / _DPI,
        _LARGEST / max(scene.width, scene.height),
        (_MOST / (scene.width * scene.height)) ** 0.5,
    )
    size = (max(1, round(scene.width * scale)), max(1, round(scene.height * scale)))
    smooth = _SMOOTH if size[0] * size[1] * _SMOOTH**2 <= _MOST else 1
    image = Image.new("RGB", (size[0] * smooth, size[1] * smooth), PAPER)
    pen = _Pen(ImageDraw.Draw(image), scale * smooth)
    for shape in scene.shapes:
        pen.draw(shape, scene.direction)
    if smooth > 1:
        image = image.resize(size, Image.Resampling.BOX)
    file = io.BytesIO()
    image.save(file, FORMATS[kind], dpi=(scale * _DPI, scale * _DPI))
    return file.getvalue()


class _Pen:
    def __init__(self, draw: Any, scale: float) -> None:
        self._draw, self._scale = draw, scale
        self._fonts: dict[int, Any] = {}

    def draw(self, shape: Rect | Path | Text, direction: str) -> None:
        if isinstance(shape, Rect):
            self._rect(shape)
        elif isinstance(shape, Text):
            self._text(shape)
        else:
            self._path(shape, direction)

    def _rect(self, rect: Rect) -> None:
        s = self._scale
        box = (rect.x * s, rect.y * s, (rect.x + rect.width) * s, (rect.y + rect.height) * s)
        outline = None if rect.dashed else rect.stroke
        self._draw.rounded_rectangle(box, 5 * s, rect.fill, outline, max(1, round(s)))
        if rect.dashed:
            left, top, right, bottom = box
            for ends in (
                ((left, top), (right, top)), ((right, top), (right, bottom)),
                ((left, bottom), (right, bottom)), ((left, top), (left, bottom)),
            ):  # fmt: skip
                self._dashes(*ends, rect.stroke)

    def _dashes(self, start: Any, end: Any, colour: str) -> None:
        (x1, y1), (x2, y2) = start, end
        length, step = abs(x2 - x1) + abs(y2 - y1), 9 * self._scale
        for i in range(int(length / step) + 1):
            a, b = i * step / length, min(1.0, (i + 0.55) * step / length)
            points = [(x1 + (x2 - x1) * share, y1 + (y2 - y1) * share) for share in (a, b)]
            self._draw.line(points, colour, max(1, round(self._scale)))

    def _text(self, text: Text) -> None:
        from PIL import ImageFont

        s = self._scale
        font = self._fonts.setdefault(text.size, None)
        if font is None:
            font = self._fonts[text.size] = ImageFont.load_default(text.size * s)
        anchor = "mm" if text.anchor == "middle" else "lm"
        # The font that comes with Pillow is not bold.
        self._draw.text(
            (text.x * s, text.y * s), text.text, text.colour, font, anchor,
            stroke_width=0.025 * text.size * s if text.bold else 0,
        )  # fmt: skip

    def _path(self, path: Path, direction: str) -> None:
        points: Sequence[tuple[float, float]] = path.points
        if path.curved:
            points = _sampled(points, direction)
        s = self._scale
        scaled = [(x * s, y * s) for x, y in points]
        self._draw.line(scaled, EDGE, max(1, round(1.4 * s)), joint="curve")
        if path.arrow:
            before = next((p for p in reversed(scaled) if p != scaled[-1]), scaled[0])
            self._draw.polygon(_arrow(before, scaled[-1], 8 * s), EDGE)


def _arrow(start: tuple[float, float], end: tuple[float, float], size: float) -> Any:
    x, y = end[0] - start[0], end[1] - start[1]
    length = (x * x + y * y) ** 0.5 or 1.0
    x, y = x / length * size, y / length * size
    base = (end[0] - x, end[1] - y)
    return [end, (base[0] - y * 0.42, base[1] + x * 0.42), (base[0] + y * 0.42, base[1] - x * 0.42)]


def _sampled(points: Sequence[tuple[float, float]], direction: str) -> list[tuple[float, float]]:
    """Points of the curves that `svg` writes."""
    turned = direction in ("LR", "RL")
    found = [points[0]]
    for (x1, y1), (x2, y2) in pairwise(points):
        for i in range(1, 17):
            t = i / 16
            smooth = t * t * (3 - 2 * t)  # both control points half way
            ahead = 1.5 * t * (1 - t) + t**3
            x, y = (ahead, smooth) if turned else (smooth, ahead)
            found.append((x1 + (x2 - x1) * x, y1 + (y2 - y1) * y))
    return found

"""Boxes around objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from unidl import ops
from unidl.utils.arguments import public_function
from unidl.utils.images import one_of, pillow
from unidl.visualization.batches import as_bytes, channels_last

FORMATS = (
    "xyxy", "yxyx", "xywh", "center_xywh", "center_yxhw", "rel_xyxy", "rel_yxyx", "rel_xywh",
    "rel_center_xywh",
)  # fmt: skip
_TEXT = 22  # height of a text with font_scale=1, in pixels


@public_function
def draw_bounding_boxes(
    images: Any,
    bounding_boxes: Any,
    bounding_box_format: str,
    class_mapping: Mapping[int, str] | None = None,
    color: Sequence[int] = (128, 128, 128),
    line_thickness: int = 2,
    text_thickness: int | None = 1,
    font_scale: float = 1.0,
    data_format: str | None = None,
) -> Any:
    """uint8 images of the shape that came, with boxes and the names of their classes.

    Args:
        images: (n, h, w, c); floats up to 1, or numbers up to 255.
        bounding_boxes: a dict of arrays: "boxes" (n, boxes, 4), "labels" (n, boxes), where -1 is no
            box, and if there are some "confidences" (n, boxes).
        bounding_box_format: "xyxy", "yxyx", "xywh", "center_xywh" or "center_yxhw" in pixels; with
            "rel_" in front as shares of the image.
        class_mapping: {label: name}; only boxes with a name have a text.
        color: red, green, blue from 0 to 255.
        line_thickness: in pixels.
        text_thickness: of the strokes of a text, None for `line_thickness`.
        font_scale: 1 is a text of 22 pixels.
        data_format: by default that of `config.image_data_format()`.

    Examples:
        >>> boxes = {"boxes": np.array([[[1, 1, 6, 6]]]), "labels": np.array([[0]])}
        >>> drawn = unidl.visualization.draw_bounding_boxes(
        ...     np.zeros((1, 8, 8, 3)), boxes, "xyxy", color=(255, 0, 0), line_thickness=1
        ... )
        >>> drawn.shape, drawn[0, 1, 3].tolist(), drawn[0, 3, 3].tolist()
        ((1, 8, 8, 3), [255, 0, 0], [0, 0, 0])
    """
    who = "draw_bounding_boxes"
    image = pillow(who)
    from PIL import ImageDraw, ImageFont

    array, first = channels_last(who, images, data_format)
    array = as_bytes(array)
    if not isinstance(bounding_boxes, Mapping) or not {"boxes", "labels"} <= bounding_boxes.keys():
        given = list(bounding_boxes) if isinstance(bounding_boxes, Mapping) else bounding_boxes
        raise ValueError(
            f"{who}: bounding_boxes is a dict with 'boxes' (n, boxes, 4) and 'labels' (n, boxes), "
            f"got {given!r}."
        )
    count, height, width, channels = array.shape
    boxes = _corners(who, bounding_boxes["boxes"], bounding_box_format, height, width)
    labels = ops.convert_to_numpy(bounding_boxes["labels"])
    if boxes.shape[:2] != labels.shape or len(boxes) != count:
        raise ValueError(
            f"{who}: {count} images need boxes (n, boxes, 4) and labels (n, boxes) for each, got "
            f"the shapes {boxes.shape} and {labels.shape}."
        )
    confidences = bounding_boxes.get("confidences")
    confidences = None if confidences is None else ops.convert_to_numpy(confidences)
    font = ImageFont.load_default(_TEXT * font_scale)
    stroke = max((line_thickness if text_thickness is None else text_thickness) - 1, 0)
    fill = tuple(color) if channels > 1 else int(color[0])
    found = []
    for i in range(count):
        picture = image.fromarray(array[i] if channels > 1 else array[i, ..., 0])
        pen = ImageDraw.Draw(picture)
        for j, label in enumerate(labels[i].astype("int64")):
            left, top, right, bottom = (int(place) for place in boxes[i, j])
            if label == -1 or right < left or bottom < top:
                continue
            pen.rectangle((left, top, right, bottom), outline=fill, width=line_thickness)
            name = (class_mapping or {}).get(int(label))
            if name is not None:
                text = name if confidences is None else f"{name} | {confidences[i, j]:.2f}"
                tall = _TEXT * font_scale
                above = top - tall - 2  # where there is room, else inside
                place = (left, above) if above > 0 else (left + 3, top + line_thickness + 1)
                pen.text(place, str(text), fill, font, stroke_width=stroke)
        drawn = np.asarray(picture)
        found.append(drawn if channels > 1 else drawn[..., None])
    result = np.stack(found) if found else array
    return result.transpose(0, 3, 1, 2) if first else result


def _corners(who: str, boxes: Any, kind: str, height: int, width: int) -> Any:
    """Boxes as left, top, right and bottom in pixels."""
    one_of(who, "bounding_box_format", kind, FORMATS)
    boxes = ops.convert_to_numpy(boxes).astype("float64")
    if boxes.ndim != 3 or boxes.shape[-1] != 4:
        raise ValueError(f"{who}: boxes must have shape (n, boxes, 4), got {boxes.shape}.")
    a, b, c, d = np.moveaxis(boxes, -1, 0)
    order = kind.removeprefix("rel_").removeprefix("center_")
    if order in ("yxyx", "yxhw"):
        a, b, c, d = b, a, d, c
    if order in ("xywh", "yxhw"):
        if "center" in kind:
            a, b = a - c / 2, b - d / 2
        c, d = a + c, b + d
    if kind.startswith("rel_"):
        a, b, c, d = a * width, b * height, c * width, d * height
    return np.stack([a, b, c, d], axis=-1)

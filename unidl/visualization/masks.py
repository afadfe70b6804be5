"""Masks of classes over images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from unidl import ops
from unidl.utils.arguments import public_function
from unidl.visualization.batches import channels_last

# Steps of red, green and blue from a class to the next: neighbours look different.
_STEPS = np.array([2**25 - 1, 2**15 - 1, 2**21 - 1])


@public_function
def draw_segmentation_masks(
    images: Any,
    segmentation_masks: Any,
    num_classes: int | None = None,
    color_mapping: Mapping[int, Sequence[int]] | None = None,
    alpha: float = 0.8,
    blend: bool = True,
    ignore_index: int = -1,
    data_format: str | None = None,
) -> Any:
    """Images (n, h, w, 3) with a colour for the class of each pixel: uint8, or with blend=False
    float32.

    Args:
        images: (n, h, w, 3) from 0 to 255.
        segmentation_masks: integers (n, h, w) or (n, h, w, 1).
        num_classes: classes from this one on are not drawn; by default the largest is not.
        color_mapping: {class: (red, green, blue)} for all classes below `num_classes`.
        alpha: share of the colour, from 0 to 1.
        blend: mix colour and image; else the colour alone.
        ignore_index: a class that is not drawn, when blending.
        data_format: by default that of `config.image_data_format()`; the result has its channels
            last.

    Examples:
        >>> drawn = unidl.visualization.draw_segmentation_masks(
        ...     np.zeros((1, 1, 2, 3)),
        ...     np.array([[[0, 1]]]),
        ...     num_classes=2,
        ...     color_mapping={0: (0, 0, 0), 1: (100, 50, 0)},
        ...     alpha=0.5,
        ... )
        >>> drawn[0, 0].tolist()
        [[0, 0, 0], [50, 25, 0]]
    """
    who = "draw_segmentation_masks"
    array, first = channels_last(who, images, data_format)
    array = array.astype("float32")
    masks = ops.convert_to_numpy(segmentation_masks)
    if masks.dtype.kind not in "iu":
        raise TypeError(
            f"{who}: masks must be integers, the class of each pixel, got dtype {masks.dtype}. For "
            "probabilities (n, h, w, classes) use masks.argmax(-1)."
        )
    if masks.ndim == 4:
        masks = masks[:, 0] if first else masks[..., 0]
    if masks.shape != array.shape[:3]:
        raise ValueError(
            f"{who}: masks have the shape (n, h, w) or (n, h, w, 1) of the images {array.shape}, "
            f"got {masks.shape}."
        )
    count = int(masks.max(initial=0)) if num_classes is None else num_classes
    if color_mapping is None:
        colours = (np.arange(count)[:, None] * _STEPS) % 255
    else:
        missing = [label for label in range(count) if label not in color_mapping]
        if missing:
            raise ValueError(
                f"{who}: color_mapping has no colour for class {missing[0]} of the {count}. It has "
                f"those for {', '.join(map(str, sorted(color_mapping)))}."
            )
        colours = np.array([color_mapping[label] for label in range(count)]).reshape(count, -1)
    drawn = array.copy()
    for label in range(count):
        drawn[masks == label] = colours[label]
    if not blend:
        return drawn
    mixed = array * np.float32(1 - alpha) + drawn * np.float32(alpha)
    return np.where((masks != ignore_index)[..., None], mixed, array).astype("uint8")

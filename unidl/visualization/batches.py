"""Batches of images as the functions of this package take them."""

from __future__ import annotations

from typing import Any

import numpy as np

from unidl import config, ops
from unidl.utils.images import one_of


def channels_last(who: str, images: Any, data_format: str | None) -> tuple[Any, bool]:
    """(NumPy array (n, h, w, c), whether the channels came first)."""
    data_format = data_format or config.image_data_format()
    one_of(who, "data_format", data_format, ("channels_last", "channels_first"))
    images = ops.convert_to_numpy(images)
    if images.ndim != 4:
        raise ValueError(
            f"{who}: expected a batch of images (n, h, w, c), got the shape {images.shape}."
            + (" Write images[None] for one." if images.ndim == 3 else "")
        )
    first = data_format == "channels_first"
    return (images.transpose(0, 2, 3, 1) if first else images), first


def as_bytes(images: Any) -> Any:
    """uint8 copies; floats up to 1 go from 0 to 1, others from 0 to 255."""
    if images.dtype.kind == "f" and images.size:
        images = np.clip(images, 0, 1) * 255 if images.max() <= 1 else np.clip(images, 0, 255)
    return images.astype("uint8")

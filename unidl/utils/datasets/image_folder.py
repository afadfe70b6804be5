"""image_dataset_from_directory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unidl import config
from unidl.backend.contract.conv import INTERPOLATIONS, interpolation_matrix
from unidl.utils.arguments import public_function
from unidl.utils.datasets.folders import Folder
from unidl.utils.datasets.samples import SampleDataset, check_format
from unidl.utils.images import COLOUR_MODES, img_to_array, load_img, one_of, pillow

_ENDINGS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")


@public_function
def image_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    color_mode: str = "rgb",
    batch_size: int | None = 32,
    image_size: Any = (256, 256),
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    interpolation: str = "bilinear",
    follow_links: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    data_format: str | None = None,
    format: str = "py",
    verbose: bool = True,
) -> SampleDataset | list[SampleDataset]:
    """Batches of the images of a folder: float32 (n, h, w, c) from 0 to 255, and their labels.

    Args:
        directory: a folder; with labels="inferred" each of its sub-folders is a class.
        labels: "inferred", None for none, or a list of integers, one for each file in the order of
            the alphabet.
        label_mode: "int" for int32 (n,), "binary" for float32 (n, 1), "categorical" for float32
            (n, classes), None for no labels.
        class_names: the sub-folders to read, in the order of their numbers.
        color_mode: "rgb", "rgba" or "grayscale".
        batch_size: None for single images.
        image_size: (height, width), or one number for both.
        shuffle: in a new order in each epoch; else by the alphabet.
        seed: of the order.
        validation_split, subset: a share from 0 to 1, and which part is returned: "training",
            "validation", or "both" as a list of two.
        interpolation: "bilinear", "nearest", "bicubic", "lanczos3" or "lanczos5".
        follow_links: into folders that are linked.
        crop_to_aspect_ratio, pad_to_aspect_ratio: cut the longer side, or pad the shorter one with
            zeros, so that nothing is distorted.
        data_format: by default that of `config.image_data_format()`.
        format: "py", a `PyDataset`.
        verbose: print how many files there are.

    Examples:
        >>> import os
        >>> for name in ("cats", "dogs"):
        ...     os.makedirs(f"pets/{name}")
        ...     unidl.utils.save_img(f"pets/{name}/1.png", np.full((8, 8, 3), 255), scale=False)
        >>> data = unidl.utils.image_dataset_from_directory(
        ...     "pets", image_size=(4, 4), verbose=False
        ... )
        >>> x, y = data[0]
        >>> x.shape, data.class_names
        ((2, 4, 4, 3), ['cats', 'dogs'])
    """
    who = "image_dataset_from_directory"
    pillow(who)
    check_format(who, format)
    one_of(who, "color_mode", color_mode, COLOUR_MODES)
    one_of(who, "interpolation", interpolation, INTERPOLATIONS)
    one_of(who, "data_format", data_format, ("channels_last", "channels_first", None))
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ValueError(
            f"{who}: crop_to_aspect_ratio and pad_to_aspect_ratio are mutually exclusive."
        )
    height, width = _size(who, image_size)

    first = (data_format or config.image_data_format()) == "channels_first"
    read = _Reader(
        color_mode, height, width, interpolation, crop_to_aspect_ratio, pad_to_aspect_ratio, first
    )
    folder = Folder(
        who, "images", _ENDINGS, directory, labels, label_mode, class_names, batch_size, shuffle,
        seed, validation_split, subset, follow_links, verbose,
    )  # fmt: skip
    return folder.datasets(read)


@dataclass
class _Reader:
    """File -> array; a class, so that worker processes can be given it."""

    color_mode: str
    height: int
    width: int
    interpolation: str
    cut: bool
    padded: bool
    channels_first: bool

    def __call__(self, path: str) -> Any:
        image = img_to_array(load_img(path, self.color_mode), "channels_last", "float32")
        if self.cut:
            image = _cut(image, self.height, self.width)
        image = _resized(image, self.height, self.width, self.interpolation, self.padded)
        return image.transpose(2, 0, 1) if self.channels_first else image


def _size(who: str, given: Any) -> tuple[int, int]:
    pair = (given, given) if isinstance(given, int) else given
    if (
        not isinstance(pair, list | tuple)
        or len(pair) != 2
        or not all(isinstance(size, int) and size > 0 for size in pair)
    ):
        raise ValueError(f"{who}: image_size must be (height, width), got {given!r}.")
    return pair[0], pair[1]


def _cut(image: Any, height: int, width: int) -> Any:
    h, w = image.shape[:2]
    tall, wide = max(min(h, w * height // width), 1), max(min(w, h * width // height), 1)
    top, left = (h - tall) // 2, (w - wide) // 2
    return image[top : top + tall, left : left + wide]


def _resized(image: Any, height: int, width: int, interpolation: str, padded: bool) -> Any:
    """(h, w, c) -> (height, width, c), with `padded` undistorted in the middle of zeros."""
    h, w = image.shape[:2]
    tall, wide, top, left = height, width, 0, 0
    if padded:
        ratio = max(w / width, h / height)
        tall, wide = max(int(h / ratio), 1), max(int(w / ratio), 1)
        top, left = int((height - h / ratio) / 2), int((width - w / ratio) / 2)
    if (h, w) != (tall, wide):
        rows = interpolation_matrix(h, tall, interpolation).astype("float32")
        columns = interpolation_matrix(w, wide, interpolation).astype("float32")
        image = np.einsum("ih,hwc->iwc", rows, image, optimize=True)
        image = np.einsum("jw,iwc->ijc", columns, image, optimize=True)
    if not padded:
        return image
    result = np.zeros((height, width, image.shape[-1]), "float32")
    result[top : top + tall, left : left + wide] = image
    return result

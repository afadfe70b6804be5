"""Images in files, as Pillow's and as arrays."""

from __future__ import annotations

import io
import os
import warnings
from pathlib import PurePath
from typing import Any

import numpy as np

from unidl import config
from unidl.backend.dtypes import floatx
from unidl.typing import DType
from unidl.utils.arguments import public_function
from unidl.utils.suggestions import did_you_mean

COLOUR_MODES = {"grayscale": 1, "rgb": 3, "rgba": 4}
_INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos")
_DATA_FORMATS = ("channels_last", "channels_first")


def pillow(asked_by: str) -> Any:
    """The module `PIL.Image`."""
    try:
        from PIL import Image
    except ImportError:
        raise ImportError(
            f"{asked_by} needs Pillow. Install it with: pip install 'unidl-framework[images]'"
        ) from None
    return Image


def one_of(who: str, name: str, value: Any, known: Any) -> Any:
    """`value`, which must be one of `known`."""
    if value not in known:
        hint = did_you_mean(value, known)
        raise ValueError(
            f"{who}: {name} is one of {', '.join(map(repr, known))}, got {value!r}.{hint}"
        )
    return value


@public_function
def array_to_img(
    x: Any, data_format: str | None = None, scale: bool = True, dtype: DType | None = None
) -> Any:
    """Pillow's image of one array (h, w, c), or (c, h, w) with "channels_first"; c is 1, 3 or 4.

    Args:
        x: whatever `np.asarray` takes.
        data_format: by default that of `config.image_data_format()`.
        scale: bring the smallest value to 0 and the largest to 255; else values are cut to whole
            numbers as they are.
        dtype: to compute in, by default `config.floatx()`.

    Examples:
        >>> image = unidl.utils.array_to_img(np.arange(12.0).reshape(2, 2, 3))
        >>> image.size, image.mode, image.getpixel((1, 1))
        ((2, 2), 'RGB', (208, 231, 255))
    """
    image = pillow("array_to_img")
    data_format = _data_format("array_to_img", data_format)
    x = np.asarray(x, dtype or floatx())
    if x.ndim != 3:
        raise ValueError(
            f"array_to_img: expected one image with three axes, (h, w, c), got the shape {x.shape}."
            + (" Write array_to_img(x[0]) for the first of a batch." if x.ndim == 4 else "")
        )
    if data_format == "channels_first":
        x = x.transpose(1, 2, 0)
    if scale:
        x = x - x.min()
        top = x.max()
        x = (x / top if top else x) * 255
    channels = x.shape[-1]
    if channels == 1:
        x = x[..., 0]
        return image.fromarray(x.astype("int32" if x.max() > 255 else "uint8"))
    if channels not in (3, 4):
        raise ValueError(
            f"array_to_img: an image must have 1, 3 or 4 channels, got the shape {x.shape} in "
            f"{data_format!r}."
        )
    return image.fromarray(x.astype("uint8"))


@public_function
def img_to_array(img: Any, data_format: str | None = None, dtype: DType | None = None) -> Any:
    """NumPy array (h, w, c) of Pillow's image, or (c, h, w) with "channels_first".

    Args:
        data_format: by default that of `config.image_data_format()`.
        dtype: by default `config.floatx()`.

    Examples:
        >>> image = unidl.utils.array_to_img(np.full((2, 3, 1), 7.0), scale=False)
        >>> array = unidl.utils.img_to_array(image)
        >>> array.shape, float(array.max())
        ((2, 3, 1), 7.0)
    """
    data_format = _data_format("img_to_array", data_format)
    x = np.asarray(img, dtype or floatx())
    if x.ndim == 2:
        x = x[..., None]
    if x.ndim != 3:
        raise ValueError(f"img_to_array: expected one image, got the shape {x.shape}.")
    return x.transpose(2, 0, 1) if data_format == "channels_first" else x


@public_function
def load_img(
    path: Any,
    color_mode: str = "rgb",
    target_size: tuple[int, int] | None = None,
    interpolation: str = "nearest",
    keep_aspect_ratio: bool = False,
) -> Any:
    """Pillow's image from a file.

    Args:
        path: path, or an `io.BytesIO`.
        color_mode: "rgb", "rgba" or "grayscale", which keeps 16 and 32 bits.
        target_size: (height, width), None as it is.
        interpolation: "nearest", "bilinear", "bicubic", "hamming", "box" or "lanczos".
        keep_aspect_ratio: cut the longer side first, at both ends, so that nothing is distorted.

    Examples:
        >>> unidl.utils.save_img("grey.png", np.full((8, 8, 3), 128), scale=False)
        >>> image = unidl.utils.load_img("grey.png", target_size=(2, 4))
        >>> image.size, image.getpixel((0, 0))  # Pillow's sizes are (width, height)
        ((4, 2), (128, 128, 128))
    """
    image = pillow("load_img")
    one_of("load_img", "color_mode", color_mode, COLOUR_MODES)
    if not isinstance(path, io.BytesIO | str | bytes | os.PathLike):
        raise TypeError(
            f"load_img: expected a path or an io.BytesIO, got {path!r} of type "
            f"{type(path).__name__}."
        )
    img = image.open(path)
    img.load()  # so that no file stays open
    if color_mode != "grayscale":
        img = img.convert(color_mode.upper())
    elif img.mode not in ("L", "I;16", "I"):
        img = img.convert("L")
    if target_size is None:
        return img
    one_of("load_img", "interpolation", interpolation, _INTERPOLATIONS)
    height, width = target_size
    if img.size == (width, height):
        return img
    box = None
    if keep_aspect_ratio:
        wide, tall = _largest(img.width, img.height, width, height)
        left, top = (img.width - wide) // 2, (img.height - tall) // 2
        box = (left, top, left + wide, top + tall)
    return img.resize((width, height), image.Resampling[interpolation.upper()], box=box)


@public_function
def save_img(
    path: Any,
    x: Any,
    data_format: str | None = None,
    file_format: str | None = None,
    scale: bool = True,
    **kwargs: Any,
) -> None:
    """Write one image array into a file.

    Args:
        path: path, or a file open for writing.
        x, data_format, scale: as in `array_to_img`.
        file_format: "png", "jpeg", ...; by default what the path ends with.
        kwargs: of Pillow's `Image.save`.

    Examples:
        >>> unidl.utils.save_img("noise.png", np.random.uniform(size=(8, 8, 3)))
        >>> unidl.utils.load_img("noise.png").size
        (8, 8)
    """
    if file_format is None and isinstance(path, str | PurePath):
        file_format = PurePath(path).suffix[1:].lower()
    if not file_format:
        raise ValueError(
            f"save_img: {path!r} does not show the format. Write file_format='png', or a path that "
            "ends with '.png'."
        )
    file_format = "jpeg" if file_format.lower() == "jpg" else file_format
    img = array_to_img(x, data_format, scale)
    if img.mode == "RGBA" and file_format == "jpeg":
        warnings.warn(
            "save_img: a JPEG file cannot hold transparency, which is dropped. Save as PNG to keep "
            "it.",
            stacklevel=2,
        )
        img = img.convert("RGB")
    img.save(path, file_format, **kwargs)


@public_function
def smart_resize(
    x: Any, size: Any, interpolation: str = "bilinear", data_format: str = "channels_last"
) -> Any:
    """One image (h, w, c) or several (n, h, w, c) of another size without distortion: the longer
    side is cut first, at both ends.

    A NumPy array gives a NumPy array, a tensor one of its backend.

    Args:
        size: (height, width).
        interpolation: "bilinear", "nearest", "bicubic", "lanczos3" or "lanczos5".
        data_format: "channels_last" or "channels_first".

    Examples:
        >>> wide = np.arange(8.0).reshape(2, 4, 1)
        >>> unidl.preprocessing.image.smart_resize(wide, (2, 2))[..., 0]  # the middle
        array([[1., 2.],
               [5., 6.]], dtype=float32)
    """
    from unidl import ops
    from unidl.layers.reshaping.resizing import Resizing

    if not isinstance(size, list | tuple) or len(size) != 2:
        raise ValueError(f"smart_resize: size must be (height, width), got {size!r}.")
    if np.ndim(x) not in (3, 4) if isinstance(x, np.ndarray) else len(ops.shape(x)) not in (3, 4):
        raise ValueError(
            "smart_resize: expected one image (h, w, c) or several (n, h, w, c), got the shape "
            f"{tuple(ops.shape(x))}."
        )
    height, width = size
    layer = Resizing(
        height, width, interpolation, crop_to_aspect_ratio=True, data_format=data_format,
        dtype=floatx(),
    )  # fmt: skip
    resized = layer(x)
    return ops.convert_to_numpy(resized) if isinstance(x, np.ndarray) else resized


def _largest(width: int, height: int, new_width: int, new_height: int) -> tuple[int, int]:
    """(width, height) of the largest part that has the new proportions."""
    return (
        min(width, height * new_width // new_height),
        min(height, width * new_height // new_width),
    )


def _data_format(who: str, given: str | None) -> str:
    if given is None:
        return config.image_data_format()
    found: str = one_of(who, "data_format", given, _DATA_FORMATS)
    return found

"""Resizing of images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unidl import ops
from unidl.backend.contract.conv import INTERPOLATIONS
from unidl.backend.dtypes import is_float
from unidl.layers.base.layer import Layer
from unidl.layers.base.options import LayerOptions
from unidl.layers.base.validate import data_format as check_data_format
from unidl.layers.base.validate import one_of, positive_int
from unidl.ops import fused
from unidl.ops.dispatch import has_values
from unidl.tracing import KerasTensor
from unidl.typing import TensorLike

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Resizing(Layer):
    """Resizes images: (n, h, w, c) -> (n, height, width, c), or one image (h, w, c) -> (height,
    width, c).

    Pixel centres are at half-integers, and the weights at the borders are renormalized. Integer
    images are rounded and keep their dtype.

    Args:
        height, width: the new size.
        interpolation: "bilinear", "nearest", "bicubic" (Keys' kernel with a = -0.5), "lanczos3" or
            "lanczos5".
        crop_to_aspect_ratio: first crop the longer side at both ends, so that nothing is distorted.
        pad_to_aspect_ratio: first pad the shorter side at both ends with `fill_value`.
        fill_mode: "constant".
        antialias: widen the kernel when the image gets smaller.
        data_format: "channels_last" or "channels_first".

    Examples:
        >>> unidl.layers.Resizing(8, 10)(np.ones((2, 32, 32, 3))).shape
        (2, 8, 10, 3)
        >>> unidl.layers.Resizing(1, 2)(np.array([[[0.0], [1.0], [2.0], [3.0]]]))[0, :, 0]
        array([0.5, 2.5], dtype=float32)
    """

    def __init__(
        self,
        height: int,
        width: int,
        interpolation: str = "bilinear",
        crop_to_aspect_ratio: bool = False,
        pad_to_aspect_ratio: bool = False,
        fill_mode: str = "constant",
        fill_value: TensorLike = 0.0,
        antialias: bool = False,
        data_format: str | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.height, self.width = (
            positive_int(self, "height", height),
            positive_int(self, "width", width),
        )
        self.interpolation = one_of(self, "interpolation", interpolation, INTERPOLATIONS)
        if crop_to_aspect_ratio and pad_to_aspect_ratio:
            raise ValueError(
                "Resizing: crop_to_aspect_ratio and pad_to_aspect_ratio are mutually exclusive. "
                "Give one of them."
            )
        self.crop_to_aspect_ratio, self.pad_to_aspect_ratio = (
            crop_to_aspect_ratio,
            pad_to_aspect_ratio,
        )
        self.fill_mode, self.fill_value = (
            one_of(self, "fill_mode", fill_mode, ("constant",)),
            fill_value,
        )
        self.antialias, self.data_format = bool(antialias), check_data_format(self, data_format)

    def build(self, input_shape: Any) -> None:
        if not isinstance(input_shape, tuple) or len(input_shape) not in (3, 4):
            raise ValueError(
                f"{self._who()}: expected images (n, h, w, c), or one image (h, w, c), got the "
                f"shape {input_shape}."
            )

    def call(self, inputs: TensorLike) -> Any:
        dtype = ops.dtype(inputs)
        if not has_values(inputs):
            return KerasTensor(self._size(inputs.shape), dtype)
        x = inputs if is_float(dtype) else ops.cast(inputs, self.compute_dtype)
        alone = len(ops.shape(x)) == 3
        x = ops.expand_dims(x, 0) if alone else x
        first = self.data_format == "channels_first"
        x = self._fitted(ops.transpose(x, (0, 2, 3, 1)) if first else x)
        x = fused.resize(x, (self.height, self.width), self.interpolation, self.antialias)
        x = ops.transpose(x, (0, 3, 1, 2)) if first else x
        x = ops.squeeze(x, 0) if alone else x
        return x if is_float(dtype) else ops.saturate_cast(ops.round(x), dtype)

    def _size(self, shape: Any) -> Any:
        if self.data_format == "channels_first":
            return (*shape[:-2], self.height, self.width)
        return (*shape[:-3], self.height, self.width, shape[-1])

    def _fitted(self, x: TensorLike) -> Any:
        """Images (n, h, w, c) cut or padded to the aspect ratio of the result, as far as whole
        pixels allow."""
        h, w = ops.shape(x)[1:3]
        tall, wide = w * self.height // self.width, h * self.width // self.height
        if self.crop_to_aspect_ratio:
            tall, wide = max(min(h, tall), 1), max(min(w, wide), 1)
            top, left = (h - tall) // 2, (w - wide) // 2
            return x[:, top : top + tall, left : left + wide]
        if self.pad_to_aspect_ratio:
            top, left = max(tall - h, 0) // 2, max(wide - w, 0) // 2
            return ops.pad(
                x, ((0, 0), (top, top), (left, left), (0, 0)), constant_values=self.fill_value
            )
        return x

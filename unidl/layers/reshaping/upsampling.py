"""Larger grids by repetition or interpolation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unidl import ops
from unidl.backend.contract.conv import INTERPOLATIONS
from unidl.layers.base.input_spec import InputSpec
from unidl.layers.base.layer import Layer
from unidl.layers.base.options import LayerOptions
from unidl.layers.base.validate import data_format as check_data_format
from unidl.layers.base.validate import int_tuple, one_of, positive_int
from unidl.ops import fused
from unidl.typing import Sizes, TensorLike

if TYPE_CHECKING:
    from typing_extensions import Unpack


class UpSampling1D(Layer):
    """Each step repeated: (n, t, c) -> (n, t * size, c).

    Args:
        size: how often.

    Examples:
        >>> unidl.layers.UpSampling1D(2)(np.array([[[1.0], [5.0]]]))[0, :, 0]
        array([1., 1., 5., 5.], dtype=float32)
    """

    def __init__(self, size: Sizes = 2, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        self.size = positive_int(self, "size", size)
        self.input_spec = InputSpec(ndim=3)

    def call(self, inputs: TensorLike) -> Any:
        return ops.repeat(inputs, self.size, axis=1)


class UpSampling2D(Layer):
    """Larger images: (n, h, w, c) -> (n, h * size[0], w * size[1], c).

    Args:
        size: an int or two.
        data_format: "channels_last" or "channels_first".
        interpolation: "nearest" (repetition), "bilinear", "bicubic", "lanczos3" or "lanczos5".

    Examples:
        >>> x = np.array([[1.0, 5.0]]).reshape(1, 1, 2, 1)
        >>> unidl.layers.UpSampling2D(2)(x)[0, :, :, 0]
        array([[1., 1., 5., 5.],
               [1., 1., 5., 5.]], dtype=float32)
        >>> unidl.layers.UpSampling2D((1, 2), interpolation="bilinear")(x)[0, :, :, 0]
        array([[1., 2., 4., 5.]], dtype=float32)
    """

    def __init__(
        self,
        size: Sizes = (2, 2),
        data_format: str | None = None,
        interpolation: str = "nearest",
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.size = int_tuple(self, "size", size, 2)
        self.data_format = check_data_format(self, data_format)
        self.interpolation = one_of(
            self, "interpolation", str(interpolation).lower(), INTERPOLATIONS
        )
        self.input_spec = InputSpec(ndim=4)

    def call(self, inputs: TensorLike) -> Any:
        if self.interpolation == "nearest":
            return _repeated(inputs, self.size, self.data_format)
        first = self.data_format == "channels_first"
        x = ops.transpose(inputs, (0, 2, 3, 1)) if first else inputs
        sizes = ops.shape(x)[1:3]
        x = fused.resize(
            x,
            tuple(None if n is None else n * k for n, k in zip(sizes, self.size, strict=True)),
            self.interpolation,
        )
        return ops.transpose(x, (0, 3, 1, 2)) if first else x


class UpSampling3D(Layer):
    """Larger volumes by repetition: (n, d, h, w, c) -> (n, d * size[0], h * size[1], w * size[2],
    c).

    Args:
        size: an int or three.
        data_format: "channels_last" or "channels_first".

    Examples:
        >>> unidl.layers.UpSampling3D((1, 2, 3))(np.ones((1, 4, 4, 4, 2))).shape
        (1, 4, 8, 12, 2)
    """

    def __init__(
        self,
        size: Sizes = (2, 2, 2),
        data_format: str | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.size = int_tuple(self, "size", size, 3)
        self.data_format = check_data_format(self, data_format)
        self.input_spec = InputSpec(ndim=5)

    def call(self, inputs: TensorLike) -> Any:
        return _repeated(inputs, self.size, self.data_format)


def _repeated(x: TensorLike, size: Any, data_format: Any) -> Any:
    """`x` with its spatial axes repeated `size` times."""
    for axis, count in enumerate(size, start=1 if data_format == "channels_last" else 2):
        x = ops.repeat(x, count, axis=axis)
    return x

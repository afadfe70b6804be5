"""Pooling to a grid of given size, whatever the size of the input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unidl import ops
from unidl.layers.base.input_spec import InputSpec
from unidl.layers.base.layer import Layer
from unidl.layers.base.options import LayerOptions
from unidl.layers.base.validate import data_format as check_data_format
from unidl.layers.base.validate import int_tuple
from unidl.layers.windows.pooling import check_not_empty
from unidl.typing import TensorLike

if TYPE_CHECKING:
    from typing_extensions import Unpack


class BaseAdaptivePooling(Layer):
    """Reduction over `output_size` nearly equal ranges of each of `_rank` spatial axes.

    Range i of `count` over an axis of n elements goes from floor(i * n / count) to ceil((i + 1) * n
    / count), so that neighbours share an element where n is no multiple.
    """

    _rank = 0

    def __init__(
        self, output_size: Any, data_format: str | None = None, **kwargs: Unpack[LayerOptions]
    ) -> None:
        super().__init__(**kwargs)
        self.output_size = int_tuple(self, "output_size", output_size, self._rank)
        self.data_format = check_data_format(self, data_format)
        self.input_spec = InputSpec(ndim=self._rank + 2)


class BaseAdaptiveAveragePooling(BaseAdaptivePooling):
    """Mean over the ranges."""

    def call(self, inputs: TensorLike) -> Any:
        return ops.adaptive_average_pool(inputs, self.output_size, self.data_format)


class BaseAdaptiveMaxPooling(BaseAdaptivePooling):
    """Maximum over the ranges; equal elements share the gradient."""

    def call(self, inputs: TensorLike) -> Any:
        check_not_empty(self, inputs)
        return ops.adaptive_max_pool(inputs, self.output_size, self.data_format)


class AdaptiveAveragePooling1D(BaseAdaptiveAveragePooling):
    """Mean over ranges in time: (n, t, c) -> (n, output_size, c).

    Args:
        output_size: number of ranges, an int.
        data_format: "channels_last" (n, t, c) or "channels_first" (n, c, t).

    Examples:
        >>> x = np.arange(6.0).reshape(1, 6, 1)
        >>> unidl.layers.AdaptiveAveragePooling1D(3)(x)[0, :, 0]
        array([0.5, 2.5, 4.5], dtype=float32)
        >>> unidl.layers.AdaptiveAveragePooling1D(4)(x)[0, :, 0]  # the ranges overlap
        array([0.5, 1.5, 3.5, 4.5], dtype=float32)
    """

    _rank = 1


class AdaptiveAveragePooling2D(BaseAdaptiveAveragePooling):
    """Mean over a grid of ranges: (n, h, w, c) -> (n, *output_size, c).

    Args:
        output_size: an int or two.
        data_format: "channels_last" or "channels_first".

    Examples:
        >>> layer = unidl.layers.AdaptiveAveragePooling2D(4)
        >>> [layer(np.ones((1, n, n, 3))).shape for n in (32, 50)]  # one size, whatever comes in
        [(1, 4, 4, 3), (1, 4, 4, 3)]
    """

    _rank = 2


class AdaptiveAveragePooling3D(BaseAdaptiveAveragePooling):
    """Mean over a grid of ranges: (n, d, h, w, c) -> (n, *output_size, c).

    Args:
        output_size: an int or three.
        data_format: "channels_last" or "channels_first".

    Examples:
        >>> unidl.layers.AdaptiveAveragePooling3D((1, 2, 3))(np.ones((1, 7, 7, 7, 2))).shape
        (1, 1, 2, 3, 2)
    """

    _rank = 3


class AdaptiveMaxPooling1D(BaseAdaptiveMaxPooling):
    """Maximum over ranges in time: (n, t, c) -> (n, output_size, c).

    Args:
        output_size: number of ranges, an int.
        data_format: "channels_last" (n, t, c) or "channels_first" (n, c, t).

    Examples:
        >>> unidl.layers.AdaptiveMaxPooling1D(3)(np.arange(6.0).reshape(1, 6, 1))[0, :, 0]
        array([1., 3., 5.], dtype=float32)
    """

    _rank = 1


class AdaptiveMaxPooling2D(BaseAdaptiveMaxPooling):
    """Maximum over a grid of ranges: (n, h, w, c) -> (n, *output_size, c).

    Args:
        output_size: an int or two.
        data_format: "channels_last" or "channels_first".

    Examples:
        >>> x = np.arange(9.0).reshape(1, 3, 3, 1)
        >>> unidl.layers.AdaptiveMaxPooling2D(2)(x)[0, :, :, 0]
        array([[4., 5.],
               [7., 8.]], dtype=float32)
    """

    _rank = 2


class AdaptiveMaxPooling3D(BaseAdaptiveMaxPooling):
    """Maximum over a grid of ranges: (n, d, h, w, c) -> (n, *output_size, c).

    Args:
        output_size: an int or three.
        data_format: "channels_last" or "channels_first".

    Examples:
        >>> unidl.layers.AdaptiveMaxPooling3D(2)(np.ones((1, 6, 7, 8, 3))).shape
        (1, 2, 2, 2, 3)
    """

    _rank = 3

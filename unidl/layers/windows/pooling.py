"""Pooling over windows and over everything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unidl import ops
from unidl.layers.base.input_spec import InputSpec
from unidl.layers.base.layer import Layer
from unidl.layers.base.options import LayerOptions, PoolingOptions
from unidl.layers.base.validate import data_format as check_data_format
from unidl.layers.base.validate import int_tuple, one_of
from unidl.typing import Sizes, TensorLike

if TYPE_CHECKING:
    from typing_extensions import Unpack


class BasePooling(Layer):
    """Reduction over windows of `_rank` spatial axes."""

    _rank = 0

    def __init__(
        self,
        pool_size: Sizes,
        strides: Sizes | None = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Unpack[PoolingOptions],
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.pool_size = int_tuple(self, "pool_size", pool_size, self._rank)
        self.strides = (
            self.pool_size if strides is None else int_tuple(self, "strides", strides, self._rank)
        )
        self.padding = one_of(self, "padding", str(padding).lower(), ("valid", "same"))
        self.data_format = check_data_format(self, data_format)
        self.input_spec = InputSpec(ndim=self._rank + 2)


class BaseMaxPooling(BasePooling):
    """Maximum over windows."""

    def call(self, inputs: TensorLike) -> Any:
        return ops.max_pool(inputs, self.pool_size, self.strides, self.padding, self.data_format)


class BaseAveragePooling(BasePooling):
    """Mean over windows."""

    def call(self, inputs: TensorLike) -> Any:
        return ops.average_pool(
            inputs, self.pool_size, self.strides, self.padding, self.data_format
        )


class MaxPooling1D(BaseMaxPooling):
    """Maximum over windows in time: (n, t, c) -> (n, t', c).

    Args:
        pool_size: size of a window: an int.
        strides: steps between windows: an int, `pool_size` by default.
        padding: "valid" or "same" (padding never wins).
        data_format: "channels_last" (n, t, c) or "channels_first" (n, c, t).

    Examples:
        >>> x = np.array([1.0, 4.0, 2.0, 3.0, 9.0]).reshape(1, 5, 1)
        >>> unidl.layers.MaxPooling1D(2)(x)[0, :, 0]  # what fills no window is left out
        array([4., 3.], dtype=float32)
        >>> unidl.layers.MaxPooling1D(2, strides=1)(x)[0, :, 0]
        array([4., 4., 3., 9.], dtype=float32)
    """

    _rank = 1

    def __init__(
        self,
        pool_size: Sizes = 2,
        strides: Sizes | None = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Unpack[PoolingOptions],
    ) -> None:
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)


class MaxPooling2D(BaseMaxPooling):
    """Maximum over windows: (n, h, w, c) -> (n, h', w', c); of equal elements the first gets the
    gradient.

    Args:
        pool_size: an int or two.
        strides: an int or two, `pool_size` by default.
        padding: "valid" or "same" (padding never wins).
        data_format: "channels_last" or "channels_first".

    Examples:
        >>> x = np.arange(16.0).reshape(1, 4, 4, 1)
        >>> unidl.layers.MaxPooling2D()(x)[0, :, :, 0]
        array([[ 5.,  7.],
               [13., 15.]], dtype=float32)
        >>> unidl.layers.MaxPooling2D(3, strides=2, padding="same")(x).shape
        (1, 2, 2, 1)
    """

    _rank = 2

    def __init__(
        self,
        pool_size: Sizes = (2, 2),
        strides: Sizes | None = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Unpack[PoolingOptions],
    ) -> None:
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)


class MaxPooling3D(BaseMaxPooling):
    """Maximum over windows: (n, d, h, w, c) -> (n, d', h', w', c).

    Args:
        pool_size: size of a window: an int or three.
        strides: steps between windows: an int or three, `pool_size` by default.
        padding: "valid" or "same" (padding never wins).
        data_format: "channels_last" or "channels_first".

    Examples:
        >>> unidl.layers.MaxPooling3D()(np.ones((1, 4, 6, 8, 3))).shape
        (1, 2, 3, 4, 3)
    """

    _rank = 3

    def __init__(
        self,
        pool_size: Sizes = (2, 2, 2),
        strides: Sizes | None = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Unpack[PoolingOptions],
    ) -> None:
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)


class AveragePooling1D(BaseAveragePooling):
    """Mean over windows in time, padding not counted: (n, t, c) -> (n, t', c).

    Args:
        pool_size: size of a window: an int.
        strides: steps between windows: an int, `pool_size` by default.
        padding: "valid" or "same" (padding is not counted).
        data_format: "channels_last" (n, t, c) or "channels_first" (n, c, t).

    Examples:
        >>> unidl.layers.AveragePooling1D(2)(np.arange(6.0).reshape(1, 6, 1))[0, :, 0]
        array([0.5, 2.5, 4.5], dtype=float32)
    """

    _rank = 1


class AveragePooling2D(BaseAveragePooling):
    """Mean over windows, padding not counted.

    Args:
        pool_size: size of a window: an int or two.
        strides: steps between windows: an int or two, `pool_size` by default.
        padding: "valid" or "same" (padding is not counted).
        data_format: "channels_last" or "channels_first".

    Examples:
        >>> x = np.arange(9.0).reshape(1, 3, 3, 1)
        >>> unidl.layers.AveragePooling2D(2, padding="same")(x)[0, :, :, 0]  # without padding
        array([[2. , 3.5],
               [6.5, 8. ]], dtype=float32)
    """

    _rank = 2


class AveragePooling3D(BaseAveragePooling):
    """Mean over windows, padding not counted: (n, d, h, w, c) -> (n, d', h', w', c).

    Args:
        pool_size: size of a window: an int or three.
        strides: steps between windows: an int or three, `pool_size` by default.
        padding: "valid" or "same" (padding is not counted).
        data_format: "channels_last" or "channels_first".

    Examples:
        >>> unidl.layers.AveragePooling3D((1, 2, 2))(np.ones((1, 4, 6, 8, 3))).shape
        (1, 4, 3, 4, 3)
    """

    _rank = 3


class GlobalAveragePooling1D(Layer):
    """Mean over time: (n, t, c) -> (n, c); masked steps do not count.

    Args:
        data_format: "channels_last" (n, t, c) or "channels_first" (n, c, t).
        keepdims: keep the time axis with size 1.

    Examples:
        >>> x = np.array([[[1.0], [3.0], [8.0]]])
        >>> layer = unidl.layers.GlobalAveragePooling1D()
        >>> layer(x)
        array([[4.]], dtype=float32)
        >>> layer(x, mask=np.array([[True, True, False]]))  # the mean of the steps that count
        array([[2.]], dtype=float32)
    """

    def __init__(
        self, data_format: str | None = None, keepdims: bool = False, **kwargs: Unpack[LayerOptions]
    ) -> None:
        super().__init__(**kwargs)
        self.data_format = check_data_format(self, data_format)
        self.keepdims = keepdims
        self.input_spec = InputSpec(ndim=3)
        self.supports_masking = True

    def call(self, inputs: TensorLike, mask: TensorLike | None = None) -> Any:
        axis = 1 if self.data_format == "channels_last" else 2
        if mask is None:
            return ops.mean(inputs, axis=axis, keepdims=self.keepdims)
        weights = ops.expand_dims(ops.cast(mask, self.compute_dtype), 3 - axis)
        total = ops.sum(ops.multiply(inputs, weights), axis=axis, keepdims=self.keepdims)
        return ops.divide(total, ops.sum(weights, axis=axis, keepdims=self.keepdims))

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return None


def check_not_empty(layer: Any, inputs: TensorLike) -> None:
    """An error if there is no element of which a maximum could be taken."""
    shape = ops.shape(inputs)
    if 0 in (shape[1:-1] if layer.data_format == "channels_last" else shape[2:]):
        raise ValueError(
            f"{layer._who()}: there is no maximum of no elements, and inputs of shape "
            f"{tuple(shape)} have none along a pooled axis. Give at least one."
        )


class GlobalPooling(Layer):
    """Reduction over all `_rank` spatial axes."""

    _rank = 0

    def __init__(
        self, data_format: str | None = None, keepdims: bool = False, **kwargs: Unpack[LayerOptions]
    ) -> None:
        super().__init__(**kwargs)
        self.data_format = check_data_format(self, data_format)
        self.keepdims = keepdims
        first = 1 if self.data_format == "channels_last" else 2
        self._axes = tuple(range(first, first + self._rank))
        self.input_spec = InputSpec(ndim=self._rank + 2)


class GlobalAveragePooling2D(GlobalPooling):
    """Mean over both spatial axes: (n, h, w, c) -> (n, c).

    Args:
        data_format: "channels_last" or "channels_first".
        keepdims: keep the spatial axes with size 1.

    Examples:
        >>> x = np.ones((2, 7, 7, 64))
        >>> unidl.layers.GlobalAveragePooling2D()(x).shape
        (2, 64)
        >>> unidl.layers.GlobalAveragePooling2D(keepdims=True)(x).shape
        (2, 1, 1, 64)
    """

    _rank = 2

    def call(self, inputs: TensorLike) -> Any:
        return ops.mean(inputs, axis=self._axes, keepdims=self.keepdims)


class GlobalAveragePooling3D(GlobalPooling):
    """Mean over the three spatial axes: (n, d, h, w, c) -> (n, c).

    Args:
        data_format: "channels_last" or "channels_first".
        keepdims: keep the spatial axes with size 1.

    Examples:
        >>> unidl.layers.GlobalAveragePooling3D()(np.ones((2, 4, 4, 4, 8))).shape
        (2, 8)
    """

    _rank = 3

    def call(self, inputs: TensorLike) -> Any:
        return ops.mean(inputs, axis=self._axes, keepdims=self.keepdims)


class GlobalMaxPooling1D(GlobalPooling):
    """Maximum over time: (n, t, c) -> (n, c); equal elements share the gradient.

    Args:
        data_format: "channels_last" (n, t, c) or "channels_first" (n, c, t).
        keepdims: keep the time axis with size 1.

    Examples:
        >>> unidl.layers.GlobalMaxPooling1D()(np.array([[[1.0, 9.0], [5.0, 2.0]]]))
        array([[5., 9.]], dtype=float32)
    """

    _rank = 1

    def call(self, inputs: TensorLike) -> Any:
        check_not_empty(self, inputs)
        return ops.max(inputs, axis=self._axes, keepdims=self.keepdims)


class GlobalMaxPooling2D(GlobalMaxPooling1D):
    """Maximum over both spatial axes: (n, h, w, c) -> (n, c).

    Args:
        data_format: "channels_last" or "channels_first".
        keepdims: keep the spatial axes with size 1.

    Examples:
        >>> unidl.layers.GlobalMaxPooling2D()(np.arange(8.0).reshape(1, 2, 2, 2))
        array([[6., 7.]], dtype=float32)
    """

    _rank = 2


class GlobalMaxPooling3D(GlobalMaxPooling1D):
    """Maximum over the three spatial axes: (n, d, h, w, c) -> (n, c).

    Args:
        data_format: "channels_last" or "channels_first".
        keepdims: keep the spatial axes with size 1.

    Examples:
        >>> unidl.layers.GlobalMaxPooling3D()(np.ones((2, 4, 4, 4, 8))).shape
        (2, 8)
    """

    _rank = 3

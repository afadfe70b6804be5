"""Zeros put around the spatial axes, and edges cut off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unidl import ops
from unidl.layers.base.input_spec import InputSpec
from unidl.layers.base.layer import Layer
from unidl.layers.base.options import LayerOptions
from unidl.layers.base.validate import data_format as check_data_format
from unidl.layers.base.validate import int_tuple
from unidl.tracing.sizes import is_open
from unidl.typing import TensorLike

if TYPE_CHECKING:
    from typing_extensions import Unpack


def _pairs(layer: Any, name: str, value: Any, rank: Any) -> Any:
    """(before, after) for each of `rank` axes, from an int, an int for each axis, or pairs."""
    if isinstance(value, int):
        value = (value,) * rank
    if not isinstance(value, list | tuple) or len(value) != rank:
        raise ValueError(
            f"{type(layer).__name__}: {name} must be an int, or {rank} ints or pairs (before, "
            f"after), got {value!r}."
        )
    return tuple(int_tuple(layer, name, v, 2, allow_zero=True) for v in value)


class SpatialEdges(Layer):
    """Base of the layers that change the edges of `_rank` spatial axes."""

    _rank = 0

    def _take(self, name: str, value: Any, data_format: Any) -> Any:
        self.data_format = check_data_format(self, data_format)
        self.input_spec = InputSpec(ndim=self._rank + 2)
        return _pairs(self, name, value, self._rank)

    def _all_axes(self, pairs: Any) -> Any:
        none = (0, 0)
        return (
            (none, none, *pairs) if self.data_format == "channels_first" else (none, *pairs, none)
        )


class BaseZeroPadding(SpatialEdges):
    """Zeros before and after each spatial axis; see `ZeroPadding2D`."""

    def __init__(
        self, padding: Any = 1, data_format: str | None = None, **kwargs: Unpack[LayerOptions]
    ) -> None:
        super().__init__(**kwargs)
        self.padding = self._take("padding", padding, data_format)

    def call(self, inputs: TensorLike) -> Any:
        return ops.pad(inputs, self._all_axes(self.padding))


class ZeroPadding1D(BaseZeroPadding):
    """Zeros before and after the time axis: (n, t, c) -> (n, t', c).

    Args:
        padding: an int, or a pair (before, after).
        data_format: "channels_last" (n, t, c) or "channels_first" (n, c, t).

    Examples:
        >>> x = np.array([[[1.0], [2.0]]])
        >>> unidl.layers.ZeroPadding1D((1, 2))(x)[0, :, 0]
        array([0., 1., 2., 0., 0.], dtype=float32)
    """

    _rank = 1

    def __init__(
        self, padding: Any = 1, data_format: str | None = None, **kwargs: Unpack[LayerOptions]
    ) -> None:
        pair = int_tuple(self, "padding", padding, 2, allow_zero=True)
        super().__init__((pair,), data_format, **kwargs)
        self.padding = pair

    def call(self, inputs: TensorLike) -> Any:
        return ops.pad(inputs, self._all_axes((self.padding,)))


class ZeroPadding2D(BaseZeroPadding):
    """Zeros around images: (n, h, w, c) -> (n, h', w', c).

    Args:
        padding: an int; an int for each axis; or a pair (before, after) for each axis.
        data_format: "channels_last" or "channels_first".

    Examples:
        >>> x = np.ones((1, 4, 4, 3))
        >>> unidl.layers.ZeroPadding2D(1)(x).shape
        (1, 6, 6, 3)
        >>> unidl.layers.ZeroPadding2D(((0, 1), (2, 3)))(x).shape
        (1, 5, 9, 3)
    """

    _rank = 2


class ZeroPadding3D(BaseZeroPadding):
    """Zeros around volumes: (n, d, h, w, c) -> (n, d', h', w', c).

    Args:
        padding: an int; an int for each axis; or a pair (before, after) for each axis.
        data_format: "channels_last" or "channels_first".

    Examples:
        >>> unidl.layers.ZeroPadding3D((1, 2, 3))(np.ones((1, 4, 4, 4, 2))).shape
        (1, 6, 8, 10, 2)
    """

    _rank = 3


class BaseCropping(SpatialEdges):
    """Elements cut off before and after each spatial axis; see `Cropping2D`."""

    def __init__(
        self, cropping: Any, data_format: str | None = None, **kwargs: Unpack[LayerOptions]
    ) -> None:
        super().__init__(**kwargs)
        self.cropping = self._take("cropping", cropping, data_format)

    def _crop(self, inputs: TensorLike, pairs: Any) -> Any:
        cuts = self._all_axes(pairs)
        for (before, after), size in zip(cuts, ops.shape(inputs), strict=True):
            if not is_open(size) and 0 < before + after >= size:
                raise ValueError(
                    f"{self._who()}: cropping={self.cropping} removes everything from an input of "
                    f"shape {tuple(ops.shape(inputs))}."
                )
        return inputs[tuple(slice(before, -after if after else None) for before, after in cuts)]

    def call(self, inputs: TensorLike) -> Any:
        return self._crop(inputs, self.cropping)


class Cropping1D(BaseCropping):
    """The time axis without its ends: (n, t, c) -> (n, t', c).

    Args:
        cropping: an int, or a pair (before, after).

    Examples:
        >>> x = np.arange(5.0).reshape(1, 5, 1)
        >>> unidl.layers.Cropping1D((1, 2))(x)[0, :, 0]
        array([1., 2.], dtype=float32)
    """

    _rank = 1
    _config_omits = frozenset({"data_format"})

    def __init__(self, cropping: Any = (1, 1), **kwargs: Unpack[LayerOptions]) -> None:
        pair = int_tuple(self, "cropping", cropping, 2, allow_zero=True)
        if "data_format" in kwargs:
            raise TypeError(
                "Cropping1D: unknown argument 'data_format'. It crops axis 1 of (batch, time, "
                "features). "
                "Write: Permute((2, 1)) before and after it."
            )
        super().__init__((pair,), "channels_last", **kwargs)
        self.cropping = pair

    def call(self, inputs: TensorLike) -> Any:
        return self._crop(inputs, (self.cropping,))


class Cropping2D(BaseCropping):
    """Images without their edges: (n, h, w, c) -> (n, h', w', c).

    Args:
        cropping: an int; an int for each axis; or a pair (before, after) for each axis.
        data_format: "channels_last" or "channels_first".

    Examples:
        >>> x = np.ones((1, 28, 28, 3))
        >>> unidl.layers.Cropping2D(2)(x).shape
        (1, 24, 24, 3)
        >>> unidl.layers.Cropping2D()(x).shape  # nothing is cut by default
        (1, 28, 28, 3)
    """

    _rank = 2

    def __init__(
        self,
        cropping: Any = ((0, 0), (0, 0)),
        data_format: str | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(cropping, data_format, **kwargs)


class Cropping3D(BaseCropping):
    """Volumes without their edges: (n, d, h, w, c) -> (n, d', h', w', c).

    Args:
        cropping: an int; an int for each axis; or a pair (before, after) for each axis.
        data_format: "channels_last" or "channels_first".

    Examples:
        >>> unidl.layers.Cropping3D()(np.ones((1, 8, 8, 8, 3))).shape  # one from each end
        (1, 6, 6, 6, 3)
    """

    _rank = 3

    def __init__(
        self,
        cropping: Any = ((1, 1), (1, 1), (1, 1)),
        data_format: str | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(cropping, data_format, **kwargs)

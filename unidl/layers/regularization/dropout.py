"""Dropout, and penalties on activations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unidl import random, regularizers
from unidl.layers.base.input_spec import InputSpec
from unidl.layers.base.layer import Layer
from unidl.layers.base.options import LayerOptions, PlainLayerOptions
from unidl.layers.base.validate import data_format as check_data_format
from unidl.layers.base.validate import unit_interval
from unidl.typing import Config, DType, SeedLike, Shape, TensorLike

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Dropout(Layer):
    """In training, sets a random fraction of the elements to 0 and scales the others by 1 / (1 -
    rate).

    Args:
        rate: fraction of elements dropped, from 0 to 1.
        noise_shape: shape of the mask, None for the input's size on an axis; 1 shares a mask along
            an axis.
        seed: an int for a fixed stream; by default derived from the global seed. The masks are the
            same on every backend.

    Examples:
        >>> layer = unidl.layers.Dropout(0.5, seed=1)
        >>> layer(np.ones((1, 6)))  # without effect outside training
        array([[1., 1., 1., 1., 1., 1.]], dtype=float32)
        >>> layer(np.ones((1, 6)), training=True)
        array([[0., 0., 2., 0., 0., 2.]], dtype=float32)
    """

    def __init__(
        self,
        rate: float,
        noise_shape: Shape | None = None,
        seed: SeedLike | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.rate = unit_interval(self, "rate", rate)
        self.noise_shape = None if noise_shape is None else tuple(noise_shape)
        self.seed = seed
        self.seed_generator = random.SeedGenerator(seed)
        self.supports_masking = True

    def call(self, inputs: TensorLike, training: bool | None = False) -> Any:
        if not training or self.rate == 0:
            return inputs
        return random.dropout(
            inputs, self.rate, noise_shape=self.noise_shape, seed=self.seed_generator
        )


class BaseSpatialDropout(Dropout):
    """Dropout of whole channels: one draw for all positions of a sample's channel."""

    def __init__(
        self,
        rate: float,
        rank: int,
        data_format: str | None,
        seed: SeedLike | None = None,
        name: str | None = None,
        dtype: DType | None = None,
    ) -> None:
        super().__init__(rate, seed=seed, name=name, dtype=dtype)
        channels = rank + 1 if data_format == "channels_last" else 1
        self._noise = tuple(None if axis in (0, channels) else 1 for axis in range(rank + 2))
        self.input_spec = InputSpec(ndim=rank + 2)

    def call(self, inputs: TensorLike, training: bool | None = False) -> Any:
        if not training or self.rate == 0:
            return inputs
        return random.dropout(inputs, self.rate, noise_shape=self._noise, seed=self.seed_generator)

    def get_config(self) -> Config:
        """As Keras writes it: without `trainable`, the dtype as a name."""
        config = {
            "rate": self.rate,
            "seed": self.seed,
            "name": self.name,
            "dtype": self.dtype_policy.name,
        }
        return config | ({"data_format": self.data_format} if hasattr(self, "data_format") else {})


class SpatialDropout1D(BaseSpatialDropout):
    """Dropout of whole channels of (n, t, c).

    Args:
        rate: fraction of channels dropped.
        seed: an int for a fixed stream; by default derived from the global seed. The masks are the
            same on every backend.

    Examples:
        >>> layer = unidl.layers.SpatialDropout1D(0.5, seed=3)
        >>> layer(np.ones((1, 2, 4)), training=True)  # a channel is there at all steps or at none
        array([[[2., 0., 2., 2.],
                [2., 0., 2., 2.]]], dtype=float32)
    """

    def __init__(
        self,
        rate: float,
        seed: SeedLike | None = None,
        name: str | None = None,
        dtype: DType | None = None,
    ) -> None:
        super().__init__(rate, 1, "channels_last", seed, name, dtype)


class SpatialDropout2D(BaseSpatialDropout):
    """Dropout of whole channels of (n, h, w, c).

    Args:
        rate: fraction of channels dropped.
        data_format: "channels_last" or "channels_first".
        seed: an int for a fixed stream; by default derived from the global seed. The masks are the
            same on every backend.

    Examples:
        >>> layer = unidl.layers.SpatialDropout2D(0.5, seed=3)
        >>> y = layer(np.ones((1, 8, 8, 4)), training=True)
        >>> unidl.ops.min(y, axis=(1, 2)), unidl.ops.max(y, axis=(1, 2))  # pixels are alike
        (array([[2., 0., 2., 2.]], dtype=float32), array([[2., 0., 2., 2.]], dtype=float32))
    """

    def __init__(
        self,
        rate: float,
        data_format: str | None = None,
        seed: SeedLike | None = None,
        name: str | None = None,
        dtype: DType | None = None,
    ) -> None:
        data_format = check_data_format(self, data_format)
        super().__init__(rate, 2, data_format, seed, name, dtype)
        self.data_format = data_format


class SpatialDropout3D(BaseSpatialDropout):
    """Dropout of whole channels of (n, d, h, w, c).

    Args:
        rate: fraction of channels dropped.
        data_format: "channels_last" or "channels_first".
        seed: an int for a fixed stream; by default derived from the global seed. The masks are the
            same on every backend.

    Examples:
        >>> layer = unidl.layers.SpatialDropout3D(0.5, seed=3)
        >>> y = layer(np.ones((1, 2, 8, 8, 4)), training=True)
        >>> unidl.ops.max(y, axis=(0, 1, 2, 3))  # one fate for each channel
        array([2., 0., 2., 2.], dtype=float32)
    """

    def __init__(
        self,
        rate: float,
        data_format: str | None = None,
        seed: SeedLike | None = None,
        name: str | None = None,
        dtype: DType | None = None,
    ) -> None:
        data_format = check_data_format(self, data_format)
        super().__init__(rate, 3, data_format, seed, name, dtype)
        self.data_format = data_format


class ActivityRegularization(Layer):
    """Passes its inputs on and adds l1 * sum|x| + l2 * sum(x**2), as a mean over the batch, to the
    training loss.

    Args:
        l1, l2: factors.

    Examples:
        >>> layer = unidl.layers.ActivityRegularization(l1=0.1)
        >>> layer(np.array([[1.0, -2.0]]))
        array([[ 1., -2.]], dtype=float32)
        >>> layer.losses
        [array(0.3, dtype=float32)]
    """

    def __init__(
        self, l1: float = 0.0, l2: float = 0.0, **kwargs: Unpack[PlainLayerOptions]
    ) -> None:
        super().__init__(activity_regularizer=regularizers.L1L2(l1=l1, l2=l2), **kwargs)
        self.l1, self.l2 = l1, l2
        self.supports_masking = True

    def call(self, inputs: TensorLike) -> Any:
        return inputs

    def get_config(self) -> Config:
        return {
            key: value
            for key, value in super().get_config().items()
            if key != "activity_regularizer"
        }

"""Random numbers added to, multiplied with or put in place of activations, in training only."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from unidl import ops, random
from unidl.layers.base.layer import Layer
from unidl.layers.base.options import LayerOptions
from unidl.layers.base.validate import unit_interval
from unidl.ops.dispatch import has_values
from unidl.typing import SeedLike, Shape, TensorLike

if TYPE_CHECKING:
    from typing_extensions import Unpack

# What SELU tends to for small inputs (Klambauer et al., arXiv:1706.02515): minus scale times alpha.
_SELU_FLOOR = -1.6732632423543772 * 1.0507009873554805


class Noise(Layer):
    """Base: in training, where `strength` is not 0, `call` returns `disturb(inputs)`, else the
    inputs."""

    def __init__(
        self, strength: Any, seed: SeedLike | None = None, **kwargs: Unpack[LayerOptions]
    ) -> None:
        super().__init__(**kwargs)
        self._strength = strength
        self.seed = seed
        self.seed_generator = random.SeedGenerator(seed)
        self.supports_masking = True

    def call(self, inputs: TensorLike, training: bool | None = False) -> Any:
        # A symbol has a shape alone, which noise keeps.
        if not training or self._strength == 0 or not has_values(inputs):
            return inputs
        return self.disturb(inputs)

    def disturb(self, inputs: TensorLike) -> Any:
        """`inputs` with noise, of the same shape."""
        raise NotImplementedError

    def _normal(self, inputs: TensorLike, mean: TensorLike, stddev: Any) -> Any:
        return random.normal(
            ops.shape(inputs), mean, stddev, dtype=ops.dtype(inputs), seed=self.seed_generator
        )


class GaussianNoise(Noise):
    """Adds normal noise of mean 0.

    Args:
        stddev: its standard deviation, from 0 to 1.
        seed: an int for a fixed stream; by default derived from the global seed. The noise is the
            same on every backend.

    Examples:
        >>> layer = unidl.layers.GaussianNoise(0.1, seed=1)
        >>> layer(np.zeros((1, 3)))  # without effect outside training
        array([[0., 0., 0.]], dtype=float32)
        >>> layer(np.zeros((1, 3)), training=True)
        array([[-0.0347, -0.0019,  0.1235]], dtype=float32)
    """

    _config_omits = frozenset({"strength"})

    def __init__(
        self, stddev: float, seed: SeedLike | None = None, **kwargs: Unpack[LayerOptions]
    ) -> None:
        self.stddev = unit_interval(self, "stddev", stddev)
        super().__init__(stddev, seed, **kwargs)

    def disturb(self, inputs: TensorLike) -> Any:
        return ops.add(inputs, self._normal(inputs, 0.0, self.stddev))


class GaussianDropout(Noise):
    """Multiplies with normal noise of mean 1 and the variance rate / (1 - rate) that dropout of
    this rate has.

    Args:
        rate: from 0 to below 1.
        seed: an int for a fixed stream; by default derived from the global seed. The noise is the
            same on every backend.

    Examples:
        >>> layer = unidl.layers.GaussianDropout(0.2, seed=1)
        >>> y = layer(np.ones((1, 10000)), training=True)
        >>> round(float(unidl.ops.mean(y)), 1), round(float(unidl.ops.std(y)), 1)
        (1.0, 0.5)
    """

    _config_omits = frozenset({"strength"})

    def __init__(
        self, rate: float, seed: SeedLike | None = None, **kwargs: Unpack[LayerOptions]
    ) -> None:
        self.rate = _below_one(self, rate)
        super().__init__(rate, seed, **kwargs)

    def disturb(self, inputs: TensorLike) -> Any:
        return ops.multiply(
            inputs, self._normal(inputs, 1.0, math.sqrt(self.rate / (1 - self.rate)))
        )


class AlphaDropout(Noise):
    """Puts SELU's lower limit in place of a fraction of the elements, then scales and shifts to
    keep mean 0 and variance 1.

    Args:
        rate: fraction of the elements, from 0 to below 1.
        noise_shape: shape of the mask, None for the input's size on an axis; 1 shares a mask along
            an axis.
        seed: an int for a fixed stream; by default derived from the global seed. The masks are the
            same on every backend.

    Examples:
        >>> layer = unidl.layers.AlphaDropout(0.2, seed=1)
        >>> x = unidl.random.normal((1, 10000), seed=2)
        >>> y = layer(x, training=True)
        >>> [round(float(unidl.ops.std(each)), 1) for each in (x, y)]  # the spread is kept
        [1.0, 1.0]
    """

    _config_omits = frozenset({"strength"})

    def __init__(
        self,
        rate: float,
        noise_shape: Shape | None = None,
        seed: SeedLike | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        self.rate = _below_one(self, rate)
        super().__init__(rate, seed, **kwargs)
        self.noise_shape = None if noise_shape is None else tuple(noise_shape)

    def disturb(self, inputs: TensorLike) -> Any:
        shape = ops.shape(inputs)
        if self.noise_shape is not None:
            shape = tuple(
                n if given is None else given
                for n, given in zip(shape, self.noise_shape, strict=True)
            )
        drawn = random.uniform(shape, dtype=ops.dtype(inputs), seed=self.seed_generator)
        kept = ops.greater_equal(drawn, self.rate)
        scale = ((1 - self.rate) * (1 + self.rate * _SELU_FLOOR**2)) ** -0.5
        x = ops.where(kept, inputs, ops.full_like(inputs, _SELU_FLOOR))
        return ops.add(ops.multiply(x, scale), -scale * _SELU_FLOOR * self.rate)


def _below_one(layer: Any, rate: Any) -> Any:
    if unit_interval(layer, "rate", rate) == 1:
        raise ValueError(
            f"{type(layer).__name__}: rate=1 removes all of the inputs. Give a rate below 1."
        )
    return rate

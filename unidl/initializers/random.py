"""Initializers that draw from one distribution, and the base of all that draw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from unidl.backend import dtypes
from unidl.initializers.initializer import Initializer, host_array
from unidl.random import numpy_draws
from unidl.random.seed_generator import SeedGenerator, draw_key
from unidl.saving.serialization import deserialize_keras_object
from unidl.typing import Config, DType, SeedLike
from unidl.utils.rules import NOT_NEGATIVE, NUMBER


class RandomInitializer(Initializer):
    """`seed`: with an int, and with None too, every call gives the same values (None: others for
    each initializer, from a stream of the global seed); a `SeedGenerator` gives new ones at every
    call.
    """

    def __init__(self, seed: SeedLike | None = None) -> None:
        if isinstance(seed, dict):
            seed = deserialize_keras_object(seed)
        if not (seed is None or isinstance(seed, (int, SeedGenerator))):
            raise ValueError(
                f"{type(self).__name__}: seed must be None, an int or a SeedGenerator, got "
                f"{seed!r}."
            )
        self.seed = seed
        self._own_key = SeedGenerator().first_key() if seed is None else None

    def _draw(
        self, distribution: Any, shape: Any, dtype: DType, scale: Any = 1.0, shift: Any = 0.0
    ) -> Any:
        """scale * x + shift in `dtype`, where x comes from `distribution` (key, shape, dtype)."""
        if self.seed is None:
            key = self._own_key
        else:
            key = (
                self.seed.advance() if isinstance(self.seed, SeedGenerator) else draw_key(self.seed)
            )
        # In float64 and rounded once at the end, whatever the dtype.
        values = distribution(key, tuple(shape), "float64")
        values *= scale
        values += shift
        return host_array(values, _float(type(self).__name__, dtype))

    def get_config(self) -> Config:
        return {"seed": self.seed}


def _float(name: str, dtype: DType) -> Any:
    dtype = dtypes.standardize_dtype(dtype)
    if not dtypes.is_float(dtype):
        raise ValueError(f"{name}: random weights must be floats, got dtype {dtype!r}.")
    return dtype


class RandomNormal(RandomInitializer):
    """Normal distribution with the given mean and standard deviation.

    Args:
        mean: of the distribution.
        stddev: its standard deviation.
        seed: with an int, and with None too, every call gives the same values (None: others for
            each initializer); a `SeedGenerator` gives new ones at every call.

    Examples:
        >>> w = unidl.initializers.RandomNormal(mean=1.0, stddev=0.1, seed=1)((100, 100))
        >>> round(float(unidl.ops.mean(w)), 2), round(float(unidl.ops.std(w)), 2)
        (1.0, 0.1)
    """

    _rules: ClassVar = {"mean": NUMBER, "stddev": NOT_NEGATIVE}

    def __init__(
        self, mean: float = 0.0, stddev: float = 0.05, seed: SeedLike | None = None
    ) -> None:
        self.mean = mean
        self.stddev = stddev
        super().__init__(seed)

    def __call__(self, shape: Sequence[int], dtype: DType | None = None) -> Any:
        return self._draw(numpy_draws.normal, shape, dtype, self.stddev, self.mean)

    def get_config(self) -> Config:
        return {**super().get_config(), "mean": self.mean, "stddev": self.stddev}


class TruncatedNormal(RandomNormal):
    """Like `RandomNormal`, given that the value is at most two standard deviations from the
    mean.

    Args:
        mean: of the distribution.
        stddev: its standard deviation before the ends are cut off.
        seed: with an int, and with None too, every call gives the same values (None: others for
            each initializer); a `SeedGenerator` gives new ones at every call.

    Examples:
        >>> w = unidl.initializers.TruncatedNormal(stddev=0.5, seed=1)((100, 100))
        >>> round(float(unidl.ops.max(w)), 2)  # nothing beyond 2 * stddev
        1.0
    """

    def __call__(self, shape: Sequence[int], dtype: DType | None = None) -> Any:
        return self._draw(numpy_draws.truncated_normal, shape, dtype, self.stddev, self.mean)


class RandomUniform(RandomInitializer):
    """Evenly distributed over [minval, maxval).

    Args:
        minval: the least value.
        maxval: above all values.
        seed: with an int, and with None too, every call gives the same values (None: others for
            each initializer); a `SeedGenerator` gives new ones at every call.

    Examples:
        >>> w = unidl.initializers.RandomUniform(-1.0, 1.0, seed=1)((100, 100))
        >>> round(float(unidl.ops.min(w)), 2), round(float(unidl.ops.max(w)), 2)
        (-1.0, 1.0)
    """

    _rules: ClassVar = {"minval": NUMBER, "maxval": NUMBER}

    def __init__(
        self, minval: float = -0.05, maxval: float = 0.05, seed: SeedLike | None = None
    ) -> None:
        if minval > maxval:
            raise ValueError(
                f"{type(self).__name__}: minval must not be above maxval, got {minval} and "
                f"{maxval}."
            )
        self.minval = minval
        self.maxval = maxval
        super().__init__(seed)

    def __call__(self, shape: Sequence[int], dtype: DType | None = None) -> Any:
        return self._draw(numpy_draws.uniform, shape, dtype, self.maxval - self.minval, self.minval)

    def get_config(self) -> Config:
        return {**super().get_config(), "minval": self.minval, "maxval": self.maxval}

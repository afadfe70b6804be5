"""Initializers whose variance depends on the number of inputs and outputs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

from unidl.initializers.random import RandomInitializer
from unidl.random import numpy_draws
from unidl.typing import Config, DType, SeedLike
from unidl.utils.rules import POSITIVE, TEXT, choice_problem, one_of

# The standard deviation of a normal distribution that is cut at two standard deviations.
TRUNCATED_STDDEV = 0.87962566103423978

MODES = ("fan_in", "fan_out", "fan_avg")
DISTRIBUTIONS = ("truncated_normal", "untruncated_normal", "uniform")


def compute_fans(
    shape: Sequence[int],
    input_axes: Sequence[int] | None = None,
    output_axes: Sequence[int] | None = None,
) -> tuple[int, int]:
    """(inputs, outputs) of a unit: for kernels (*window, in, out) the window counts for both."""
    if input_axes is not None and output_axes is not None:
        return math.prod(shape[a] for a in input_axes), math.prod(shape[a] for a in output_axes)
    if len(shape) < 2:
        size = math.prod(shape)
        return size, size
    window = math.prod(shape[:-2])
    return shape[-2] * window, shape[-1] * window


class VarianceScaling(RandomInitializer):
    """Mean 0 and variance scale / n, where n is the number of inputs, of outputs, or their mean, by
    `mode`.

    Args:
        scale: positive number.
        mode: "fan_in", "fan_out" or "fan_avg".
        distribution: "truncated_normal" (also "normal"), "untruncated_normal" or "uniform".
        seed: with an int, and with None too, every call gives the same values (None: others for
            each initializer); a `SeedGenerator` gives new ones at every call.
        input_axes, output_axes: the axes whose sizes multiply to the numbers of inputs and outputs;
            by default those of a kernel.

    Examples:
        >>> initializer = unidl.initializers.VarianceScaling(2.0, mode="fan_out", seed=1)
        >>> round(float(unidl.ops.std(initializer((10, 200)))), 2)  # sqrt(2 / 200)
        0.1
    """

    _rules: ClassVar = {"scale": POSITIVE, "mode": one_of(MODES), "distribution": TEXT}

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: SeedLike | None = None,
        input_axes: Any = None,
        output_axes: Any = None,
    ) -> None:
        distribution = {"normal": "truncated_normal"}.get(
            distribution.lower(), distribution.lower()
        )
        if distribution not in DISTRIBUTIONS:
            problem = choice_problem("distribution", distribution, DISTRIBUTIONS)
            raise ValueError(f"{type(self).__name__}: {problem}")
        self.scale, self.mode, self.distribution = scale, mode, distribution
        self.input_axes, self.output_axes = input_axes, output_axes
        super().__init__(seed)

    def __call__(self, shape: Sequence[int], dtype: DType | None = None) -> Any:
        fan_in, fan_out = compute_fans(shape, self.input_axes, self.output_axes)
        n = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        variance = self.scale / max(1, n)
        if self.distribution == "uniform":
            limit = math.sqrt(3 * variance)
            return self._draw(numpy_draws.uniform, shape, dtype, 2 * limit, -limit)
        if self.distribution == "truncated_normal":
            return self._draw(
                numpy_draws.truncated_normal, shape, dtype, math.sqrt(variance) / TRUNCATED_STDDEV
            )
        return self._draw(numpy_draws.normal, shape, dtype, math.sqrt(variance))

    def get_config(self) -> Config:
        own = ("scale", "mode", "distribution", "input_axes", "output_axes")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}


class _Named(VarianceScaling):
    """A VarianceScaling whose first three arguments are fixed."""

    arguments = (1.0, "fan_in", "truncated_normal")

    def __init__(self, seed: Any = None, input_axes: Any = None, output_axes: Any = None) -> None:
        super().__init__(*self.arguments, seed=seed, input_axes=input_axes, output_axes=output_axes)

    def get_config(self) -> Config:
        return {"seed": self.seed, "input_axes": self.input_axes, "output_axes": self.output_axes}


class GlorotUniform(_Named):
    """Uniform, variance 2 / (inputs + outputs) (Glorot & Bengio 2010).

    Args:
        seed: with an int, and with None too, every call gives the same values (None: others for
            each initializer); a `SeedGenerator` gives new ones at every call.
        input_axes: the axes whose sizes multiply to the number of inputs; by default those of a
            kernel.
        output_axes: the same for the number of outputs.

    Examples:
        >>> w = unidl.initializers.GlorotUniform(seed=1)((100, 200))
        >>> round(float(unidl.ops.max(w)), 2)  # sqrt(6 / (100 + 200)) = 0.14
        0.14
    """

    arguments = (1.0, "fan_avg", "uniform")


class GlorotNormal(_Named):
    """Truncated normal, variance 2 / (inputs + outputs) (Glorot & Bengio 2010).

    Args:
        seed: with an int, and with None too, every call gives the same values (None: others for
            each initializer); a `SeedGenerator` gives new ones at every call.
        input_axes: the axes whose sizes multiply to the number of inputs; by default those of a
            kernel.
        output_axes: the same for the number of outputs.

    Examples:
        >>> w = unidl.initializers.GlorotNormal(seed=1)((100, 300))
        >>> round(float(unidl.ops.std(w)), 2)  # sqrt(2 / (100 + 300)) = 0.07
        0.07
    """

    arguments = (1.0, "fan_avg", "truncated_normal")


class LecunNormal(_Named):
    """Truncated normal, variance 1 / inputs (LeCun et al. 1998).

    Args:
        seed: with an int, and with None too, every call gives the same values (None: others for
            each initializer); a `SeedGenerator` gives new ones at every call.
        input_axes: the axes whose sizes multiply to the number of inputs; by default those of a
            kernel.
        output_axes: the same for the number of outputs.

    Examples:
        >>> w = unidl.initializers.LecunNormal(seed=1)((100, 100))
        >>> round(float(unidl.ops.std(w)), 2)  # sqrt(1 / 100)
        0.1
    """

    arguments = (1.0, "fan_in", "truncated_normal")


class LecunUniform(_Named):
    """Uniform, variance 1 / inputs (LeCun et al. 1998).

    Args:
        seed: with an int, and with None too, every call gives the same values (None: others for
            each initializer); a `SeedGenerator` gives new ones at every call.
        input_axes: the axes whose sizes multiply to the number of inputs; by default those of a
            kernel.
        output_axes: the same for the number of outputs.

    Examples:
        >>> w = unidl.initializers.LecunUniform(seed=1)((300, 100))
        >>> round(float(unidl.ops.max(w)), 2)  # sqrt(3 / 300)
        0.1
    """

    arguments = (1.0, "fan_in", "uniform")


class HeNormal(_Named):
    """Truncated normal, variance 2 / inputs (He et al., arXiv:1502.01852).

    Args:
        seed: with an int, and with None too, every call gives the same values (None: others for
            each initializer); a `SeedGenerator` gives new ones at every call.
        input_axes: the axes whose sizes multiply to the number of inputs; by default those of a
            kernel.
        output_axes: the same for the number of outputs.

    Examples:
        >>> w = unidl.initializers.HeNormal(seed=1)((200, 100))
        >>> round(float(unidl.ops.std(w)), 2)  # sqrt(2 / 200)
        0.1
    """

    arguments = (2.0, "fan_in", "truncated_normal")


class HeUniform(_Named):
    """Uniform, variance 2 / inputs (He et al., arXiv:1502.01852).

    Args:
        seed: with an int, and with None too, every call gives the same values (None: others for
            each initializer); a `SeedGenerator` gives new ones at every call.
        input_axes: the axes whose sizes multiply to the number of inputs; by default those of a
            kernel.
        output_axes: the same for the number of outputs.

    Examples:
        >>> w = unidl.initializers.HeUniform(seed=1)((150, 100))
        >>> round(float(unidl.ops.max(w)), 2)  # sqrt(6 / 150)
        0.2
    """

    arguments = (2.0, "fan_in", "uniform")

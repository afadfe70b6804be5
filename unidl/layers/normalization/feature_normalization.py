"""Normalization of features by moments that are known, or learned from data before training."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from unidl import ops
from unidl.layers.base.layer import Layer
from unidl.layers.base.options import LayerOptions
from unidl.typing import Axis, Config, TensorLike

if TYPE_CHECKING:
    from typing_extensions import Unpack

_EPSILON = 1e-7


class Normalization(Layer):
    """(inputs - mean) / max(sqrt(variance), 1e-7), with moments that are given or computed from
    data by `adapt`.

    Args:
        axis: an int or several ints: the axes with separate moments for each index; None: a single
            mean and variance.
        mean, variance: given moments, numbers or arrays for the kept axes; both or neither.
        invert: the inverse: inputs * max(sqrt(variance), 1e-7) + mean.

    Weights, without given moments: mean and variance, of the sizes of the kept axes, and count (),
    which is kept for Keras files.

    Examples:
        >>> layer = unidl.layers.Normalization()
        >>> layer.adapt(np.array([[1.0, 10.0], [3.0, 30.0]]))
        >>> layer(np.array([[1.0, 30.0]]))
        array([[-1.,  1.]], dtype=float32)
        >>> unidl.layers.Normalization(mean=2.0, variance=4.0, invert=True)(np.array([[1.0]]))
        array([[4.]], dtype=float32)
    """

    _config_omits = frozenset({"mean", "variance"})

    def __init__(
        self,
        axis: Axis | None = -1,
        mean: TensorLike | None = None,
        variance: TensorLike | None = None,
        invert: bool = False,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.axis = () if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
        if (mean is None) != (variance is None):
            raise ValueError(
                f"Normalization: give both mean and variance, got mean={mean!r}, "
                f"variance={variance!r}."
            )
        if _shape(mean) != _shape(variance) or len(_shape(mean)) > len(self.axis):
            raise ValueError(
                "Normalization: mean and variance must have the same shape, of at most "
                f"{len(self.axis)} axes for axis={self.axis}; got the shapes {_shape(mean)} and "
                f"{_shape(variance)}."
            )
        self.input_mean, self.input_variance, self.invert = mean, variance, invert
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        rank = len(input_shape)
        if any(not -rank <= a < rank for a in self.axis):
            raise ValueError(
                f"{self._who()}: axis={self.axis} names an axis that the shape {input_shape} does "
                "not have."
            )
        kept = sorted(a % rank for a in self.axis)
        open_axes = [a for a in kept if input_shape[a] is None]
        if open_axes:
            raise ValueError(
                f"{self._who()}: axis {open_axes[0]} of the shape {input_shape} is not reduced, so "
                "its size must be known."
            )
        self._kept = {a: input_shape[a] for a in kept}
        self._reduced = tuple(a for a in range(rank) if a not in self._kept)
        self._broadcast = tuple(self._kept.get(a, 1) for a in range(rank))
        if self.input_mean is None:
            shape = tuple(self._kept.values())
            self.adapt_mean = self.add_weight(shape, "zeros", trainable=False, name="mean")
            self.adapt_variance = self.add_weight(shape, "ones", trainable=False, name="variance")
            self.count = self.add_weight((), "zeros", dtype="int32", trainable=False, name="count")
        else:
            self._given = tuple(
                self._along_kept(value) for value in (self.input_mean, self.input_variance)
            )

    def _along_kept(self, value: Any) -> Any:
        """A given moment, aligned at the end with the kept axes, as an array that broadcasts
        against inputs."""
        # The host has no bfloat16: `call` casts.
        value = np.asarray(
            value, "float32" if self.compute_dtype == "bfloat16" else self.compute_dtype
        )
        shape = tuple(self._kept.values())
        try:
            return np.broadcast_to(value, shape).reshape(self._broadcast)
        except ValueError:
            raise ValueError(
                f"{self._who()}: mean and variance of shape {value.shape} do not fit the axes that "
                f"are not reduced, of sizes {shape}."
            ) from None

    def call(self, inputs: TensorLike) -> Any:
        x = ops.cast(inputs, self.compute_dtype)
        mean, variance = self._moment(0), self._moment(1)
        deviation = ops.maximum(ops.sqrt(variance), _EPSILON)
        return (
            ops.add(ops.multiply(x, deviation), mean)
            if self.invert
            else ops.divide(ops.subtract(x, mean), deviation)
        )

    @property
    def mean(self) -> Any:
        """The mean that it subtracts, in a shape that broadcasts against inputs; None before it is
        built."""
        return self._moment(0) if self.built else None

    @property
    def variance(self) -> Any:
        """The variance by whose root it divides, in the same shape; None before it is built."""
        return self._moment(1) if self.built else None

    def _moment(self, i: int) -> Any:
        if self.input_mean is not None:
            return ops.cast(self._given[i], self.compute_dtype)
        weight = (self.adapt_mean, self.adapt_variance)[i]
        return ops.cast(ops.reshape(weight.value, self._broadcast), self.compute_dtype)

    def adapt(self, data: TensorLike) -> None:
        """Compute the moments from `data`: an array or native tensor, or an iterable of such
        batches (the first element of a tuple is used).

        They are computed on the host in float64; earlier ones are replaced.
        """
        if self.input_mean is not None:
            raise ValueError(
                f"{self._who()}: mean and variance were given, so there is nothing to adapt. Leave "
                "them out."
            )
        batches = [data] if hasattr(data, "shape") else data
        moments = None
        for batch in batches:
            batch = _to_host(batch)
            if not self.built:
                self._build_with(
                    {"input_shape": (None, *batch.shape[1:]) if 0 not in self.axis else batch.shape}
                )
            self._check_batch(batch.shape)
            moments = _merged(moments, self._moments(batch))
        if moments is None:
            raise ValueError(
                f"{self._who()}: adapt() got no batch. Give an array, or an iterable of at least "
                "one batch."
            )
        _, mean, variance = moments
        self.adapt_mean.assign(mean)
        self.adapt_variance.assign(variance)

    def _check_batch(self, shape: Any) -> None:
        if len(shape) != len(self._broadcast) or any(
            shape[a] != size for a, size in self._kept.items()
        ):
            raise ValueError(
                f"{self._who()}: adapt() got data of shape {shape}, but the layer was built for "
                f"{self._build_shapes}."
            )

    def _moments(self, batch: Any) -> Any:
        count = math.prod(batch.shape[a] for a in self._reduced)
        mean = batch.mean(self._reduced, keepdims=True)
        return count, mean.squeeze(self._reduced), np.square(batch - mean).mean(self._reduced)

    def get_config(self) -> Config:
        given = {"mean": self.input_mean, "variance": self.input_variance}
        return super().get_config() | {
            name: None if v is None else np.asarray(v).tolist() for name, v in given.items()
        }


def _to_host(batch: Any) -> Any:
    batch = batch[0] if isinstance(batch, tuple | list) else batch
    return np.asarray(ops.convert_to_numpy(batch), "float64")


def _merged(a: TensorLike, b: TensorLike) -> Any:
    """Moments (count, mean, variance) of two sets of numbers together (Chan et al. 1979)."""
    if a is None:
        return b
    (m, mean, variance), (n, other, spread) = a, b
    share = n / (m + n)
    delta = other - mean
    return (
        m + n,
        mean + delta * share,
        variance * (1 - share) + spread * share + np.square(delta) * share * (1 - share),
    )


def _shape(moment: Any) -> tuple[int, ...]:
    return () if moment is None else np.shape(moment)

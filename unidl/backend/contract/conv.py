"""Convolution, pooling and resizing, channels last, for 1 to 3 spatial axes."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import numpy as np


def same_padding(size, window, stride, dilation=1):
    """(before, after) so that the output has ceil(size / stride) elements; the odd one goes
    after."""
    total = max(0, (math.ceil(size / stride) - 1) * stride + (window - 1) * dilation + 1 - size)
    return total // 2, total - total // 2


def explicit_padding(padding, sizes, windows, strides, dilations=None):
    """`padding` ("valid", "same" or pairs) as a tuple of (before, after) pairs for the given
    spatial sizes."""
    if padding == "valid":
        return ((0, 0),) * len(sizes)
    if padding == "same":
        dilations = dilations or (1,) * len(sizes)
        return tuple(
            same_padding(*axis) for axis in zip(sizes, windows, strides, dilations, strict=True)
        )
    return tuple(tuple(pair) for pair in padding)


class Conv(ABC):
    """`padding` is "valid", "same" or explicit pairs; `strides`, `dilation` and `window` are
    tuples, one int an axis."""

    @abstractmethod
    def conv(self, x, kernel, strides, padding, dilation, groups=1):
        """Cross-correlation: x (n, *spatial, c), kernel (*window, c / groups, f) -> (n, *out,
        f)."""

    def biased_conv(self, x, kernel, bias, strides, padding, dilation, groups=1):
        """`conv` plus bias (f,)."""
        return self.add(self.conv(x, kernel, strides, padding, dilation, groups), bias)

    @abstractmethod
    def max_pool(self, x, window, strides, padding):
        """Maximum over windows; padding counts as -inf; among equals the first gets the
        gradient."""

    @abstractmethod
    def avg_pool(self, x, window, strides, padding):
        """Mean over the real (not padded) elements of each window."""

    def conv_transpose(self, x, kernel, strides, dilation, starts, sizes):
        """Adjoint of `conv`: x (n, *spatial, c), kernel (*window, f, c) -> (n, *sizes, f).

        The full result has (spatial - 1) * stride + (window - 1) * dilation + 1 elements an axis;
        `starts` and `sizes` cut `sizes[i]` elements from `starts[i]` on, with zeros past the end.
        """
        rank = len(strides)
        spatial = tuple(range(1, rank + 1))
        pairs = []
        for axis, stride in zip(spatial, strides, strict=True):
            x = self._dilate(x, axis, stride)
            extent = (self.shape(kernel)[axis - 1] - 1) * dilation[axis - 1]
            length = self.shape(x)[axis] + extent
            start, size = starts[axis - 1], sizes[axis - 1]
            pairs.append((extent - start, extent + start + size - length))
        cut = tuple(slice(max(0, -lo), None if hi >= 0 else hi) for lo, hi in pairs)
        x = self.getitem(x, (slice(None), *cut))
        kernel = self.flip(
            self.transpose(kernel, (*range(rank), rank + 1, rank)), tuple(range(rank))
        )
        padding = tuple((max(0, lo), max(0, hi)) for lo, hi in pairs)
        return self.conv(x, kernel, (1,) * rank, padding, dilation)

    def _dilate(self, x, axis, stride):
        """Put stride - 1 zeros between neighbours along `axis`."""
        if stride == 1:
            return x
        shape = self.shape(x)
        spread = self.expand_dims(x, axis + 1)
        widths = [(0, 0)] * (len(shape) + 1)
        widths[axis + 1] = (0, stride - 1)
        spread = self.pad(spread, tuple(widths))
        known = [-1 if d is None else d for d in shape]
        known[axis] = shape[axis] * stride
        spread = self.reshape(spread, tuple(known))
        keep = (slice(None),) * axis + (slice(0, (shape[axis] - 1) * stride + 1),)
        return self.getitem(spread, keep)

    def depthwise_conv(self, x, kernel, strides, padding, dilation):
        """x (n, *spatial, c), kernel (*window, c, m) -> (n, *out, c * m), channel-major."""
        *window, c, m = self.shape(kernel)
        return self.conv(
            x, self.reshape(kernel, (*window, 1, c * m)), strides, padding, dilation, groups=c
        )

    def resize(self, x, size, interpolation, antialias=False):
        """x (n, h, w, c) -> (n, *size, c), half-pixel centres; the interpolations are the keys of
        `KERNELS`, and "nearest".

        With `antialias` the kernel is as much wider as the image gets smaller. Separable: one
        matrix product an axis.
        """
        for axis, target in ((1, size[0]), (2, size[1])):
            weights = interpolation_matrix(self.shape(x)[axis], target, interpolation, antialias)
            weights = self.asarray(weights, self.dtype(x))
            x = self.einsum("oh,nhwc->nowc" if axis == 1 else "ow,nhwc->nhoc", weights, x)
        return x


def _linear(distance):
    return np.maximum(0, 1 - distance)


def _cubic(distance):
    """Keys' kernel with a = -0.5 (IEEE Trans. ASSP 29, 1981)."""
    near = (1.5 * distance - 2.5) * distance**2 + 1
    far = ((-0.5 * distance + 2.5) * distance - 4) * distance + 2
    return np.where(distance <= 1, near, np.where(distance < 2, far, 0.0))


def _lanczos(lobes):
    return lambda distance: np.where(
        distance <= lobes, np.sinc(distance) * np.sinc(distance / lobes), 0.0
    )


KERNELS = {"bilinear": _linear, "bicubic": _cubic, "lanczos3": _lanczos(3), "lanczos5": _lanczos(5)}
INTERPOLATIONS = ("nearest", *KERNELS)


def interpolation_matrix(source, target, interpolation, antialias=False):
    """(target, source) float64 weights, of which each row adds up to 1, at the borders too."""
    if interpolation == "nearest":
        nearest = np.clip(np.floor((np.arange(target) + 0.5) * source / target), 0, source - 1)
        return (nearest[:, None] == np.arange(source)).astype("float64")
    if interpolation not in KERNELS:
        raise ValueError(
            f"resize: interpolation must be one of {', '.join(INTERPOLATIONS)}, got "
            f"{interpolation!r}."
        )
    centre = (np.arange(target) + 0.5) * source / target - 0.5
    wider = max(source / target, 1.0) if antialias else 1.0
    weights = KERNELS[interpolation](np.abs(centre[:, None] - np.arange(source)) / wider)
    return weights / weights.sum(axis=1, keepdims=True)

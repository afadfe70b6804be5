"""Pooling, always on the kernels for two axes.

Three axes are pooled in two passes, since TensorFlow has no float64 kernel for them: first the planes, then the depth.
A maximum of maxima still finds the first of equals in row-major order, and a mean of means is right because all means at
one place of the output count the same number of elements.
"""

from __future__ import annotations

import math

import numpy as np

from unidl_tensorflow.conv import as_planes, empty, pad_spatial
from unidl_tensorflow.load import tf


class Pooling:
    def max_pool(self, x, window, strides, padding):
        if not isinstance(padding, str):
            lowest = float("-inf") if x.dtype.is_floating else x.dtype.min
            x, padding = pad_spatial(x, padding, lowest), "valid"
        return _by_planes(tf.nn.max_pool2d, x, window, strides, padding)

    def avg_pool(self, x, window, strides, padding):
        if isinstance(padding, str):
            return _by_planes(tf.nn.avg_pool2d, x, window, strides, padding)
        # The kernel leaves out the padding that it adds itself, and no other.
        sizes = self.shape(x)[1:-1]
        y = _by_planes(tf.nn.avg_pool2d, pad_spatial(x, padding), window, strides, "valid")
        counts = [
            _real_elements(*axis) for axis in zip(sizes, window, strides, padding, strict=True)
        ]
        share = math.prod(window) / np.maximum(1, math.prod(np.ix_(*counts)))
        return y * tf.constant(share[..., None], x.dtype)


def _real_elements(size, window, stride, pair):
    """How many elements that are not padding each window sees along one axis."""
    starts = np.arange(-pair[0], size + pair[1] - window + 1, stride)
    return np.minimum(starts + window, size) - np.maximum(starts, 0)


def _by_planes(pool, x, window, strides, padding):
    rank = len(window)
    if x.shape[0] == 0:
        return empty(x, window, strides, padding, (1,) * rank, x.shape[-1])
    if rank == 1:
        return tf.squeeze(pool(as_planes(x), (1, *window), (1, *strides), padding.upper()), 1)
    if rank == 2:
        return pool(x, window, strides, padding.upper())
    *_, depth, h, w, c = x.shape
    planes = pool(tf.reshape(x, _merged(x, 2, (h, w, c))), window[1:], strides[1:], padding.upper())
    h, w = planes.shape[1:3]
    columns = tf.reshape(planes, [-1 if x.shape[0] is None else x.shape[0], depth, h * w, c])
    y = pool(columns, (window[0], 1), (strides[0], 1), padding.upper())
    return tf.reshape(y, _merged(y, 1, (y.shape[1], h, w, c)))


def _merged(x, axes, rest):
    """Shape with the first `axes` axes in one; -1 only where they are open, since an empty batch leaves -1 undefined."""
    sizes = x.shape[:axes]
    return [-1 if None in sizes.as_list() else math.prod(sizes), *rest]

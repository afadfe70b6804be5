"""Convolution and pooling.

One spatial axis runs on the kernels for two; what the kernels lack is composed of what they have.
Three axes are pooled in two passes, since TensorFlow has no float64 kernel for them: first the
planes, then the depth. A maximum of maxima still finds the first of equals in row-major order, and
a mean of means is right because all means at one place of the output count the same number of
elements.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from unidl.backend import contract, registry
from unidl.backend.contract.conv import explicit_padding
from unidl_tensorflow.load import tf


def _as_planes(x):
    """(n, length, c) -> (n, 1, length, c): one spatial axis as two."""
    return tf.expand_dims(x, 1)


def _pad_spatial(x, pairs, value=0):
    return tf.pad(x, ((0, 0), *pairs, (0, 0)), constant_values=value)


def _empty(x, window, strides, padding, dilation, channels):
    """The result for a batch of none, or for images without elements: oneDNN gives the wrong shape
    to a convolution of them, and a pool of no batch aborts the process."""
    sizes = x.shape[1:-1]
    pairs = explicit_padding(padding, sizes, window, strides, dilation)
    axes = zip(sizes, window, strides, dilation, pairs, strict=True)
    return tf.zeros(
        (
            _samples(x),
            *((n + sum(pair) - (k - 1) * d - 1) // s + 1 for n, k, s, d, pair in axes),
            channels,
        ),
        x.dtype,
    )


def _samples(x):
    return tf.shape(x)[0] if x.shape[0] is None else x.shape[0]


def _padding(padding):
    """`padding` as tf.nn.conv2d wants it."""
    return padding.upper() if isinstance(padding, str) else [(0, 0), *padding, (0, 0)]


@cache
def has_grouped_gradient(device):
    """Whether a float32 convolution in groups can be trained on `device`.

    On a CPU oneDNN alone can, so it is tried once: by the gradient's kernel itself, since inside
    `init_scope` no tape records.
    """
    with tf.init_scope(), tf.device(device and f"/{device}"):
        try:
            tf.raw_ops.Conv2DBackpropInput(
                input_sizes=(1, 2, 2, 2),
                filter=tf.zeros((1, 1, 1, 2)),
                out_backprop=tf.zeros((1, 2, 2, 2)),
                strides=(1, 1, 1, 1),
                padding="VALID",
            )
        except (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError):
            return False
        return True


def _groups_natively(x, rank, dilation):
    return (
        rank < 3
        and max(dilation) == 1
        and x.dtype == tf.float32
        and has_grouped_gradient(registry.current_device())
    )


class Conv(contract.Conv):
    def conv(self, x, kernel, strides, padding, dilation, groups=1):
        rank = len(strides)
        if 0 in x.shape[:-1] and None not in x.shape[1:]:
            return _empty(x, kernel.shape[:rank], strides, padding, dilation, kernel.shape[-1])
        if groups > 1 and not _groups_natively(x, rank, dilation):
            parts = zip(tf.split(x, groups, -1), tf.split(kernel, groups, -1), strict=True)
            return tf.concat([self.conv(a, k, strides, padding, dilation) for a, k in parts], -1)
        if max(strides) > 1 and max(dilation) > 1:
            # tf.nn refuses this pair: every strides-th result of the plain one.
            pairs = explicit_padding(
                padding, self.shape(x)[1:-1], self.shape(kernel)[:rank], strides, dilation
            )
            dense = self.conv(x, kernel, (1,) * rank, pairs, dilation)
            return self.getitem(dense, (slice(None), *(slice(None, None, s) for s in strides)))
        if rank == 1:
            padding = padding if isinstance(padding, str) else ((0, 0), *padding)
            return tf.squeeze(
                self.conv(
                    _as_planes(x),
                    tf.expand_dims(kernel, 0),
                    (1, *strides),
                    padding,
                    (1, *dilation),
                    groups,
                ),
                1,
            )
        if groups > 1 and not isinstance(padding, str):
            x, padding = (
                _pad_spatial(x, padding),
                "valid",
            )  # oneDNN has no gradient for groups with explicit padding
        if rank == 2 and max(dilation) == 1:
            return tf.nn.conv2d(x, kernel, strides, _padding(padding))
        if not isinstance(padding, str):
            x, padding = _pad_spatial(x, padding), "valid"
        # Not conv2d and conv3d, whose gradients know no dilation on a CPU. Without data_format the
        # eager gradient fails.
        layout = "NHWC" if rank == 2 else "NDHWC"
        return tf.nn.convolution(x, kernel, strides, padding.upper(), layout, dilation)

    def depthwise_conv(self, x, kernel, strides, padding, dilation):
        rank = len(strides)
        native = (
            x.shape[0] != 0
            and rank < 3
            and len(set(strides)) == 1
            and (max(strides) == 1 or max(dilation) == 1)
        )
        if not native:
            return super().depthwise_conv(x, kernel, strides, padding, dilation)
        if not isinstance(padding, str):
            x, padding = _pad_spatial(x, padding), "valid"
        if rank == 1:
            planes = self.depthwise_conv(
                _as_planes(x), tf.expand_dims(kernel, 0), strides * 2, padding, (1, *dilation)
            )
            return tf.squeeze(planes, 1)
        return tf.nn.depthwise_conv2d(
            x, kernel, (1, *strides, 1), padding.upper(), dilations=dilation
        )

    def conv_transpose(self, x, kernel, strides, dilation, starts, sizes):
        rank = len(strides)
        if rank == 1:
            planes = self.conv_transpose(
                _as_planes(x),
                tf.expand_dims(kernel, 0),
                (1, *strides),
                (1, *dilation),
                (0, *starts),
                (1, *sizes),
            )
            return tf.squeeze(planes, 1)
        if rank == 3 or max(dilation) > 1 or x.shape[0] == 0:
            return super().conv_transpose(x, kernel, strides, dilation, starts, sizes)
        # The gradient of a convolution that pads `start` before and what lies beyond `size` after.
        axes = zip(self.shape(x)[1:-1], self.shape(kernel)[:rank], strides, strict=True)
        full = [(n - 1) * s + k for n, k, s in axes]
        real = [
            min(size, length - start)
            for size, length, start in zip(sizes, full, starts, strict=True)
        ]
        cut = [
            (start, length - start - size)
            for start, length, size in zip(starts, full, real, strict=True)
        ]
        y = tf.raw_ops.Conv2DBackpropInput(
            input_sizes=tf.stack([tf.shape(x)[0], *real, kernel.shape[rank]]),
            filter=kernel,
            out_backprop=x,
            strides=(1, *strides, 1),
            padding="EXPLICIT",
            explicit_paddings=[0, 0, *cut[0], *cut[1], 0, 0],
        )
        return (
            y
            if real == list(sizes)
            else _pad_spatial(y, [(0, size - n) for size, n in zip(sizes, real, strict=True)])
        )

    def max_pool(self, x, window, strides, padding):
        if not isinstance(padding, str):
            lowest = float("-inf") if x.dtype.is_floating else x.dtype.min
            x, padding = _pad_spatial(x, padding, lowest), "valid"
        return _by_planes(tf.nn.max_pool2d, x, window, strides, padding)

    def avg_pool(self, x, window, strides, padding):
        if isinstance(padding, str):
            return _by_planes(tf.nn.avg_pool2d, x, window, strides, padding)
        # The kernel leaves out the padding that it adds itself, and no other.
        sizes = self.shape(x)[1:-1]
        y = _by_planes(tf.nn.avg_pool2d, _pad_spatial(x, padding), window, strides, "valid")
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
        return _empty(x, window, strides, padding, (1,) * rank, x.shape[-1])
    if rank == 1:
        return tf.squeeze(pool(_as_planes(x), (1, *window), (1, *strides), padding.upper()), 1)
    if rank == 2:
        return pool(x, window, strides, padding.upper())
    *_, depth, h, w, c = x.shape
    planes = pool(tf.reshape(x, _merged(x, 2, (h, w, c))), window[1:], strides[1:], padding.upper())
    h, w = planes.shape[1:3]
    columns = tf.reshape(planes, [-1 if x.shape[0] is None else x.shape[0], depth, h * w, c])
    y = pool(columns, (window[0], 1), (strides[0], 1), padding.upper())
    return tf.reshape(y, _merged(y, 1, (y.shape[1], h, w, c)))


def _merged(x, axes, rest):
    """Shape with the first `axes` axes in one; -1 only where they are open, since an empty batch
    leaves -1 undefined."""
    sizes = x.shape[:axes]
    return [-1 if None in sizes.as_list() else math.prod(sizes), *rest]

"""Convolutions. One spatial axis runs on the kernels for two; what the kernels lack is composed of what they have."""

from __future__ import annotations

from functools import cache

from unidl.backend import registry
from unidl.backend.contract.conv import explicit_padding
from unidl_tensorflow.load import tf


def as_planes(x):
    """(n, length, c) -> (n, 1, length, c): one spatial axis as two."""
    return tf.expand_dims(x, 1)


def pad_spatial(x, pairs, value=0):
    return tf.pad(x, ((0, 0), *pairs, (0, 0)), constant_values=value)


def empty(x, window, strides, padding, dilation, channels):
    """The result for a batch of none: oneDNN gives the wrong shape to a convolution of it, and a pool of it aborts the process."""
    sizes = x.shape[1:-1]
    pairs = explicit_padding(padding, sizes, window, strides, dilation)
    axes = zip(sizes, window, strides, dilation, pairs, strict=True)
    return tf.zeros(
        (0, *((n + sum(pair) - (k - 1) * d - 1) // s + 1 for n, k, s, d, pair in axes), channels),
        x.dtype,
    )


def _padding(padding):
    """`padding` as tf.nn.conv2d wants it."""
    return padding.upper() if isinstance(padding, str) else [(0, 0), *padding, (0, 0)]


@cache
def has_grouped_gradient(device):
    """Whether a float32 convolution in groups can be trained on `device`; on a CPU oneDNN alone can, so it is tried once."""
    with tf.init_scope(), tf.device(device and f"/{device}"):
        x, kernel = tf.zeros((1, 2, 2, 2)), tf.zeros((1, 1, 1, 2))
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.nn.conv2d(x, kernel, 1, "VALID")
        try:
            tape.gradient(y, x)
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


class Conv:
    def conv(self, x, kernel, strides, padding, dilation, groups=1):
        rank = len(strides)
        if x.shape[0] == 0:
            return empty(x, kernel.shape[:rank], strides, padding, dilation, kernel.shape[-1])
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
                    as_planes(x),
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
                pad_spatial(x, padding),
                "valid",
            )  # oneDNN has no gradient for groups with explicit padding
        if rank == 2 and max(dilation) == 1:
            return tf.nn.conv2d(x, kernel, strides, _padding(padding))
        if not isinstance(padding, str):
            x, padding = pad_spatial(x, padding), "valid"
        # Not conv2d and conv3d, whose gradients know no dilation on a CPU. Without data_format the eager gradient fails.
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
            x, padding = pad_spatial(x, padding), "valid"
        if rank == 1:
            planes = self.depthwise_conv(
                as_planes(x), tf.expand_dims(kernel, 0), strides * 2, padding, (1, *dilation)
            )
            return tf.squeeze(planes, 1)
        return tf.nn.depthwise_conv2d(
            x, kernel, (1, *strides, 1), padding.upper(), dilations=dilation
        )

    def conv_transpose(self, x, kernel, strides, dilation, starts, sizes):
        rank = len(strides)
        if rank == 1:
            planes = self.conv_transpose(
                as_planes(x),
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
            else pad_spatial(y, [(0, size - n) for size, n in zip(sizes, real, strict=True)])
        )

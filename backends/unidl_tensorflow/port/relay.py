"""Models of unidl, traced as graphs of TensorFlow with open axes."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext

import numpy as np

from unidl.backend import registry
from unidl.port.errors import Refused
from unidl.port.exports.relay import Relay
from unidl.tracing.sizes import has_open
from unidl_tensorflow.load import tf


class TensorFlowRelay(Relay):
    runtime = "TensorFlow"

    def size(self, native, axis):
        known = native.shape[axis]
        return tf.shape(native)[axis] if known is None else known

    def sizes_tensor(self, sizes, dtype):
        return tf.cast(tf.stack([tf.cast(s, tf.int64) for s in sizes]), dtype)

    def shaped(self, native, shape):
        native.set_shape(shape)
        return native

    def composes(self, name, args):
        """Where kernels ask for the number of elements, or for sizes."""
        if name == "conv_transpose":
            return has_open(args[0].shape[1:-1])
        return name == "batch_norm_training"

    @contextmanager
    def naming(self, path):
        with (
            super().naming(path),
            tf.name_scope(_scope(path)) if self.is_tracing else nullcontext(),
        ):
            yield

    # -- operations of which the adapter wants numbers -------------------------------------------

    def run_full(self, spec, shape, value, dtype):
        return tf.fill(_vector(shape), tf.cast(value, dtype))

    def run_arange(self, spec, start, stop, step, dtype):
        if any(isinstance(n, tf.Tensor) for n in (start, stop, step)):
            return tf.cast(tf.range(start, stop, step), dtype)
        return self.adapter.arange(start, stop, step, dtype)

    def run_broadcast_to(self, spec, x, shape):
        missing = len(shape) - len(x.shape)
        sizes = [
            self.size(x, i - missing) if type(n) is int and n == -1 else n
            for i, n in enumerate(shape)
        ]
        return tf.broadcast_to(x, _vector(sizes))

    def run_reshape(self, spec, x, shape):
        return tf.reshape(x, _vector(shape))

    def run_max_pool(self, spec, x, window, strides, padding):
        return _pooled(tf.nn.max_pool3d, x, window, strides, padding)

    def run_avg_pool(self, spec, x, window, strides, padding):
        return _pooled(tf.nn.avg_pool3d, x, window, strides, padding)

    def run_resize(self, spec, x, size, interpolation, antialias=False):
        if None not in x.shape[1:3]:
            return NotImplemented
        if x.dtype == tf.float64:
            raise Refused("TensorFlow resizes images of open size in float32")
        size = _vector(size)
        if interpolation != "bicubic":
            return tf.image.resize(x, size, interpolation, antialias=antialias)
        # Of which tf.image.resize looks the weights up in a table, with an error of 6e-4.
        scale = tf.cast(size, tf.float32) / tf.cast(tf.shape(x)[1:3], tf.float32)
        return tf.raw_ops.ScaleAndTranslate(
            images=x, size=size, scale=scale, translation=tf.zeros(2), kernel_type="keyscubic",
            antialias=antialias,
        )  # fmt: skip

    def run_tile(self, spec, x, repeats):
        return tf.tile(x, _vector(repeats))


def _pooled(pool, x, window, strides, padding):
    """Three axes of open sizes by TensorFlow's kernel, which has no float64."""
    if len(window) < 3 or None not in x.shape[1:-1] or not isinstance(padding, str):
        return NotImplemented
    return pool(x, window, strides, padding.upper())


def _scope(path):
    """A name from the root of the graph, whichever layer is around."""
    return "".join(c if c.isalnum() or c in "_-./" else "_" for c in path).lstrip("_-/") + "/"


def _vector(sizes):
    """Sizes as one argument: of ints alone as they are."""
    if all(isinstance(s, int | np.integer) for s in sizes):
        return list(map(int, sizes))
    return tf.stack(list(sizes))


def adapter():
    return registry.get_backend("tensorflow")

"""Conversion, creation and shape."""

from __future__ import annotations

import numpy as np

from unidl import tree
from unidl.backend import contract, dtypes
from unidl.backend.host_data import check_parts, from_host
from unidl_tensorflow.known_values import known_value
from unidl_tensorflow.load import tf


def size_of(x, axis):
    """Size of an axis: an int, or a 0-d tensor where it is open while tracing."""
    size = x.shape[axis]
    return tf.shape(x)[axis] if size is None else size


def closed(x, shape):
    """`shape` with each None, an open axis of `x`, replaced by a 0-d tensor; a tuple of ints
    wherever possible."""
    if None not in shape:
        return shape
    sizes = tf.unstack(tf.shape(x))
    return tf.stack([sizes[i] if n is None else n for i, n in enumerate(shape)])


def _constant(value, dtype):
    """0-d tensor; TensorFlow takes no 0 and 1 for a bool."""
    return tf.constant(bool(value) if dtype == "bool" else value, dtype)


class Shaping(contract.Arrays):
    # -- to and from the framework ---------------------------------------------------------------

    def asarray(self, x, dtype=None):
        if isinstance(x, tf.Variable):
            x = x.value()
        if isinstance(x, tf.Tensor):
            return x if dtype is None or x.dtype.name == dtype else self.cast(x, dtype)
        if isinstance(x, (list, tuple)) and tree.has_instance((tf.Tensor, tf.Variable), x):
            parts = [self.asarray(i, dtype) for i in x]
            check_parts(x, [tuple(p.shape) for p in parts if None not in p.shape])
            common = dtypes.result_type(*(self.dtype(p) for p in parts))
            return tf.stack([self.cast(p, common) for p in parts])
        array, dtype = from_host(x, dtype)
        with self.scope():
            # tf.constant copies, also where convert_to_tensor might alias memory which the caller
            # changes later.
            return tf.constant(array.astype(tf.as_dtype(dtype).as_numpy_dtype, copy=False))

    def to_numpy(self, x):
        if not tf.is_tensor(x) or hasattr(x, "numpy"):
            return np.asarray(x.numpy())
        value = known_value(x)
        if value is not None:
            return value
        raise TypeError(
            f"{x.name} has no value yet: it is part of a graph that TensorFlow is still recording. "
            "Return it from the compiled function and convert the result."
        )

    def is_tensor(self, x):
        return isinstance(x, (tf.Tensor, tf.Variable))

    def shape(self, x):
        return tuple(x.shape)

    def dtype(self, x):
        return x.dtype.name

    def cast(self, x, dtype):
        return tf.cast(x, dtype)

    def stop_gradient(self, x):
        return tf.stop_gradient(x)

    # -- creation --------------------------------------------------------------------------------

    def full(self, shape, value, dtype):
        with self.scope():
            one = _constant(value, dtype)
            return tf.fill(shape, one) if len(shape) else one

    def full_like(self, x, value, dtype=None):
        return tf.fill(closed(x, tuple(x.shape)), _constant(value, dtype or x.dtype.name))

    def arange(self, start, stop, step, dtype):
        if dtype in ("int32", "int64"):
            with self.scope():
                return tf.range(start, stop, step, dtype)
        # The kernel of tf.range for floats adds up steps, and with them rounding errors.
        return self.asarray(np.arange(start, stop, step), dtype)

    # -- shape -----------------------------------------------------------------------------------

    def reshape(self, x, shape):
        return tf.reshape(x, shape)

    def transpose(self, x, axes):
        return tf.transpose(x, axes)

    def broadcast_to(self, x, shape):
        if -1 in shape:
            missing = len(shape) - len(x.shape)
            shape = [size_of(x, i - missing) if n == -1 else n for i, n in enumerate(shape)]
        return tf.broadcast_to(x, shape)

    def expand_dims(self, x, axis):
        if isinstance(axis, int):
            return tf.expand_dims(x, axis)
        rank = len(x.shape) + len(axis)
        for a in sorted(a % rank for a in axis):
            x = tf.expand_dims(x, a)
        return x

    def squeeze(self, x, axis):
        return tf.squeeze(x, [axis] if isinstance(axis, int) else list(axis)) if axis != () else x

    def concatenate(self, xs, axis):
        return tf.concat(xs, axis)

    def stack(self, xs, axis):
        return tf.stack(xs, axis)

    def unstack(self, x, axis):
        return tf.unstack(x, axis=axis)

    def split(self, x, indices_or_sections, axis):
        if isinstance(indices_or_sections, int):
            return tf.split(x, indices_or_sections, axis)
        return super().split(x, indices_or_sections, axis)

    def flip(self, x, axis):
        return tf.reverse(x, [axis] if isinstance(axis, int) else list(axis))

    def tile(self, x, repeats):
        return tf.tile(x, repeats)

    def repeat(self, x, repeats, axis):
        return tf.repeat(x, repeats, axis)

    def pad(self, x, pad_width, mode="constant", constant_values=0):
        if mode == "constant":
            return tf.pad(x, pad_width, constant_values=constant_values)
        # tf.pad has no "edge", reflects at most once and stops at rank 5: gather by indices padded
        # on the host.
        for axis, width in enumerate(pad_width):
            if any(width):
                x = tf.gather(
                    x, np.pad(np.arange(x.shape[axis], dtype="int32"), width, mode=mode), axis=axis
                )
        return x

"""Kernels that TensorFlow has where most frameworks have none."""

from __future__ import annotations

from unidl.backend import contract, dtypes
from unidl_tensorflow.load import tf

_COMPLEX = {tf.float32: tf.complex64, tf.float64: tf.complex128}


class Special(contract.Special):
    def nextafter(self, x1, x2):
        x1, x2 = tf.stop_gradient(x1), tf.stop_gradient(x2)
        if x1.dtype not in _COMPLEX:
            return super().nextafter(x1, x2)
        return tf.stop_gradient(tf.math.nextafter(x1, x2))

    def i0(self, x):
        return tf.math.bessel_i0(x)

    def bitcast(self, x, dtype):
        old, new = tf.stop_gradient(x), tf.as_dtype(dtypes.standardize_dtype(dtype))
        ratio = new.size // old.dtype.size
        if ratio > 1:  # TensorFlow wants the numbers that become one along an axis of their own
            *before, last = old.shape
            old = tf.reshape(old, (*(-1 if n is None else n for n in before), last // ratio, ratio))
        y = tf.bitcast(old, new)
        return tf.reshape(y, (*old.shape[:-1], -1)) if new.size < old.dtype.size else y

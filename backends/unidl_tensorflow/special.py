"""Kernels that TensorFlow has where most frameworks have none, Fourier transforms, branches, loops and gradients of one's own."""

from __future__ import annotations

from unidl.backend import dtypes
from unidl_tensorflow.load import tf

_COMPLEX = {tf.float32: tf.complex64, tf.float64: tf.complex128}


class Special:
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

    # -- segments ----------------------------------------------------------------------------------

    def segment_sum(self, x, ids, count):
        return tf.math.unsorted_segment_sum(x, _inside(ids, count), count)

    def segment_prod(self, x, ids, count):
        return tf.math.unsorted_segment_prod(x, _inside(ids, count), count)

    def segment_max(self, x, ids, count):
        return _infinite(x, tf.math.unsorted_segment_max(x, _inside(ids, count), count), 0)

    def segment_min(self, x, ids, count):
        return _infinite(x, tf.math.unsorted_segment_min(x, _inside(ids, count), count), 1)

    # -- Fourier transforms ------------------------------------------------------------------------

    def fft(self, real, imag, inverse=False):
        return _pair((tf.signal.ifft if inverse else tf.signal.fft)(tf.complex(real, imag)))

    def rfft(self, x):
        return _pair(tf.signal.rfft(x))

    def irfft(self, real, imag, n):
        return tf.signal.irfft(tf.complex(real, imag), [n])

    # -- branches, loops, gradients ----------------------------------------------------------------

    def cond(self, pred, true_fn, false_fn):
        if tf.executing_eagerly() and hasattr(pred, "numpy"):
            return super().cond(pred, true_fn, false_fn)
        return list(tf.cond(pred, lambda: list(true_fn()), lambda: list(false_fn())))

    def while_loop(self, condition, body, state, maximum_iterations=None):
        if tf.executing_eagerly():
            return super().while_loop(condition, body, state, maximum_iterations)
        return list(
            tf.while_loop(
                condition,
                lambda *s: list(body(*s)),
                list(state),
                maximum_iterations=maximum_iterations,
            )
        )

    def custom_gradient(self, function, tensors):
        return list(tf.custom_gradient(lambda *xs: function(*xs))(*tensors))

    def jvp(self, function, primals, tangents):
        with tf.autodiff.ForwardAccumulator(list(primals), list(tangents)) as accumulator:
            outputs = function(*primals)
        return outputs, [accumulator.jvp(y, tf.UnconnectedGradients.ZERO) for y in outputs]


def _inside(ids, count):
    """Ids with -1, which TensorFlow leaves out, for those that are too large."""
    return tf.where(ids >= count, tf.constant(-1, ids.dtype), ids)


def _infinite(x, y, place):
    """Infinities for segments without rows, where TensorFlow gives the dtype's largest or smallest finite number."""
    if not x.dtype.is_floating:
        return y
    limit = (x.dtype.min, x.dtype.max)[place]
    return tf.where(
        y == tf.constant(limit, x.dtype),
        tf.constant(dtypes.extremes(x.dtype.name)[place], x.dtype),
        y,
    )


def _pair(x):
    return tf.math.real(x), tf.math.imag(x)

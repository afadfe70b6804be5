"""Loops over time: TensorFlow's kernel for a whole LSTM; otherwise a long loop in a graph is a
tf.while_loop, so that the graph does not grow with the sequence."""

from __future__ import annotations

from unidl.backend import contract
from unidl.backend.frame import current
from unidl_tensorflow.block_lstm import block_lstm
from unidl_tensorflow.execution import is_traced_for_xla
from unidl_tensorflow.load import tf
from unidl_tensorflow.shaping import size_of

# Up to here a graph is unrolled: the loop's own bookkeeping costs more than the steps. An LSTM
# training step (50 moments, 64 units, batch 32) takes 4.4 ms unrolled, 6.7 ms looped, 6.1 ms looped
# over blocks of 5. XLA compiles the unrolled one for 38 s, and so always gets the loop.
UNROLLED = 64


class Recurrent(contract.Recurrent):
    def lstm(self, x, h, c, kernel, recurrent_kernel, bias, reverse=False):
        # The kernel's other dtype is float16, it wants numbers to work on, and XLA does not have
        # it.
        if x.dtype != tf.float32 or 0 in x.shape or is_traced_for_xla():
            return super().lstm(x, h, c, kernel, recurrent_kernel, bias, reverse)
        moments = tf.transpose(x, (1, 0, 2))
        bias = tf.zeros(kernel.shape[1:], x.dtype) if bias is None else bias
        weights = _exchanged(tf.concat([kernel, recurrent_kernel], 0))
        hs, cs = block_lstm(
            tf.reverse(moments, (0,)) if reverse else moments, h, c, weights, _exchanged(bias)
        )
        outputs = tf.reverse(hs, (0,)) if reverse else hs
        return tf.transpose(outputs, (1, 0, 2)), hs[-1], cs[-1]

    def scan(self, step, state, xs, reverse=False):
        length = size_of(xs[0], 0)
        is_short = isinstance(length, int) and (
            length < 2 or (length <= UNROLLED and not is_traced_for_xla())
        )
        if tf.executing_eagerly() or is_short:
            return super().scan(step, state, xs, reverse)
        moments = [
            tf.TensorArray(x.dtype, length, element_shape=x.shape[1:]).unstack(x) for x in xs
        ]
        # The first step is done outside: it tells dtype and shape of the outputs.
        first = length - 1 if reverse else 0
        before = _drawn()
        state, y = step(tuple(state), tuple(x[first] for x in xs))
        if _drawn() != before:
            # Every moment has a random key of its own, which in a loop all would share.
            ys = [y]
            for t in range(length)[::-1][1:] if reverse else range(1, length):
                state, y = step(tuple(state), tuple(x[t] for x in xs))
                ys.append(y)
            return tuple(state), tf.stack(ys[::-1] if reverse else ys)
        outputs = tf.TensorArray(y.dtype, length, element_shape=y.shape).write(first, y)

        def body(t, state, outputs):
            state, y = step(state, tuple(m.read(t) for m in moments))
            return t + (-1 if reverse else 1), tuple(state), outputs.write(t, y)

        _, state, outputs = tf.while_loop(
            lambda t, *_: t >= 0 if reverse else t < length,
            body,
            (tf.constant(first - 1 if reverse else 1), tuple(state), outputs),
            parallel_iterations=1,
            maximum_iterations=length - 1,
        )
        return state, outputs.stack()


def _drawn():
    """How many random keys and numbers the trace has asked for up to now."""
    feed = current().feed
    return None if feed is None else feed.drawn()


def _exchanged(x):
    """Gates i, f, c, o in the kernel's order i, c, f, o."""
    i, f, c, o = tf.split(x, 4, -1)
    return tf.concat([i, c, f, o], -1)

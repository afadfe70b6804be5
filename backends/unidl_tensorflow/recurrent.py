"""Loops over time. In a graph a tf.while_loop, so that the graph does not grow with the sequence."""

from __future__ import annotations

import tensorflow as tf


class Recurrent:
    def scan(self, step, state, xs, reverse=False):
        if tf.executing_eagerly():
            return super().scan(step, state, xs, reverse)
        length = xs[0].shape[0]
        moments = [tf.TensorArray(x.dtype, length, element_shape=x.shape[1:]).unstack(x) for x in xs]
        # The first step is done outside: it tells dtype and shape of the outputs.
        first = length - 1 if reverse else 0
        state, y = step(tuple(state), tuple(x[first] for x in xs))
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

"""Branches, loops and gradients: TensorFlow's own in graphs, Python otherwise."""

from __future__ import annotations

from unidl.backend import contract
from unidl_tensorflow.load import tf


class Control(contract.Control):
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

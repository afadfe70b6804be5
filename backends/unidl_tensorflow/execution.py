"""Compilation: one graph for each combination of input shapes and dtypes, a whole training step in one launch."""

from __future__ import annotations

from contextvars import ContextVar
from functools import cache

import numpy as np

from unidl.tracing.feed import KeyFeed
from unidl_tensorflow.load import tf

_xla: ContextVar[bool] = ContextVar("unidl_tensorflow_xla", default=False)


def is_traced_for_xla():
    """Whether the graph that is being recorded will be compiled by XLA as a whole."""
    return _xla.get()


@cache
def _no_keys():
    return tf.zeros((0, 2), tf.int64)


@cache
def _no_numbers():
    return tf.zeros(0, tf.float64)


class Compiled:
    """A function of tensors as graphs, one for each signature.

    Not left to tf.function's own cache, because each graph has a feed of its own and must be known before its keys are
    drawn; it is also quicker (see `_Graph`).
    """

    def __init__(self, fn, variables, jit_compile):
        self._fn, self._variables, self._jit_compile = fn, list(variables), jit_compile
        self._graphs = {}

    def __call__(self, *tensors):
        if not tf.executing_eagerly():
            return self._fn(*tensors)  # part of a larger graph, which has the keys
        return self._graph(tuple([(t.shape, t.dtype) for t in tensors]))(tensors)

    def launch(self, stacked):
        """Run once for each element of the first axis that all tensors share; returns what the last run gives."""
        return self._graph(tuple([(t.shape[1:], t.dtype) for t in stacked])).launch(stacked)

    def _graph(self, signature):
        graph = self._graphs.get(signature)
        if graph is None or graph.stale(self._variables):
            graph = self._graphs[signature] = _Graph(
                self._fn, signature, self._variables, self._jit_compile
            )
        return graph


class _Graph:
    """One trace: its graph, its host feed, and the stores that it captured."""

    def __init__(self, fn, signature, variables, jit_compile):
        self._feed = KeyFeed()
        self._signature, self._loop = signature, None
        self._stores = [v._store for v in variables]

        def traced(*inputs):
            *tensors, keys, numbers = inputs
            with self._feed.tracing(lambda i: keys[i], lambda i: numbers[i]):
                return fn(*tensors)

        # The numbers of keys and of numbers are known only after the trace.
        specs = [tf.TensorSpec(shape, dtype) for shape, dtype in signature]
        specs += [tf.TensorSpec((None, 2), tf.int64), tf.TensorSpec((None,), tf.float64)]
        function = tf.function(traced, autograph=False, jit_compile=jit_compile or None)
        token = _xla.set(jit_compile)
        try:
            self._function = function.get_concrete_function(*specs)
        finally:
            _xla.reset(token)
        self._check(variables)

    def _check(self, variables):
        for variable in variables:
            if isinstance(variable._store, tf.Tensor) and not hasattr(variable._store, "numpy"):
                raise RuntimeError(
                    f"Variable {variable.path!r} was left holding a tensor of the traced graph, which has no value."
                )

    def stale(self, variables):
        """Whether a variable has got other storage since the trace (it moved to another backend and back)."""
        return any(v._store is not store for v, store in zip(variables, self._stores, strict=True))

    def __call__(self, tensors):
        keys, numbers = self._feed.draw(), self._feed.draw_numbers()
        inputs = [
            *tensors,
            tf.constant(keys) if len(keys) else _no_keys(),
            tf.constant(numbers) if len(numbers) else _no_numbers(),
        ]
        # The public call binds names and checks types each time: 125 us, this 67 us, tf.function itself 239 us.
        return self._function._call_flat(inputs, self._function.captured_inputs)

    def launch(self, stacked):
        """Several runs as one loop inside a graph, of any length, whose body calls the graph of one."""
        if self._loop is None:
            self._loop = self._make_loop()
        drawn = [(self._feed.draw(), self._feed.draw_numbers()) for _ in range(stacked[0].shape[0])]
        keys, numbers = (tf.constant(np.stack(rows)) for rows in zip(*drawn, strict=True))
        return self._loop._call_flat([*stacked, keys, numbers], self._loop.captured_inputs)

    def _make_loop(self):
        single = self._function

        def looped(*inputs):
            count = tf.shape(inputs[0])[0]

            def body(i, _):
                return i + 1, single(*[x[i] for x in inputs])

            nothing = tf.nest.map_structure(
                lambda spec: tf.zeros(spec.shape, spec.dtype), single.structured_outputs
            )
            # One iteration at a time: the next one reads the variables that this one assigns.
            return tf.while_loop(lambda i, _: i < count, body, (0, nothing), parallel_iterations=1)[
                1
            ]

        specs = [tf.TensorSpec((None, *shape), dtype) for shape, dtype in self._signature]
        specs += [tf.TensorSpec((None, None, 2), tf.int64), tf.TensorSpec((None, None), tf.float64)]
        return tf.function(looped, autograph=False).get_concrete_function(*specs)


class Execution:
    steps_per_launch = 32

    def compile(self, fn, variables, jit_compile=False):
        return Compiled(fn, variables, jit_compile)

    def compile_step(self, forward, update, trainable, variables, jit_compile=False):
        return Compiled(
            super().compile_step(forward, update, trainable, variables), variables, jit_compile
        )

    def in_one_launch(self, step):
        if not isinstance(step, Compiled):
            return super().in_one_launch(step)  # plain Python
        return lambda *stacked: step.launch(stacked)

    def synchronize(self):
        tf.test.experimental.sync_devices()

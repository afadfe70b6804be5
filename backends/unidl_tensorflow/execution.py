"""Compilation: one graph for each combination of input shapes and dtypes, a whole training step in
one launch."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache

import numpy as np

from unidl.backend import contract
from unidl.backend.context import holding
from unidl.backend.frame import changed
from unidl.backend.trace_files import gathered
from unidl.backend.variable import stores_of
from unidl.tracing.feed import KeyFeed
from unidl.tracing.pure import PerSignature
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


class _Compiled(PerSignature):
    """A function of tensors as graphs, one for each signature.

    Not left to tf.function's own cache, because each graph has a feed of its own and must be known
    before its keys are drawn; it is also quicker (see `_Graph`).
    """

    def __call__(self, *tensors):
        if not tf.executing_eagerly():
            return self._fn(*tensors)  # a part of a larger graph, which has the keys
        return super().__call__(*tensors)

    def launch(self, *stacked):
        """Run once for each element of the first axis that all tensors share; what the last run
        gives."""
        signature = tuple([(t.shape[1:], t.dtype) for t in stacked])
        return self.program(stacked, signature).launch(stacked)

    def program(self, tensors, signature=None):
        graph = super().program(tensors, signature)
        if graph.is_stale():
            graph.record()
        return graph


class _Graph:
    """One trace: its graph, its host feed, and the stores that it captured.

    A graph reads and assigns tf.Variables itself, so nothing stands in for the Variables here.
    """

    def __init__(self, fn, signature, variables, jit_compile):
        self._fn, self._signature, self._jit_compile = fn, signature, jit_compile
        self._variables = list(dict.fromkeys(variables))
        self.record()

    def record(self):
        self._feed, self._loop = KeyFeed(), None
        self._stores = stores_of(self._variables)

        def traced(*inputs):
            *tensors, keys, numbers = inputs
            feeding = self._feed.tracing(lambda i: keys[i], lambda i: numbers[i])
            with feeding, changed(naming=_named):
                return self._fn(*tensors)

        # The numbers of keys and of numbers are known only after the trace.
        specs = [tf.TensorSpec(shape, dtype) for shape, dtype in self._signature]
        specs += [tf.TensorSpec((None, 2), tf.int64), tf.TensorSpec((None,), tf.float64)]
        function = tf.function(traced, autograph=False, jit_compile=self._jit_compile or None)
        with holding(_xla, self._jit_compile):
            self._function = function.get_concrete_function(*specs)

    def is_stale(self):
        """Whether a variable has got other storage since the trace (it moved to another backend and
        back)."""
        stores = stores_of(self._variables)
        return any(a is not b for a, b in zip(stores, self._stores, strict=True))

    def __call__(self, *tensors):
        keys, numbers = self._feed.draw(), self._feed.draw_numbers()
        inputs = [
            *tensors,
            tf.constant(keys) if len(keys) else _no_keys(),
            tf.constant(numbers) if len(numbers) else _no_numbers(),
        ]
        # The public call binds names and checks types each time: 125 us, this 67 us, tf.function
        # itself 239 us.
        return self._function._call_flat(inputs, self._function.captured_inputs)

    def launch(self, stacked):
        """Several runs as one loop inside a graph, of any length, whose body calls the graph of
        one."""
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


def _named(path):
    """Names of a graph's operations, which errors show, begin with the layer's path."""
    return tf.name_scope(
        "".join(c if c.isalnum() or c in "_-/." else "_" for c in path.lstrip("_-/"))
    )


class Execution(contract.Execution):
    steps_per_launch = 32
    programs_kept = 32  # a graph of a training step takes some megabytes

    def signature(self, tensors):
        return tuple([(t.shape, t.dtype) for t in tensors])

    def compile(self, fn, variables, jit_compile=False):
        def make(tensors, signature):
            return _Graph(fn, signature, variables, jit_compile)

        return _Compiled(self, fn, make)

    def compile_step(self, forward, update, trainable, variables, jit_compile=False):
        step = super().compile_step(forward, update, trainable, variables)
        return self.compile(step, variables, jit_compile)

    def in_one_launch(self, step):
        # Anything else is plain Python.
        return step.launch if isinstance(step, _Compiled) else super().in_one_launch(step)

    def synchronize(self):
        tf.test.experimental.sync_devices()

    profiles = True

    @contextmanager
    def profile(self, folder):
        with gathered(folder) as below:
            tf.profiler.experimental.start(below)
            try:
                yield
            finally:
                tf.profiler.experimental.stop()

"""Gradients and compilation. JAX transforms pure functions; variables become their inputs and outputs here.

A Variable's storage is a `Box`. While a function is traced the boxes hold tracers, and what was written to them is handed out
of the function as results, so that no tracer stays behind.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar

import jax
import numpy as np

from unidl.backend import contract
from unidl.tracing.feed import KeyFeed

_written: ContextVar[dict | None] = ContextVar("unidl_jax_written", default=None)


class Box:
    """A place for an array."""

    __slots__ = ("value",)

    def __init__(self, value):
        self.value = value


class Storage(contract.Native):
    def store(self, value):
        return Box(self.copy(self.asarray(value)))

    def read(self, store):
        return store.value

    def write(self, store, value):
        written = _written.get()
        if written is not None:
            written.setdefault(store, store.value)
        store.value = jax.lax.stop_gradient(value)
        return store


@contextmanager
def _lent(boxes, values):
    """Let `boxes` hold `values`, and give all boxes that are written inside their old values back afterwards.

    Yields the boxes written so far, as keys.
    """
    before = [box.value for box in boxes]
    for box, value in zip(boxes, values, strict=True):
        box.value = value
    written: dict = {}
    token = _written.set(written)
    try:
        yield written
    finally:
        _written.reset(token)
        for box, value in written.items():
            box.value = value
        for box, value in zip(boxes, before, strict=True):
            box.value = value


class Autodiff(contract.Autodiff):
    def value_and_grad(self, fn, variables, has_aux=False):
        boxes = [v._store for v in variables]
        assigned = []

        def pure(leaves):
            with _lent(boxes, leaves) as written:
                result = fn()
                value, aux = result if has_aux else (result, None)
                assigned[:] = written
                if np.shape(value) != ():
                    raise ValueError(
                        f"value_and_grad: the function must return a scalar, got shape {np.shape(value)}. Reduce it: unidl.ops.mean(loss)."
                    )
                return value, (aux, [box.value for box in assigned])

        (value, (aux, values)), gradients = jax.value_and_grad(pure, has_aux=True)(
            [box.value for box in boxes]
        )
        for box, new in zip(assigned, values, strict=True):
            self.write(box, new)
        return ((value, aux) if has_aux else value), gradients


class Execution(contract.Execution):
    def compile(self, fn, variables, jit_compile=False):
        return Compiled(fn, variables)

    def compile_step(self, forward, update, trainable, variables, jit_compile=False):
        return Compiled(super().compile_step(forward, update, trainable, variables), variables)

    def synchronize(self):
        for array in jax.live_arrays():
            array.block_until_ready()


class Compiled:
    """A function of tensors under jax.jit, once for each combination of input shapes and dtypes."""

    def __init__(self, fn, variables):
        self._fn, self._variables = fn, list(variables)
        self._traces = {}

    def __call__(self, *tensors):
        if any(isinstance(t, jax.core.Tracer) for t in tensors):
            return self._fn(*tensors)  # part of a larger function, which has the keys
        signature = tuple([(t.shape, t.dtype) for t in tensors])
        boxes = [v._store for v in self._variables]
        trace = self._traces.get(signature)
        if trace is None or trace.boxes != boxes:
            trace = self._traces[signature] = _Trace(self._fn, boxes, tensors)
        return trace(tensors)


class _Trace:
    """One compiled function, its host feed, and the boxes it writes."""

    def __init__(self, fn, boxes, tensors):
        self.boxes, self.feed, self._assigned = boxes, KeyFeed(), []

        def pure(values, tensors, keys, numbers):
            with (
                _lent(boxes, values) as written,
                self.feed.tracing(lambda i: keys[i], lambda i: numbers[i]),
            ):
                outputs = fn(*tensors)
                self._assigned = list(written)
                return outputs, [box.value for box in self._assigned]

        # How many keys and numbers there are is known after a trace; this one computes nothing.
        many = 1 << 16
        keys, numbers = (
            jax.ShapeDtypeStruct((many, 2), np.uint32),
            jax.ShapeDtypeStruct((many,), self._float()),
        )
        jax.eval_shape(pure, [b.value for b in boxes], tensors, keys, numbers)
        self._run = jax.jit(pure)

    @staticmethod
    def _float():
        return np.float64 if jax.config.jax_enable_x64 else np.float32

    def __call__(self, tensors):
        keys, numbers = (
            self.feed.draw().astype(np.uint32),
            self.feed.draw_numbers().astype(self._float()),
        )
        outputs, values = self._run([b.value for b in self.boxes], tensors, keys, numbers)
        for box, value in zip(self._assigned, values, strict=True):
            box.value = value
        return outputs

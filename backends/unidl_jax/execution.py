"""Compilation: JAX transforms pure functions, and a traced step is one."""

from __future__ import annotations

from contextlib import contextmanager

import jax
import numpy as np

from unidl.backend import contract
from unidl.backend.trace_files import gathered
from unidl.backend.variable import commit, stores_of
from unidl.tracing.pure import PerSignature, Pure
from unidl_jax.collectives import alone_told
from unidl_jax.sharding import local, placement

# How many keys and numbers a step may ask for while their count is not known yet.
_MANY = 1 << 16


class Execution(contract.Execution):
    def signature(self, tensors):
        return (placement(), *[(t.shape, t.dtype) for t in tensors])

    def compile(self, fn, variables, jit_compile=False):
        return _Compiled(self, fn, lambda tensors, _: _Program(self, fn, variables, tensors))

    def compile_step(self, forward, update, trainable, variables, jit_compile=False):
        return self.compile(super().compile_step(forward, update, trainable, variables), variables)

    def synchronize(self):
        for array in jax.live_arrays():
            array.block_until_ready()

    profiles = True

    @contextmanager
    def profile(self, folder):
        with gathered(folder) as below:
            jax.profiler.start_trace(below)
            try:
                yield
            finally:
                jax.profiler.stop_trace()


class _Compiled(PerSignature):
    def __call__(self, *tensors):
        if any(isinstance(t, jax.core.Tracer) for t in tensors):
            return self._fn(*tensors)  # a part of what the user transforms
        return super().__call__(*tensors)


class _Program:
    """One function under jax.jit."""

    def __init__(self, backend, fn, variables, tensors):
        self._pure, self._read = Pure(fn, variables), backend.read

        def pure(values, tensors, keys, numbers):
            return self._pure(
                values,
                tensors,
                lambda i: keys[i],
                lambda i: numbers[i],
                naming=jax.named_scope,
            )

        keys = jax.ShapeDtypeStruct((_MANY, 2), np.uint32)
        numbers = jax.ShapeDtypeStruct((_MANY,), _float())
        # How many keys and numbers there are is known after a trace; this one computes nothing.
        self._pure.complete(
            lambda: jax.eval_shape(pure, stores_of(self._pure.variables), tensors, keys, numbers)
        )
        self._place = place = placement()
        shardings = {}
        if place is not None:
            kept = [place.of_store(store) for store in stores_of(self._pure.assigned)]
            shardings["out_shardings"] = (place.of_results, kept)
        self._run = jax.jit(pure, **shardings)

    def __call__(self, *tensors):
        feed = self._pure.feed
        keys, numbers = feed.draw().astype(np.uint32), feed.draw_numbers().astype(_float())
        variables, place = self._pure.variables, self._place
        if place is None:
            stores = [self._read(store) for store in stores_of(variables)]
        else:
            stores = place.stores(variables)
            tensors = [place.rows(tensor) for tensor in tensors]
        with alone_told():
            outputs, values = self._run(stores, tensors, keys, numbers)
        commit(self._pure.assigned, values)
        return outputs if place is None else jax.tree.map(local, outputs)


def _float():
    return np.float64 if jax.config.jax_enable_x64 else np.float32

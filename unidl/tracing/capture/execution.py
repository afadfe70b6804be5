"""Execution by captured programs."""

from __future__ import annotations

import warnings
from contextlib import contextmanager

from unidl.backend import registry
from unidl.backend.contract.execution import Execution
from unidl.backend.dtypes import floatx
from unidl.tracing.capture.program import Program
from unidl.tracing.capture.symbol import KeySymbol, NumberSymbol, Symbol
from unidl.tracing.capture.tracer import Tracer
from unidl.tracing.feed import KeyFeed


class CaptureWarning(UserWarning):
    """A function could not be captured and runs as plain Python at every call."""


class CapturedExecution(Execution):
    """`compile` and `compile_step` for a backend that runs eagerly and whose variables hold the tensor itself."""

    def compile(self, fn, variables, jit_compile=False):
        return _PerShape(self, lambda tensors: _capture_function(self, fn, variables, tensors), fn)

    def compile_step(self, forward, update, trainable, variables, jit_compile=False):
        eager = super().compile_step(forward, update, trainable, variables)
        return _PerShape(
            self,
            lambda tensors: _capture_step(self, forward, update, trainable, variables, tensors),
            eager,
        )


class _PerShape:
    """One captured function for each combination of input shapes and dtypes."""

    def __init__(self, backend, capture, eager):
        self._backend, self._capture, self._eager = backend, capture, eager
        self._captured = {}

    def __call__(self, *tensors):
        key = tuple([(t.shape, t.dtype) for t in tensors])
        run = self._captured.get(key)
        if run is None:
            run = self._captured[key] = self._try_capture(tensors)
        return run(*tensors)

    def _try_capture(self, tensors):
        try:
            return self._capture(tensors)
        except (TypeError, AttributeError, NotImplementedError) as error:
            # A layer may call the framework directly, which no symbol can go through. Its own errors come from the eager run.
            warnings.warn(
                f"This function runs as plain Python at every call, since it could not be captured: {error} "
                "Write custom layers with unidl.ops to have them captured, or silence this with run_eagerly=True.",
                CaptureWarning,
                stacklevel=4,
            )
            return self._eager


class _Part:
    """A function captured with its variables: what it reads comes in, what it assigns goes out."""

    def __init__(self, backend, fn, inputs, variables):
        self.feed = KeyFeed()
        program = Program()
        tracer = Tracer(backend, program)
        symbols = [Symbol(tracer, f"x{i}", shape, dtype) for i, (shape, dtype) in enumerate(inputs)]
        stores = [Symbol(tracer, f"v{i}", v.shape, v.dtype) for i, v in enumerate(variables)]
        keys = self.feed.tracing(
            lambda i: KeySymbol(f"K[{i}]"), lambda i: NumberSymbol(tracer, f"N[{i}]", (), floatx())
        )
        with keys, _standing_in(tracer, variables, stores), registry.use_backend(tracer):
            outputs = fn(*symbols)
            self.is_one = not isinstance(outputs, list | tuple)
            outputs = [tracer.asarray(o) for o in ([outputs] if self.is_one else outputs)]
            after = [v._store for v in variables]
            # A store may be changed in place by an optimizer, so it shares memory with nothing else.
            seen = set()
            for i, (old, new) in enumerate(zip(stores, after, strict=True)):
                if new is not old and (new.code[0] != "t" or new.code in seen):
                    after[i] = tracer.copy(new)
                seen.add(new.code)
        self.assigned = [
            v for v, old, new in zip(variables, stores, after, strict=True) if new is not old
        ]
        outputs += [new for old, new in zip(stores, after, strict=True) if new is not old]
        self.count = len(outputs) - len(self.assigned)
        used = program.needed(outputs)
        self.read = [v for v, s in zip(variables, stores, strict=True) if s.code in used]
        inputs = [*symbols, *(s for s in stores if s.code in used)]
        self.program = program.function(
            inputs, outputs, lambda name: list if name == "list" else getattr(backend, name)
        )

    def run(self, tensors):
        """Call the program and put the assigned values into their variables; returns the outputs."""
        feed = self.feed
        outputs = self.program(
            feed.keys(), feed.numbers(), *tensors, *[v._store for v in self.read]
        )
        if self.assigned:
            for variable, value in zip(self.assigned, outputs[self.count :], strict=True):
                variable.replace(value)
            outputs = outputs[: self.count]
        return outputs


def _capture_function(backend, fn, variables, tensors):
    part = _Part(backend, fn, [(backend.shape(t), backend.dtype(t)) for t in tensors], variables)
    if part.is_one:
        return lambda *tensors: part.run(tensors)[0]
    return lambda *tensors: list(part.run(tensors))


def _capture_step(backend, forward, update, trainable, variables, tensors):
    def flat_forward(*symbols):
        loss, others = forward(*symbols)
        return [loss, *others]

    first = _Part(
        backend, flat_forward, [(backend.shape(t), backend.dtype(t)) for t in tensors], variables
    )
    second = _Part(
        backend,
        lambda *gradients: update(list(gradients)) or [],
        [(v.shape, v.dtype) for v in trainable],
        variables,
    )

    def step(*tensors):
        def run():
            loss, *others = first.run(tensors)
            return loss, others

        value, gradients = backend.value_and_grad(run, trainable, has_aux=True)
        second.run(gradients)
        return value

    return step


@contextmanager
def _standing_in(tracer, variables, stores):
    """Let `variables` belong to the tracer and hold symbols."""
    before = [(v.backend, v._store) for v in variables]
    for variable, store in zip(variables, stores, strict=True):
        variable.backend, variable._store = tracer, store
    try:
        yield
    finally:
        for variable, (backend, store) in zip(variables, before, strict=True):
            variable.backend, variable._store = backend, store

"""Execution by captured programs."""

from __future__ import annotations

import warnings
from abc import abstractmethod

from unidl.backend import registry
from unidl.backend.contract.execution import Execution
from unidl.backend.dtypes import floatx
from unidl.backend.variable import commit, stores_of
from unidl.tracing.capture.program import Program
from unidl.tracing.capture.symbol import KeySymbol, NotCapturable, NumberSymbol, Symbol
from unidl.tracing.capture.tracer import Tracer
from unidl.tracing.pure import PerSignature, Pure


class CaptureWarning(UserWarning):
    """A function could not be captured and runs as plain Python at every call."""


class CapturedExecution(Execution):
    """`compile` and `compile_step` for a backend that runs eagerly and whose stores are the
    tensors."""

    symbol_type = Symbol  # a class derived from it tells the framework's own functions what it is

    @abstractmethod
    def gradients(self, function, values):
        """(outputs, gradients) of `function(leaves)` -> tuple of tensors, the first a scalar.

        `leaves` are like the native `values`, for each of which there is a gradient of the scalar.
        The outputs are free of any tape.
        """

    def differentiated(self, program, leaves):
        """run(arguments, values) -> (outputs, gradients) of a captured `program`, by `gradients`.

        `leaves` are pairs: which of `values`, and its place among the `arguments`.
        """

        def run(arguments, values):
            def function(inner):
                for leaf, place in leaves:
                    arguments[place] = inner[leaf]
                return program(*arguments)

            return self.gradients(function, values)

        return run

    def compile(self, fn, variables, jit_compile=False):
        return PerSignature(
            self, fn, lambda tensors, _: _captured_function(self, fn, variables, tensors)
        )

    def compile_step(self, forward, update, trainable, variables, jit_compile=False):
        eager = super().compile_step(forward, update, trainable, variables)

        def make(tensors, _):
            try:
                return _Step(self, forward, update, trainable, variables, tensors)
            except NotCapturable as error:
                return _left_eager(eager, error)

        return PerSignature(self, eager, make)


def _captured_function(backend, fn, variables, tensors):
    try:
        return _Function(backend, fn, variables, tensors)
    except NotCapturable as error:
        return _left_eager(fn, error)


def _left_eager(eager, error):
    """A layer may call the framework itself, which no symbol can go through."""
    warnings.warn(
        "This function runs as plain Python at every call, since it could not be captured: "
        f"{error} Write custom layers with unidl.ops so that they can be captured, or silence this "
        "with run_eagerly=True.",
        CaptureWarning,
        stacklevel=6,
    )
    return eager


class _Part:
    """A function captured with its variables: what it reads comes in, what it assigns goes out.

    Attributes:
        program: program(keys, numbers, *tensors, *what `read` hold) -> (*outputs, *new values).
        read, assigned: Variables.
        count: number of outputs.
        is_one: whether `fn` returns a tensor and not a list of them.
    """

    def __init__(self, backend, fn, specs, variables, name="function"):
        self._pure = Pure(fn, variables)
        self.feed = self._pure.feed
        self._pure.complete(lambda: self._trace(backend, specs, name))
        self.assigned = self._pure.assigned

    def _trace(self, backend, specs, name):
        program = Program()
        tracer = Tracer(backend, program)
        tensors = [tracer.symbol(f"x{i}", *spec) for i, spec in enumerate(specs)]
        stores = [
            tracer.symbol(f"v{i}", v.shape, v.dtype) for i, v in enumerate(self._pure.variables)
        ]
        with registry.use_backend(tracer):
            outputs, after = self._pure(
                stores,
                tensors,
                lambda i: KeySymbol(f"K[{i}]"),
                lambda i: NumberSymbol(tracer, f"N[{i}]", (), floatx()),
                tracer=tracer,
                naming=program.naming,
            )
            self.is_one = not isinstance(outputs, list | tuple)
            outputs = [tracer.asarray(o) for o in ([outputs] if self.is_one else outputs)]
            results = [*outputs, *_apart(tracer, stores, after)]
        self.count = len(outputs)
        used = program.needed(results)
        pairs = [
            (v, s) for v, s in zip(self._pure.variables, stores, strict=True) if s.code in used
        ]
        self.read = [v for v, _ in pairs]
        inputs = [*tensors, *(s for _, s in pairs)]
        self.program = program.function(inputs, results, tracer.function, name)


def _apart(tracer, stores, values):
    """`values`, each in memory of its own: an optimizer may change what a Variable holds in
    place."""
    taken = {s.code for s in stores}
    apart = []
    for value in values:
        if value.code[0] != "t" or value.code in taken:
            value = tracer.copy(value)
        taken.add(value.code)
        apart.append(value)
    return apart


def _specs(backend, tensors):
    return [(backend.shape(t), backend.dtype(t)) for t in tensors]


class _Function:
    def __init__(self, backend, fn, variables, tensors):
        self._part = _Part(backend, fn, _specs(backend, tensors), variables, "function")

    def __call__(self, *tensors):
        part = self._part
        feed = part.feed
        results = part.program(feed.keys(), feed.numbers(), *tensors, *stores_of(part.read))
        if part.assigned:
            commit(part.assigned, results[part.count :])
            results = results[: part.count]
        return results[0] if part.is_one else list(results)


class _Step:
    """A training step: loss and gradients by one program, the update by another, then one
    commit."""

    def __init__(self, backend, forward, update, trainable, variables, tensors):
        def flat_forward(*symbols):
            loss, others = forward(*symbols)
            return [loss, *others]

        def flat_update(*gradients):
            update(list(gradients))
            return []

        specs = [(v.shape, v.dtype) for v in trainable]
        self._first = first = _Part(
            backend, flat_forward, _specs(backend, tensors), [*variables, *trainable], "forward"
        )
        if any(v.held is not v for v in first.assigned):
            raise NotCapturable("The forward pass assigns a trained weight that is split.")
        self._second = second = _Part(backend, flat_update, specs, variables, "update")
        self._trainable = trainable
        place = {v: 2 + len(tensors) + i for i, v in enumerate(first.read)}
        # (which leaf, where it goes among the arguments) of the trainable variables that are read.
        leaves = [(i, place[v]) for i, v in enumerate(trainable) if v in place]
        self._differentiated = backend.differentiated(first.program, leaves)
        self._is_split = any(v.held is not v for v in trainable)
        new = {v: first.count + i for i, v in enumerate(first.assigned)}
        # What the update reads of what the forward pass assigned.
        self._renewed = [(i, new[v]) for i, v in enumerate(second.read) if v in new]

    def __call__(self, *tensors):
        first, second = self._first, self._second
        values = stores_of(self._trainable)
        read = self._read_of(values) if self._is_split else stores_of(first.read)
        arguments = [first.feed.keys(), first.feed.numbers(), *tensors, *read]
        results, gradients = self._differentiated(arguments, values)
        stores = stores_of(second.read)
        for position, index in self._renewed:
            stores[position] = results[index]
        updated = second.program(second.feed.keys(), second.feed.numbers(), *gradients, *stores)
        commit(first.assigned, results[first.count :])
        commit(second.assigned, updated)
        loss, *others = results[: first.count]
        return loss, others

    def _read_of(self, values):
        """What the forward pass reads; split weights, put together once, are among `values`."""
        given = dict(zip(self._trainable, values, strict=True))
        return [given[v] if v in given else stores_of((v,))[0] for v in self._first.read]

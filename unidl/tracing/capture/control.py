"""Branches, loops and gradients of one's own in a captured program.

A function inside the program (a branch, the body of a loop, a gradient) is captured as a program of
its own. What it uses of the program around it becomes an argument, so that a branch runs only when
it is taken, and gradients flow through it.
"""

from __future__ import annotations

from unidl.backend.variable import unassignable


class _Inner:
    """`fn(*inputs)` -> tensors as a program inside that of `tracer`.

    Attributes:
        outputs: the symbols that it returned.
        free: names of what it uses from outside.
    """

    def __init__(self, tracer, fn, inputs):
        self._tracer, self._inputs = tracer, inputs
        outer = tracer._program
        tracer._program = self._program = outer.inner()
        try:
            with unassignable("a branch, loop or gradient"):
                self.outputs = [tracer.asarray(o) for o in fn(*inputs)]
        finally:
            tracer._program = outer
        self.free = self._program.free(self.outputs, inputs)

    def function(self, free):
        """The compiled function (K, N, *inputs, *free) -> tuple of outputs."""
        symbols = [self._tracer.symbol(name, (), "float32") for name in free]
        return self._program.function(
            [*self._inputs, *symbols], self.outputs, self._tracer.function
        )


def _call(tracer, function, given, free, outputs):
    """Write down a call of `function(K, N, *given, *free)`; new symbols like `outputs` for what it
    returns."""
    program = tracer._program
    names = [tracer.symbol(name, (), "float32") for name in ("K", "N")]
    used = [tracer.symbol(name, (), "float32") for name in free]
    symbols = [tracer.symbol(program.name(), o.shape, o.dtype) for o in outputs]
    program.add([s.code for s in symbols], program.constant(function), (*names, *given, *used), {})
    return symbols


def cond(tracer, pred, true_fn, false_fn):
    inner = [_Inner(tracer, fn, []) for fn in (true_fn, false_fn)]
    free = sorted({name for one in inner for name in one.free})
    taken, other = (one.function(free) for one in inner)
    to_numpy = tracer._backend.to_numpy

    def choose(K, N, pred, *values):
        return (taken if bool(to_numpy(pred)) else other)(K, N, *values)

    return _call(tracer, choose, [pred], free, inner[0].outputs)


def while_loop(tracer, condition, body, state, maximum_iterations):
    state = [tracer.asarray(s) for s in state]
    carried = [tracer.symbol(tracer._program.name(), s.shape, s.dtype) for s in state]
    inner = [_Inner(tracer, lambda *s: [condition(*s)], carried), _Inner(tracer, body, carried)]
    free = sorted({name for one in inner for name in one.free})
    goes_on, step = (one.function(free) for one in inner)
    to_numpy, size = tracer._backend.to_numpy, len(state)

    def loop(K, N, *values):
        state, values = values[:size], values[size:]
        count = 0
        while (maximum_iterations is None or count < maximum_iterations) and bool(
            to_numpy(goes_on(K, N, *state, *values)[0])
        ):
            state = step(K, N, *state, *values)
            count += 1
        return state

    return _call(tracer, loop, state, free, state)


def custom_gradient(tracer, function, tensors):
    outputs, gradient = function(*(tracer.stop_gradient(t) for t in tensors))
    outputs = [tracer.stop_gradient(tracer.asarray(o)) for o in outputs]
    upstream = [tracer.symbol(tracer._program.name(), o.shape, o.dtype) for o in outputs]
    inner = _Inner(tracer, gradient, upstream)
    back, backend = inner.function(inner.free), tracer._backend
    places = len(outputs), len(outputs) + len(tensors)

    def attach(K, N, *values):
        made, given, used = values[: places[0]], values[places[0] : places[1]], values[places[1] :]
        return backend.custom_gradient(
            lambda *_: (list(made), lambda *up: list(back(K, N, *up, *used))), list(given)
        )

    return _call(tracer, attach, [*outputs, *tensors], inner.free, outputs)

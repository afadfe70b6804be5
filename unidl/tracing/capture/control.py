"""Branches, loops and gradients of one's own in a captured program.

A function inside the program (a branch, the body of a loop, a gradient) is captured as a program of
its own. What it uses of the program around it becomes an argument, so that a branch runs only when
it is taken, and gradients flow through it.
"""

from __future__ import annotations

from contextlib import nullcontext
from operator import itemgetter

from unidl import tree
from unidl.backend.contract import Backend
from unidl.backend.frame import current, standing_in
from unidl.backend.variable import commit, unassignable
from unidl.tracing import moments
from unidl.tracing.capture.symbol import NotCapturable, Symbol


class _Inner:
    """`fn(*inputs)` -> tensors as a program inside that of `tracer`. With `assigns` it may assign
    Variables.

    Attributes:
        outputs: the symbols that it returned.
        free: names of what it uses from outside.
    """

    def __init__(self, tracer, fn, inputs, assigns=False):
        self._tracer, self._inputs = tracer, inputs
        outer = tracer._program
        tracer._program = self._program = outer.inner()
        try:
            with nullcontext() if assigns else unassignable("a branch, loop or gradient"):
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


def value_and_grad(tracer, fn, variables, has_aux):
    variables, structure, changed = list(variables), None, []
    leaves = [tracer.symbol(tracer._program.name(), v.shape, v.dtype) for v in variables]

    def function(*leaves):
        nonlocal structure, changed
        with standing_in(variables, leaves) as stand_ins:
            structure = fn()
        changed, values = stand_ins.assigned()
        value = structure[0] if has_aux else structure
        return [value, *_tensors(structure), *values]

    inner = _Inner(tracer, function, leaves, assigns=True)
    one, gradients_of, count = inner.function(inner.free), tracer._backend.gradients, len(variables)

    def differentiate(K, N, *values):
        given, used = values[:count], values[count:]
        outputs, gradients = gradients_of(lambda leaves: one(K, N, *leaves, *used), list(given))
        return *outputs, *gradients

    given = [tracer.asarray(v.uncast) for v in variables]
    _, *found = _call(tracer, differentiate, given, inner.free, [*inner.outputs, *leaves])
    new = iter(found)
    result = tree.map_structure(lambda x: next(new) if isinstance(x, Symbol) else x, structure)
    commit(changed, [next(new) for _ in changed])
    return result, list(new)


def remat(tracer, function, tensors):
    """What is computed again is one program, of its inputs and all that it uses from outside."""
    tensors = [tracer.asarray(t) for t in tensors]
    given = [tracer.symbol(tracer._program.name(), t.shape, t.dtype, t.detached) for t in tensors]
    inner = _Inner(tracer, lambda *given: function(*given)[0], given, assigns=True)
    one, backend = inner.function(inner.free), tracer._backend

    def recomputed(K, N, *values):
        return backend.remat(lambda *given: (list(one(K, N, *given)), []), list(values))

    return _call(tracer, recomputed, tensors, inner.free, inner.outputs)


def _tensors(structure):
    return [x for x in tree.flatten(structure) if isinstance(x, Symbol)]


def scan(tracer, step, state, xs, reverse):
    """The contract's `scan`: written out, or a loop if it is long and its moments are alike.

    The first moment is always written out. What does not change from moment to moment is then
    computed outside of the loop, as it would be without one; and a step that draws random keys or
    assigns Variables shows it there, and is written out for all moments: each has keys of its own.
    """
    length = xs[0].shape[0]
    if length <= moments.WRITTEN_OUT:
        return Backend.scan(tracer, step, state, xs, reverse)
    program = tracer._program
    lists = [tracer.symbol(program.name(), (), "float32") for _ in xs]
    for each, x in zip(lists, xs, strict=True):
        program.add(each.code, "unstack", (x, 0), {})

    def moment(t):
        found = tuple(tracer.symbol(program.name(), x.shape[1:], x.dtype) for x in xs)
        for one, each in zip(found, lists, strict=True):
            program.add(one.code, program.constant(itemgetter(t)), (each,), {})
        return found

    order = range(length)[::-1] if reverse else range(length)
    before = current().effects()
    state, y = step(tuple(state), moment(order[0]))
    state, ys = [tracer.asarray(s) for s in state], [tracer.asarray(y)]
    if current().effects() == before:
        *state, outputs = _loop(tracer, step, state, lists, ys[0], xs, reverse)
        return tuple(state), outputs
    for t in order[1:]:
        state, y = step(tuple(state), moment(t))
        ys.append(y)
    return tuple(state), tracer.stack(ys[::-1] if reverse else ys, 0)


def _loop(tracer, step, state, lists, y, xs, reverse):
    """(*last state, ys) of the moments after the first, which made `state` and `y`."""
    given = [*state, *(tracer.symbol("t", x.shape[1:], x.dtype) for x in xs)]
    carried = [tracer.symbol(tracer._program.name(), s.shape, s.dtype) for s in given]
    size, before = len(state), current().effects()

    def body(*values):
        new, y = step(tuple(values[:size]), tuple(values[size:]))
        return [*new, y]

    inner = _Inner(tracer, body, carried)
    problem = moments.difference(before, _forms(inner.outputs), _forms([*state, y]))
    if problem:
        raise NotCapturable(problem)
    one, backend, places = inner.function(inner.free), tracer._backend, len(lists) + 1

    def loop(K, N, *values):
        *sequences, y = values[:places]
        state, values = values[places : places + size], values[places + size :]
        ys = [y]
        for moment in zip(*(m[-2::-1] if reverse else m[1:] for m in sequences), strict=True):
            *state, y = one(K, N, *state, *moment, *values)
            ys.append(y)
        return *state, backend.stack(ys[::-1] if reverse else ys, 0)

    stacked = tracer.symbol("t", (xs[0].shape[0], *y.shape), y.dtype)
    return _call(tracer, loop, [*lists, y, *state], inner.free, [*state, stacked])


def _forms(symbols):
    return [(x.shape, x.dtype) for x in symbols]

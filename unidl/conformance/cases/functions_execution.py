"""Gradients, compiled functions and compiled steps as such: what the other cases use without
looking at it.

What is compiled asks for the active backend, which is the tracer of a backend that captures
functions.
"""

from __future__ import annotations

import gc
import time
import weakref
from contextlib import suppress

import numpy as np

from unidl.backend import Variable, get_backend
from unidl.conformance.case import Case, normal
from unidl.tracing import feed

SHAPE = (3, 4)


class Counter:
    """A source of random keys and of numbers which counts the runs, as a seed generator and an
    optimizer do."""

    def __init__(self):
        self.runs = 0

    def advance(self):
        self.runs += 1
        return self.runs, 17

    def rate(self):
        return 0.5**self.runs


def _value_and_grad(B, x):
    """The value, gradients in the order asked for, zeros for what is not used, and an assignment
    that stays."""
    used, unused, other = (Variable(x, backend=B) for _ in range(3))

    def fn():
        other.assign(B.multiply(used.value, 3.0))
        return B.sum(B.square(used.value)), [B.sum(used.value)]

    (value, aux), (zero, gradient) = B.value_and_grad(fn, [unused, used], has_aux=True)
    return value, aux[0], zero, gradient, other.value


def _twice(B, x):
    """A variable that is read twice, and one gradient after another."""
    v = Variable(x, backend=B)
    first = B.value_and_grad(lambda: B.sum(B.multiply(v.value, B.tanh(v.value))), [v])
    v.assign(first[1][0])
    second = B.value_and_grad(lambda: B.sum(B.multiply(v.value, B.tanh(v.value))), [v])
    return first[0], second[0], second[1][0]


def _compile(B, x):
    """A compiled function that reads one variable and assigns another, called with two shapes and
    after an assignment."""
    v, calls = Variable(x, backend=B), Variable(0, dtype="int32", backend=B)

    def fn(a, b):
        B = get_backend()
        calls.assign(B.add(calls.value, 1))
        return [B.add(B.multiply(a, v.value), b), B.sum(a)]

    run = B.compile(fn, [v, calls])
    first = run(x, x)
    v.assign(B.multiply(v.value, 2.0))
    second = run(x, x)
    row = B.getitem(x, (slice(0, 1),))
    return [*first, *second, *run(row, row), calls.value]


def _single(B, x):
    return B.compile(lambda a: get_backend().multiply(a, 2.0), [])(x)


def _keys(B, x):
    """A compiled function draws a new key at each run, the same ones as without compilation."""
    source = Counter()
    run = B.compile(lambda a: get_backend().dropout(a, feed.next_key(source), 0.5), [])
    return [run(x) for _ in range(3)]


def _compile_step(B, x, y):
    """Training steps with momentum, dropout, a changing rate and a running sum, on two shapes of
    batch."""
    w = Variable(np.linspace(-1, 1, 4)[:, None], dtype=B.dtype(x), backend=B)
    velocity = Variable(np.zeros((4, 1)), dtype=B.dtype(x), backend=B, trainable=False)
    total = Variable(0.0, dtype=B.dtype(x), backend=B, trainable=False)
    source = Counter()

    def forward(a, b):
        B = get_backend()
        a = B.dropout(a, feed.next_key(source), 0.25)
        error = B.subtract(B.matmul(a, w.value), b)
        loss = B.mean(B.square(error))
        total.assign(B.add(total.value, loss))
        return loss, [B.sum(error)]

    def update(gradients):
        B = get_backend()
        rate = feed.next_number(source.rate)
        params, slots = B.sgd_update(
            [w.value], gradients, [velocity.value], learning_rate=rate, momentum=0.9, nesterov=True
        )
        w.assign(params[0])
        velocity.assign(slots[0])

    step = B.compile_step(forward, update, [w], [w, velocity, total])
    losses = []
    for _ in range(3):
        loss, (error,) = step(x, y)
        losses += [loss, error]
    loss, (error,) = step(*(B.getitem(a, (slice(0, 2),)) for a in (x, y)))
    B.synchronize()
    return [*losses, loss, error, w.value, velocity.value, total.value]


def _storage(B, x):
    """A variable's storage is its own: neither a change of the source nor a copy of it shows in the
    other."""
    store = B.store(x)
    before = B.copy(B.read(store))
    store = B.write(store, B.multiply(B.read(store), 2.0))
    return [before, B.read(store)]


def _overwrite(tensor):
    """Zeros into the memory of `tensor`, where its framework lets a user assign to elements."""
    if hasattr(type(tensor), "__setitem__"):
        # Some have the method for the sake of a message that says why there is none.
        with suppress(TypeError):
            tensor[:] = 0


def _copied(B, x):
    """A copy and its source, each after the other was overwritten."""
    first, second = B.add(x, x), B.add(x, x)
    copy_of_first, copy_of_second = B.copy(first), B.copy(second)
    _overwrite(first)
    _overwrite(copy_of_second)
    return [copy_of_first, second]


def _stored(B, x):
    """What is stored and its source, each after the other was overwritten."""
    first, second = B.add(x, x), B.add(x, x)
    store_of_first, store_of_second = B.store(first), B.store(second)
    _overwrite(first)
    _overwrite(B.read(store_of_second))
    return [B.read(store_of_first), second]


class _Witness:
    """Lives as long as the tape which holds the gradient function that refers to it."""


def _recorded(B, variable, fate):
    """(what value_and_grad returned, a weak reference to a witness on its tape)."""
    witness = _Witness()

    def square(x):
        def gradient(g, witness=witness):
            return [B.multiply(g, B.multiply(x, 2.0))]

        return [B.square(x)], gradient

    def fn():
        (y,) = B.custom_gradient(square, [variable.value])
        return B.sum(y), fate(y)

    return B.value_and_grad(fn, [variable], has_aux=True), weakref.ref(witness)


def _tape_is_free(fate):
    """Whether the tape is gone (1.0) while all that came out of it is still held.

    `fate(B, kept, stores, y)` says what becomes of a recorded tensor: the aux is what it returns,
    `kept` is a variable and `stores` a list of one store to which it may be assigned; what is
    appended to the list is held as well.
    """

    def call(B, x):
        variable, kept = Variable(x, backend=B), Variable(x, backend=B)
        stores = [B.store(x)]
        results, witness = _recorded(B, variable, lambda y: fate(B, kept, stores, y))
        for wait in (0.0, 0.01, 0.1, 1.0):  # a thread of the framework's may free it
            if witness() is not None:
                time.sleep(wait)
                gc.collect(1 if wait < 1 else 2)  # of what is new, before all there is
        gone = B.asarray(float(witness() is None), B.dtype(x))
        return [gone, results[1][0], kept.value, B.read(stores[0])]

    return call


def _as_aux(B, kept, stores, y):
    return [y]


def _detached(B, kept, stores, y):
    kept.replace(y)
    stores.append(B.detach(y))
    return []


def _written(B, kept, stores, y):
    stores[0] = B.write(stores[0], y)
    return []


def _laid_out(B, x):
    """In whatever order a kernel lies in memory, its values and axes stay, also after an
    assignment."""
    found = []
    for function in ("conv", "depthwise_conv", "conv_transpose", "lstm", "gru", "simple_rnn"):
        kernel = x if function.endswith(("conv", "transpose")) else B.reshape(x, (6, 20))
        store = B.lay_out(B.store(kernel), function)
        found.append(B.copy(B.read(store)))
        store = B.write(store, B.multiply(B.read(store), 2.0))
        found.append(B.read(B.write(store, B.add(kernel, B.read(store)))))
    return found


CASES = [
    Case(
        "value_and_grad",
        "order, unused, aux, assignment",
        _value_and_grad,
        {"x": normal(*SHAPE)},
        gradients=False,
        traced=False,
    ),
    Case("value_and_grad", "twice", _twice, {"x": normal(*SHAPE)}, gradients=False, traced=False),
    Case(
        "compile",
        "shapes and variables",
        _compile,
        {"x": normal(*SHAPE)},
        gradients=False,
        traced=False,
        also=("signature",),
    ),
    Case("compile", "single result", _single, {"x": normal(*SHAPE)}, gradients=False, traced=False),
    Case("compile", "random keys", _keys, {"x": normal(*SHAPE)}, gradients=False, traced=False),
    Case(
        "compile_step",
        "",
        _compile_step,
        {"x": normal(5, 4), "y": normal(5, 1)},
        gradients=False,
        traced=False,
        also=("synchronize",),
    ),
    Case(
        "store",
        "",
        _storage,
        {"x": normal(*SHAPE)},
        gradients=False,
        traced=False,
        also=("read", "write"),
    ),
    *(
        Case(method, "shares no memory", call, {"x": normal(*SHAPE)}, gradients=False, traced=False)
        for method, call in (("copy", _copied), ("store", _stored))
    ),
    *(
        Case(
            method,
            label,
            _tape_is_free(fate),
            {"x": normal(*SHAPE)},
            kind="exact",
            gradients=False,
            traced=False,
            also=("custom_gradient",),
        )
        for method, label, fate in (
            ("value_and_grad", "aux does not hold the tape", _as_aux),
            ("detach", "does not hold the tape", _detached),
            ("write", "does not hold the tape", _written),
        )
    ),
    Case("lay_out", "", _laid_out, {"x": normal(2, 3, 4, 5)}, gradients=False, traced=False),
]

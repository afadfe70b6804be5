"""The tape, and the decorator that puts a primitive on it.

A primitive is written beside its backward::

    @primitive
    def tanh(x):
        y = np.tanh(x)
        return y, (lambda g: g * (1 - y * y),)

It gets plain arrays and returns the result, or a tuple or list of results, and one of

- a tuple of closures, one for each tensor argument: gradient of the result -> gradient of the
  argument;
- one function (g, needs) -> a gradient for each tensor argument (None where there is none). `needs`
  tells which ones are on the tape, and with several results `g` is the list of their gradients,
  None for a result that nothing depends on;
- None: no gradient.

A function that is computed again for its gradient is one entry: it runs untaped at first, and when
the entry is read once more, on the same tape, with entries that are read next.

The closures hold plain arrays and the tape holds the closures, never a TapeArray, so that there are
no reference cycles, and memory is given back while the tape is read.
"""

from __future__ import annotations

from contextvars import ContextVar
from functools import partial, wraps

import numpy as np

from unidl import tree
from unidl.backend.context import holding
from unidl_numpy.tape_array import GradientError, TapeArray

ndarray = np.ndarray
ALL = 0  # every positional argument is a tensor


_current: ContextVar[Tape | None] = ContextVar("unidl_numpy_tape", default=None)


def recomputed(function, tensors):
    """The arrays function(*tensors)[0], of which the tape keeps nothing but `tensors`."""
    tape = _current.get()
    if tape is None or tape.entries is None:
        return function(*tensors)[0]
    return tape.recomputed(lambda: function(*tensors)[0])


class Tape:
    """Entries (output slots, argument slots, backward), one for each primitive that ran; `None`
    once it has been read."""

    __slots__ = ("dtypes", "entries")

    def __init__(self):
        self.entries = []
        self.dtypes = []

    def array(self, plain):
        """A new TapeArray of `plain`."""
        self.dtypes.append(plain.dtype)
        return TapeArray(plain, self, len(self.dtypes) - 1)

    def record(self, y, backward, slots):
        """Put the result of a primitive on the tape; `slots` are those of its tensor arguments,
        None for a constant."""
        if backward is None:
            return y
        if type(y) is ndarray:
            if y.dtype.kind != "f":
                return y
            out = self.array(y)
            self.entries.append((out._slot, slots, backward))
            return out
        outs = [self.array(part) if part.dtype.kind == "f" else part for part in y]
        self.entries.append(
            (tuple([o._slot if type(o) is TapeArray else None for o in outs]), slots, backward)
        )
        return type(y)(outs)

    def current(self):
        """Inside, it is the tape on which functions that are computed again put themselves."""
        return holding(_current, self)

    def recomputed(self, function):
        """The list of arrays `function()`, which runs again in the place of its entry."""
        outputs, _ = self._on(None, function)
        outputs = [
            self.array(y) if type(y) is ndarray and y.dtype.kind == "f" else y for y in outputs
        ]
        slots = [y._slot if type(y) is TapeArray else None for y in outputs]
        self.entries.append((tuple(slots), (), _Again(function)))
        return outputs

    def _on(self, entries, function):
        """(`function()`, the entries) with `entries` in the place of those that are there."""
        before, self.entries = self.entries, entries
        try:
            return function(), self.entries
        finally:
            self.entries = before

    def _replay(self, function, upstream, grads):
        """The entries of `function()`, with the gradients `upstream` of its results in `grads`."""
        outputs, entries = self._on([], function)
        for y, g in zip(outputs, upstream, strict=True):
            if g is not None and type(y) is TapeArray and y._tape is self:
                self._add(grads, y._slot, g)
        return entries

    def gradients(self, result, leaves):
        """Gradients of the scalar TapeArray `result` for the TapeArrays `leaves`, zeros where it
        does not depend on one."""
        entries, self.entries = self.entries, None
        grads = {result._slot: np.ones(result.shape, result.dtype)}
        while entries:
            out, slots, backward = entries.pop()
            if type(out) is tuple:
                g = [grads.pop(slot, None) for slot in out]
                if all(part is None for part in g):
                    continue
            else:
                g = grads.pop(out, None)
                if g is None:
                    continue
            if type(backward) is _Again:
                entries += self._replay(backward.function, g, grads)
            elif type(backward) is tuple:
                for slot, closure in zip(slots, backward, strict=True):
                    if slot is not None:
                        self._add(grads, slot, closure(g))
            else:
                needs = tuple([slot is not None for slot in slots])
                for slot, part in zip(slots, backward(g, needs), strict=True):
                    if slot is not None and part is not None:
                        self._add(grads, slot, part)
        return [self._finished(grads.get(leaf._slot), leaf) for leaf in leaves]

    def _add(self, grads, slot, g):
        dtype = self.dtypes[slot]
        if g.dtype != dtype:  # a 0-d array and a Python number are float64 to NumPy 1
            g = g.astype(dtype)
        before = grads.get(slot)
        grads[slot] = g if before is None else before + g

    @staticmethod
    def _finished(g, leaf):
        """A gradient that can be handed out: a contiguous array of the leaf's shape, not a
        broadcast view."""
        if g is None:
            return np.zeros(leaf.shape, leaf.dtype)
        if type(g) is ndarray and g.flags.c_contiguous and g.flags.writeable:
            return g
        return np.array(g, order="C")


class _Again:
    """In the place of a backward: a function to run on the tape."""

    __slots__ = ("function",)

    def __init__(self, function):
        self.function = function


def native(y, x=None):
    """`y` as arrays: NumPy gives scalars where it should give 0-d arrays, and NumPy 1 widens them
    to float64."""
    if type(y) is ndarray:
        return y
    if type(y) in (tuple, list):
        return type(y)([native(part, x) for part in y])
    y = np.asarray(y)
    dtype = getattr(x, "dtype", None)
    if dtype is not None and y.dtype != dtype and y.dtype.kind == dtype.kind == "f":
        y = y.astype(dtype)
    return y


def plain(x):
    """The plain array of `x`."""
    return x._plain if type(x) is TapeArray else x


def plain_tree(x):
    """`x` with every TapeArray in its lists, tuples and dicts replaced by the plain array."""
    return tree.map_instances(plain, TapeArray, x)


def primitive(forward=None, tensors=1):
    """Decorator of a function whose first `tensors` positional arguments are tensors (ALL: all of
    them)."""
    if not callable(forward):
        return partial(primitive, tensors=tensors if forward is None else forward)
    return (_unary if tensors == 1 else _nary)(forward, tensors)


def _unary(forward, _):
    @wraps(forward)
    def call(x, *args, **kwargs):
        if type(x) is TapeArray:
            value, tape = x._plain, x._tape
            y, backward = forward(value, *args, **kwargs)
            y = native(y, value)
            return y if tape.entries is None else tape.record(y, backward, (x._slot,))
        y = forward(x, *args, **kwargs)[0]
        return y if type(y) is ndarray else native(y, x)

    return call


def _nary(forward, tensors):
    names = forward.__code__.co_varnames[:tensors]
    count = None if tensors == ALL else tensors

    @wraps(forward)
    def call(*args, **kwargs):
        if kwargs:
            args, kwargs = _tensors_by_place(args, kwargs, names)
        tape = None
        for x in args[:count]:
            if type(x) is TapeArray:
                break
        else:
            y = forward(*args, **kwargs)[0]
            return y if type(y) is ndarray else native(y, _first_float(args))
        if len(args) < tensors:  # the last ones are optional
            args = (*args, *[None] * (tensors - len(args)))
        given = args[:count]
        for x in given:
            if type(x) is TapeArray and x._tape.entries is not None:
                if tape is not None and tape is not x._tape:
                    raise GradientError(
                        "value_and_grad inside value_and_grad: gradients of gradients are not "
                        "offered by the NumPy backend."
                    )
                tape = x._tape
        values = [plain(x) for x in given]
        y, backward = forward(*values, *args[len(given) :], **kwargs)
        y = native(y, _first_float(values))
        if tape is None:
            return y
        return tape.record(
            y,
            backward,
            tuple([x._slot if type(x) is TapeArray and x._tape is tape else None for x in given]),
        )

    if tensors != 2:
        return call

    @wraps(forward)
    def call_two(x1, x2, *args, **kwargs):
        if type(x1) is TapeArray or type(x2) is TapeArray:
            return call(x1, x2, *args, **kwargs)
        y = forward(x1, x2, *args, **kwargs)[0]
        return y if type(y) is ndarray else native(y, _first_float((x1, x2)))

    return call_two


def _first_float(args):
    for x in args:
        if isinstance(x, ndarray) and x.dtype.kind == "f":
            return x
    return None


def _tensors_by_place(args, kwargs, names):
    """Move tensors given by keyword to their place among `args`, with None for those left out
    before them."""
    last = max((i for i, name in enumerate(names) if name in kwargs), default=-1)
    if last < len(args):
        return args, kwargs
    kwargs = dict(kwargs)
    return (*args, *[kwargs.pop(name, None) for name in names[len(args) : last + 1]]), kwargs

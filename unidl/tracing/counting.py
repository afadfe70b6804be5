"""Products that a call computes, counted on symbols: nothing is computed."""

from __future__ import annotations

import itertools
import math
from contextlib import contextmanager

from unidl.backend import registry
from unidl.backend.dtypes import floatx, itemsize
from unidl.tracing.capture.symbol import KeySymbol, NumberSymbol, Symbol
from unidl.tracing.capture.tracer import Tracer
from unidl.tracing.keras_tensor import KerasTensor
from unidl.tracing.pure import Pure, tracing_lock


def count(backend, fn, variables, specs):
    """({path: floating point operations}, {path: bytes of results}) of `fn(*tensors)` for tensors
    of the given (shape, dtype); a path is the tuple of the paths of the layers in which something
    is computed, from the outermost to the innermost.

    A multiplication and the addition of its product are two. Counted are products of matrices,
    convolutions, attention and recurrent layers, as frameworks count; what is done with each
    element alone takes the time of its memory, and is left out. Of two branches the longer counts.

    Results are those of all functions but the ones that only see a tensor in another shape.

    Raises:
        ValueError: a loop whose length depends on values computes products.
    """
    sheet = _Sheet()
    counter = _Counter(backend, sheet)
    tensors = [counter.symbol(f"x{i}", *spec) for i, spec in enumerate(specs)]
    stores = [counter.symbol(f"v{i}", v.shape, v.dtype) for i, v in enumerate(variables)]
    with tracing_lock, registry.use_backend(counter):
        Pure(fn, variables)(
            stores,
            tensors,
            lambda i: KeySymbol(f"K[{i}]"),
            lambda i: NumberSymbol(counter, f"N[{i}]", (), floatx()),
            tracer=counter,
            naming=sheet.naming,
        )
    return sheet.counts, sheet.sizes


class _Sheet:
    """In place of a captured program: calls are counted, and none is kept."""

    def __init__(self):
        self.counts, self.sizes = {}, {}
        self._path = ()
        self._times = 1
        self._numbers = itertools.count(1)

    @contextmanager
    def naming(self, path):
        before, self._path = self._path, (*self._path, path)
        try:
            yield
        finally:
            self._path = before

    @contextmanager
    def times(self, count):
        """Inside, each call stands for `count` of them."""
        before, self._times = self._times, self._times * count
        try:
            yield
        finally:
            self._times = before

    def name(self):
        return f"t{next(self._numbers)}"

    def constant(self, value):
        return self.name()

    def is_constant(self, symbol):
        return False

    def once(self, function, args, kwargs, make):
        return make()

    def add(self, results, function, args, kwargs):
        rule = _RULES.get(function)
        if rule is not None:
            found = rule(*args, **kwargs) * self._times
            self.counts[self._path] = self.counts.get(self._path, 0) + found

    def add_result(self, tensor):
        size = math.prod(tensor.shape) * itemsize(tensor.dtype) * self._times
        self.sizes[self._path] = self.sizes.get(self._path, 0) + size


class _Counter(Tracer):
    """The tracer of a backend that need not be one that is captured."""

    def symbol(self, code, shape, dtype, detached=False):
        return Symbol(self, code, shape, dtype, detached)

    def _record(self, name, args, kwargs, result):
        if name not in _VIEWS:
            for tensor in [result] if isinstance(result, KerasTensor) else result:
                if isinstance(tensor, KerasTensor):
                    self._program.add_result(tensor)
        return super()._record(name, args, kwargs, result)

    def scan(self, step, state, xs, reverse=False):
        length = xs[0].shape[0]
        moments = tuple(self.symbol(self._program.name(), x.shape[1:], x.dtype) for x in xs)
        with self._program.times(length):
            state, y = step(tuple(state), moments)
        return state, self.symbol(self._program.name(), (length, *y.shape), y.dtype)

    def cond(self, pred, true_fn, false_fn):
        before, found = dict(self._program.counts), []
        for function in (false_fn, true_fn):
            self._program.counts = dict(before)
            outputs = [self.asarray(output) for output in function()]
            found.append((sum(self._program.counts.values()), self._program.counts))
        self._program.counts = max(found, key=lambda each: each[0])[1]
        return outputs

    def while_loop(self, condition, body, state, maximum_iterations=None):
        before = dict(self._program.counts)
        state = [self.asarray(value) for value in state]
        with self._program.times(1 if maximum_iterations is None else maximum_iterations):
            condition(*state)
            result = [self.asarray(value) for value in body(*state)]
        if maximum_iterations is None and self._program.counts != before:
            raise ValueError(
                "A while_loop computes products a number of times that depends on values, so they "
                "cannot be counted. Give it maximum_iterations=..., which is counted in full."
            )
        return result

    def custom_gradient(self, function, tensors):
        return [self.asarray(output) for output in function(*tensors)[0]]

    def remat(self, function, tensors):
        return [self.asarray(output) for output in function(*tensors)[0]]


_VIEWS = frozenset(
    ("broadcast_to", "expand_dims", "getitem", "reshape", "squeeze", "stop_gradient", "transpose")
)


def _matmul(x1, x2):
    """Twice the elements of the result times the length of what is summed over."""
    columns = x2.shape[-1] if x2.ndim > 1 else 1
    rows = x1.shape[-2] if x1.ndim > 1 else 1
    batch = _broadcast(x1.shape[:-2], x2.shape[:-2])
    return 2 * math.prod(batch) * rows * columns * x1.shape[-1]


def _broadcast(one, other):
    longer, shorter = sorted((one, other), key=len, reverse=True)
    shorter = (1,) * (len(longer) - len(shorter)) + tuple(shorter)
    return [max(a, b) if 0 not in (a, b) else 0 for a, b in zip(longer, shorter, strict=True)]


def _linear(x, kernel, bias=None):
    return 2 * math.prod(x.shape) * kernel.shape[-1]


def _tensordot(x1, x2, axes):
    if isinstance(axes, int):
        summed = x1.shape[x1.ndim - axes :]
    else:
        first = axes[0] if isinstance(axes[0], list | tuple) else [axes[0]]
        summed = [x1.shape[axis] for axis in first]
    return 2 * math.prod(x1.shape) * math.prod(x2.shape) // max(math.prod(summed), 1)


def _einsum(subscripts, *operands):
    """Two operands: all index combinations, twice; more are multiplied one after the other."""
    letters = subscripts.replace(" ", "").partition("->")[0].split(",")
    sizes = {}
    for names, operand in zip(letters, operands, strict=True):
        before, dots, after = names.partition("...")
        middle = operand.shape[len(before) : operand.ndim - len(after)] if dots else ()
        named = [*before, *(f".{len(middle) - i}" for i in range(len(middle))), *after]
        for name, size in zip(named, operand.shape, strict=True):
            sizes[name] = max(size, sizes.get(name, 0))
    return 2 * math.prod(sizes.values()) * max(len(operands) - 1, 0)


def _conv(x, kernel, strides, padding, dilation, groups=1):
    from unidl.backend.contract.conv import explicit_padding

    window = kernel.shape[:-2]
    pads = explicit_padding(padding, x.shape[1:-1], window, strides, dilation)
    out = [
        (size + sum(pad) - (w - 1) * d - 1) // s + 1
        for size, pad, w, d, s in zip(x.shape[1:-1], pads, window, dilation, strides, strict=True)
    ]
    return 2 * x.shape[0] * math.prod(out) * math.prod(kernel.shape)


def _biased_conv(x, kernel, bias, strides, padding, dilation, groups=1):
    return _conv(x, kernel, strides, padding, dilation, groups)


def _conv_transpose(x, kernel, strides, dilation, starts, sizes):
    return 2 * math.prod(x.shape[:-1]) * math.prod(kernel.shape)


def _attention(query, key, value, bias=None, scale=1.0):
    scores = math.prod(query.shape[:-1]) * key.shape[-2]
    return 2 * scores * (query.shape[-1] + value.shape[-1])


def _simple_rnn(x, h, kernel, recurrent_kernel, bias, activation="tanh", reverse=False):
    return _loop(x, kernel, recurrent_kernel)


def _lstm(x, h, c, kernel, recurrent_kernel, bias, reverse=False):
    return _loop(x, kernel, recurrent_kernel)


def _gru(x, h, kernel, recurrent_kernel, bias, reverse=False):
    return _loop(x, kernel, recurrent_kernel)


def _loop(x, kernel, recurrent_kernel):
    products = math.prod(kernel.shape) + math.prod(recurrent_kernel.shape)
    return 2 * x.shape[0] * x.shape[1] * products


_RULES = {
    "matmul": _matmul,
    "linear": _linear,
    "tensordot": _tensordot,
    "einsum": _einsum,
    "conv": _conv,
    "depthwise_conv": _conv,
    "biased_conv": _biased_conv,
    "conv_transpose": _conv_transpose,
    "attention": _attention,
    "grouped_attention": _attention,
    "simple_rnn": _simple_rnn,
    "lstm": _lstm,
    "gru": _gru,
}

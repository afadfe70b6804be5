"""The oracle with long sums added up in float32, one term after the other.

A kernel may add up the terms of a sum in any order: that depends on the processor's vectors, on
blocks that fit its cache, on threads. So nobody can say what error a correct kernel has on another
machine, but one can say what a single accumulator has on the same numbers, in the order in which
they lie in memory and in others. More accumulators lose less. Where a sum of
thousands of terms is the framework's own (products, convolutions, what a gradient adds up over
a broadcast or over repeated indices) that is the measure of a float32 result; `case.long_sums` says
where. Results of this backend are float64 numbers that float32 arithmetic has made.
"""

from __future__ import annotations

import string
from contextvars import ContextVar
from functools import cache

import numpy as np

from unidl.backend.contract import names
from unidl.backend.contract.conv import explicit_padding
from unidl.conformance.oracle import oracle

# In memory's order equal terms follow each other, which loses most where all have one sign. Where
# they have both, what is lost depends on how far the partial sums wander.
ORDERS = (
    lambda count: slice(None),
    lambda count: slice(None, None, -1),
    *(lambda count, n=n: np.random.default_rng(n).permutation(count) for n in range(4)),
)
_order: ContextVar = ContextVar("unidl_order_of_sums", default=ORDERS[0])


def orders():
    """Each of `ORDERS` in turn, for sums that are taken while the loop's body runs."""
    for order in ORDERS:
        token = _order.set(order)
        yield order
        _order.reset(token)


def sum_in_turn(a, axes, order=None, dtype="float32"):
    """`a` added up over `axes` in `dtype`, in `order(count)`, as float64 without these axes."""
    axes = [n % a.ndim for n in axes]
    kept = [n for n in range(a.ndim) if n not in axes]
    rows = a.transpose(*kept, *axes).reshape(*(a.shape[n] for n in kept), -1).astype(dtype)
    if rows.shape[-1] == 0:
        return np.zeros(rows.shape[:-1])
    rows = rows[..., (order or _order.get())(rows.shape[-1])]
    return np.add.accumulate(rows, axis=-1)[..., -1].astype("float64")


def _contract(subscripts, a, b):
    """np.einsum(subscripts, a, b), its products and sums rounded to float32 one by one."""
    operands, output = subscripts.split("->")
    summed = "".join(dict.fromkeys(c for c in operands if c not in output and c != ","))
    terms = np.einsum(f"{operands}->{output}{summed}", a.astype("float32"), b.astype("float32"))
    if not summed:
        return terms.astype("float64")
    return sum_in_turn(terms, range(len(output), len(output) + len(summed)))


def _every(strides):
    """The key of every so many windows along the spatial axes."""
    return (slice(None), *(slice(None, None, s) for s in strides))


@cache
def in_turn():
    """The backend."""
    exact = oracle()
    shape, is_float = exact.shape, lambda x: exact.is_tensor(x) and exact.dtype(x) == "float64"

    def product(subscripts, a, b):
        operands, output = subscripts.split("->")
        first, second = operands.split(",")

        def function(a, b):
            def gradient(g):
                return [
                    _contract(f"{output},{second}->{first}", g, b),
                    _contract(f"{output},{first}->{second}", g, a),
                ]

            return [_contract(subscripts, a, b)], gradient

        return exact.custom_gradient(function, [a, b])[0]

    def matmul(self, x1, x2):
        n1, n2 = len(shape(x1)), len(shape(x2))
        if n2 > 2 or not (n1 and n2 and is_float(x1) and is_float(x2)):
            return exact.matmul(x1, x2)
        batch, last = string.ascii_lowercase[: n1 - 1], "z" if n2 == 2 else ""
        return product(f"{batch}y,y{last}->{batch}{last}", x1, x2)

    def einsum(self, subscripts, *operands):
        plain = subscripts.count(",") == 1 and "->" in subscripts and "." not in subscripts
        if not plain or not all(map(is_float, operands)):
            return exact.einsum(subscripts, *operands)
        return product(subscripts.replace(" ", ""), *operands)

    def conv(self, x, kernel, strides, padding, dilation, groups=1):
        y = exact.conv(x, exact.stop_gradient(kernel), strides, padding, dilation, groups)
        if not (is_float(x) and is_float(kernel)) or set(dilation) != {1}:
            return exact.conv(x, kernel, strides, padding, dilation, groups)
        x, of_y = exact.to_numpy(exact.stop_gradient(x)), exact.to_numpy(exact.stop_gradient(y))
        spatial, window = x.shape[1:-1], shape(kernel)[:-2]
        pads = explicit_padding(padding, spatial, window, strides, dilation)
        axes = tuple(range(1, x.ndim - 1))
        views = np.lib.stride_tricks.sliding_window_view(
            np.pad(x, ((0, 0), *pads, (0, 0))), window, axes
        )[_every(strides)]
        patches = views.reshape(-1, groups, x.shape[-1] // groups, int(np.prod(window)))

        def lost(kernel):
            """What is missing from `y`; its gradient is that of the kernel, in turn."""
            weights = kernel.reshape(-1, kernel.shape[-2], groups, kernel.shape[-1] // groups)
            made = _contract("pgcw,wcgf->pgf", patches, weights).reshape(of_y.shape)

            def gradient(g):
                g = g.reshape(-1, groups, kernel.shape[-1] // groups)
                return [_contract("pgf,pgcw->wcgf", g, patches).reshape(kernel.shape)]

            return [made - of_y], gradient

        return exact.add(y, exact.custom_gradient(lost, [kernel])[0])

    def avg_pool(self, x, window, strides, padding):
        y = exact.avg_pool(x, window, strides, padding)
        if padding != "valid" or not is_float(x):
            return y
        plain, count = exact.to_numpy(exact.stop_gradient(x)), int(np.prod(window))
        axes = tuple(range(1, plain.ndim - 1))
        views = np.lib.stride_tricks.sliding_window_view(plain, window, axes)
        views = views[_every(strides)]
        made = sum_in_turn(views, range(plain.ndim, plain.ndim + len(window))) / count
        return exact.add(y, exact.asarray(made - exact.to_numpy(exact.stop_gradient(y))))

    def total(name):
        def function(self, x, axis=None, keepdims=False):
            y = getattr(exact, name)(x, axis=axis, keepdims=keepdims)
            if not is_float(x):
                return y
            plain, of_y = (exact.to_numpy(exact.stop_gradient(t)) for t in (x, y))
            axes = range(plain.ndim) if axis is None else np.atleast_1d(axis)
            made = sum_in_turn(plain, axes).reshape(of_y.shape)
            made = made / (plain.size / max(of_y.size, 1) if name == "mean" else 1)
            return exact.add(y, exact.asarray(made - of_y))

        return function

    def take(self, x, indices, axis):
        if axis != 0 or not is_float(x):
            return exact.take(x, indices, axis)
        rows = exact.to_numpy(indices)

        def function(x):
            def gradient(g):
                total, order = np.zeros(x.shape, "float32"), _order.get()(rows.size)
                flat = g.reshape(rows.size, *x.shape[1:]).astype("float32")
                np.add.at(total, rows.reshape(-1)[order], flat[order])
                return [total.astype("float64")]

            return [np.take(x, rows, 0)], gradient

        return exact.custom_gradient(function, [x])[0]

    def spread(x, to):
        """`x` in the larger shape `to`; its gradient is a sum over what it was spread along."""
        if not is_float(x) or shape(x) == to:
            return x
        own = (1,) * (len(to) - len(shape(x))) + tuple(shape(x))
        axes = [n for n, size in enumerate(own) if size != to[n]]

        def function(x):
            return [np.broadcast_to(x, to)], lambda g: [sum_in_turn(g, axes).reshape(x.shape)]

        return exact.custom_gradient(function, [x])[0]

    def broadcast(name):
        def function(self, x1, x2):
            to = np.broadcast_shapes(*(shape(x) if exact.is_tensor(x) else () for x in (x1, x2)))
            return getattr(exact, name)(spread(x1, to), spread(x2, to))

        return function

    functions = {name: broadcast(name) for name in names.BINARY}
    functions |= {name: total(name) for name in ("sum", "mean")}
    functions |= {f.__name__: f for f in (matmul, einsum, conv, avg_pool, take)}
    return type("InTurn", (type(exact),), functions)()

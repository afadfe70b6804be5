"""Branches and loops. Python runs them, so a compiled function holds what they did while it was traced."""

from __future__ import annotations

import numpy as np

from unidl import tree
from unidl.backend.symbolic import symbolic
from unidl.ops.core import convert_to_numpy
from unidl.ops.dispatch import backend_of
from unidl.ops.shaping import stack, unstack


def cond(pred, true_fn, false_fn):
    """true_fn() if `pred`, a bool that can be read on the host, else false_fn()."""
    if isinstance(pred, (bool, np.bool_)):
        return true_fn() if pred else false_fn()
    if backend_of((pred,)) is symbolic:
        raise TypeError("cond: the condition is symbolic and has no value yet. Use unidl.ops.where(condition, a, b).")
    return true_fn() if bool(convert_to_numpy(pred)) else false_fn()


def switch(index, branches, *operands):
    """branches[index](*operands); `index` can be read on the host, and is clipped to the list."""
    index = min(max(int(convert_to_numpy(index)), 0), len(branches) - 1)
    return branches[index](*operands)


def while_loop(cond, body, loop_vars, maximum_iterations=None):
    """`loop_vars = body(*loop_vars)` while `cond(*loop_vars)`, which must be readable on the host."""
    single = not isinstance(loop_vars, (list, tuple))
    state, count = ((loop_vars,) if single else tuple(loop_vars)), 0
    while (maximum_iterations is None or count < maximum_iterations) and bool(convert_to_numpy(cond(*state))):
        state = body(*state)
        state = tuple(state) if isinstance(state, (list, tuple)) else (state,)
        count += 1
    return state[0] if single else state


def fori_loop(lower, upper, body_fun, init_val):
    """value = body_fun(i, value) for i from `lower` to `upper` - 1, Python ints."""
    value = init_val
    for i in range(int(lower), int(upper)):
        value = body_fun(i, value)
    return value


def scan(f, init, xs=None, length=None, reverse=False, unroll=1):
    """carry, y = f(carry, x) for each x along the first axis of `xs`; returns (last carry, all y stacked).

    `init`, `xs` and y may be nested structures; without `xs` f is called `length` times with None. With `reverse` it runs
    from the last x to the first, and the stacked y keep the order of `xs`. The length must be known. `unroll` has no effect.
    """
    if xs is None and length is None:
        raise ValueError("scan: give `xs`, or `length` for a loop without input.")
    moments = [None] * length if xs is None else _moments(xs)
    if not moments:
        raise ValueError("scan: the sequence is empty, so the result has no shape. Give at least one element.")
    carry, ys = init, []
    for x in reversed(moments) if reverse else moments:
        carry, y = f(carry, x)
        ys.append(y)
    if reverse:
        ys.reverse()
    return carry, None if ys[0] is None else tree.map_structure(lambda *parts: stack(parts), *ys)


def map(f, xs):
    """f(x) for each x along the first axis of `xs` (a tensor or nested structure), stacked."""
    return scan(lambda carry, x: (carry, f(x)), None, xs)[1]


def vectorized_map(function, elements):
    """Like `map`."""
    return map(function, elements)


def _moments(xs):
    columns = [unstack(x) for x in tree.flatten(xs)]
    return [tree.pack_sequence_as(xs, list(row)) for row in zip(*columns, strict=True)]

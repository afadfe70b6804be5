"""value_and_grad: run a function with its variables on a tape, then read the tape backwards."""

from __future__ import annotations

import numpy as np

from unidl.backend.variable import rebound
from unidl_numpy.tape import ALL, Tape, plain, plain_tree, primitive
from unidl_numpy.tape_array import GradientError, TapeArray


def value_and_grad(fn, variables, has_aux=False):
    variables = list(variables)
    before = [v._store for v in variables]
    if any(type(store) is TapeArray for store in before):
        raise GradientError(
            "value_and_grad inside value_and_grad: gradients of gradients are not offered by the NumPy backend. "
            "Take the inner gradient first, outside the function, or use a backend that nests."
        )
    tape = Tape()
    leaves = [tape.array(store) for store in before]
    with rebound(variables, leaves):
        result, aux = fn() if has_aux else (fn(), None)
        after = [v._store for v in variables]
    # Contract of `rebound`: what was assigned to the variables themselves inside is ours to keep.
    for variable, leaf, store in zip(variables, leaves, after, strict=True):
        if store is not leaf:
            variable._store = plain(store)
    value = plain(result)
    if np.shape(value) != ():
        raise ValueError(
            f"value_and_grad: the function must return a scalar, got shape {np.shape(value)}. Reduce it: unidl.ops.mean(loss)."
        )
    if type(result) is TapeArray and result._tape is tape:
        grads = tape.gradients(result, leaves)
    else:
        tape.entries = None
        grads = [np.zeros_like(store) for store in before]
    value = np.asarray(value)
    return ((value, plain_tree(aux)) if has_aux else value), grads


def custom_gradient(function, tensors):
    @primitive(ALL)
    def call(*arrays):
        outputs, gradient = function(*arrays)
        shapes = [(y.shape, y.dtype) for y in outputs]

        def backward(gs, needs):
            return tuple(
                gradient(
                    *(np.zeros(*s) if g is None else g for g, s in zip(gs, shapes, strict=True))
                )
            )

        return list(outputs), backward

    return list(call(*tensors))

"""value_and_grad: run a function with its variables on a tape, then read the tape backwards."""

from __future__ import annotations

import numpy as np

from unidl.backend import contract
from unidl.backend.frame import standing_in
from unidl.backend.variable import commit, stores_of
from unidl_numpy.tape import Tape, plain, plain_tree, recomputed
from unidl_numpy.tape_array import GradientError, TapeArray


def value_and_grad(fn, variables, has_aux=False):
    variables = list(variables)
    tape, values = Tape(), stores_of(variables)
    leaves = _leaves(tape, values)
    with standing_in(variables, leaves) as stand_ins, tape.current():
        result, aux = fn() if has_aux else (fn(), None)
    gradients = _gradients(tape, result, leaves, values)
    commit(*stand_ins.assigned())
    value = np.asarray(plain(result))
    return ((value, plain_tree(aux)) if has_aux else value), gradients


def gradients(function, values):
    tape = Tape()
    leaves = _leaves(tape, values)
    with tape.current():
        outputs = function(leaves)
    found = _gradients(tape, outputs[0], leaves, values)
    return [plain(x) for x in outputs], found


def _leaves(tape, values):
    if any(type(value) is TapeArray for value in values):
        raise GradientError(
            "value_and_grad inside value_and_grad: the NumPy backend has no gradients of "
            "gradients. Take the inner gradient first, outside the function, or use a backend that "
            "has them."
        )
    return [tape.array(value) for value in values]


def _gradients(tape, result, leaves, values):
    """Gradients of the scalar `result` for the `leaves` of `tape`, which stand for `values`."""
    if np.shape(plain(result)) != ():
        raise ValueError(
            "value_and_grad: the function must return a scalar, got shape "
            f"{np.shape(plain(result))}. "
            "Reduce it: unidl.ops.mean(loss)."
        )
    if type(result) is TapeArray and result._tape is tape:
        return tape.gradients(result, leaves)
    tape.entries = None
    return [np.zeros_like(value) for value in values]


class Autodiff(contract.Autodiff):
    nests = False

    value_and_grad = staticmethod(value_and_grad)
    remat = staticmethod(recomputed)

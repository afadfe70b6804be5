"""Gradients by jax.value_and_grad, of a pure function of what the variables hold."""

from __future__ import annotations

import jax
import numpy as np

from unidl.backend import contract
from unidl.backend.frame import standing_in
from unidl.backend.variable import commit, stores_of


class Autodiff(contract.Autodiff):
    def value_and_grad(self, fn, variables, has_aux=False):
        assigned = []

        def pure(leaves):
            with standing_in(variables, leaves) as stand_ins:
                result = fn()
            value, aux = result if has_aux else (result, None)
            if np.shape(value) != ():
                raise ValueError(
                    "value_and_grad: the function must return a scalar, got shape "
                    f"{np.shape(value)}. "
                    "Reduce it: unidl.ops.mean(loss)."
                )
            assigned[:], values = stand_ins.assigned()
            return value, (aux, values)

        (value, (aux, values)), gradients = jax.value_and_grad(pure, has_aux=True)(
            [self.read(store) for store in stores_of(variables)]
        )
        commit(assigned, values)
        return ((value, aux) if has_aux else value), gradients

    def remat(self, function, tensors):
        return jax.checkpoint(lambda *xs: list(function(*xs)[0]))(*tensors)

"""Functions with a gradient of their own, on the tape as one primitive."""

from __future__ import annotations

import numpy as np

from unidl.backend import contract
from unidl_numpy.tape import ALL, primitive


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


class Control(contract.Control):
    custom_gradient = staticmethod(custom_gradient)

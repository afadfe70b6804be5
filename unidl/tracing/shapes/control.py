"""Shape rules of `contract/control.py`."""

from __future__ import annotations

from unidl.tracing.keras_tensor import KerasTensor


class Control:
    # A predicate without a value: both branches were checked to give the same shapes, and either
    # stands for both.

    def cond(self, pred, true_fn, false_fn):
        false_fn()
        return true_fn()

    def while_loop(self, condition, body, state, maximum_iterations=None):
        condition(*state)
        return list(body(*state))

    def custom_gradient(self, function, tensors):
        return function(*tensors)[0]

    def jvp(self, function, primals, tangents):
        outputs = function(*primals)
        return outputs, [KerasTensor(y.shape, y.dtype) for y in outputs]

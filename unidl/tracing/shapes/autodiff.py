"""Shape rules of `contract/autodiff.py`: there is nothing to differentiate."""

from __future__ import annotations


class Autodiff:
    def value_and_grad(self, fn, variables, has_aux=False):
        raise TypeError(
            "value_and_grad: the function uses symbolic tensors, which have no values and "
            "therefore no gradients. Call it on arrays or native tensors; while a functional model "
            "is built, put what needs gradients into a Layer or train_step."
        )

    def remat(self, function, tensors):
        return function(*tensors)[0]

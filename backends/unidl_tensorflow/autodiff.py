"""Gradients by tf.GradientTape, eager and inside graphs."""

from __future__ import annotations

from unidl.backend import contract
from unidl.backend.variable import stores_of
from unidl_tensorflow.recomputed import recomputed

from unidl_tensorflow.load import tf  # isort: skip


class Autodiff(contract.Autodiff):
    remat_cut = staticmethod(tf.stop_gradient)

    def value_and_grad(self, fn, variables, has_aux=False):
        stores = stores_of(variables)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            for store in stores:
                tape.watch(store)
            value = fn()
            scalar = value[0] if has_aux else value
        if scalar.shape.rank != 0:
            raise ValueError(
                "value_and_grad: the function must return one number to differentiate, got shape "
                f"{tuple(scalar.shape)}. "
                "Reduce it first, e.g. with ops.mean(loss)."
            )
        gradients = tape.gradient(scalar, stores)
        return value, [_dense(g, store) for g, store in zip(gradients, stores, strict=True)]

    def remat(self, function, tensors):
        return recomputed(function, tensors)


def _dense(gradient, store):
    """As a tensor: zeros for None, rows added up for what a gather leaves as IndexedSlices."""
    return (
        tf.zeros(store.shape, store.dtype) if gradient is None else tf.convert_to_tensor(gradient)
    )

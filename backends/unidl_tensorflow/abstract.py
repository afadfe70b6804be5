"""Abstract calls: the function is traced into a graph that never runs."""

from __future__ import annotations

from unidl.backend import contract
from unidl_tensorflow.load import tf


class Abstract(contract.Abstract):
    def has_value(self, x):
        return not tf.is_symbolic_tensor(x)

    def abstract_call(self, fn, specs):
        made = []

        def traced(*tensors):
            made.extend((self.shape(y), self.dtype(y)) for y in map(self.asarray, fn(*tensors)))

        inputs = [tf.TensorSpec(shape, dtype) for shape, dtype in specs]
        tf.function(traced, autograph=False).get_concrete_function(*inputs)
        return made

    def concretely(self):
        return tf.init_scope()

"""Devices, and what holds a variable: a `tf.Variable`, since a graph can assign to nothing else."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext

from unidl.backend import contract, registry
from unidl.backend.variable import Variable
from unidl_tensorflow.load import tf

_NOWHERE = nullcontext()


class Native(contract.Native):
    def devices(self):
        kinds = {"CPU": [], "GPU": []}
        for device in tf.config.list_logical_devices():
            if device.device_type in kinds:
                kinds[device.device_type].append(
                    f"{device.device_type.lower()}:{device.name.rsplit(':', 1)[1]}"
                )
        return kinds["CPU"] + kinds["GPU"]

    def scope(self):
        device = registry.current_device()
        return _NOWHERE if device is None else tf.device(f"/{device}")

    @contextmanager
    def full_precision(self):
        before = tf.config.experimental.tensor_float_32_execution_enabled()
        tf.config.experimental.enable_tensor_float_32_execution(False)
        try:
            yield
        finally:
            tf.config.experimental.enable_tensor_float_32_execution(before)

    def store(self, value):
        """A new tf.Variable, not trainable, so that no tape watches it unasked.

        Made while a function is traced, it lives outside of the graph, which needs a value that the
        graph need not compute.
        """
        value = self.asarray(value)
        if not tf.executing_eagerly():
            known = tf.get_static_value(value)
            if known is None:
                raise ValueError(
                    "A Variable cannot start from a value that a compiled function computes: there "
                    "is no number yet.\n"
                    "  wrong:  compiled(lambda x: Variable(x * 2).value)\n"
                    "  right:  v = Variable(zeros(shape)) before, and v.assign(x * 2) in the "
                    "compiled function."
                )
            value = known
        with tf.init_scope(), self.scope():
            return tf.Variable(value, trainable=False)

    def copy(self, x):
        return tf.identity(x)

    def read(self, store):
        return store.value()

    def write(self, store, value):
        store.assign(value, read_value=False)
        return store


def _read(variable, dtype=None, name=None, as_ref=False):
    return variable.value if dtype is None else tf.cast(variable.value, dtype)


# `tf.Tensor + variable` asks for a tensor. Without this TensorFlow would take the variable for an
# array of constants, through which no gradient flows.
tf.register_tensor_conversion_function(Variable, _read)

"""A model of Keras as the proof asks it, on whichever backend Keras runs."""

from __future__ import annotations

import json
from contextlib import contextmanager

import keras
import numpy as np
from keras import ops
from keras.src import backend

from unidl import tree
from unidl.port.twin import one_or_all


def quiet_config(model):
    """The model's config as JSON: in float64, without dropout, not compiled."""
    config = json.loads(model.to_json())
    config.pop("compile_config", None)
    return json.dumps(_quiet(config))


# Numbers of layers that Keras makes float32 of before anything else.
_IN_SINGLE = {"Rescaling": ("scale", "offset"), "Normalization": ("mean", "variance")}


def _quiet(value):
    if isinstance(value, dict):
        found = {key: _quiet(each) for key, each in value.items()}
        inner = found.get("config")
        if isinstance(inner, dict) and "Dropout" in str(found.get("class_name")):
            inner["rate"] = 0.0
        for key in _IN_SINGLE.get(str(found.get("class_name")), ()):
            if inner[key] is not None:
                inner[key] = np.float32(inner[key]).tolist()
        for key in ("dropout", "recurrent_dropout"):
            if isinstance(found.get(key), float):
                found[key] = 0.0
        return found
    if isinstance(value, list):
        return [_quiet(each) for each in value]
    return "float64" if value == "float32" else value


@contextmanager
def in_float64():
    """Keras makes its constants in its default dtype, whatever the layers' own; and float64 with
    float32 is float32 for it, so that its layer normalization keeps no more digits than that."""
    before = keras.config.floatx(), keras.config.dtype_policy(), backend.result_type

    def result_type(*dtypes):
        is_wide = any("float64" in str(dtype) for dtype in dtypes)
        return "float64" if is_wide else before[2](*dtypes)

    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    backend.result_type = result_type
    try:
        yield
    finally:
        keras.config.set_floatx(before[0])
        keras.config.set_dtype_policy(before[1])
        backend.result_type = before[2]


class KerasOriginal:
    """The model of `config` with the weights of `model`."""

    # Inside a model in float64 some of Keras' numbers are float32: masks, states, constants.
    budget = 1e-6

    @in_float64()
    def __init__(self, config, model):
        self._take(keras.models.model_from_json(config))
        self.model.set_weights(model.get_weights())

    def _take(self, model):
        self.left_out = ["digits beyond float32, which parts of Keras do not keep"]
        self.model = model

    def _name(self, variable):
        return variable.path

    @in_float64()
    def outputs(self, inputs, training):
        kept = self.model.get_weights()
        found = tree.flatten(self.model(one_or_all(inputs), training=training))
        found = [np.array(ops.convert_to_numpy(y)) for y in found]
        self.model.set_weights(kept)  # normalization keeps averages
        return found

    @in_float64()
    def gradients(self, inputs, directions):
        variables = self.model.trainable_variables
        floats = [i for i, x in enumerate(inputs) if x.dtype.kind == "f"]
        found = _GRADIENTS[keras.backend.backend()](self.model, variables, inputs, directions)
        of_weights, of_floats = found
        of_inputs = iter(of_floats)
        return (
            {self._name(v): g for v, g in zip(variables, of_weights, strict=True)},
            [next(of_inputs) if i in floats else None for i in range(len(inputs))],
        )

    def descend(self, gradients, rate):
        for variable in self.model.trainable_variables:
            variable.assign(np.asarray(variable) - rate * gradients[self._name(variable)])

    def state(self):
        return {self._name(v): np.array(ops.convert_to_numpy(v)) for v in self.model.weights}


def _total(model, given, directions):
    outputs = tree.flatten(model(one_or_all(given), training=True))
    return sum(
        ops.sum(y * ops.convert_to_tensor(d)) for y, d in zip(outputs, directions, strict=True)
    )


def _by_tensorflow(model, variables, inputs, directions):
    import tensorflow as tf

    given = [tf.convert_to_tensor(x) for x in inputs]
    floats = [x for x in given if x.dtype.is_floating]
    values = [v.value for v in variables]
    with tf.GradientTape() as tape:
        tape.watch(floats)
        total = _total(model, given, directions)
    found = tape.gradient(total, [*values, *floats], unconnected_gradients="zero")
    arrays = [np.array(tf.convert_to_tensor(g)) for g in found]
    return arrays[: len(values)], arrays[len(values) :]


def _by_torch(model, variables, inputs, directions):
    import torch

    given = [torch.from_numpy(x.copy()) for x in inputs]
    floats = [x.requires_grad_() for x in given if x.is_floating_point()]
    values = [v.value for v in variables]
    total = _total(model, given, directions)
    wanted = [*values, *floats]
    found = torch.autograd.grad(total, wanted, allow_unused=True, materialize_grads=True)
    arrays = [g.detach().numpy() for g in found]
    return arrays[: len(values)], arrays[len(values) :]


_GRADIENTS = {"tensorflow": _by_tensorflow, "torch": _by_torch}

"""Functions of a framework or of NumPy inside `call`: shapes by the framework's tensors without
values, or a clear error."""

import importlib

import numpy as np
import pytest

import unidl
from unidl import layers, ops
from unidl.tracing.capture import CaptureWarning

# Where each framework keeps its functions of arrays.
HOMES = {"numpy": "numpy", "torch": "torch", "tensorflow": "tensorflow", "jax": "jax.numpy"}


class Mixed(layers.Layer):
    """Functions of the framework beside own weights, layers that are built on the way, and
    state."""

    def __init__(self, framework):
        super().__init__()
        self.framework = framework
        self.dense = layers.Dense(3)
        self.norm = layers.BatchNormalization()
        self.net = unidl.Sequential([layers.Dense(5)])

    def build(self, input_shape):
        self.kernel = self.add_weight((input_shape[-1], 2))

    def call(self, x, training=None):
        y = self.framework.matmul(self.framework.abs(x), self.kernel.value)
        return self.net(self.norm(self.dense(y), training=training))


@pytest.mark.filterwarnings(f"ignore::{CaptureWarning.__module__}.{CaptureWarning.__name__}")
def test_functions_of_the_framework(backend):
    if backend.name not in HOMES:
        pytest.skip(f"{backend.name} has no tensors without values")
    x = unidl.Input((None, 4))
    layer = Mixed(importlib.import_module(HOMES[backend.name]))
    y = layer(x, training=True)
    assert y.shape == (None, None, 5)
    model = unidl.Model(x, y)
    assert layer.kernel.shape == (4, 2)
    assert len(model.weights) == 9
    # The run without values assigned nothing, and what it built is real.
    np.testing.assert_array_equal(layer.norm.moving_mean.numpy(), np.zeros(3))
    model.compile("sgd", "mse")
    model.fit(np.ones((4, 6, 4), "float32"), np.ones((4, 6, 5), "float32"), verbose=0)
    assert model.predict(np.ones((3, 2, 4), "float32"), verbose=0).shape == (3, 2, 5)


class OnMask(layers.Layer):
    """Its mask goes through functions that know no symbols."""

    def __init__(self, framework):
        super().__init__()
        self.framework = framework

    def call(self, x, mask=None):
        return self.framework.abs(x) * ops.expand_dims(ops.cast(mask, "float32"), -1)


def test_masks_come_along(backend):
    if backend.name not in HOMES:
        pytest.skip(f"{backend.name} has no tensors without values")
    x = unidl.Input((None, 4))
    layer = OnMask(importlib.import_module(HOMES[backend.name]))
    assert layer(layers.Masking()(x)).shape == (None, None, 4)


class ByNumPy(layers.Layer):
    def call(self, x):
        return np.tanh(x)


class Branch(layers.Layer):
    def call(self, x):
        return 2 * x if ops.sum(x) > 0 else x


@pytest.mark.parametrize("cls", [ByNumPy, Branch])
def test_what_needs_values_names_the_layer_and_what_to_write(backend, cls):
    x = unidl.Input((3,))
    if backend.name == "numpy":  # plain arrays stand in for those without values
        assert cls()(x).shape == (None, 3)
        return
    with pytest.raises(TypeError) as caught:
        cls(name="mine")(x)
    text = str(caught.value)
    assert text.startswith(f"{cls.__name__} 'mine': its output shape is not known")
    assert "unidl.ops (ops.where or ops.cond" in text
    assert "def compute_output_shape(self, input_shape)" in text


def test_with_a_rule_it_needs_no_such_run(backend):
    class Ruled(ByNumPy):
        def compute_output_shape(self, input_shape):
            return input_shape

    assert Ruled()(unidl.Input((3,))).shape == (None, 3)


def test_a_wrong_shape_is_no_foreign_code(backend):
    class Wrong(layers.Layer):
        def call(self, x):
            return ops.matmul(x, ops.ones((7, 2)))

    with pytest.raises(ValueError, match="matmul: the shapes"):
        Wrong()(unidl.Input((3,)))

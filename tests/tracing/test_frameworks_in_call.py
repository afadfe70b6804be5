"""Functions of a framework or of NumPy inside `call`: shapes by the framework's tensors without
values, or a clear error."""

import importlib

import numpy as np
import pytest

import unidl
from unidl import layers, ops
from unidl.tracing.capture import CaptureWarning

# Where each framework keeps its functions of arrays.
HOMES = {
    "numpy": "numpy",
    "torch": "torch",
    "tensorflow": "tensorflow",
    "mxnet": "mxnet.numpy",
    "jax": "jax.numpy",
}
WITHOUT = ("mxnet",)  # those whose tensors always have values


def told_to_give_the_shape(layer, x):
    with pytest.raises(TypeError, match="define the shape: def compute_output_shape"):
        layer(x)


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
    x = unidl.Input((None, 4))
    layer = Mixed(importlib.import_module(HOMES[backend.name]))
    if backend.name in WITHOUT:
        told_to_give_the_shape(layer, x)
        return
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
    x = unidl.Input((None, 4))
    layer = OnMask(importlib.import_module(HOMES[backend.name]))
    if backend.name in WITHOUT:
        told_to_give_the_shape(layer, layers.Masking()(x))
        return
    assert layer(layers.Masking()(x)).shape == (None, None, 4)


class ByNumPy(layers.Layer):
    def call(self, x):
        return np.tanh(x)


class Branch(layers.Layer):
    def call(self, x):
        return 2 * x if ops.sum(x) > 0 else x


def test_a_decision_by_a_value_names_the_layer_and_what_to_write(backend):
    with pytest.raises(TypeError, match=r"Branch 'mine', call\(\): .*ops\.where.*ops\.cond"):
        Branch(name="mine")(unidl.Input((3,)))


def test_what_needs_values_names_the_layer_and_what_to_write(backend):
    x = unidl.Input((3,))
    if backend.name == "numpy":  # plain arrays stand in for those without values
        assert ByNumPy()(x).shape == (None, 3)
        return
    with pytest.raises(TypeError) as caught:
        ByNumPy(name="mine")(x)
    text = str(caught.value)
    assert text.startswith("ByNumPy 'mine': its output shape is unknown")
    assert "Write ops.tanh instead" in text
    assert "unidl.ops (ops.where or ops.cond" in text
    assert "def compute_output_shape(self, input_shape)" in text


NUMPY = {
    "tanh": np.tanh,
    "sum": lambda x: np.sum(x, axis=-1),
    "concatenate": lambda x: np.concatenate([x, x]),
    "where": lambda x: np.where(x > 0, x, 0),
    "maximum": lambda x: np.maximum(x, 0.0),
    "matmul": lambda x: np.matmul(x, np.ones((3, 3), "float32")),
    "norm": np.linalg.norm,
    "mean": np.mean,
    "array": np.array,
}


@pytest.mark.parametrize("name", NUMPY)
def test_functions_of_numpy_are_named(backend, name):
    layer = layers.Lambda(NUMPY[name], name="mine")
    if backend.name == "numpy":
        layer(unidl.Input((3,)))
        return
    advice = rf"Write ops\.{name} instead" if name != "array" else "Write the computation"
    with pytest.raises(TypeError, match=f"Lambda 'mine'.*{advice}"):
        layer(unidl.Input((3,)))


@pytest.mark.filterwarnings(f"ignore::{CaptureWarning.__module__}.{CaptureWarning.__name__}")
@pytest.mark.parametrize("name", ["sqrt", "mean"])
def test_functions_of_numpy_in_a_loss_are_named(backend, name):
    def mine(y_true, y_pred):
        return getattr(np, name)(ops.square(y_true - y_pred))

    model = unidl.Sequential([unidl.Input((3,)), layers.Dense(1)])
    model.compile("sgd", mine)
    x, y = np.ones((4, 3), "float32"), np.ones((4, 1), "float32")
    if backend.name == "numpy":
        model.fit(x, y, verbose=0)
        return
    with pytest.raises(TypeError, match=rf"loss 'mine'.*np\.{name}.*Write ops\.{name}"):
        model.fit(x, y, verbose=0)


def test_arrays_go_before_operators(backend):
    factors = np.arange(3, dtype="float32")
    x = unidl.Input((3,))
    model = unidl.Model(x, factors * x)
    np.testing.assert_array_equal(model.predict(np.ones((2, 3)), verbose=0), [factors, factors])


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

"""TimeDistributed over open time, its masks, and builds that call their parameter as they like."""

import numpy as np
import pytest

import unidl
from unidl import layers, ops


def test_an_open_time_axis(backend):
    x = unidl.Input((None, 4))
    y = layers.TimeDistributed(layers.Dense(2))(x)
    assert y.shape == (None, None, 2)
    model = unidl.Model(x, y)
    model.compile("sgd", "mse")
    model.fit(np.ones((4, 5, 4), "float32"), np.ones((4, 5, 2), "float32"), verbose=0)
    assert len(model.weights) == 2
    given = np.random.default_rng(0).normal(size=(3, 7, 4)).astype("float32")
    kernel, bias = model.get_weights()
    np.testing.assert_allclose(
        model.predict(given, verbose=0), given @ kernel + bias, rtol=1e-5, atol=1e-6
    )


def test_a_mask_of_other_length_is_refused(backend):
    layer = layers.TimeDistributed(layers.Dense(2), name="steps")
    x = np.ones((4, 5, 3), "float32")
    with pytest.raises(
        ValueError, match=r"TimeDistributed 'steps': the mask has the shape \(4, 6\).*\(4, 5, 3\)"
    ):
        layer(x, mask=np.ones((4, 6), "bool"))
    assert ops.shape(layer(x, mask=np.ones((4, 5), "bool"))) == (4, 5, 2)


class Scale(layers.Layer):
    def build(self, shape):
        self.scale = self.add_weight((shape[-1],), initializer="ones")

    def call(self, x):
        return x * self.scale


class Cell(layers.Layer):
    state_size = output_size = 3

    def build(self, s):
        self.kernel = self.add_weight((s[-1], 3))

    def call(self, inputs, states):
        # A constant on the left of the traced state.
        h = ops.tanh(ops.ones((3,)) * states[0] + ops.matmul(inputs, self.kernel))
        return h, [h]


@unidl.saving.register_keras_serializable("tests")
class Steps(layers.Layer):
    """As much of a recurrent layer as Bidirectional asks for."""

    def __init__(self, go_backwards=False, return_sequences=True, return_state=False, **kwargs):
        super().__init__(**kwargs)
        self.go_backwards, self.return_sequences = go_backwards, return_sequences
        self.return_state, self.stateful = return_state, False

    def build(self, shape):
        self.kernel = self.add_weight((shape[-1], 3))

    def call(self, sequences, initial_state=None, mask=None, training=None):
        y = ops.matmul(sequences, self.kernel)
        return ops.flip(y, 1) if self.go_backwards else y


WRAPPED = {
    "TimeDistributed": lambda: layers.TimeDistributed(Scale()),
    "RNN": lambda: layers.RNN(Cell(), return_sequences=True),
    "StackedRNNCells": lambda: layers.RNN(
        layers.StackedRNNCells([Cell(), Cell()]), return_sequences=True
    ),
    "Bidirectional": lambda: layers.Bidirectional(Steps(), backward_layer=Steps(go_backwards=True)),
    "Wrapper": lambda: Wrapped(Scale()),
}


class Wrapped(layers.Wrapper):
    def call(self, x):
        return self.layer(x)


@pytest.mark.parametrize("name", WRAPPED)
def test_build_under_any_parameter_name(backend, name):
    x = unidl.Input((5, 4))
    model = unidl.Model(x, WRAPPED[name]()(x))
    model.compile("sgd", "mse")
    given = np.ones((4, 5, 4), "float32")
    target = np.ones(model.predict(given, verbose=0).shape, "float32")
    before = model.get_weights()
    model.fit(given, target * 0.3, verbose=0)
    assert all(np.abs(a - b).max() > 0 for a, b in zip(before, model.get_weights(), strict=True))

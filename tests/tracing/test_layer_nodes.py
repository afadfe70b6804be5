"""What a call on symbols leaves in the graph, and which of a layer's rules is asked."""

import numpy as np
import pytest

import unidl
from unidl import KerasTensor, layers, ops


class Table(layers.Layer):
    """Returns its own weight, whatever comes in."""

    def build(self, input_shape):
        self.table = self.add_weight((6, 4), name="table")

    def call(self, inputs):
        return self.table


def changed_by_fit(model, x, y):
    model.compile("sgd", "mse")
    before = model.get_weights()
    model.fit(x, y, verbose=0)
    return [bool(np.abs(a - b).max() > 0) for a, b in zip(before, model.get_weights(), strict=True)]


def test_a_layer_that_returns_its_own_table_stays(backend, tmp_path):
    def make():
        x = unidl.Input((6, 4))
        return unidl.Model(x, x + layers.Dense(4)(Table()(x)))

    model = make()
    x = np.ones((4, 6, 4), "float32")
    assert len(model.weights) == 3
    assert changed_by_fit(model, x, 2 * x) == [True] * 3
    model.save_weights(tmp_path / "m.weights.h5")
    other = make()
    other.load_weights(tmp_path / "m.weights.h5")
    np.testing.assert_array_equal(other.predict(x, verbose=0), model.predict(x, verbose=0))


def test_positions_that_depend_on_no_input_are_embedded(backend):
    x = unidl.Input((6,), dtype="int32")
    places = layers.Lambda(lambda t: ops.arange(6))(x)
    assert (places.shape, places.dtype) == ((6,), "int32")
    sum_ = layers.Embedding(10, 4)(x) + layers.Embedding(6, 4)(places)
    model = unidl.Model(x, layers.Dense(2)(sum_))
    assert len(model.weights) == 4
    given = np.arange(24, dtype="int32").reshape(4, 6) % 10
    assert changed_by_fit(model, given, np.ones((4, 6, 2), "float32")) == [True] * 4


class Both(layers.Layer):
    def compute_output_spec(self, x):
        return KerasTensor((x.shape[0], 7), "int32")

    def compute_output_shape(self, input_shape):
        return (input_shape[0], 9)

    def call(self, x):
        return ops.cast(ops.zeros((ops.shape(x)[0], 7)), "int32")


class OnlyShape(layers.Layer):
    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], 9)

    def call(self, x):
        return ops.concatenate([x] * 3, -1)


class Extended(OnlyShape):
    def compute_output_spec(self, x):
        spec = super().compute_output_spec(x)
        return KerasTensor(spec.shape, "float64")


class OfTwo(layers.Layer):
    def compute_output_shape(self, a_shape, b_shape):
        return (a_shape[0], b_shape[-1])

    def call(self, a, b):
        return b


def test_the_rules_are_asked_in_keras_order(backend):
    x = unidl.Input((3,))
    for layer, shape, dtype in (
        (Both(), (None, 7), "int32"),
        (OnlyShape(), (None, 9), "float32"),
        (Extended(), (None, 9), "float64"),
    ):
        y = layer(x)
        assert (y.shape, y.dtype) == (shape, dtype)
        model = unidl.Model(x, y)
        assert model.compute_output_shape((None, 3)) == shape
        assert model.compute_output_shape((5, 3)) == (5, *shape[1:])
        assert layer.compute_output_shape((5, 3)) == (5, shape[1] if dtype != "int32" else 9)
    assert OfTwo()(x, unidl.Input((5,))).shape == (None, 5)


def test_a_rule_does_not_leave_sublayers_unbuilt():
    class Ruled(OnlyShape):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(9)

        def call(self, x):
            return self.dense(x)

    x = unidl.Input((3,))
    assert len(unidl.Model(x, Ruled()(x)).weights) == 2


class WithSequential(layers.Layer):
    def __init__(self, nets, **kwargs):
        super().__init__(**kwargs)
        self.nets = nets

    def call(self, x):
        for net in self.nets:
            x = net(x)
        return x


def nets():
    return [
        unidl.Sequential([layers.Dense(4, activation="relu"), layers.Dense(5)]),
        unidl.Sequential([layers.Dense(3)]),
    ]


def subclassed():
    class Autoencoder(unidl.Model):
        def __init__(self):
            super().__init__()
            self.encoder, self.decoder = nets()

        def call(self, x):
            return self.decoder(self.encoder(x))

    return Autoencoder()


def functional():
    x = unidl.Input((None, 3))
    return unidl.Model(x, WithSequential(nets())(x))


@pytest.mark.parametrize("make", [subclassed, functional])
def test_a_sequential_without_input_inside_another_layer(backend, make):
    model, x = make(), np.ones((4, 6, 3), "float32")
    model.compile("sgd", "mse")
    model.fit(x, x, batch_size=2, verbose=0)
    assert len(model.weights) == 6
    if make is functional:  # an open axis stays one for the layers inside
        assert model.predict(x[:, :2], verbose=0).shape == (4, 2, 3)


def test_summary_of_a_subclass_shows_shapes(backend):
    text = []
    model = subclassed()
    model.build((None, 6, 3))
    model.summary(print_fn=text.append)
    assert "(None, 6, 5)" in text[0]
    assert "(None, 6, 3)" in text[0]
    model, text = subclassed(), []
    model(np.ones((2, 6, 3), "float32"))
    model.summary(print_fn=text.append)
    assert "(2, 6, 5)" in text[0] or "(None, 6, 5)" in text[0]
    assert "?" not in text[0]


def test_a_call_that_returns_nothing_names_the_layer(backend):
    class Silent(layers.Layer):
        def call(self, x):
            ops.exp(x)

    with pytest.raises(ValueError, match=r"Silent 'quiet': call\(\) returned None.*return"):
        Silent(name="quiet")(unidl.Input((3,)))


def test_a_model_of_float64_layers_rounds_nothing(backend):
    wide = layers.Dense(2, dtype="float64")
    x = unidl.Input((3,), dtype="float64")
    given = np.random.default_rng(0).normal(size=(4, 3))
    for model in (unidl.Model(x, wide(x)), unidl.Sequential([layers.Dense(2, dtype="float64")])):
        got = ops.convert_to_numpy(model(given))
        layer = model.layers[-1]
        expected = given @ layer.kernel.numpy() + layer.bias.numpy()
        np.testing.assert_allclose(got, expected, rtol=1e-14)


class Counts(layers.Layer):
    """Assigns numbers that do not depend on its input, and draws."""

    def build(self, shape):
        self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False, name="calls")
        self.size = self.add_weight(shape=(), initializer="zeros", trainable=False, name="size")
        self.size.assign(shape[-1])
        self.seen = unidl.metrics.Mean(name="seen")
        self.noise = unidl.random.SeedGenerator(3)

    def call(self, x):
        self.calls.assign_add(1.0)
        self.seen.update_state(5.0)
        return x + unidl.random.normal((1,), seed=self.noise) + self.calls * 0


class Around(layers.Layer):
    def __init__(self):
        super().__init__()
        self.inner = Counts()

    def call(self, x):
        return self.inner(x)  # builds it, within a call on symbols


@pytest.mark.parametrize("size", [4, None])
def test_a_call_on_symbols_leaves_no_trace(backend, size):
    single, around = Counts(), Around()
    inputs = unidl.Input((size, 2))
    model = unidl.Model(inputs, around(single(inputs)))
    model.compute_output_shape((None, 4, 2))
    for layer in (single, around.inner):
        found = [float(v) for v in (layer.calls, layer.size, layer.seen.total)]
        assert found == [0.0, 2.0, 0.0]
        assert layer.noise.counter == 0
    model(np.zeros((1, 4, 2)))
    for layer in (single, around.inner):
        assert [float(v) for v in (layer.calls, layer.seen.total)] == [1.0, 5.0]
        assert layer.noise.counter == 1

"""Sequential, functional and subclassed models: structure, weights, flags, errors."""

import numpy as np
import pytest

import unidl
from unidl import layers, ops

X = np.random.default_rng(0).normal(size=(6, 4)).astype("float32")


@pytest.fixture(autouse=True)
def fresh_names():
    unidl.utils.clear_session(free_memory=False)


def array(x):
    return np.asarray(ops.convert_to_numpy(x))


# -- Sequential ------------------------------------------------------------------------------------


def test_weights_are_made_at_the_first_call(backend):
    model = unidl.Sequential([layers.Dense(3), layers.Dense(2)])
    assert not model.built
    assert model.weights == []
    assert tuple(model(X).shape) == (6, 2)
    assert [v.path for v in model.weights] == [
        "sequential/dense/kernel",
        "sequential/dense/bias",
        "sequential/dense_1/kernel",
        "sequential/dense_1/bias",
    ]
    assert model.input_shape == (None, 4)
    assert model.output_shape == (None, 2)
    assert tuple(model(X[:2]).shape) == (2, 2)


@pytest.mark.parametrize("how", ["fit", "predict", "build", "compute", "train_on_batch"])
def test_deferred_build(how):
    model = unidl.Sequential([layers.Dense(3), layers.Dense(2)])
    model.compile("sgd", "mse")
    {
        "fit": lambda: model.fit(X, X[:, :2], verbose=0),
        "predict": lambda: model.predict(X, verbose=0),
        "build": lambda: model.build((None, 4)),
        "compute": lambda: model(unidl.Input((4,))),
        "train_on_batch": lambda: model.train_on_batch(X, X[:, :2]),
    }[how]()
    assert model.built
    assert model.count_params() == 4 * 3 + 3 + 3 * 2 + 2


def test_add_and_pop():
    model = unidl.Sequential()
    model.add(unidl.Input((4,)))
    model.add(layers.Dense(3))
    assert model.built
    model.add(layers.Dense(2, name="last"))
    before = model.layers[0].get_weights()
    assert model.output_shape == (None, 2)
    assert model.pop().name == "last"
    assert model.output_shape == (None, 3)
    assert model.predict(X, verbose=0).shape == (6, 3)
    np.testing.assert_array_equal(model.layers[0].get_weights()[0], before[0])
    model.add(layers.Dense(5))
    assert model.predict(X, verbose=0).shape == (6, 5)


def test_a_growing_row_calls_each_layer_once():
    model = unidl.Sequential([unidl.Input((4,)), layers.Dense(3, name="first"), layers.Dense(2)])
    model.add(layers.Dense(1))
    assert [len(layer._inbound) for layer in model.layers] == [1, 1, 1]
    model.pop()
    parts = unidl.Model(model.inputs, [layer.output for layer in model.layers])
    assert [part.shape for part in parts.predict(X, verbose=0)] == [(6, 3), (6, 2)]
    assert model.get_layer("first").output.shape == (None, 3)


def test_a_shared_layer_tells_its_first_input_and_output():
    first, second, dense = unidl.Input((4,)), unidl.Input((4,)), layers.Dense(2)
    output = dense(first)
    dense(second)
    assert dense.input is first
    assert dense.output is output
    with pytest.raises(AttributeError, match="never called"):
        layers.Dense(2).output  # noqa: B018


def test_noise_of_the_batch_s_size_drawn_in_a_layer(backend):
    """While the graph is made the batch axis is open; when the step runs it has a size."""

    class Noisy(unidl.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.seed_generator = unidl.random.SeedGenerator(5)

        def call(self, inputs):
            return inputs + unidl.random.normal(
                (ops.shape(inputs)[0], ops.shape(inputs)[1]), seed=self.seed_generator
            )

    model = unidl.Sequential([unidl.Input((4,)), Noisy(), layers.Dense(4)])
    model.compile("sgd", "mse")
    model.fit(X, X, batch_size=4, verbose=0)
    expected = unidl.random.normal(X.shape, seed=unidl.random.SeedGenerator(5))
    np.testing.assert_allclose(array(Noisy()(X)) - X, array(expected), atol=1e-6)
    with pytest.raises(ValueError, match="open axis"):
        unidl.random.normal((None, 4))


def test_training_goes_on_after_add():
    model = unidl.Sequential([unidl.Input((4,)), layers.Dense(3)])
    model.compile("adam", "mse")
    model.fit(X, X[:, :3], verbose=0)
    model.add(layers.Dense(2))
    model.compile("adam", "mse")
    model.fit(X, X[:, :2], verbose=0)


@pytest.mark.parametrize(
    "argument", [{"input_shape": (4,)}, {"input_dim": 4}, {"batch_input_shape": (None, 4)}]
)
def test_the_first_layer_says_the_input(argument):
    model = unidl.Sequential([layers.Dense(3, **argument)])
    assert model.built
    assert model.input_shape == (None, 4)


def test_an_integer_input_stays_integer(backend):
    model = unidl.Sequential([layers.Embedding(9, 2), layers.Flatten()])
    assert tuple(model(np.array([[1, 2, 3]])).shape) == (1, 6)


def test_a_model_as_a_layer_of_another(backend):
    inner = unidl.Sequential([layers.Dense(3)], name="inner")
    model = unidl.Sequential([unidl.Input((4,)), inner, layers.Dense(2)])
    assert len(model.weights) == 4
    assert model.predict(X, verbose=0).shape == (6, 2)
    assert model.get_layer("inner") is inner


# -- functional ------------------------------------------------------------------------------------


def test_inputs_in_any_form(backend):
    a, b = unidl.Input((4,), name="a"), unidl.Input((4,), name="b")
    model = unidl.Model([a, b], layers.Subtract()([a, b]) if hasattr(layers, "Subtract") else a - b)
    expected = X - 2 * X
    for given in ([X, 2 * X], (X, 2 * X), {"b": 2 * X, "a": X}):
        np.testing.assert_allclose(array(model(given)), expected, rtol=1e-6)
        np.testing.assert_allclose(model.predict(given, verbose=0), expected, rtol=1e-6)
    with pytest.raises(ValueError, match="lack 'b'"):
        model({"a": X})
    with pytest.raises(ValueError, match="expected 2 inputs"):
        model([X])


def test_part_of_a_model_is_a_model(backend):
    inputs = unidl.Input((4,))
    hidden = layers.Dense(3, name="hidden")(inputs)
    whole = unidl.Model(inputs, layers.Dense(2, name="end")(hidden))
    front, back = (
        unidl.Model(inputs, whole.get_layer("hidden").output),
        unidl.Model(hidden, whole.output),
    )
    assert [layer.name for layer in back.layers if not isinstance(layer, layers.InputLayer)] == [
        "end"
    ]
    np.testing.assert_allclose(
        back.predict(front.predict(X, verbose=0), verbose=0), whole.predict(X, verbose=0), rtol=1e-6
    )
    again = unidl.Model.from_config(back.get_config())
    assert again.output_shape == (None, 2)


def test_operators(backend):
    x = unidl.Input((4,))
    model = unidl.Model(
        x,
        [
            x + 1,
            1 - x,
            2 * x,
            x / 2,
            x**2,
            -x,
            abs(x),
            x @ np.ones((4, 2), "float32"),
            x[:, 1:3],
            x > 0,
        ],
    )
    expected = [X + 1, 1 - X, 2 * X, X / 2, X**2, -X, abs(X), X @ np.ones((4, 2)), X[:, 1:3], X > 0]
    for ours, theirs in zip(model(X), expected, strict=True):
        np.testing.assert_allclose(array(ours), theirs, rtol=1e-5, atol=1e-6)


def test_shapes_are_checked_in_every_call(backend):
    model = unidl.Model(x := unidl.Input((4,)), layers.Dense(2)(x))
    with pytest.raises(ValueError, match="expected shape"):
        model(np.ones((2, 5), "float32"))
    assert tuple(model(np.ones((0, 4), "float32")).shape) == (0, 2)


# -- subclasses ------------------------------------------------------------------------------------


class Block(unidl.Layer):
    """Sublayers in a list and a dict, losses of its own."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.rows = [layers.Dense(4, name="r0"), layers.Dense(4, name="r1")]
        self.ends = {"left": layers.Dense(1, name="left"), "right": layers.Dense(1, name="right")}

    def call(self, inputs, training=None):
        for row in self.rows:
            inputs = row(inputs)
        left, right = self.ends["left"](inputs), self.ends["right"](inputs)
        self.add_loss(0.5 * ops.mean(ops.square(left)))
        return left + right if training else left - right


class Net(unidl.Model):
    def __init__(self):
        super().__init__()
        self.block = Block()
        self.head = layers.Dense(2, activity_regularizer="l2", kernel_regularizer="l1")

    def call(self, inputs, training=None):
        return self.head(self.block(inputs, training=training))


def test_subclassed_model(backend):
    net = Net()
    assert tuple(net(X).shape) == (6, 2)
    assert [v.path.split("/")[-2] for v in net.weights[::2]] == [
        "r0",
        "r1",
        "left",
        "right",
        "dense",
    ]
    assert len(net.losses) == 3  # add_loss, activity, kernel
    net.compile("sgd", "mse", metrics=["mae"])
    first = net.evaluate(X, X[:, :2], verbose=0, return_dict=True)
    plain = np.mean((net.predict(X, verbose=0) - X[:, :2]) ** 2)
    net(X)
    extra = sum(float(array(loss)) for loss in net.losses)
    assert first["loss"] == pytest.approx(plain + extra, rel=1e-5)
    history = net.fit(X, X[:, :2], epochs=20, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]


def test_the_training_flag_reaches_all_layers(backend):
    net = Net()
    assert not np.allclose(array(net(X, training=True)), array(net(X, training=False)))
    np.testing.assert_array_equal(array(net(X)), array(net(X, training=False)))
    dropping = unidl.Sequential(
        [unidl.Input((4,)), unidl.Sequential([unidl.Input((4,)), layers.Dropout(0.5)])]
    )
    np.testing.assert_array_equal(array(dropping(X)), X)
    assert (array(dropping(X, training=True)) == 0).any()


def test_trainable(backend):
    inner = unidl.Sequential(
        [unidl.Input((4,)), layers.Dense(3), layers.BatchNormalization()], name="inner"
    )
    model = unidl.Sequential([unidl.Input((4,)), inner, layers.Dense(2)])
    assert (len(model.trainable_weights), len(model.non_trainable_weights)) == (6, 2)
    inner.trainable = False
    assert (len(model.trainable_weights), len(model.non_trainable_weights)) == (2, 6)
    model.compile("sgd", "mse")
    before = inner.get_weights()
    model.fit(X, X[:, :2], verbose=0)
    for a, b in zip(inner.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)  # also the moving statistics
    inner.trainable = True
    model.compile("sgd", "mse")
    model.fit(X, X[:, :2], verbose=0)
    assert all(
        np.any(a != b) for a, b in zip(inner.get_weights(), before, strict=True) if b.ndim == 2
    )


def test_masks_travel(backend):
    """Through a Sequential, a functional model, and one inside the other: masked steps change
    nothing."""
    words = np.array([[3, 1, 0, 0], [2, 0, 0, 0]])

    def reader():
        return [layers.Embedding(5, 3, mask_zero=True), layers.Dropout(0.3), layers.LSTM(2)]

    row = unidl.Sequential([unidl.Input((4,), dtype="int32"), *reader()])
    inputs = unidl.Input((4,), dtype="int32")
    h = inputs
    for layer in reader():
        h = layer(h)
    graph = unidl.Model(inputs, h)
    front = unidl.Sequential(
        [unidl.Input((4,), dtype="int32"), layers.Embedding(5, 3, mask_zero=True)]
    )
    nested = unidl.Model(inputs, layers.LSTM(2)(front(inputs)))
    for model in (row, graph, nested):
        model.set_weights(row.get_weights())
        full = array(model(words))
        short = array(model.layers[-1](row.layers[0](words[:1, :2])))  # the same without padding
        np.testing.assert_allclose(full[:1], short, rtol=1e-5)


# -- the loss from the logits ----------------------------------------------------------------------

ENDS = {
    "argument": lambda x: layers.Dense(2, activation="softmax", name="end")(x),
    "Activation": lambda x: layers.Activation("softmax")(layers.Dense(2, name="end")(x)),
    "Softmax": lambda x: layers.Softmax()(layers.Dense(2, name="end")(x)),
}


@pytest.mark.parametrize("functional", [False, True], ids=["sequential", "functional"])
@pytest.mark.parametrize("end", ENDS)
def test_a_saturated_softmax_keeps_its_loss(backend, end, functional):
    """Logits 200 apart: from the probabilities the loss would be 16 with a gradient of 0; it is
    200."""
    inputs = unidl.Input((1,))
    model = unidl.Model(inputs, ENDS[end](inputs))
    if not functional:
        model = unidl.Sequential([inputs, *model.layers[1:]])
    model.get_layer("end").set_weights([np.array([[100.0, -100.0]]), np.zeros(2)])
    model.compile(unidl.optimizers.SGD(1.0), "sparse_categorical_crossentropy")
    assert model.evaluate(np.ones((2, 1)), np.ones(2), verbose=0) == pytest.approx(200, rel=1e-6)
    model.fit(np.ones((2, 1)), np.ones(2), verbose=0)
    np.testing.assert_allclose(model.get_layer("end").get_weights()[0], [[99, -99]], rtol=1e-6)


# -- weights, lookup, summary ----------------------------------------------------------------------


def test_get_layer():
    model = unidl.Sequential(
        [unidl.Input((4,)), layers.Dense(3, name="a"), layers.Dense(2, name="b")]
    )
    assert model.get_layer("b") is model.get_layer(index=-1) is model.layers[1]
    with pytest.raises(ValueError, match="Its layers: a, b"):
        model.get_layer("c")
    with pytest.raises(ValueError, match="there is no layer number 5"):
        model.get_layer(index=5)


def test_set_weights_changes_all_or_nothing(backend):
    model = unidl.Sequential([unidl.Input((4,)), layers.Dense(3)])
    before = model.get_weights()
    with pytest.raises(ValueError, match="set_weights"):
        model.set_weights([np.zeros((4, 3)), np.zeros(4)])
    np.testing.assert_array_equal(model.get_weights()[0], before[0])

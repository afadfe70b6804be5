"""`call` counts with the size of an open axis, in functional models and in subclassed ones, and
trains."""

import math

import numpy as np
import pytest

import unidl
from unidl import layers, ops
from unidl.tracing.sizes import OpenSize, is_open, of_both


def places(x):
    return x + ops.cast(ops.arange(ops.shape(x)[1]), "float32")[:, None]


def flattened(x):
    rows = ops.reshape(x, (ops.prod(ops.shape(x)[:-1]), 4))
    return ops.reshape(rows, ops.shape(x))


def flattened_by_numpy(x):
    rows = ops.reshape(x, (int(np.prod(ops.shape(x)[:-1])), 4))
    return ops.reshape(rows, ops.shape(x))


def beside_an_open_axis(x):
    pairs = ops.reshape(x, (-1, ops.shape(x)[1], 2, 2))
    return ops.reshape(pairs, (-1, ops.shape(x)[1], 4))


def loop(x):
    h, outputs = ops.zeros((ops.shape(x)[0], 4)), []
    for t in range(ops.shape(x)[1]):
        h = ops.tanh(x[:, t] + h)
        outputs.append(h)
    return ops.stack(outputs, 1)


def table(x):
    return x + ops.ones((512, 4))[: ops.shape(x)[1]]


def broadcast_token(x):
    token = ops.broadcast_to(ops.ones((1, 1, 4)), (ops.shape(x)[0], 1, 4))
    return ops.concatenate([token, x], 1)


def tiled_token(x):
    return ops.concatenate([ops.tile(ops.ones((1, 1, 4)), (ops.shape(x)[0], 1, 1)), x], 1)


def repeated_token(x):
    return ops.concatenate([ops.repeat(ops.ones((1, 1, 4)), ops.shape(x)[0], axis=0), x], 1)


# A constant on the left of an operator.
def constant_first(x):
    return (ops.ones((4,)) - x) * (ops.ones((4,)) * x) / (ops.ones((4,)) + x * x)


def compared_constant(x):
    ones = ops.ones((4,))
    x = ops.where(ones > x, x, -x)
    x = ops.where(ones <= x, x, 2 * x)
    return x + ops.cast(ones == x, "float32") + ops.cast(ones != x, "float32")


FUNCTIONS = [
    places, flattened, flattened_by_numpy, beside_an_open_axis, loop, table, broadcast_token,
    tiled_token, repeated_token, constant_first, compared_constant,
]  # fmt: skip


class Applied(layers.Layer):
    def __init__(self, function, **kwargs):
        super().__init__(**kwargs)
        self.function = function
        self.dense = layers.Dense(4)

    def call(self, x):
        return self.function(self.dense(x))


class Whole(unidl.Model):
    def __init__(self, function):
        super().__init__()
        self.inner, self.out = Applied(function), layers.Dense(2)

    def call(self, x):
        return self.out(ops.mean(self.inner(x), axis=1))


def functional(function):
    x = unidl.Input((None, 3))
    y = Applied(function)(x)
    assert y.shape == (None, None, 4)
    return unidl.Model(x, layers.Dense(2)(layers.GlobalAveragePooling1D()(y)))


@pytest.mark.in_turn("function")
@pytest.mark.parametrize("make", [functional, Whole])
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_call_counts_with_an_open_axis(backend, make, function):
    x = np.random.default_rng(0).normal(size=(4, 5, 3)).astype("float32")
    model = make(function)
    model.compile("sgd", "mse")
    model.fit(x, np.ones((4, 2), "float32"), batch_size=2, verbose=0)
    assert len(model.weights) == 4
    # Another length than that of training.
    given = x[:3, :2]
    expected = ops.convert_to_numpy(model(given))
    np.testing.assert_allclose(model.predict(given, verbose=0), expected, rtol=1e-5, atol=1e-6)


class Token(layers.Layer):
    def __init__(self, spread, **kwargs):
        super().__init__(**kwargs)
        self.spread = spread

    def build(self, input_shape):
        self.token = self.add_weight((1, 1, input_shape[-1]), name="token")

    def call(self, x):
        return ops.concatenate([self.spread(self.token, ops.shape(x)[0]), x], axis=1)


@pytest.mark.parametrize(
    "spread",
    [
        lambda w, n: ops.broadcast_to(w, (n, 1, 4)),
        lambda w, n: ops.tile(w, (n, 1, 1)),
        lambda w, n: ops.repeat(w, n, axis=0),
    ],
)
def test_class_token(backend, spread):
    x = unidl.Input((6, 4))
    y = Token(spread)(x)
    assert y.shape == (None, 7, 4)
    model = unidl.Model(x, y)
    model.compile("sgd", "mse")
    before = model.get_weights()[0]
    model.fit(np.ones((4, 6, 4), "float32"), np.ones((4, 7, 4), "float32"), verbose=0)
    assert np.abs(model.get_weights()[0] - before).max() > 0


def test_what_agrees_in_both_runs_is_fixed():
    x = unidl.Input((None, 4))
    cases = {
        (None, 24): lambda x: ops.reshape(
            ops.zeros((ops.shape(x)[0], 6, 4)), (ops.shape(x)[0], -1)
        ),
        (None, 1, 4): lambda x: x[:, :1],
        (None, 3, 4): lambda x: x[:, -3:],
        (None, None, 8): lambda x: ops.concatenate([x, x], -1),
        (None, None): lambda x: ops.zeros((ops.shape(x)[0], ops.shape(x)[1] * 2 - 1)),
        (None,): lambda x: ops.zeros((math.prod(ops.shape(x)),)),
    }
    for shape, function in cases.items():
        assert layers.Lambda(function)(x).shape == shape


def test_an_open_axis_fits_any_size():
    x = unidl.Input((None, 4))
    # The table fixes the length, as in a model whose input is always of that length.
    assert layers.Lambda(lambda x: x + ops.ones((7, 4)))(x).shape == (None, 7, 4)
    assert layers.AveragePooling1D(500)(x).shape == (None, None, 4)
    adjacency = unidl.Input((None, None))
    propagate = layers.Lambda(lambda given: ops.matmul(given[0], given[1]))
    assert propagate([adjacency, x]).shape == (None, None, 4)


def test_sizes_outside_are_open():
    x = unidl.Input((None, 4))
    assert ops.shape(x) == x.shape == (None, None, 4)


def test_errors_show_the_shapes_that_the_user_knows():
    x = unidl.Input((None, 4))
    with pytest.raises(ValueError, match=r"shapes \(None, None, 4\) and \(5, 2\)"):
        layers.Lambda(lambda x: ops.matmul(x, ops.ones((5, 2))))(x)
    with pytest.raises(ValueError, match=r"lambda.*: the number of outputs depends"):
        layers.Lambda(lambda x: ops.unstack(x, axis=1))(x)


def test_a_stand_in_is_no_size_of_the_layer():
    class Branches(layers.Layer):
        def build(self, input_shape):
            self.sizes = [self.add_weight((n,)) for n in (103, 107, 109)]

        def call(self, x):
            same = [w for w in self.sizes if ops.shape(w)[0] == ops.shape(x)[1]]
            return x + same[0][None, :, None] if same else x[:, :, :2]

    assert Branches()(unidl.Input((None, 4))).shape == (None, None, 2)


def test_a_building_call_draws_no_numbers_twice():
    class Drawing(layers.Layer):
        def __init__(self):
            super().__init__()
            self.seed_generator = unidl.random.SeedGenerator(1)

        def call(self, x):
            return x * unidl.random.uniform((4,), seed=self.seed_generator)

    open_axis, fixed = Drawing(), Drawing()
    open_axis(unidl.Input((None, 4)))
    fixed(unidl.Input(batch_shape=(2, 3, 4)))
    states = [layer.seed_generator.advance() for layer in (open_axis, fixed)]
    assert states[0] == states[1]


def test_arithmetic_of_open_sizes():
    t = OpenSize(103, 107)
    assert (t + 1, (t + 1).other) == (104, 108)
    assert (10 - t, (10 - t).other, (-t).other) == (-93, -97, -107)
    assert (t * 6) // t == 6
    assert not is_open((t * 6) // t)
    assert is_open(t // 2)
    assert repr((t, 4)) == "(None, 4)"
    assert f"{t} {t:d}" == "None 103"
    assert of_both(max, t, 5) == 103
    assert of_both(min, t, None) is None

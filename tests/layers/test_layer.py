"""The base class: building, calling, training flag, masks, weights, configs, errors."""

import numpy as np
import pytest

from unidl import layers, ops
from unidl.backend import use_backend

X = np.random.default_rng(0).normal(size=(4, 5)).astype("float32")


def _numpy(x):
    return ops.convert_to_numpy(x)


class Scaled(layers.Layer):
    """A layer of a user: a sublayer, a weight, a training flag."""

    def __init__(self, units, factor=2.0, **kwargs):
        super().__init__(**kwargs)
        self.units, self.factor = units, factor
        self.inner = layers.Dense(units, name="inner")

    def build(self, input_shape):
        self.gain = self.add_weight((self.units,), "ones", name="gain")
        self.calls = self.add_weight((), "zeros", trainable=False, name="calls")

    def call(self, inputs, training=None):
        y = self.inner(inputs) * self.gain.value
        return y * self.factor if training else y


def test_a_layer_of_ones_own(backend):
    layer = Scaled(3, name="mine")
    plain, trained = _numpy(layer(X)), _numpy(layer(X, training=True))
    np.testing.assert_allclose(trained, 2 * plain, rtol=1e-6)
    assert [w.path for w in layer.weights] == [
        "mine/gain",
        "mine/calls",
        "mine/inner/kernel",
        "mine/inner/bias",
    ]
    assert [w.path for w in layer.trainable_weights] == [
        "mine/gain",
        "mine/inner/kernel",
        "mine/inner/bias",
    ]
    assert layer.count_params() == 3 + 1 + 15 + 3
    layer.inner.trainable = False
    assert [w.name for w in layer.trainable_weights] == ["gain"]
    layer.trainable = False
    assert layer.trainable_weights == []
    assert len(layer.non_trainable_weights) == 4


def test_native_tensors_in_and_out(backend):
    y = layers.Dense(3)(backend.asarray(X))
    assert backend.is_tensor(y)
    assert backend.dtype(y) == "float32"
    assert backend.dtype(layers.Dense(3)(X.astype("float64"))) == "float32"
    assert backend.dtype(layers.Dense(3, dtype="float64")(X)) == "float64"


def test_a_layer_stays_on_its_backend(backend):
    layer = layers.Dense(3)
    layer(X)
    with use_backend("numpy"):
        assert backend.is_tensor(layer(X))
        wanted = _numpy(layer(X))
        layer.to("numpy")
        np.testing.assert_allclose(layer(X), wanted, rtol=1e-5, atol=1e-6)


def test_training_reaches_the_layers_inside():
    class Outer(layers.Layer):
        def __init__(self):
            super().__init__()
            self.inner = layers.Dropout(0.5, seed=1)

        def call(self, inputs):
            return self.inner(inputs)

    outer = Outer()
    assert (outer(X, training=True) == 0).any()
    assert not (outer(X) == 0).any()


def test_symbolic_calls_build(backend):
    layer = layers.Dense(3)
    y = layer(layers.Input((5,)))
    assert tuple(y.shape) == (None, 3)
    assert layer.built
    assert _numpy(layer(X)).shape == (4, 3)
    assert layer.output is y


def test_moving_moments_are_left_alone_by_a_symbolic_call():
    layer = layers.BatchNormalization()
    layer(layers.Input((5,)), training=True)
    assert np.array_equal(layer.get_weights()[2], np.zeros(5))


def test_config_round_trip():
    layer = Scaled(3, factor=0.5, name="mine", dtype="float64", trainable=False)
    config = layer.get_config()
    assert config["units"] == 3
    assert config["factor"] == 0.5
    assert Scaled.from_config(config).get_config() == config
    dense = layers.Dense(2, activation="relu", kernel_regularizer="l2", activity_regularizer="l1")
    assert layers.deserialize(layers.serialize(dense)).get_config() == dense.get_config()


def test_regularizers_are_losses():
    layer = layers.Dense(3, kernel_regularizer="l2", activity_regularizer="l1")
    y = layer(X)
    activity, weight = (float(v) for v in layer.losses)
    np.testing.assert_allclose(activity, 0.01 * np.abs(y).sum() / 4, rtol=1e-6)
    np.testing.assert_allclose(weight, 0.01 * np.square(layer.get_weights()[0]).sum(), rtol=1e-6)


def test_masks_travel(backend):
    indices = np.array([[1, 2, 0], [3, 0, 0]])
    table = layers.Embedding(4, 3, mask_zero=True)
    x = _numpy(table(indices))
    wanted = np.stack([x[0, :2].mean(0), x[1, 0]])
    pooled = layers.GlobalAveragePooling1D()(
        layers.Activation("linear")(layers.Dropout(0.5)(table(indices)))
    )
    np.testing.assert_allclose(_numpy(pooled), wanted, rtol=1e-6)
    dense = layers.Dense(3, kernel_initializer="identity")
    np.testing.assert_allclose(
        _numpy(layers.GlobalAveragePooling1D()(dense(table(indices)))), wanted, rtol=1e-6
    )


def test_masks_of_merged_inputs():
    indices = np.array([[1, 2, 0], [3, 0, 0]])
    table = layers.Embedding(4, 3, mask_zero=True)
    a, b = table(indices), table(indices[:, ::-1].copy())
    either = (indices != 0) | (indices[:, ::-1] != 0)
    got = layers.GlobalAveragePooling1D()(layers.Add()([a, b]))
    np.testing.assert_allclose(got, layers.GlobalAveragePooling1D()(a + b, mask=either), rtol=1e-6)
    joined = layers.GlobalAveragePooling1D()(layers.Concatenate(axis=1)([a, b]))
    both = np.concatenate([indices != 0, indices[:, ::-1] != 0], axis=1)
    np.testing.assert_allclose(
        joined,
        layers.GlobalAveragePooling1D()(np.concatenate([a, b], axis=1), mask=both),
        rtol=1e-6,
    )


def test_a_mask_that_ends_is_said():
    indices = np.array([[1, 2, 0], [3, 0, 0]])
    with pytest.warns(UserWarning, match="Flatten 'flatten.*does not support masking"):
        layers.Flatten()(layers.Embedding(4, 3, mask_zero=True)(indices))


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: layers.Dense(3)(X[0]), ValueError, r"Dense 'dense.*expected rank 2 or more"),
        (lambda: layers.Dense(0), ValueError, "Dense: units must be a positive integer, got 0"),
        (
            lambda: layers.Dense(3, activatoin="relu"),
            TypeError,
            "Dense: unknown argument 'activatoin'. Did you mean 'activation'",
        ),
        (
            lambda: layers.Dense(3)(),
            TypeError,
            r"Dense 'dense.*without its input. Write: layer\(inputs\)",
        ),
        (
            lambda: layers.Conv2D(3, 3)(np.zeros((2, 28, 28))),
            ValueError,
            r"Conv2D 'conv2d.*Add a channel axis: x\[..., None\]",
        ),
        (
            lambda: layers.Conv2D(3, 3, padding="full"),
            ValueError,
            "Conv2D: padding must be one of 'valid', 'same'",
        ),
        (
            lambda: layers.Conv2D(3, 3, strides=2, dilation_rate=2),
            ValueError,
            "Conv2D: strides > 1 cannot be combined with dilation_rate > 1",
        ),
        (
            lambda: layers.Conv2D(3, 3, groups=2),
            ValueError,
            "Conv2D: filters must be a multiple of groups",
        ),
        (lambda: layers.MaxPooling2D((2, 2, 2)), ValueError, "MaxPooling2D: pool_size must be"),
        (lambda: layers.Reshape((4,))(X), ValueError, r"Reshape 'reshape.*cannot reshape \(5,\)"),
        (lambda: layers.Add()(X), ValueError, r"Add 'add.*Write: Add\(\)\(\[a, b\]\)"),
        (lambda: layers.Add()([X, X[:, :3]]), ValueError, "Add 'add.*do not broadcast"),
        (lambda: layers.Concatenate()([X, X[:2, :, None]]), ValueError, "Concatenate 'concatenate"),
        (lambda: layers.Dropout(1.5), ValueError, "Dropout: rate must be a number from 0 to 1"),
        (
            lambda: layers.Embedding(0, 3),
            ValueError,
            "Embedding: input_dim must be a positive integer",
        ),
        (
            lambda: layers.BatchNormalization(axis=4)(X),
            ValueError,
            "BatchNormalization 'batch_normalization.*axis=4 is not an axis",
        ),
        (
            lambda: layers.Dense(3)(layers.Input((None,))),
            ValueError,
            "size depends on an axis of unknown size",
        ),
        (lambda: layers.deserialize("dense"), ValueError, "is no layer: Dense needs units"),
    ],
    ids=range(18),
)
def test_errors_name_the_layer_and_the_way_out(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_weights_of_another_shape_are_refused_whole():
    layer = layers.Dense(3)
    layer(X)
    before = layer.get_weights()
    with pytest.raises(ValueError, match=r"bias.*shape \(3,\), set_weights\(\) got shape \(2,\)"):
        layer.set_weights([before[0] + 1, np.zeros(2)])
    assert np.array_equal(layer.get_weights()[0], before[0])
    with pytest.raises(ValueError, match="expected axis -1 to have size 5, got 4"):
        layer(X[:, :4])


@pytest.mark.parametrize("index", [5, 3, -1])
def test_an_index_without_a_row_is_an_error(backend, index):
    with pytest.raises(
        ValueError,
        match=rf"Embedding 'embedding.*contains the index {index}, but indices.* in \[0, 3\)",
    ):
        layers.Embedding(3, 2)(np.array([[0, index]]))


def test_mixed_precision(backend):
    """Computes in 16 bits, keeps weights in 32, and a float32 layer behind it goes back."""
    policy = "mixed_float16"
    narrow = [
        layers.Dense(4, dtype=policy),
        layers.LayerNormalization(dtype=policy),
        layers.BatchNormalization(dtype=policy),
        layers.Activation("relu", dtype=policy),
    ]
    wide = layers.Dense(2)
    y, symbol = X, layers.Input((5,))
    for layer in narrow:
        y, symbol = layer(y), layer(symbol)
        assert backend.dtype(y) == symbol.dtype == "float16"
        assert all(w.dtype == "float32" and w.numpy().dtype == "float32" for w in layer.weights)
    assert backend.dtype(wide(y)) == wide(symbol).dtype == "float32"
    sequence = np.ones((2, 3, 5), "float32")
    for layer in (layers.LSTM(2, dtype=policy), layers.LSTM(2, dtype=policy, unroll=True)):
        assert backend.dtype(layer(sequence)) == "float16"
    assert (
        backend.dtype(
            layers.MultiHeadAttention(2, 3, dtype=policy)(sequence, sequence, use_causal_mask=True)
        )
        == "float16"
    )
    assert backend.dtype(layers.Embedding(3, 2, dtype=policy)(np.array([[1, 2]]))) == "float16"


def test_build_called_by_hand_is_the_only_one(backend):
    layer = layers.BatchNormalization()
    layer.build((None, 3))
    assert layer.built
    weights = layer.weights
    layer(np.ones((2, 3), "float32"))
    assert len(layer.weights) == 4
    assert all(a is b for a, b in zip(layer.weights, weights, strict=True))

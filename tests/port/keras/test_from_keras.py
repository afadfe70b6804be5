"""Models of Keras, live and in files: proved, compiled alike, and ready to train on."""

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from unidl import port  # noqa: E402

L = keras.layers


def images():
    inputs = keras.Input((8, 8, 3))
    x = L.BatchNormalization()(L.Conv2D(4, 3, activation="relu")(inputs))
    x = L.GlobalAveragePooling2D()(L.Add()([x, L.DepthwiseConv2D(3, padding="same")(x)]))
    return keras.Model(inputs, L.Dense(3, kernel_regularizer="l2")(L.Dropout(0.4)(x)))


def words():
    return keras.Sequential(
        [
            keras.Input((6,), dtype="int32"),
            L.Embedding(5, 4, mask_zero=True),
            L.Bidirectional(L.LSTM(3, return_sequences=True, dropout=0.2)),
            L.GRU(3),
            L.Dense(2),
        ]
    )


def attends():
    a, b = keras.Input((6, 4)), keras.Input((6, 4))
    y = L.LayerNormalization()(L.MultiHeadAttention(2, 3, dropout=0.1)(a, b) + a)
    return keras.Model([a, b], [y, L.Flatten()(y)])


def of_applications():
    """Layers that keras.applications has for itself."""
    from keras.src.applications import convnext, inception_resnet_v2

    inputs = keras.Input((4, 4, 3))
    x = L.Rescaling([0.1, 0.2, 0.3], offset=[1.1, 0.0, -0.7])(inputs)
    y = convnext.LayerScale(0.5, 6)(L.Dense(6)(x))
    y = convnext.StochasticDepth(0.0)(y)
    z = inception_resnet_v2.CustomScaleLayer(0.3)([L.Dense(6)(x), y])
    return keras.Model(inputs, L.Dropout(0.3, noise_shape=(None, 1, 1, 1))(z))


@pytest.mark.parametrize(
    "make",
    [images, pytest.param(words, marks=pytest.mark.slow), attends, of_applications],
)
def test_a_model(make):
    keras.utils.set_random_seed(0)
    model = make()
    before = model.get_weights()
    found = port.from_keras(model)
    assert found.proof.passed, str(found.proof)
    assert len(found.proof.rows) > 20
    assert list(found.names) == [v.path for v in model.weights]
    for one, other, kept in zip(
        found.model.get_weights(), model.get_weights(), before, strict=True
    ):
        np.testing.assert_array_equal(one, other)
        np.testing.assert_array_equal(other, kept)  # it was left alone
    assert keras.config.floatx() == "float32"


def test_a_file_and_training_go_on(tmp_path):
    keras.utils.set_random_seed(0)
    model = images()
    model.compile(keras.optimizers.Adam(0.01), "mse")
    drawn = np.random.default_rng(0)
    x, y = drawn.normal(size=(16, 8, 8, 3)), drawn.normal(size=(16, 3))
    model.fit(x, y, verbose=0)
    model.save(tmp_path / "m.keras")
    found = port.from_keras(tmp_path / "m.keras", x[:2])
    assert found.proof.passed
    assert int(found.model.optimizer.iterations) == int(model.optimizer.iterations) == 1
    assert "train" not in str(found.warnings)
    for one, other in zip(
        found.model.optimizer.variables[2:], model.optimizer.variables[2:], strict=True
    ):
        np.testing.assert_array_equal(one.numpy(), other.numpy())
    found.model.fit(x, y, verbose=0)
    assert int(found.model.optimizer.iterations) == 2


class Doubles(L.Layer):
    def call(self, x):
        return x * 2


def test_what_is_refused():
    model = keras.Sequential([keras.Input((2,)), Doubles()], name="net")
    with pytest.raises(port.PortError, match=r"Sequential 'net' is not converted(.|\n)*'Doubles'"):
        port.from_keras(model)


def test_another_weight_would_be_seen(monkeypatch):
    from unidl_keras import original

    def other(self, config, model):
        self.budget, self.left_out = 1e-6, []
        self.model = keras.models.model_from_json(config)

    monkeypatch.setattr(original.KerasOriginal, "__init__", other)
    proof = port.from_keras(keras.Sequential([keras.Input((4,)), L.Dense(3)])).proof
    assert not proof.passed

"""Small layers beyond the tables: resizing against Keras' float32, masks in and out, noise's
moments, functions in configs, errors."""

import json

import numpy as np
import pytest

from tests.reference import close, in_float64
from unidl import layers, ops
from unidl.layers.base.annotations import masks
from unidl.saving import register_keras_serializable

DRAW = np.random.default_rng(0)


def _numpy(x):
    return ops.convert_to_numpy(x)


@pytest.mark.parametrize(("interpolation", "tolerance"), [("bilinear", 1e-6), ("bicubic", 2e-3)])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_upsampling_as_keras(backend, interpolation, tolerance, data_format):
    x = DRAW.normal(size=(2, 3, 4, 5))
    with in_float64() as keras:
        theirs = keras.layers.UpSampling2D((2, 3), data_format, interpolation)(x)
        ours = layers.UpSampling2D((2, 3), data_format, interpolation)(x)
    close(_numpy(ours), np.asarray(theirs), tolerance)


def test_merging_with_masks_as_keras(backend):
    values = [DRAW.normal(size=(2, 3, 4)) for _ in range(3)]
    counts = [
        np.array(m, bool)
        for m in ([[1, 1, 0], [1, 0, 0]], [[1, 0, 0], [1, 1, 0]], [[0, 1, 0], [1, 0, 1]])
    ]
    for name in ("Multiply", "Maximum", "Minimum"):
        for number in (1, 2, 3):  # so many of the tensors have a mask
            with in_float64() as keras:
                theirs = [keras.ops.convert_to_tensor(v) for v in values]
                ours = [ops.convert_to_tensor(v.copy()) for v in values]  # notes go by identity
                for a, b, mask in zip(theirs[:number], ours[:number], counts, strict=False):
                    keras.src.backend.set_keras_mask(a, keras.ops.convert_to_tensor(mask))
                    masks.set(b, ops.convert_to_tensor(mask))
                close(
                    _numpy(getattr(layers, name)()(ours)),
                    np.asarray(getattr(keras.layers, name)()(theirs)),
                )


def test_masking_starts_a_mask(backend):
    x = np.array([[[1.0, 0.0], [0.0, 0.0], [2.0, -1.0]]], "float32")
    y = layers.Masking()(x)
    assert _numpy(masks.get(y)).tolist() == [[True, False, True]]
    last = layers.LSTM(2)
    close(_numpy(last(y)), _numpy(last(x, mask=np.array([[True, False, True]]))), 1e-6)


def test_rescaling_takes_integers(backend):
    y = _numpy(layers.Rescaling(1 / 255, offset=-1)(np.array([[0, 51, 255]], "uint8")))
    assert y.dtype == np.float32
    close(y, np.array([[-1, -0.8, 0]], "float32"), 1e-6)


@pytest.mark.parametrize(
    ("make", "mean", "deviation"),
    [
        (lambda: layers.GaussianNoise(0.5, seed=1), 0, 0.5),
        (lambda: layers.GaussianDropout(0.2, seed=1), 1, 0.5),
    ],
)
def test_moments_of_noise(backend, make, mean, deviation):
    noise = _numpy(make()(np.full((300, 100), mean, "float32"), training=True))
    assert abs(noise.mean() - mean) < 0.02
    assert abs(noise.std() - deviation) < 0.02


def test_alpha_dropout_keeps_the_moments(backend):
    y = _numpy(
        layers.AlphaDropout(0.3, seed=1)(
            DRAW.normal(size=(300, 100)).astype("float32"), training=True
        )
    )
    assert abs(y.mean()) < 0.03
    assert abs(y.std() - 1) < 0.03


def test_spatial_dropout_takes_whole_channels(backend):
    y = _numpy(
        layers.SpatialDropout2D(0.5, seed=1)(np.ones((8, 3, 4, 5), "float32"), training=True)
    )
    assert np.array_equal(y, np.broadcast_to(y[:, :1, :1], y.shape))
    assert set(np.unique(y)) == {0.0, 2.0}


def test_activity_regularization_adds_a_loss(backend):
    layer = layers.ActivityRegularization(l1=0.5, l2=0.25)
    layer(np.array([[1.0, -2.0], [0.0, 3.0]], "float32"))
    assert float(_numpy(layer.losses[0])) == pytest.approx((0.5 * 6 + 0.25 * 14) / 2)


@register_keras_serializable("tests")
def halved(x, factor=0.5, training=None):
    return x * factor if training else x


def test_lambda_by_name_and_not_by_code():
    layer = layers.Lambda(halved, arguments={"factor": 0.25})
    again = layers.deserialize(json.loads(json.dumps(layers.serialize(layer))))
    x = np.ones((2, 2), "float32")
    assert np.array_equal(_numpy(again(x, training=True)), x / 4)
    assert np.array_equal(_numpy(again(x)), x)
    with in_float64() as keras:
        code = keras.layers.Lambda(lambda x: x + 1).get_config()
    with pytest.warns(UserWarning, match="byte code"):
        ours = layers.Lambda(lambda x: x + 1, name=code["name"]).get_config()
    assert ours["function"]["config"].keys() - code["function"]["config"].keys() == {"python"}
    with pytest.raises(ValueError, match="byte code"):
        layers.Lambda.from_config(code)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x: layers.Cropping1D(2)(x), "removes everything"),
        (lambda x: layers.ZeroPadding2D((1, 2, 3)), "padding must be an int, or 2 ints or pairs"),
        (lambda x: layers.Permute((0, 1)), "dims must be a permutation of 1"),
        (lambda x: layers.Subtract()([x, x, x]), "exactly two inputs"),
        (lambda x: layers.Multiply()([x, x[:, :2]]), "which do not broadcast"),
        (lambda x: layers.Dot(0)([x, x]), "after the batch"),
        (lambda x: layers.Dot((1, 2))([x, x]), "must be equal"),
        (lambda x: layers.PReLU(shared_axes=[3])(x), "axes after the batch"),
        (lambda x: layers.AlphaDropout(1), "below 1"),
        (lambda x: layers.Wrapper(3), "must be a layer"),
        (lambda x: layers.Lambda(3), "must be callable"),
    ],
)
def test_errors_teach(call, words):
    with pytest.raises(ValueError, match=words):
        call(np.ones((2, 3, 4), "float32"))

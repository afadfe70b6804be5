"""Resizing against Keras, which computes in float32 on TensorFlow; integers; shapes of symbols;
errors."""

import numpy as np
import pytest

from tests.reference import close, in_float64
from unidl import layers, ops

DRAW = np.random.default_rng(0)


@pytest.mark.parametrize(
    "interpolation", ["bilinear", "nearest", "bicubic", "lanczos3", "lanczos5"]
)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"antialias": True},
        {"crop_to_aspect_ratio": True},
        {"pad_to_aspect_ratio": True, "fill_value": 0.5},
    ],
)
@pytest.mark.parametrize("size", [(3, 4), (9, 7)])
def test_as_keras(interpolation, options, size):
    x = DRAW.uniform(size=(2, 5, 6, 3))
    with in_float64() as keras:
        theirs = keras.layers.Resizing(*size, interpolation, **options)(x)
        ours = layers.Resizing(*size, interpolation, **options)(x)
    # TensorFlow's bicubic without antialias takes its weights from a table.
    close(
        ops.convert_to_numpy(ours),
        np.asarray(theirs),
        2e-3 if interpolation == "bicubic" and "antialias" not in options else 2e-6,
    )


def test_integers_stay_integers(backend):
    x = DRAW.integers(0, 256, (1, 4, 4, 3)).astype("uint8")
    y = ops.convert_to_numpy(layers.Resizing(2, 2, "bicubic", antialias=True)(x))
    assert y.dtype == np.uint8
    exact = ops.convert_to_numpy(
        layers.Resizing(2, 2, "bicubic", antialias=True)(x.astype("float32"))
    )
    close(y, np.clip(np.round(exact), 0, 255))


def test_symbols_have_the_new_size():
    assert layers.Resizing(2, 3)(layers.Input((None, None, 1))).shape == (None, 2, 3, 1)
    assert (
        layers.Resizing(2, 3, data_format="channels_first")(
            layers.Input((1, None, 7), dtype="uint8")
        ).dtype
        == "uint8"
    )


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (
            lambda: layers.Resizing(2, 2, "cubic"),
            "interpolation must be one of 'nearest', 'bilinear'",
        ),
        (
            lambda: layers.Resizing(2, 2, crop_to_aspect_ratio=True, pad_to_aspect_ratio=True),
            "mutually exclusive",
        ),
        (lambda: layers.Resizing(0, 2), "height must be a positive integer"),
        (lambda: layers.Resizing(2, 2)(np.zeros((2, 3))), r"expected images \(n, h, w, c\)"),
    ],
)
def test_errors_teach(make, words):
    with pytest.raises(ValueError, match=words):
        make()

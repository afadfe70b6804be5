"""Images in files, against Keras."""

import io
import sys

import keras
import numpy as np
import pytest

import unidl
from unidl import ops
from unidl.preprocessing import image

Image = pytest.importorskip("PIL.Image")

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("scale", [True, False])
def test_arrays_and_images(channels, data_format, scale):
    x = RNG.uniform(0, 200, (5, 7, channels))
    x = x.transpose(2, 0, 1) if data_format == "channels_first" else x
    mine, theirs = (
        k.utils.array_to_img(x, data_format=data_format, scale=scale) for k in (unidl, keras)
    )
    assert (mine.mode, mine.size) == (theirs.mode, theirs.size)
    np.testing.assert_array_equal(
        image.img_to_array(mine, data_format), keras.utils.img_to_array(theirs, data_format)
    )
    assert image.img_to_array(mine, dtype="uint8").dtype == np.uint8


def test_gray_of_more_than_eight_bits():
    x = RNG.uniform(0, 60_000, (4, 3, 1))
    mine, theirs = (k.utils.array_to_img(x, scale=False) for k in (unidl, keras))
    assert mine.mode == theirs.mode == "I"
    np.testing.assert_array_equal(np.asarray(mine), np.asarray(theirs))


@pytest.mark.parametrize("color_mode", ["rgb", "rgba", "grayscale"])
@pytest.mark.parametrize("size", [None, (4, 9)])
@pytest.mark.parametrize("keep", [False, True])
def test_files(tmp_path, color_mode, size, keep):
    path = tmp_path / "x.png"
    image.save_img(path, RNG.uniform(size=(11, 8, 3)))
    mine, theirs = (
        np.asarray(k.utils.load_img(path, color_mode, size, "bilinear", keep_aspect_ratio=keep))
        for k in (unidl, keras)
    )
    np.testing.assert_array_equal(mine, theirs)
    again = image.load_img(io.BytesIO(path.read_bytes()), color_mode, size, "bilinear", keep)
    np.testing.assert_array_equal(np.asarray(again), mine)


def test_a_jpeg_has_no_transparency(tmp_path):
    with pytest.warns(UserWarning, match=r"cannot hold transparency.*PNG"):
        image.save_img(tmp_path / "x.jpg", RNG.uniform(size=(4, 4, 4)), quality=90)
    assert image.load_img(tmp_path / "x.jpg").mode == "RGB"


@pytest.mark.parametrize("shape", [(9, 6, 3), (2, 5, 8, 1)])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_smart_resize(backend, shape, data_format):
    x = RNG.uniform(size=shape).astype("float32")
    x = np.moveaxis(x, -1, -3) if data_format == "channels_first" else x
    resized = image.smart_resize(x, (4, 4), data_format=data_format)
    assert type(resized) is np.ndarray
    theirs = keras.preprocessing.image.smart_resize(x, (4, 4), data_format=data_format)
    np.testing.assert_allclose(resized, np.asarray(theirs), rtol=1e-5, atol=1e-6)
    tensor = ops.convert_to_tensor(x)
    assert backend.is_tensor(image.smart_resize(tensor, (4, 4), data_format=data_format))


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: image.array_to_img(np.zeros((2, 3, 3, 3))), r"three axes.*array_to_img\(x\[0\]\)"),
        (lambda: image.array_to_img(np.zeros((3, 3, 2))), "1, 3 or 4 channels"),
        (lambda: image.array_to_img(np.zeros((3, 3, 3)), "channel_last"), "Did you mean"),
        (lambda: image.load_img("x.png", color_mode="gray"), "'grayscale'"),
        (lambda: image.save_img("x", np.zeros((3, 3, 3))), "does not show the format"),
        (
            lambda: image.smart_resize(np.zeros((3, 3, 3)), 4),
            r"size must be \(height, width\), got 4",
        ),
        (lambda: image.smart_resize(np.zeros((3, 3)), (4, 4)), "one image"),
    ],
)
def test_wrong_use(call, told):
    with pytest.raises(ValueError, match=told):
        call()


def test_what_is_missing_is_told(monkeypatch):
    with pytest.raises(TypeError, match=r"expected a path or an io\.BytesIO, got 3"):
        image.load_img(3)
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ImportError, match=r"load_img needs Pillow.*unidl-framework\[images\]"):
        image.load_img("x.png")

import hashlib

import numpy as np

import unidl.datasets
from unidl.datasets import digits


def test_shapes_dtypes_and_range():
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    assert (x_train.shape, y_train.shape) == ((1437, 8, 8), (1437,))
    assert (x_test.shape, y_test.shape) == ((360, 8, 8), (360,))
    assert all(array.dtype == np.uint8 for array in (x_train, y_train, x_test, y_test))
    for images in (x_train, x_test):
        assert (images.min(), images.max()) == (0, 16)


def test_the_split_never_changes():
    """Every accuracy that was ever published for this split depends on these bytes."""
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    digest = hashlib.sha256(
        b"".join(array.tobytes() for array in (x_train, y_train, x_test, y_test))
    )
    assert digest.hexdigest() == "646c0b27b49644331699185dbfc40e923a74057051d8549afde8f2fb437ab67b"


def test_each_digit_has_its_share_in_both_parts():
    (_, y_train), (_, y_test) = digits.load_data()
    in_train, in_test = np.bincount(y_train), np.bincount(y_test)
    assert len(in_train) == len(in_test) == 10
    np.testing.assert_allclose(in_test, (in_train + in_test) / 5, atol=1)


def test_images_are_shuffled():
    _, (_, y_test) = digits.load_data()
    assert np.count_nonzero(np.diff(y_test.astype(int))) > 300


def test_images_show_their_digits():
    """The nearest mean image names most digits, so images and labels belong together."""
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    means = np.stack([x_train[y_train == digit].mean(0) for digit in range(10)])
    distances = np.square(x_test[:, None] - means).sum((2, 3))
    assert np.mean(distances.argmin(1) == y_test) > 0.85


def test_arrays_belong_to_the_caller():
    (mine, _), _ = digits.load_data()
    mine[:] = 99
    (fresh, _), _ = digits.load_data()
    assert fresh.max() == 16


def test_the_package_names_what_it_has():
    assert {"digits", "mnist"} <= set(dir(unidl.datasets))
    assert unidl.datasets.digits is digits

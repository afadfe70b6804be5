"""Small helpers."""

import random

import numpy as np
import pytest

from tests.reference import in_float64
from unidl import utils
from unidl.utils.naming import auto_name, to_snake_case


def test_to_categorical():
    with in_float64() as keras:
        for x, classes in (([0, 2, 1], None), ([[0], [1]], 3), (np.array([[0, 1], [2, 0]]), None), ([1.0, 0.0], None)):
            ours, theirs = utils.to_categorical(x, classes), keras.utils.to_categorical(x, classes)
            np.testing.assert_array_equal(ours, theirs)
            assert ours.dtype == theirs.dtype
    with pytest.raises(ValueError, match="0 to 2"):
        utils.to_categorical([3], 3)
    with pytest.raises(ValueError, match="0 to 2"):
        utils.to_categorical([-1, 1], 3)
    with pytest.raises(ValueError, match=r"such as 0\.5"):
        utils.to_categorical([0.5])


def test_normalize():
    x = np.array([[3.0, 4.0], [0.0, 0.0]])
    with in_float64() as keras:
        for order in (1, 2):
            for axis in (-1, 1):
                np.testing.assert_allclose(utils.normalize(x, axis, order), keras.utils.normalize(x, axis, order))
    np.testing.assert_allclose(utils.normalize(x, axis=0), [[1, 1], [0, 0]])


@pytest.mark.parametrize("name", ["Dense", "LSTMCell", "Conv2DTranspose", "MultiHeadAttention", "RMSprop", "GRU", "ReLU"])
def test_names_are_keras(name):
    from keras.src.utils.naming import to_snake_case as theirs

    assert to_snake_case(name) == theirs(name)


def test_names_count_up_and_start_again():
    utils.clear_session()
    assert [auto_name("ZebraLayer") for _ in range(3)] == ["zebra_layer", "zebra_layer_1", "zebra_layer_2"]
    utils.clear_session()
    assert auto_name("ZebraLayer") == "zebra_layer"


def test_seeding_reaches_python_and_numpy():
    utils.set_random_seed(3)
    first = random.random(), np.random.rand()  # noqa: NPY002  the generator in question
    utils.set_random_seed(3)
    assert (random.random(), np.random.rand()) == first  # noqa: NPY002

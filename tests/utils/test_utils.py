"""Small helpers."""

import random

import numpy as np
import pytest

from tests.reference import in_float64
from unidl import utils
from unidl.utils.naming import auto_name, to_snake_case


def test_to_categorical():
    with in_float64() as keras:
        for x, classes in (
            ([0, 2, 1], None),
            ([[0], [1]], 3),
            (np.array([[0, 1], [2, 0]]), None),
            ([1.0, 0.0], None),
        ):
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
                np.testing.assert_allclose(
                    utils.normalize(x, axis, order), keras.utils.normalize(x, axis, order)
                )
    np.testing.assert_allclose(utils.normalize(x, axis=0), [[1, 1], [0, 0]])


@pytest.mark.parametrize(
    "name", ["Dense", "LSTMCell", "Conv2DTranspose", "MultiHeadAttention", "RMSprop", "GRU", "ReLU"]
)
def test_names_are_keras(name):
    naming = pytest.importorskip("keras.src.utils.naming")
    assert to_snake_case(name) == naming.to_snake_case(name)


def test_names_count_up_and_start_again():
    utils.clear_session()
    assert [auto_name("ZebraLayer") for _ in range(3)] == [
        "zebra_layer",
        "zebra_layer_1",
        "zebra_layer_2",
    ]
    utils.clear_session(free_memory=False)
    assert auto_name("ZebraLayer") == "zebra_layer"


def test_seeding_reaches_python_and_numpy():
    utils.set_random_seed(3)
    first = random.random(), np.random.rand()  # noqa: NPY002  the generator in question
    utils.set_random_seed(3)
    assert (random.random(), np.random.rand()) == first  # noqa: NPY002


SEQUENCES = [[[1, 2, 3], [4], [], [5, 6, 7, 8]], [[[1, 2], [3, 4]], [[5, 6]]], [[], []]]
OPTIONS = [
    {},
    {"maxlen": 2},
    {"maxlen": 5, "padding": "post", "value": -1},
    {"maxlen": 3, "truncating": "post", "dtype": "float32"},
]


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("sequences", SEQUENCES)
def test_pad_sequences_is_keras(sequences, options):
    with in_float64() as keras:
        theirs = keras.utils.pad_sequences(sequences, **options)
    ours = utils.pad_sequences(sequences, **options)
    np.testing.assert_array_equal(ours, theirs)
    assert ours.dtype == theirs.dtype


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (([[1]], None, "int32", "left"), "padding"),
        (([[1]], None, "int32", "pre", "left"), "truncating"),
        (([1, 2],), "list of sequences"),
        (([[[1, 2]], [[1, 2, 3]]],), "the same shape"),
    ],
)
def test_pad_sequences_refuses(arguments, text):
    with pytest.raises(ValueError, match=text):
        utils.pad_sequences(*arguments)


@pytest.mark.parametrize("parts", [(1,), (1, 2), (1, 2, 3), ([1, 2],), ([1], 2)])
def test_batches_are_packed_as_in_keras(parts):
    with in_float64() as keras:
        packed = utils.pack_x_y_sample_weight(*parts)
        assert packed == keras.utils.pack_x_y_sample_weight(*parts)
        assert utils.unpack_x_y_sample_weight(packed) == keras.utils.unpack_x_y_sample_weight(
            packed
        )
    with pytest.raises(ValueError, match="4 parts"):
        utils.unpack_x_y_sample_weight((1, 2, 3, 4))


def test_progbar_averages_as_keras(capsys):
    bar = utils.Progbar(3, verbose=2, stateful_metrics=["last"])
    for step in range(3):
        bar.add(1, [("mean", step), ("last", step)])
    line = capsys.readouterr().out
    assert line.startswith("3/3 - 0s - ")
    assert line.endswith("us/step - mean: 1.0000 - last: 2.0000\n")
    utils.Progbar(None, verbose=0).update(1, [("loss", 1.0)], finalize=True)
    assert capsys.readouterr().out == ""
    with pytest.raises(ValueError, match="not both"):
        utils.Progbar(3, stateful_metrics=[], stateless_metrics=[])


def test_names_that_live_elsewhere_are_the_same_objects():
    import unidl
    from unidl import backend, config, saving

    for name in (
        "custom_object_scope",
        "get_custom_objects",
        "register_keras_serializable",
        "serialize_keras_object",
    ):
        assert getattr(utils, name) is getattr(saving, name)
    for name in ("epsilon", "image_data_format", "set_image_data_format", "floatx"):
        assert getattr(backend, name) is getattr(config, name)
    assert utils.is_keras_tensor(unidl.Input((2,)))
    assert not utils.is_keras_tensor(np.ones(2))
    assert backend.backend() == backend.get_backend().name
    with pytest.raises(AttributeError, match="nothing"):
        utils.nothing  # noqa: B018
    with pytest.raises(AttributeError, match="nothing"):
        backend.nothing  # noqa: B018

"""Masks that inputs carry: what each layer makes of them, and passes on, as in Keras."""

import copy
import warnings

import numpy as np
import pytest

import unidl
from tests.layers.running import weight_values
from tests.layers.test_against_keras import KERAS_CANNOT
from tests.reference import close, in_float64
from unidl import layers, ops, tree
from unidl.backend import use_backend
from unidl.conformance.cases.layers import LAYER_CASES
from unidl.layers.base.annotations import masks


def _chosen():
    """Of each layer the first two cases without random numbers or given masks, and those with
    several tensors."""
    seen = {}
    for case in LAYER_CASES:
        kind = type(case.make())
        given = any("mask" in name for name in case.kwargs)
        if (
            case.random
            or given
            or case.name in KERAS_CANNOT
            or case.name in ELSEWHERE
            or "empty" in case.name
        ):
            continue
        seen[kind] = seen.get(kind, 0) + 1
        if seen[kind] <= 2 or "initial_state" in case.kwargs:
            yield case


# Cases for which a mask (batch, time) is an error in Keras, or nothing that it sees through to the
# end.
ELSEWHERE = {
    "Softmax": "the mask must broadcast against the scores",
    "Softmax, two axes": "the mask must broadcast against the scores",
    "Softmax, axis 1": "the mask must broadcast against the scores",
    "GlobalAveragePooling1D, first, kept": "its time is the last axis",
    "BatchNormalization, images": "its masks have all axes but one",
    "MultiHeadAttention, two axes": "its masks have all attended axes",
    "MultiHeadAttention, second axis": "its masks have all attended axes",
    "MultiHeadAttention, scores": "its scores carry the mask of the softmax inside",
    "GroupQueryAttention, scores": "its scores carry the mask of the softmax inside",
}


def _mask(array):
    """Random, for batch and time, or of vectors for the batch."""
    axes = 1 if array.ndim < 3 and array.dtype.kind == "f" else 2
    return np.random.default_rng(3).integers(0, 2, array.shape[:axes]).astype(bool)


@pytest.mark.parametrize("case", list(_chosen()), ids=lambda case: case.name)
@pytest.mark.filterwarnings("ignore:.*mask")
def test_as_keras(case):
    tf = pytest.importorskip("tensorflow")
    args = case.inputs(np.random.default_rng(1))
    with in_float64() as keras, use_backend("numpy"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours = case.make()
        theirs = getattr(keras.layers, type(ours).__name__).from_config(
            copy.deepcopy(ours.get_config())
        )
        ours(*args, **case.kwargs)
        theirs(*tree.map_structure(tf.convert_to_tensor, args), **case.kwargs)
        values = weight_values(ours, case, np.random.default_rng(2))
        ours.set_weights(values)
        theirs.set_weights(values)
        mine = tree.map_structure(lambda a: a.copy(), args)
        other = tree.map_structure(tf.convert_to_tensor, args)
        for a, b in zip(tree.flatten(mine), tree.flatten(other), strict=True):
            masks.set(a, _mask(a))
            keras.src.backend.set_keras_mask(b, tf.constant(_mask(a)))
        got, wanted = (
            tree.flatten(ours(*mine, **case.kwargs)),
            tree.flatten(theirs(*other, **case.kwargs)),
        )
        for a, b in zip(got, wanted, strict=True):
            close(a, np.asarray(b))
            found, expected = masks.get(a), keras.src.backend.get_keras_mask(b)
            assert (found is None) == (expected is None)
            if found is not None:
                assert np.array_equal(np.asarray(found), np.asarray(expected))


def _model(keras):
    words, more = keras.Input((6,), dtype="int32"), keras.Input((6,), dtype="int32")
    table = keras.layers.Embedding(9, 4, mask_zero=True)
    a, b = table(words), table(more)
    both = keras.layers.Concatenate(axis=1)([a, keras.layers.Dropout(0.5)(b)])
    seen = keras.layers.MultiHeadAttention(2, 4)(
        a, both
    )  # of a key size that is a power of 4, since Keras rounds the scale
    x = keras.layers.LayerNormalization()(keras.layers.Add()([a, seen]))
    x = keras.layers.TimeDistributed(keras.layers.Dense(4, activation="tanh"))(x)
    states = keras.layers.LSTM(4, return_state=True)(b)[1:]
    x = keras.layers.GRU(4, return_sequences=True)(x)
    decoded = keras.layers.LSTM(4, return_sequences=True)(x, initial_state=states)
    pooled = keras.layers.GlobalAveragePooling1D()(decoded)
    told = keras.layers.Attention()([decoded, b])
    return keras.Model([words, more], [pooled, keras.layers.SimpleRNN(3)(told)])


def test_through_a_functional_model(backend):
    draw = np.random.default_rng(0)
    data = [
        draw.integers(0, 3, (5, 6)).astype("int32"),
        draw.integers(0, 3, (5, 6)).astype("int32"),
    ]
    data[0][:, 0] = data[1][:, 0] = 1
    with in_float64() as keras:
        theirs, ours = _model(keras), _model(unidl)
        ours.set_weights(theirs.get_weights())
        for a, b in zip(
            ours.predict(data, verbose=0), theirs.predict(data, verbose=0), strict=True
        ):
            close(a, b)


def test_through_a_sequential_model(backend):
    data = np.random.default_rng(0).normal(size=(5, 6, 3)) * np.random.default_rng(1).integers(
        0, 2, (5, 6, 1)
    )

    def made(keras):
        stack = [
            keras.layers.Input((6, 3)),
            keras.layers.Masking(),
            keras.layers.BatchNormalization(),
            keras.layers.Bidirectional(keras.layers.GRU(4, return_sequences=True)),
            keras.layers.Activation("tanh"),
            keras.layers.RNN([keras.layers.LSTMCell(3), keras.layers.SimpleRNNCell(2)]),
        ]
        return keras.Sequential(stack)

    with in_float64() as keras:
        theirs, ours = made(keras), made(unidl)
        ours.set_weights(theirs.get_weights())
        close(ours.predict(data, verbose=0), theirs.predict(data, verbose=0))


def test_a_mask_beside_initial_states_has_to_be_given(backend):
    """Keras takes the mask that an input carries only where it is the call's only tensor."""
    x = ops.convert_to_tensor(np.random.default_rng(0).normal(size=(2, 3, 2)).astype("float32"))
    mask = np.array([[True, False, True], [False, True, True]])
    state = [np.ones((2, 4), "float32")]
    layer = layers.GRU(4)
    plain = ops.convert_to_numpy(layer(x, initial_state=state))
    given = ops.convert_to_numpy(layer(x, initial_state=state, mask=mask))
    masks.set(x, ops.convert_to_tensor(mask))
    assert np.array_equal(ops.convert_to_numpy(layer(x, initial_state=state)), plain)
    assert np.abs(given - plain).max() > 1e-3

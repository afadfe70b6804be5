"""Class numbers and rows of tables, where layers, losses, metrics and compiled steps get them."""

from __future__ import annotations

from contextlib import suppress

import numpy as np

import unidl
from tests.abuse.case import right, told
from unidl import layers, losses, metrics, ops

X4 = np.ones((2, 4, 3), "float32")


def native(values, dtype="int32"):
    return ops.convert_to_tensor(np.array(values, dtype))


def embedding(mask_zero=False):
    return layers.Embedding(5, 2, embeddings_initializer="ones", mask_zero=mask_zero)


def model():
    inputs = unidl.Input((2,), dtype="int32")
    return unidl.Model(inputs, layers.Embedding(5, 2, embeddings_initializer="ones")(inputs))


WAYS = {
    "list": lambda i: i,
    "array": np.array,
    "int64": lambda i: np.array(i, "int64"),
    "float": lambda i: np.array(i, "float32"),
    "native": native,
    "native int64": lambda i: native(i, "int64"),
    "native floats": lambda i: native(i, "float32"),
}

P3 = np.full((2, 3), 1 / 3, "float32")
LOSSES = {
    "SparseCategoricalCrossentropy": losses.SparseCategoricalCrossentropy(),
    "SparseCategoricalCrossentropy, logits": losses.SparseCategoricalCrossentropy(from_logits=True),
    "sparse_categorical_crossentropy": losses.sparse_categorical_crossentropy,
    "CategoricalGeneralizedCrossEntropy": losses.CategoricalGeneralizedCrossEntropy(),
    "ops.sparse_categorical_crossentropy": ops.sparse_categorical_crossentropy,
    "metric": lambda t, p: metrics.SparseCategoricalCrossentropy()(t, p),
}


def _in_a_step(function, *arrays):
    """What a compiled function makes of data that it computes with."""

    class Step(layers.Layer):
        def call(self, x):
            return function(x)

    inputs = unidl.Input(arrays[0].shape[1:], dtype=str(arrays[0].dtype))
    return unidl.Model(inputs, Step()(inputs)).predict(arrays[0], verbose=0)


def survives(call):
    """Whatever a step makes of indices that it computes itself: no crash, and whole memory."""

    def run():
        with suppress(Exception):  # an error of the framework's is defined, too
            call()
        return ops.sum(ops.ones((3,)))

    return run


CASES = [
    *(
        told(
            f"Embedding: {bad} in a {way}",
            lambda f=make, b=bad: embedding()(f([[1, b]])),
            rf"Embedding 'embedding'.* index {bad}.*\[0, 5\)",
            ValueError,
        )
        for way, make in WAYS.items()
        for bad in (5, -1, 10**6)
    ),
    *(
        told(f"Embedding: {what}", lambda v=value: embedding()(v), text, (ValueError, TypeError))
        for what, value, text in [
            ("a single one too large", np.array(7), r"index 7.*\[0, 5\)"),
            ("a scalar of NumPy", np.int64(7), r"index 7.*\[0, 5\)"),
            ("beyond int32", np.array([2**32 + 1]), rf"index {2**32 + 1}.*\[0, 5\)"),
            ("a tuple", ((1, 9),), r"index 9.*\[0, 5\)"),
            ("NaN", np.array([np.nan], "f4"), r"index nan.*\[0, 5\)"),
            ("strings", np.array(["a"]), "<U1"),
            ("None in a list", [1, None], "None"),
        ]
    ),
    right("Embedding: the ends", lambda: embedding()([0, 4]), np.ones((2, 2), "f4")),
    right(
        "Embedding: none", lambda: embedding()(np.zeros((0, 3), "int32")), np.ones((0, 3, 2), "f4")
    ),
    right("Embedding: uint8", lambda: embedding()(np.array([4], "uint8")), [[1, 1]]),
    right("Embedding: bools", lambda: embedding()(np.array([True])), [[1, 1]]),
    told(
        "model: an index too large",
        lambda: model()(np.array([[1, 9]])),
        r"index 9.*\[0, 5\)",
        ValueError,
    ),
    told(
        "model: a native index too large",
        lambda: model()(native([[1, 9]])),
        r"index 9.*\[0, 5\)",
        ValueError,
    ),
    told("predict: an index too large", lambda: model().predict([[1, 9]], verbose=0), "9"),
    *(
        told(
            f"{name}: class {bad} in a {way}",
            lambda f=make, b=bad, loss=loss: loss(f([1, b]), P3),
            rf"class {bad} is out of range for 3 classes",
            ValueError,
        )
        for name, loss in LOSSES.items()
        for way, make in WAYS.items()
        if way != "list" or name.startswith("ops")  # a list is one of targets
        for bad in (3, -1)
    ),
    right(
        "SparseCategoricalCrossentropy: what is ignored",
        lambda: losses.SparseCategoricalCrossentropy(ignore_class=-1)(np.array([-1, 1]), P3),
        np.float32(np.log(3)),
    ),
    told(
        "SparseCategoricalCrossentropy: another one than is ignored",
        lambda: losses.SparseCategoricalCrossentropy(ignore_class=-1)(np.array([-2, 1]), P3),
        "class -2 is out of range",
    ),
    told(
        "SparseCategoricalCrossentropy: beyond int32",
        lambda: losses.SparseCategoricalCrossentropy()(np.array([2**32, 1]), P3),
        rf"class {2**32} is out of range",
    ),
    *(
        told(f"CTC: {what}", lambda t=true: losses.CTC()(t, np.zeros((1, 4, 3), "f4")), text)
        for what, true, text in [
            ("a label too large", np.array([[1, 3]]), "label 3 is out of range for 3 classes"),
            ("a negative label", np.array([[1, -2]]), "label -2 is out of range for 3 classes"),
        ]
    ),
    *(
        told(
            f"{name}: a mask of 7 steps for 4",
            lambda layer=layer: layer()(X4, mask=np.ones((2, 7), bool)),
            r"mask.*\(2, 7\).*\(2, 4",
            ValueError,
        )
        for name, layer in {
            "LSTM": lambda: layers.LSTM(2),
            "GRU": lambda: layers.GRU(2),
            "SimpleRNN": lambda: layers.SimpleRNN(2),
            "RNN": lambda: layers.RNN(layers.LSTMCell(2)),
            "Bidirectional": lambda: layers.Bidirectional(layers.LSTM(2)),
            "TimeDistributed": lambda: layers.TimeDistributed(layers.Dense(2)),
        }.items()
    ),
    told(
        "LSTM: a mask of 3 samples for 2",
        lambda: layers.LSTM(2)(X4, mask=np.ones((3, 4), bool)),
        r"mask.*\(3, 4\).*\(2, 4",
        ValueError,
    ),
    told(
        "LSTM: a mask of one axis",
        lambda: layers.LSTM(2)(X4, mask=np.ones(4, bool)),
        r"mask.*\(4,\).*\(2, 4",
        ValueError,
    ),
    # -- inside compiled steps, where nothing is read: no crash, and other data stay what they were
    *(
        right(f"in a step, {name}: {bad}", survives(lambda c=call, b=bad: c(b)), 3.0)
        for bad in (4, -5, 10**8, -(10**8))
        for name, call in {
            "take": lambda b: _in_a_step(
                lambda x: ops.take(np.eye(4, dtype="f4"), ops.cast(x, "int32") * b, axis=0),
                np.ones((2, 1), "float32"),
            ),
            "take_along_axis": lambda b: _in_a_step(
                lambda x: ops.take_along_axis(x, ops.cast(x, "int32") * b, axis=1),
                np.ones((2, 4), "float32"),
            ),
            "scatter_update": lambda b: _in_a_step(
                lambda x: ops.scatter_update(x, ops.cast(x[:1, :1], "int32") * b, x[:1]),
                np.ones((2, 4), "float32"),
            ),
            "scatter": lambda b: _in_a_step(
                lambda x: ops.scatter(ops.cast(x[:, :1], "int32") * b, x, (4, 4)),
                np.ones((2, 4), "float32"),
            ),
            "scatter_update, add": lambda b: _in_a_step(
                lambda x: ops.scatter_update(x, ops.cast(x[:1, :1], "int32") * b, x[:1], "add"),
                np.ones((2, 4), "float32"),
            ),
            "segment_sum": lambda b: _in_a_step(
                lambda x: ops.segment_sum(x, ops.cast(x[:, 0], "int32") * b, 2),
                np.ones((2, 4), "float32"),
            ),
            "Embedding": lambda b: _in_a_step(
                lambda x: ops.matmul(
                    ops.take(np.eye(4, dtype="f4"), ops.cast(x, "int32") * b, axis=0),
                    np.eye(4, dtype="f4"),
                ),
                np.ones((2, 1), "float32"),
            ),
            "sparse_categorical_crossentropy": lambda b: _in_a_step(
                lambda x: ops.sparse_categorical_crossentropy(
                    ops.cast(x[:, 0], "int32") * b, x, from_logits=True
                ),
                np.ones((2, 4), "float32"),
            ),
        }.items()
    ),
]

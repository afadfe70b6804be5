"""Wrong use of models and training: the same teaching error on every backend, before a framework
sees the data."""

import re

import numpy as np
import pytest

import unidl
from unidl import layers

N = 8


def image_model():
    model = unidl.Sequential(
        [
            unidl.Input(shape=(6, 6, 1)),
            layers.Conv2D(2, 3, name="conv"),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def dense_model(units=3, loss="sparse_categorical_crossentropy", activation="softmax"):
    model = unidl.Sequential(
        [unidl.Input(shape=(4,)), layers.Dense(units, activation=activation, name="out")]
    )
    model.compile("sgd", loss)
    return model


def word_model():
    model = unidl.Sequential(
        [
            unidl.Input(shape=(5,), dtype="int32"),
            layers.Embedding(10, 4, name="words"),
            layers.Flatten(),
            layers.Dense(1),
        ]
    )
    model.compile("sgd", "mse")
    return model


X = np.zeros((N, 4), "float32")
Y = np.zeros((N,), "int64")
IMAGES = np.zeros((N, 6, 6, 1), "float32")

CASES = {
    # shapes
    "image without channels": (
        lambda: image_model().fit(IMAGES[..., 0], Y),
        ValueError,
        "channel axis",
    ),
    "image of another size": (
        lambda: image_model().fit(np.zeros((N, 5, 5, 1), "float32"), Y),
        ValueError,
        "expected shape",
    ),
    "image with three channels": (
        lambda: image_model().fit(np.zeros((N, 6, 6, 3), "float32"), Y),
        ValueError,
        "got size 3",
    ),
    "one sample without batch axis": (
        lambda: dense_model().predict(np.zeros((7,), "float32"), verbose=0),
        ValueError,
        "expected",
    ),
    "wrong number of features": (
        lambda: dense_model().fit(np.zeros((N, 5), "float32"), Y),
        ValueError,
        "got size 5",
    ),
    "features in evaluate": (
        lambda: dense_model().evaluate(np.zeros((N, 5), "float32"), Y),
        ValueError,
        "got size 5",
    ),
    "features in predict": (
        lambda: dense_model().predict(np.zeros((N, 5), "float32")),
        ValueError,
        "got size 5",
    ),
    "channel mismatch on a built layer": (
        lambda: _call_twice(layers.Conv2D(2, 3), (1, 6, 6, 1), (1, 6, 6, 2)),
        ValueError,
        "weights were built for",
    ),
    "feature mismatch on a built layer": (
        lambda: _call_twice(layers.Dense(2), (1, 4), (1, 5)),
        ValueError,
        "weights were built for",
    ),
    "rank of a convolution": (
        lambda: layers.Conv2D(2, 3)(np.zeros((2, 6, 6), "float32")),
        ValueError,
        "rank 4",
    ),
    "rank of an LSTM": (
        lambda: layers.LSTM(2)(np.zeros((2, 6), "float32")),
        ValueError,
        "batch, time, features",
    ),
    "kernel larger than the image": (
        lambda: layers.Conv2D(2, 9)(IMAGES),
        ValueError,
        "negative|larger",
    ),
    "reshape to another size": (lambda: layers.Reshape((5,))(X), ValueError, "cannot reshape"),
    "concatenate unequal": (
        lambda: layers.Concatenate()([X, np.zeros((N - 1, 4), "float32")]),
        ValueError,
        "differ on axis 0",
    ),
    "add one input": (lambda: layers.Add()([X]), ValueError, "at least two"),
    "add unequal": (
        lambda: layers.Add()([X, np.zeros((N, 3), "float32")]),
        ValueError,
        "broadcast",
    ),
    "matmul": (lambda: unidl.ops.matmul(np.zeros((2, 3)), np.zeros((4, 5))), ValueError, "matmul"),
    "adding tensors": (
        lambda: unidl.ops.add(np.zeros((2, 3)), np.zeros((2, 4))),
        ValueError,
        "add",
    ),
    # targets
    "labels too large": (
        lambda: dense_model().fit(X, np.full((N,), 3)),
        ValueError,
        "classes are 0 to 2",
    ),
    "labels below zero": (lambda: dense_model().fit(X, np.full((N,), -1)), ValueError, "-1"),
    "one-hot for sparse loss": (
        lambda: dense_model().fit(X, np.zeros((N, 3), "float32")),
        ValueError,
        "categorical_crossentropy",
    ),
    "sparse for one-hot loss": (
        lambda: dense_model(loss="categorical_crossentropy").fit(X, Y),
        ValueError,
        "sparse_categorical_crossentropy",
    ),
    "targets of another shape": (
        lambda: dense_model(loss="mse").fit(X, np.zeros((N, 2), "float32")),
        ValueError,
        "shape",
    ),
    "fewer targets": (lambda: dense_model().fit(X, Y[:-1]), ValueError, "numbers of samples"),
    "fewer weights": (
        lambda: dense_model().fit(X, Y, sample_weight=np.ones(3)),
        ValueError,
        "numbers of samples",
    ),
    "no targets": (lambda: dense_model().fit(X), ValueError, "target"),
    # data
    "empty arrays": (lambda: dense_model().fit(X[:0], Y[:0]), ValueError, "empty"),
    "text": (lambda: dense_model().fit(np.array([["a"] * 4] * N), Y), TypeError, "numbers"),
    "no data": (lambda: dense_model().fit(), ValueError, "no data"),
    "batch size zero": (lambda: dense_model().fit(X, Y, batch_size=0), ValueError, "batch_size"),
    "validation split of one": (
        lambda: dense_model().fit(X, Y, validation_split=1.5),
        ValueError,
        "validation_split",
    ),
    "empty generator": (
        lambda: dense_model().fit(iter([]), steps_per_epoch=1),
        ValueError,
        "no batch",
    ),
    "generator too short": (
        lambda: dense_model().fit(iter([(X, Y)]), steps_per_epoch=3, verbose=0),
        ValueError,
        "ended after 1",
    ),
    "index out of the embedding": (
        lambda: word_model().fit(np.full((N, 5), 10), np.zeros((N, 1))),
        ValueError,
        "input_dim",
    ),
    "negative index": (lambda: word_model().predict(np.full((N, 5), -1)), ValueError, "words"),
    "callback of another kind": (
        lambda: dense_model().fit(X, Y, callbacks=[print]),
        TypeError,
        "Callback",
    ),
    # names and arguments
    "unknown loss": (lambda: dense_model(loss="crossentropyy"), ValueError, "crossentropyy"),
    "unknown optimizer": (
        lambda: unidl.Sequential([layers.Dense(1)]).compile("adamm", "mse"),
        ValueError,
        "adamm",
    ),
    "unknown activation": (lambda: layers.Dense(2, activation="rellu"), ValueError, "rellu"),
    "unknown initializer": (
        lambda: layers.Dense(2, kernel_initializer="glorot"),
        ValueError,
        "glorot",
    ),
    "unknown layer argument": (
        lambda: layers.Dense(2, activaton="relu"),
        TypeError,
        "Did you mean 'activation'",
    ),
    "unknown metric": (lambda: _compile_metric("acuracy"), ValueError, "acuracy"),
    "units of zero": (lambda: layers.Dense(0), ValueError, "positive integer"),
    "rate above one": (lambda: layers.Dropout(1.5), ValueError, "0 to 1"),
    "strides with dilation": (
        lambda: layers.Conv2D(2, 3, strides=2, dilation_rate=2),
        ValueError,
        "dilation",
    ),
    "padding of another name": (lambda: layers.Conv2D(2, 3, padding="full"), ValueError, "padding"),
    "filters and groups": (lambda: layers.Conv2D(3, 3, groups=2), ValueError, "groups"),
    "fit before compile": (
        lambda: unidl.Sequential([layers.Dense(1)]).fit(X, Y),
        ValueError,
        "before compile",
    ),
    "weights of another shape": (
        lambda: dense_model().set_weights([np.zeros((4, 2)), np.zeros(3)]),
        ValueError,
        "set_weights",
    ),
    "too few weights": (
        lambda: dense_model().set_weights([np.zeros((4, 3))]),
        ValueError,
        "set_weights",
    ),
    "model without layers": (lambda: unidl.Sequential()(X), ValueError, "no layers"),
    "two layers of one name": (
        lambda: unidl.Sequential([layers.Dense(1, name="a"), layers.Dense(1, name="a")]),
        ValueError,
        "name",
    ),
    "a function for a layer": (lambda: unidl.Sequential([print]), TypeError, "add"),
    "graph without its input": (
        lambda: unidl.Model(unidl.Input((3,)), layers.Dense(2)(unidl.Input((3,)))),
        ValueError,
        "not among the inputs",
    ),
    "value of a symbol": (lambda: bool(unidl.Input((3,))), TypeError, "no value"),
    "no variables": (lambda: unidl.value_and_grad(lambda: 0.0, []), ValueError, "empty"),
}


def _call_twice(layer, first, second):
    layer(np.zeros(first, "float32"))
    layer(np.zeros(second, "float32"))


def _compile_metric(name):
    model = unidl.Sequential([unidl.Input(shape=(4,)), layers.Dense(3)])
    model.compile("sgd", "mse", metrics=[name])
    model.fit(X, np.zeros((N, 3), "float32"), verbose=0)


@pytest.mark.parametrize("case", CASES)
def test_the_error_teaches_and_is_the_same_on_every_backend(case):
    """Word for word, but for the numbers in automatic names."""
    call, kind, text = CASES[case]
    texts = {}
    for info in unidl.list_backends():
        if info.installed:
            with unidl.use_backend(info.name), pytest.raises(kind, match=text) as caught:
                call()
            texts[info.name] = re.sub(r"_\d+\b", "", str(caught.value))
    assert len(set(texts.values())) == 1, texts


def test_nan_in_data_is_named(backend):
    x = X.copy()
    x[0, 0] = np.nan
    with pytest.warns(RuntimeWarning, match="'x' contains 1 NaN"):
        dense_model().fit(x, Y, verbose=0)


def test_terminate_on_nan_stops(backend):
    x = X.copy()
    x[0, 0] = np.nan
    model = dense_model()
    with pytest.warns(RuntimeWarning):
        model.fit(x, Y, epochs=5, verbose=0, callbacks=[unidl.callbacks.TerminateOnNaN()])
    assert model.history.epoch == [0]


def test_a_compile_that_fails_leaves_the_model_as_it_was():
    model = unidl.Sequential([unidl.Input((4,)), layers.Dense(3)])
    with pytest.raises(ValueError, match="crossentropyy"):
        model.compile("adam", "crossentropyy")
    assert model.optimizer is None
    assert model.get_compile_config() is None
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="crossentropyy"):
        model.compile("adam", "crossentropyy")
    assert isinstance(model.optimizer, unidl.optimizers.SGD)
    model.fit(X, np.zeros((N, 3), "float32"), verbose=0)

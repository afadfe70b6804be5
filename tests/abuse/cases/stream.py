"""Batches of a stream: what is wrong in the second of them is told as it would be of arrays."""

from __future__ import annotations

import numpy as np

import unidl
from tests.abuse.case import right, told
from unidl import layers

X = np.linspace(-1, 1, 32, dtype="float32").reshape(8, 4)
Y = np.ones((8, 1), "float32")
C = np.arange(8) % 3
W = np.ones((8,), "float32")


def regression():
    model = unidl.Sequential([unidl.Input((4,)), layers.Dense(1, "linear", name="out")], name="net")
    model.compile("sgd", "mse")
    return model


def classifier(loss="sparse_categorical_crossentropy"):
    model = unidl.Sequential(
        [unidl.Input((4,)), layers.Dense(3, "softmax", name="out")], name="net"
    )
    model.compile("sgd", loss)
    return model


def binary():
    model = unidl.Sequential([unidl.Input((4,)), layers.Dense(1, "sigmoid")], name="net")
    model.compile("sgd", "binary_crossentropy")
    return model


def words():
    model = unidl.Sequential(
        [
            unidl.Input((4,), dtype="int32", name="words"),
            layers.Embedding(5, 2, name="table"),
            layers.Flatten(),
            layers.Dense(1),
        ],
        name="net",
    )
    model.compile("sgd", "mse")
    return model


def two_inputs():
    a, b = unidl.Input((4,), name="a"), unidl.Input((2,), name="b")
    joined = layers.Concatenate()([a, b])
    model = unidl.Model([a, b], layers.Dense(1)(joined), name="net")
    model.compile("sgd", "mse")
    return model


def two_outputs():
    a = unidl.Input((4,), name="a")
    outputs = [layers.Dense(1, name="one")(a), layers.Dense(3, "softmax", name="two")(a)]
    model = unidl.Model(a, outputs, name="net")
    model.compile("sgd", ["mse", "sparse_categorical_crossentropy"])
    return model


def generator(*batches):
    yield from batches


class Again:
    """Can be gone through as often as one likes."""

    def __init__(self, *batches):
        self._batches = batches

    def __iter__(self):
        return iter(self._batches)


class Numbered(unidl.utils.PyDataset):
    """By number."""

    def __init__(self, *batches):
        super().__init__()
        self._batches = batches

    def __len__(self):
        return len(self._batches)

    def __getitem__(self, index):
        return self._batches[index]


def fit(make, *batches, form=generator):
    return make().fit(form(*batches), shuffle=False, verbose=0).history


FORMS = {"a generator": generator, "an iterable": Again, "a PyDataset": Numbered}
GOOD = (X, C)

# The second batch, and what the error must name besides its number.
OF_CLASSES = {
    "labels too large": ((X, C + 7), "class 9.*3 outputs"),
    "labels below zero": ((X, C - 1), "class -1"),
    "labels of one class too much": ((X, C + 1), "class 3"),
    "labels between the classes": ((X, C + 0.5), "class numbers.*0.5"),
    "labels in int8 below zero": ((X, (C - 2).astype("int8")), "class -2"),
    "labels as text": ((X, np.array(["a"] * 8)), "y must be numbers"),
    "one-hot labels": ((X, np.eye(3, dtype="float32")[C]), "categorical_crossentropy"),
    "labels of two columns": ((X, np.stack([C, C], 1)), "shape"),
    "no targets": ((X,), "no target"),
    "targets of None": ((X, None), "no target"),
    "x of None": ((None, C), "x is None"),
    "nothing": (None, "got None"),
    "an empty tuple": ((), "tuple of 0"),
    "a tuple of four": ((X, C, W, W), "tuple of 4"),
    "a text": ("abc", "x must be numbers; got a str"),
    "an object": (object(), "x must be numbers; got a object"),
    "a number": (3.0, "single number"),
    "x a number": ((3.0, C), "x is a single number"),
    "y a number": ((X, 1), "y is a single number"),
    "no rows": ((X[:0], C[:0]), "0 rows"),
    "fewer labels": ((X, C[:5]), "numbers of samples.*5"),
    "fewer rows": ((X[:5], C), "numbers of samples.*5"),
    "fewer weights": ((X, C, W[:3]), "sample_weight has 3"),
    "weights of two columns": ((X, C, np.ones((8, 2))), r"sample_weight has the shape \(8, 2\)"),
    "weights of text": ((X, C, np.array(["a"] * 8)), "sample_weight must be numbers"),
    "x of another width": ((X[:, :3], C), "got size 3|expected"),
    "x of another rank": ((X[:, None], C), "expected"),
    "x as text": ((X.astype(str), C), "x must be numbers"),
    "x of objects": ((X.astype(object), C), "x must be numbers; got an array of dtype object"),
    "x a ragged list": (([[1.0, 2.0], [1.0]], C[:2]), "rows of equal length"),
    "two inputs": (([X, X], C), "expected 1 inputs"),
    "two targets": ((X, [C, C]), "need 1 targets, got 2"),
}

CASES = [
    told(
        f"{name} in batch 2 of {form}",
        lambda batch=batch, make=make: fit(classifier, GOOD, batch, form=make),
        f"(?s)batch 2.*({mentions})",
    )
    for name, (batch, mentions) in OF_CLASSES.items()
    for form, make in (FORMS.items() if "label" in name else [("a generator", generator)])
]

CASES += [
    told(
        f"{name} in batch {number} of {call}",
        lambda run=run, number=number, batch=batch: run(
            classifier(), generator(*[GOOD] * (number - 1), batch)
        ),
        f"batch {number}.*({mentions})",
    )
    for call, run in {
        "evaluate": lambda model, data: model.evaluate(data, verbose=0),
        "validation": lambda model, data: model.fit(X, C, validation_data=data, verbose=0),
        "fit with steps": lambda model, data: model.fit(data, steps_per_epoch=4, verbose=0),
    }.items()
    for number in (1, 3)
    for name, (batch, mentions) in OF_CLASSES.items()
    if name in ("labels too large", "no rows", "nothing")
]

CASES += [
    told(
        "three targets for one output in batch 2",
        lambda: fit(regression, (X, Y), (X, np.ones((8, 3)))),
        r"batch 2.*y_true has the shape \(8, 3\)",
    ),
    told(
        "three targets for one output, arrays",
        lambda: regression().fit(X, np.ones((8, 3)), verbose=0),
        r"y_true has the shape \(8, 3\)",
    ),
    told(
        "binary targets beyond 1 in batch 2",
        lambda: fit(binary, (X, Y), (X, Y * 2)),
        "batch 2.*from 0 to 1.*2",
    ),
    told(
        "binary targets below 0 in batch 2",
        lambda: fit(binary, (X, Y), (X, -Y)),
        "batch 2.*from 0 to 1.*-1",
    ),
    *(
        told(
            f"the index {index} of 5 in batch 2",
            lambda index=index: fit(
                words, (np.ones((8, 4), "int32"), Y), (np.full((8, 4), index, "int32"), Y)
            ),
            f"batch 2.*'words' contains the index {index}",
        )
        for index in (5, 99, -1, -3)
    ),
    told(
        "the index 7 of 5 in batch 2 of predict",
        lambda: words().predict(
            generator(np.ones((8, 4), "int32"), np.full((8, 4), 7, "int32")), verbose=0
        ),
        "batch 2.*'words' contains the index 7",
    ),
    told(
        "one of two inputs missing in batch 2",
        lambda: fit(two_inputs, ([X, X[:, :2]], Y), ([X], Y)),
        "batch 2.*expected 2 inputs",
    ),
    told(
        "an input by another name in batch 2",
        lambda: fit(two_inputs, ({"a": X, "b": X[:, :2]}, Y), ({"a": X, "c": X[:, :2]}, Y)),
        "batch 2.*lack 'b'",
    ),
    told(
        "inputs of different lengths in batch 2",
        lambda: fit(two_inputs, ([X, X[:, :2]], Y), ([X, X[:3, :2]], Y)),
        "batch 2.*numbers of samples",
    ),
    told(
        "one of two targets missing in batch 2",
        lambda: fit(two_outputs, (X, [Y, C]), (X, [Y])),
        "batch 2.*need 2 targets, got 1",
    ),
    told(
        "labels of the second output too large in batch 2",
        lambda: fit(two_outputs, (X, [Y, C]), (X, [Y, C + 3])),
        "batch 2.*'two'.*class 5",
    ),
    told(
        "predict: another width in batch 2",
        lambda: classifier().predict(generator(X, X[:, :2]), verbose=0),
        "batch 2.*size 2|batch 2.*expected",
    ),
    told(
        "predict: no rows in batch 2",
        lambda: classifier().predict(generator(X, X[:0]), verbose=0),
        "batch 2.*0 rows",
    ),
    # what is right
    right(
        "batches of other sizes and dtypes",
        lambda: len(
            fit(
                classifier,
                GOOD,
                (X[:3].astype("float64"), C[:3].astype("uint8")),
                (X[:1], C[:1, None]),
            )["loss"]
        ),
        1,
    ),
    right(
        "weights in some batches only",
        lambda: len(fit(classifier, GOOD, (X, C, W), GOOD)["loss"]),
        1,
    ),
    right(
        "predict takes no notice of targets",
        lambda: classifier().predict(generator((X, "abc"), (X, None)), verbose=0).shape,
        (16, 3),
    ),
    # used up, and empty
    told(
        "a generator of one batch for three epochs",
        lambda: regression().fit(generator((X, Y)), epochs=3, verbose=0),
        "fit: the iterator is exhausted.*steps_per_epoch",
    ),
    told(
        "a generator of one batch to validate on twice",
        lambda: regression().fit(X, Y, validation_data=generator((X, Y)), epochs=2, verbose=0),
        "validation_data.*exhausted.*validation_steps",
    ),
    told(
        "a generator that is used up before",
        lambda: _twice(regression(), generator((X, Y))),
        "no batch.*new one",
    ),
    *(
        told(
            f"{call} of {name} without a batch",
            lambda run=run, make=make: run(regression(), make()),
            "no batch",
        )
        for call, run in {
            "fit": lambda model, data: model.fit(data, verbose=0),
            "evaluate": lambda model, data: model.evaluate(data, verbose=0),
            "predict": lambda model, data: model.predict(data, verbose=0),
            "validation": lambda model, data: model.fit(X, Y, validation_data=data, verbose=0),
        }.items()
        for name, make in FORMS.items()
    ),
    told(
        "validation arrays of no rows",
        lambda: regression().fit(X, Y, validation_data=(X[:0], Y[:0]), verbose=0),
        "validation_data.*0 samples",
    ),
    told(
        "validation data without targets",
        lambda: regression().fit(X, Y, validation_data=X, verbose=0),
        "no target",
    ),
    told(
        "validation data of None",
        lambda: regression().fit(X, Y, validation_data=(None, None), verbose=0),
        "validation_data.*no data",
    ),
    told(
        "validation data of four parts",
        lambda: regression().fit(X, Y, validation_data=(X, Y, W, W), verbose=0),
        "validation_data.*tuple of 4",
    ),
    told(
        "validation data of no part",
        lambda: regression().fit(X, Y, validation_data=(), verbose=0),
        "validation_data.*tuple of 0",
    ),
    told(
        "validation data of text",
        lambda: regression().fit(X, Y, validation_data="abc", verbose=0),
        "validation_data.*str",
    ),
]


def _twice(model, data):
    model.fit(data, verbose=0)
    model.fit(data, verbose=0)

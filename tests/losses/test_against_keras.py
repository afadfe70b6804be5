"""Every loss, from probabilities and logits, with weights and masks, in float64 against Keras on
every backend."""

import functools
import itertools
import json

import numpy as np
import pytest

from tests.reference import bare_signature, close, in_float64
from unidl import losses
from unidl.backend import use_backend

DRAW = np.random.default_rng(0)
N, K = 6, 5
REALS = DRAW.standard_normal((N, K))
OTHERS = DRAW.standard_normal((N, K))
PROBABILITIES = DRAW.random((N, K)) * 0.9 + 0.05
CLASSES = DRAW.integers(0, K, N)
ONE_HOT = np.eye(K)[CLASSES]
BITS = DRAW.integers(0, 2, (N, K)).astype("float64")
POSITIVE = DRAW.random((N, K)) + 0.1
UNIT = REALS / np.linalg.norm(REALS, axis=-1, keepdims=True)
PAIRS = np.array([1, 2, 1, 0, 2, 1])  # 0 has no equal
LABELS = np.array([[1, 2, 0], [3, 0, 0], [2, 2, 1], [4, 1, 4], [0, 0, 0], [1, 3, 2]])
MOMENTS = DRAW.standard_normal((N, 6, K))

CASES = [
    ("MeanSquaredError", {}, OTHERS, REALS),
    ("MeanAbsoluteError", {}, OTHERS, REALS),
    ("MeanAbsolutePercentageError", {}, OTHERS, REALS),
    ("MeanSquaredLogarithmicError", {}, POSITIVE, POSITIVE[::-1]),
    ("Huber", {}, OTHERS, REALS),
    ("Huber", {"delta": 0.25}, OTHERS, REALS),
    ("LogCosh", {}, OTHERS, REALS),
    ("Poisson", {}, POSITIVE, POSITIVE[::-1]),
    ("CosineSimilarity", {}, OTHERS, REALS),
    ("CosineSimilarity", {"axis": 0}, OTHERS, REALS),
    ("CosineSimilarity", {}, OTHERS, REALS * 1e-9),
    ("KLDivergence", {}, PROBABILITIES, PROBABILITIES[::-1]),
    ("Hinge", {}, BITS, REALS),
    ("Hinge", {}, BITS * 2 - 1, REALS),
    ("SquaredHinge", {}, BITS, REALS),
    ("CategoricalHinge", {}, ONE_HOT, REALS),
    ("Dice", {}, BITS, PROBABILITIES),
    ("Dice", {"axis": (1,)}, BITS, PROBABILITIES),
    ("Tversky", {"alpha": 0.25, "beta": 0.75}, BITS, PROBABILITIES),
    ("BinaryCrossentropy", {}, BITS, PROBABILITIES),
    ("BinaryCrossentropy", {"from_logits": True}, BITS, REALS),
    ("BinaryCrossentropy", {"label_smoothing": 0.25}, BITS, PROBABILITIES),
    ("BinaryCrossentropy", {"label_smoothing": 0.25, "from_logits": True}, BITS, REALS),
    ("CategoricalCrossentropy", {}, ONE_HOT, PROBABILITIES),
    ("CategoricalCrossentropy", {"from_logits": True}, ONE_HOT, REALS),
    ("CategoricalCrossentropy", {"label_smoothing": 0.25}, ONE_HOT, PROBABILITIES),
    ("CategoricalCrossentropy", {"label_smoothing": 0.25, "from_logits": True}, ONE_HOT, REALS),
    ("CategoricalCrossentropy", {"axis": 0}, ONE_HOT, PROBABILITIES),
    (
        "SparseCategoricalCrossentropy",
        {},
        CLASSES,
        PROBABILITIES / PROBABILITIES.sum(-1, keepdims=True),
    ),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, CLASSES, REALS),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, CLASSES[:, None], REALS),
    ("SparseCategoricalCrossentropy", {"from_logits": True, "ignore_class": 2}, CLASSES, REALS),
    (
        "SparseCategoricalCrossentropy",
        {"from_logits": True, "ignore_class": -1},
        np.where(CLASSES == 1, -1, CLASSES),
        REALS,
    ),
    ("CategoricalGeneralizedCrossEntropy", {}, CLASSES, PROBABILITIES),
    ("CategoricalGeneralizedCrossEntropy", {"q": 0.75}, CLASSES, PROBABILITIES),
    ("Circle", {}, PAIRS, UNIT),
    ("Circle", {"gamma": 2.0, "margin": 0.25}, PAIRS[:, None], UNIT),
    ("Circle", {"gamma": 4.0, "remove_diagonal": False}, PAIRS, UNIT),
    ("CTC", {}, LABELS, MOMENTS),
    ("CategoricalFocalCrossentropy", {}, ONE_HOT, PROBABILITIES),
    (
        "CategoricalFocalCrossentropy",
        {"from_logits": True, "gamma": 1.5, "alpha": 0.5},
        ONE_HOT,
        REALS,
    ),
    ("BinaryFocalCrossentropy", {}, BITS, PROBABILITIES),
    (
        "BinaryFocalCrossentropy",
        {"apply_class_balancing": True, "from_logits": True, "alpha": 0.75},
        BITS,
        REALS,
    ),
]
IDS = [
    f"{name}-{'-'.join(f'{k}={v}' for k, v in arguments.items())}"
    for name, arguments, _, _ in CASES
]
WEIGHTS = np.array([1.0, 0.0, 2.0, 0.5, 3.0, 0.25])


REDUCTIONS = ("sum_over_batch_size", "sum", "none", None, "mean", "mean_with_sample_weight")


def _ways(name, arguments):
    """(reduction, sample weights) that the loss can have."""
    whole = "axis" in arguments or name in ("Dice", "Tversky")
    weights = (None,) if whole else (None, WEIGHTS, WEIGHTS[:, None])
    return list(itertools.product(REDUCTIONS, weights))


@functools.cache
def _of_keras(case):
    """What Keras makes of CASES[case] in all ways."""
    import keras

    name, arguments, y_true, y_pred = CASES[case]
    loss = getattr(keras.losses, name)
    return [
        np.array(loss(**arguments, reduction=reduction)(y_true, y_pred, sample_weight=weights))
        for reduction, weights in _ways(name, arguments)
    ]


@pytest.mark.parametrize("case", range(len(CASES)), ids=IDS)
def test_losses(backend, case):
    name, arguments, y_true, y_pred = CASES[case]
    # Keras casts some constants (epsilon, delta) to float32 on their way; its CTC is float32 on
    # TensorFlow.
    rounded = (
        "Poisson",
        "MeanSquaredLogarithmicError",
        "LogCosh",
        "KLDivergence",
        "Dice",
        "Tversky",
    )
    tolerance = 1e-6 if name == "CTC" else 1e-7 if name in rounded else 1e-11
    with in_float64(), use_backend(backend) as b:
        for (reduction, weights), expected in zip(
            _ways(name, arguments), _of_keras(case), strict=True
        ):
            found = getattr(losses, name)(**arguments, reduction=reduction)(
                y_true, b.asarray(y_pred), sample_weight=weights
            )
            assert b.dtype(found) == "float64"
            close(b.to_numpy(found), expected, tolerance)


def test_signatures_and_configs_are_keras():
    with in_float64() as keras:
        for name in sorted({case[0] for case in CASES}):
            ours, theirs = getattr(losses, name), getattr(keras.losses, name)
            assert bare_signature(ours) == bare_signature(theirs)
            config, expected = (
                losses.serialize(ours(reduction="sum")),
                keras.losses.serialize(theirs(reduction="sum")),
            )
            assert expected["config"].items() <= config["config"].items()
            assert {k: v for k, v in config.items() if k != "config"} == {
                k: v for k, v in expected.items() if k != "config"
            }
            assert type(losses.deserialize(json.loads(json.dumps(expected)))) is ours
            # Not losses.deserialize, which does not know all of Keras' own losses.
            assert (
                type(keras.saving.deserialize_keras_object(json.loads(json.dumps(config))))
                is theirs
            )


def test_masks(backend):
    """A mask re-weights by total / valid; with "sum" it only removes."""
    mask = np.array([[1, 1, 0], [1, 0, 0]], dtype=bool)
    values = np.arange(6.0).reshape(2, 3, 1)
    with in_float64() as keras, use_backend(backend) as b:
        for reduction in ("sum_over_batch_size", "sum", "mean", "none"):
            for weights in (None, np.array([[1.0, 2.0, 3.0], [0.5, 1.0, 1.0]])):
                y = keras.ops.convert_to_tensor(values)
                y._keras_mask = keras.ops.convert_to_tensor(mask)
                expected = keras.losses.MeanSquaredError(reduction=reduction)(
                    values * 0, y, sample_weight=weights
                )
                found = losses.MeanSquaredError(reduction=reduction)(
                    values * 0, b.asarray(values), weights, mask=mask
                )
                close(b.to_numpy(found), np.array(expected))


def test_functions_keep_the_dtype_of_the_prediction(backend):
    with use_backend(backend) as b:
        y = b.asarray(PROBABILITIES.astype("float32"))
        for function, target in (
            (losses.mean_squared_error, BITS),
            (losses.binary_crossentropy, BITS),
            (losses.categorical_crossentropy, ONE_HOT),
            (losses.sparse_categorical_crossentropy, CLASSES),
        ):
            assert b.dtype(function(target, y)) == "float32"

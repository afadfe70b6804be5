"""Every metric over three batches, with and without weights, in float64 against Keras on every
backend."""

import functools
import json

import numpy as np
import pytest

from tests.reference import bare_signature, close, in_float64
from unidl import metrics
from unidl.backend import use_backend

DRAW = np.random.default_rng(1)
K = 6
BATCHES = (5, 5, 2)


def _split(array):
    return np.split(array, np.cumsum(BATCHES)[:-1])


N = sum(BATCHES)
REALS, OTHERS = DRAW.standard_normal((2, N, K))
PROBABILITIES = DRAW.random((N, K)) * 0.9 + 0.05
PROBABILITIES /= PROBABILITIES.sum(-1, keepdims=True)
CLASSES = DRAW.integers(0, K, N)
OTHER_CLASSES = np.roll(CLASSES, 1) * (CLASSES > 1) + CLASSES * (CLASSES < 2)
ONE_HOT = np.eye(K)[CLASSES]
BITS = DRAW.integers(0, 2, (N, 1)).astype("float64")
SIGMOIDS = DRAW.random((N, 1))
SIGMOIDS[0] = 0.5  # strictly greater counts
ROUNDED = np.round(REALS)
TIES = np.round(PROBABILITIES, 1)
SEQUENCES = DRAW.integers(0, K, (N, 4))
SCORES = DRAW.standard_normal((N, 4, K))
SORTED = np.argsort(-SCORES[:, 0], -1).astype("float64")
WEIGHTS = DRAW.random(N) * 2
LABEL_WEIGHTS = [1.0 + i for i in range(K)]

CASES = [
    ("Accuracy", {}, ROUNDED, np.round(OTHERS)),
    ("BinaryAccuracy", {}, BITS, SIGMOIDS),
    ("BinaryAccuracy", {"threshold": 0.25}, BITS, SIGMOIDS),
    ("CategoricalAccuracy", {}, ONE_HOT, PROBABILITIES),
    ("SparseCategoricalAccuracy", {}, CLASSES, PROBABILITIES),
    ("SparseCategoricalAccuracy", {}, CLASSES[:, None], PROBABILITIES),
    ("SparseCategoricalAccuracy", {}, SEQUENCES, SCORES),
    ("TopKCategoricalAccuracy", {"k": 2}, ONE_HOT, REALS),
    ("TopKCategoricalAccuracy", {}, ONE_HOT, TIES),
    ("SparseTopKCategoricalAccuracy", {"k": 2}, CLASSES, REALS),
    ("SparseTopKCategoricalAccuracy", {"k": 2}, SEQUENCES, SCORES),
    ("SparseTopKCategoricalAccuracy", {"k": 3, "from_sorted_ids": True}, CLASSES, SORTED),
    ("Precision", {}, BITS, SIGMOIDS),
    ("Precision", {"top_k": 2}, ONE_HOT, PROBABILITIES),
    ("Precision", {"class_id": 1, "thresholds": 0.25}, ONE_HOT, PROBABILITIES),
    ("Precision", {"thresholds": [0.125, 0.5]}, BITS, SIGMOIDS),
    ("Recall", {}, BITS, SIGMOIDS),
    ("Recall", {"top_k": 3, "class_id": 2}, ONE_HOT, PROBABILITIES),
    ("TruePositives", {}, BITS, SIGMOIDS),
    ("FalsePositives", {"thresholds": [0.25, 0.75]}, BITS, SIGMOIDS),
    ("TrueNegatives", {}, BITS[:, 0], SIGMOIDS),
    ("FalseNegatives", {}, BITS, SIGMOIDS),
    ("AUC", {}, BITS, SIGMOIDS),
    ("AUC", {"curve": "PR", "num_thresholds": 20}, BITS, SIGMOIDS),
    ("AUC", {"summation_method": "minoring", "num_thresholds": 9}, BITS, SIGMOIDS),
    (
        "AUC",
        {"curve": "PR", "summation_method": "majoring", "thresholds": [0.25, 0.375, 0.75]},
        BITS,
        SIGMOIDS,
    ),
    ("AUC", {"from_logits": True}, BITS, REALS[:, :1]),
    ("AUC", {"curve": "PRGAIN", "thresholds": [0.2, 0.375, 0.75]}, BITS, SIGMOIDS),
    ("AUC", {"curve": "PRGAIN", "num_thresholds": 20}, BITS, SIGMOIDS),
    ("AUC", {"multi_label": True}, ONE_HOT, PROBABILITIES),
    ("AUC", {"multi_label": True, "curve": "PR", "num_labels": K}, ONE_HOT, PROBABILITIES),
    (
        "AUC",
        {"multi_label": True, "label_weights": LABEL_WEIGHTS, "summation_method": "minoring"},
        ONE_HOT,
        PROBABILITIES,
    ),
    ("AUC", {"label_weights": LABEL_WEIGHTS, "curve": "PRGAIN"}, ONE_HOT, PROBABILITIES),
    ("AUC", {"multi_label": True, "from_logits": True}, ONE_HOT, REALS),
    ("PrecisionAtRecall", {"recall": 0.5}, BITS, SIGMOIDS),
    ("RecallAtPrecision", {"precision": 0.5, "num_thresholds": 9}, BITS, SIGMOIDS),
    ("SensitivityAtSpecificity", {"specificity": 0.25, "num_thresholds": 1}, BITS, SIGMOIDS),
    ("SpecificityAtSensitivity", {"sensitivity": 0.5, "class_id": 1}, ONE_HOT, PROBABILITIES),
    ("F1Score", {}, ONE_HOT, PROBABILITIES),
    ("F1Score", {"average": "weighted", "threshold": 0.25}, ONE_HOT, PROBABILITIES),
    ("FBetaScore", {"average": "micro", "beta": 2.0}, ONE_HOT, PROBABILITIES),
    ("FBetaScore", {"average": "macro", "beta": 0.5}, ONE_HOT, TIES),
    ("IoU", {"num_classes": K, "target_class_ids": [0, 2]}, CLASSES, OTHER_CLASSES),
    (
        "IoU",
        {"num_classes": 4, "target_class_ids": [3, 1], "ignore_class": 0},
        CLASSES,
        OTHER_CLASSES,
    ),
    ("IoU", {"num_classes": K, "target_class_ids": [1], "sparse_y_pred": False}, SEQUENCES, SCORES),
    ("BinaryIoU", {}, BITS, SIGMOIDS),
    ("BinaryIoU", {"target_class_ids": [1], "threshold": 0.25}, BITS, SIGMOIDS),
    ("MeanIoU", {"num_classes": K}, CLASSES, OTHER_CLASSES),
    ("MeanIoU", {"num_classes": 9, "ignore_class": 2}, SEQUENCES, SEQUENCES[::-1]),
    ("OneHotIoU", {"num_classes": K, "target_class_ids": [0, 5]}, ONE_HOT, PROBABILITIES),
    ("OneHotMeanIoU", {"num_classes": K}, ONE_HOT, TIES),
    ("OneHotMeanIoU", {"num_classes": K, "sparse_y_pred": True}, ONE_HOT, OTHER_CLASSES),
    ("R2Score", {}, REALS, OTHERS),
    ("R2Score", {"class_aggregation": None}, REALS, OTHERS),
    (
        "R2Score",
        {"class_aggregation": "variance_weighted_average", "num_regressors": 2},
        REALS,
        OTHERS,
    ),
    ("R2Score", {"num_regressors": 100}, REALS[:, :1], OTHERS[:, :1]),
    ("PearsonCorrelation", {}, REALS, OTHERS),
    ("ConcordanceCorrelation", {}, REALS, OTHERS),
    ("MeanSquaredError", {}, REALS, OTHERS),
    ("MeanAbsoluteError", {}, REALS, OTHERS),
    ("MeanAbsolutePercentageError", {}, REALS, OTHERS),
    ("MeanSquaredLogarithmicError", {}, PROBABILITIES, PROBABILITIES[::-1]),
    ("RootMeanSquaredError", {}, REALS, OTHERS),
    ("CosineSimilarity", {}, REALS, OTHERS),
    ("LogCoshError", {}, REALS, OTHERS),
    ("Poisson", {}, PROBABILITIES, PROBABILITIES[::-1]),
    ("KLDivergence", {}, PROBABILITIES, PROBABILITIES[::-1]),
    ("Hinge", {}, BITS, REALS[:, :1]),
    ("SquaredHinge", {}, BITS, REALS[:, :1]),
    ("CategoricalHinge", {}, ONE_HOT, REALS),
    ("BinaryCrossentropy", {}, BITS, SIGMOIDS),
    ("BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.25}, BITS, REALS[:, :1]),
    ("CategoricalCrossentropy", {"from_logits": True}, ONE_HOT, REALS),
    ("SparseCategoricalCrossentropy", {}, CLASSES, PROBABILITIES),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, SEQUENCES, SCORES),
]
REQUIRED = {
    "PrecisionAtRecall": {"recall": 0.5},
    "RecallAtPrecision": {"precision": 0.5},
    "SensitivityAtSpecificity": {"specificity": 0.5},
    "SpecificityAtSensitivity": {"sensitivity": 0.5},
    # Keras counts in 64 bits on TensorFlow, else in 32.
    "BinaryIoU": {"dtype": "int32"},
    "IoU": {"dtype": "int32", "num_classes": 3, "target_class_ids": [0, 2]},
    "MeanIoU": {"dtype": "int32", "num_classes": 3},
    "OneHotIoU": {"dtype": "int32", "num_classes": 3, "target_class_ids": [1]},
    "OneHotMeanIoU": {"dtype": "int32", "num_classes": 3},
}
IDS = [f"{i}-{case[0]}" for i, case in enumerate(CASES)]


@functools.cache
def _of_keras(case, weighted):
    """What Keras makes of CASES[case]."""
    import keras

    name, arguments, y_true, y_pred = CASES[case]
    metric = getattr(keras.metrics, name)(**_with_dtype(name, arguments, weighted))
    for t, p, w in zip(_split(y_true), _split(y_pred), _split(WEIGHTS), strict=True):
        if weighted and "IoU" in name and t.shape[1:] == (4,):
            w = np.repeat(w, t.shape[1])  # Keras' IoU wants a weight for each class number
        # TensorFlow's in_top_k knows float32 only; the order of the scores is the same.
        scores = p.astype("float32") if "TopK" in name else p
        metric.update_state(t, scores, sample_weight=w if weighted else None)
    return np.array(metric.result())


def _with_dtype(name, arguments, weighted):
    """By default IoU counts in integers."""
    return {**arguments, "dtype": "float64"} if "IoU" in name and weighted else arguments


@pytest.mark.parametrize("case", range(len(CASES)), ids=IDS)
@pytest.mark.parametrize("weighted", [False, True])
def test_metrics(backend, case, weighted):
    name, arguments, y_true, y_pred = CASES[case]
    with in_float64(), use_backend(backend) as b:
        ours = getattr(metrics, name)(**_with_dtype(name, arguments, weighted))
        for t, p, w in zip(_split(y_true), _split(y_pred), _split(WEIGHTS), strict=True):
            ours.update_state(t, b.asarray(p), sample_weight=w if weighted else None)
        loose = ("Poisson", "MeanSquaredLogarithmicError", "LogCoshError", "KLDivergence")
        # The quotients of IoU are float32 in any dtype.
        tolerance = 2.0**-22 if "IoU" in name else 1e-7 if name in loose else 1e-11
        close(b.to_numpy(ours.result()), _of_keras(case, weighted), tolerance)
        ours.reset_state()
        assert not any(v.numpy().any() for v in ours.variables)


def test_iou_of_scores_along_another_axis(backend):
    """Keras takes `axis` for that of its one result too, and fails."""
    along_last, along_second = (
        metrics.IoU(K, [0, 2], sparse_y_pred=False, axis=axis) for axis in (-1, 1)
    )
    along_last.update_state(SEQUENCES, SCORES)
    along_second.update_state(SEQUENCES, np.moveaxis(SCORES, -1, 1))
    assert 0 < float(along_second.result()) == float(along_last.result())


@pytest.mark.parametrize(
    "shapes",
    [
        ((4, 3), None),
        ((4, 3), (4,)),
        ((4, 3), (4, 1)),
        ((4, 3), (4, 3)),
        ((4,), (4,)),
        ((), None),
        ((), ()),
    ],
)
@pytest.mark.parametrize("name", ["Mean", "Sum"])
def test_mean_and_sum(backend, shapes, name):
    values = np.random.default_rng(0).standard_normal(shapes[0])
    weights = None if shapes[1] is None else np.random.default_rng(1).random(shapes[1])
    with in_float64() as keras, use_backend(backend) as b:
        ours, theirs = getattr(metrics, name)(), getattr(keras.metrics, name)()
        for _ in range(2):
            ours.update_state(b.asarray(values), sample_weight=weights)
            theirs.update_state(values, sample_weight=weights)
        close(b.to_numpy(ours.result()), np.array(theirs.result()))


def test_signatures_and_configs_are_keras():
    with in_float64() as keras:
        for name in sorted({case[0] for case in CASES} | {"Mean", "Sum"}):
            ours, theirs = getattr(metrics, name), getattr(keras.metrics, name)
            assert bare_signature(ours) == bare_signature(theirs)
            arguments = {"name": "m", **REQUIRED.get(name, {})}
            config = keras.metrics.serialize(theirs(**arguments))
            assert metrics.serialize(ours(**arguments)) == config
            assert type(metrics.deserialize(json.loads(json.dumps(config)))) is ours


def test_scores_whose_variables_depend_on_the_data_are_made_before_the_step_is_compiled(backend):
    import unidl

    model = unidl.Sequential([unidl.Input((3,)), unidl.layers.Dense(K, activation="softmax")])
    model.compile(
        "sgd",
        "categorical_crossentropy",
        metrics=["f1_score", "r2_score", metrics.FBetaScore("macro", 2.0)],
    )
    x = DRAW.standard_normal((N, 3)).astype("float32")
    logs = model.fit(x, ONE_HOT, verbose=0, batch_size=5, shuffle=False).history
    assert np.shape(logs["f1_score"]) == (1, K)
    predictions = model.predict(x, verbose=0)
    measured = model.evaluate(x, ONE_HOT, verbose=0, batch_size=5, return_dict=True)
    for name, metric in (
        ("r2_score", metrics.R2Score()),
        ("fbeta_score", metrics.FBetaScore("macro", 2.0)),
    ):
        close(measured[name], backend.to_numpy(metric(ONE_HOT, predictions)), 1e-4)


def test_counts_of_a_confusion_matrix_in_a_compiled_step(backend):
    """Classes out of range do not count, targets of the class to ignore neither; weights that are
    cut are told of."""
    import unidl

    model = unidl.Sequential([unidl.Input((2, 2)), unidl.layers.Identity()])
    model.compile(loss="mse", metrics=[metrics.OneHotMeanIoU(2, name="one_hot")])
    scores = np.array([[[0.9, 0.1], [0.2, 0.8]], [[0.3, 0.7], [0.6, 0.4]]], dtype="float32")
    one_hot = np.array(
        [[[1, 0], [0, 1]], [[1, 0], [1, 0]]], dtype="float32"
    )  # classes 0 1 | 0 0, predicted 0 1 | 1 0
    logs = model.evaluate(scores, one_hot, verbose=0, return_dict=True, batch_size=1)
    close(logs["one_hot"], (2 / 3 + 1 / 2) / 2, 1e-6)

    metric = metrics.MeanIoU(2, ignore_class=9)
    metric.update_state([0, 1, 9, 1, -1, 5], [0, 0, 0, 1, 0, 0])
    assert metric.total_cm.numpy().tolist() == [[1, 0], [1, 1]]
    with pytest.warns(UserWarning, match=r'dtype="float32"'):
        metric.update_state([1], [1], sample_weight=np.array([2.5]))
    assert metric.total_cm.numpy().tolist() == [[1, 0], [1, 3]]


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: metrics.FBetaScore("mean"), "average"),
        (lambda: metrics.FBetaScore(beta=0.0), "beta"),
        (lambda: metrics.F1Score(threshold=2.0), "threshold"),
        (lambda: metrics.F1Score()(CLASSES, PROBABILITIES), "to_categorical"),
        (lambda: metrics.R2Score("mean"), "class_aggregation"),
        (lambda: metrics.R2Score(num_regressors=-1), "num_regressors"),
        (lambda: metrics.PrecisionAtRecall(2), "recall must be"),
        (lambda: metrics.PrecisionAtRecall(0.5, 0), "num_thresholds"),
        (lambda: metrics.IoU(3, [0, 3]), "target_class_ids must be among 0 to 2"),
    ],
)
def test_what_a_metric_cannot_use_is_refused(make, text):
    with pytest.raises(ValueError, match=text):
        make()

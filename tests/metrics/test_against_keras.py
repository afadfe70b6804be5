"""Every metric over three batches, with and without weights, in float64 against Keras on every backend."""

import inspect
import json

import numpy as np
import pytest

from tests.reference import close, in_float64
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
    ("AUC", {"curve": "PR", "summation_method": "majoring", "thresholds": [0.25, 0.375, 0.75]}, BITS, SIGMOIDS),
    ("AUC", {"from_logits": True}, BITS, REALS[:, :1]),
    ("PrecisionAtRecall", {"recall": 0.5}, BITS, SIGMOIDS),
    ("RecallAtPrecision", {"precision": 0.5, "num_thresholds": 9}, BITS, SIGMOIDS),
    ("SensitivityAtSpecificity", {"specificity": 0.25, "num_thresholds": 1}, BITS, SIGMOIDS),
    ("SpecificityAtSensitivity", {"sensitivity": 0.5, "class_id": 1}, ONE_HOT, PROBABILITIES),
    ("F1Score", {}, ONE_HOT, PROBABILITIES),
    ("F1Score", {"average": "weighted", "threshold": 0.25}, ONE_HOT, PROBABILITIES),
    ("FBetaScore", {"average": "micro", "beta": 2.0}, ONE_HOT, PROBABILITIES),
    ("FBetaScore", {"average": "macro", "beta": 0.5}, ONE_HOT, TIES),
    ("R2Score", {}, REALS, OTHERS),
    ("R2Score", {"class_aggregation": None}, REALS, OTHERS),
    ("R2Score", {"class_aggregation": "variance_weighted_average", "num_regressors": 2}, REALS, OTHERS),
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
}
IDS = [f"{i}-{case[0]}" for i, case in enumerate(CASES)]


@pytest.mark.parametrize(("name", "arguments", "y_true", "y_pred"), CASES, ids=IDS)
@pytest.mark.parametrize("weighted", [False, True])
def test_metrics(backend, name, arguments, y_true, y_pred, weighted):
    with in_float64() as keras, use_backend(backend) as b:
        theirs, ours = getattr(keras.metrics, name)(**arguments), getattr(metrics, name)(**arguments)
        for t, p, w in zip(_split(y_true), _split(y_pred), _split(WEIGHTS), strict=True):
            weights = w if weighted else None
            # TensorFlow's in_top_k knows float32 only; the order of the scores is the same.
            theirs.update_state(t, p.astype("float32") if "TopK" in name else p, sample_weight=weights)
            ours.update_state(t, b.asarray(p), sample_weight=weights)
        loose = ("Poisson", "MeanSquaredLogarithmicError", "LogCoshError", "KLDivergence")
        close(b.to_numpy(ours.result()), np.array(theirs.result()), 1e-7 if name in loose else 1e-11)
        ours.reset_state()
        assert not any(v.numpy().any() for v in ours.variables)


@pytest.mark.parametrize("shapes", [((4, 3), None), ((4, 3), (4,)), ((4, 3), (4, 1)), ((4, 3), (4, 3)), ((4,), (4,)), ((), None), ((), ())])
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
            assert str(inspect.signature(ours)) == str(inspect.signature(theirs))
            arguments = {"name": "m", **REQUIRED.get(name, {})}
            config = keras.metrics.serialize(theirs(**arguments))
            assert metrics.serialize(ours(**arguments)) == config
            assert type(metrics.deserialize(json.loads(json.dumps(config)))) is ours


def test_scores_whose_variables_depend_on_the_data_are_made_before_the_step_is_compiled(backend):
    import unidl

    model = unidl.Sequential([unidl.Input((3,)), unidl.layers.Dense(K, activation="softmax")])
    model.compile("sgd", "categorical_crossentropy", metrics=["f1_score", "r2_score", metrics.FBetaScore("macro", 2.0)])
    x = DRAW.standard_normal((N, 3)).astype("float32")
    logs = model.fit(x, ONE_HOT, verbose=0, batch_size=5, shuffle=False).history
    assert np.shape(logs["f1_score"]) == (1, K)
    predictions = model.predict(x, verbose=0)
    measured = model.evaluate(x, ONE_HOT, verbose=0, batch_size=5, return_dict=True)
    for name, metric in (("r2_score", metrics.R2Score()), ("fbeta_score", metrics.FBetaScore("macro", 2.0))):
        close(measured[name], backend.to_numpy(metric(ONE_HOT, predictions)), 1e-4)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: metrics.FBetaScore("mean"), "average"),
        (lambda: metrics.FBetaScore(beta=0.0), "beta"),
        (lambda: metrics.F1Score(threshold=2.0), "threshold"),
        (lambda: metrics.F1Score()(CLASSES, PROBABILITIES), "to_categorical"),
        (lambda: metrics.R2Score("mean"), "class_aggregation"),
        (lambda: metrics.R2Score(num_regressors=-1), "num_regressors"),
        (lambda: metrics.PrecisionAtRecall(2), "recall lies in"),
        (lambda: metrics.PrecisionAtRecall(0.5, 0), "num_thresholds"),
    ],
)
def test_what_a_metric_cannot_use_is_refused(make, text):
    with pytest.raises(ValueError, match=text):
        make()

"""fit, evaluate, predict and single steps against Keras itself: the same weights, data and order,
in float64."""

import functools

import numpy as np
import pytest

import unidl
from tests.reference import close, in_float64
from tests.zoo import MODELS, inputs_for, randomize, targets_for

keras = pytest.importorskip("keras")

SAMPLES = 20
FIT = {"batch_size": 8, "epochs": 2, "shuffle": False, "verbose": 0}  # the last batch is ragged


@pytest.fixture(autouse=True)
def float64():
    with in_float64():
        keras.utils.clear_session(free_memory=False)
        keras.config.set_dtype_policy("float64")
        unidl.utils.clear_session(free_memory=False)
        yield


def labels(classes=3, samples=SAMPLES):
    return np.random.default_rng(3).integers(0, classes, samples)


def one_hot():
    return np.eye(3)[labels()]


def weights():
    return np.random.default_rng(4).uniform(0.1, 2, SAMPLES)


def adam(k):
    """Keras rounds such constants to float32 whatever the policy: these lose nothing by that."""
    return k.optimizers.Adam(0.01, beta_1=0.875, beta_2=0.9921875)


SPARSE = {"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]}

# name: (model, compile arguments by package, data beside x, fit arguments)
CASES = {
    "sgd": ("mlp", lambda k: {"optimizer": "sgd", **SPARSE}, lambda: {"y": labels()}),
    "momentum": (
        "mlp",
        lambda k: {"optimizer": k.optimizers.SGD(0.125, momentum=0.875, nesterov=True), **SPARSE},
        lambda: {"y": labels()},
    ),
    "adam": ("mlp", lambda k: {"optimizer": adam(k), **SPARSE}, lambda: {"y": labels()}),
    "rmsprop": (
        "mlp",
        lambda k: {
            "optimizer": "rmsprop",
            "loss": "categorical_crossentropy",
            "metrics": ["accuracy", "mae"],
        },
        lambda: {"y": one_hot()},
    ),
    "label_column": (
        "mlp",
        lambda k: {"optimizer": "sgd", **SPARSE},
        lambda: {"y": labels()[:, None]},
    ),
    "sample_weight": (
        "mlp",
        lambda k: {
            "optimizer": "sgd",
            **SPARSE,
            "weighted_metrics": ["accuracy", "sparse_categorical_crossentropy"],
        },
        lambda: {"y": labels(), "sample_weight": weights()},
    ),
    "class_weight": (
        "mlp",
        lambda k: {"optimizer": "sgd", **SPARSE, "weighted_metrics": ["accuracy"]},
        lambda: {"y": labels(), "class_weight": {0: 0.5, 1: 2.0, 2: 1.5}},
    ),
    "validation_split": (
        "mlp",
        lambda k: {"optimizer": "sgd", **SPARSE},
        lambda: {"y": labels(), "validation_split": 0.3},
    ),
    "validation_data": (
        "mlp",
        lambda k: {"optimizer": "sgd", **SPARSE, "weighted_metrics": ["accuracy"]},
        lambda: {
            "y": labels(),
            "validation_data": (np.ones((5, 4)) / 3, labels(samples=5), np.arange(5.0)),
            "validation_freq": 2,
        },
    ),
    "steps_per_epoch": (
        "mlp",
        lambda k: {"optimizer": "sgd", **SPARSE},
        lambda: {"y": labels(), "steps_per_epoch": 2, "batch_size": 5},
    ),
    "metric_objects": (
        "mlp",
        lambda k: {
            "optimizer": "sgd",
            "loss": k.losses.CategoricalCrossentropy(label_smoothing=0.1),
            "metrics": [
                k.metrics.CategoricalAccuracy(name="hits"),
                "mse",
                k.metrics.MeanAbsoluteError(),
            ],
        },
        lambda: {"y": one_hot()},
    ),
    "separate_softmax": (
        "old_style",
        lambda k: {"optimizer": "sgd", **SPARSE},
        lambda: {"y": labels()},
    ),
    "batch_norm_and_l2": (
        "cnn",
        lambda k: {"optimizer": adam(k), **SPARSE},
        lambda: {"y": labels()},
    ),
    # Not Adam: for an index that occurs twice Keras on TensorFlow squares the parts of its
    # gradient, and not their sum.
    "masks": ("words", lambda k: {"optimizer": "sgd", **SPARSE}, lambda: {"y": labels()}),
    "mask_in_the_loss": (
        "tagger",
        lambda k: {"optimizer": "sgd", **SPARSE, "weighted_metrics": ["accuracy"]},
        lambda: {"y": np.tile(labels()[:, None], (1, 5))},
    ),
    "mask_and_weights": (
        "tagger",
        lambda k: {"optimizer": "sgd", **SPARSE, "weighted_metrics": ["accuracy"]},
        lambda: {
            "y": np.tile(labels()[:, None], (1, 5)),
            "sample_weight": np.tile(weights()[:, None], (1, 5)),
        },
    ),
    "shared": ("shared", lambda k: {"optimizer": "sgd", "loss": "mse", "metrics": ["mae"]}, dict),
    "nested": ("nested", lambda k: {"optimizer": adam(k), "loss": "mae", "metrics": ["mse"]}, dict),
    "functions": ("functions", lambda k: {"optimizer": "sgd", "loss": k.losses.Huber(0.5)}, dict),
    "two_outputs": (
        "two_ends",
        lambda k: {"optimizer": "sgd", "loss": "mse", "metrics": [["mae"], ["mse", "mae"]]},
        dict,
    ),
    "two_losses": (
        "two_ends",
        lambda k: {
            "optimizer": adam(k),
            "loss": ["mse", "mae"],
            "loss_weights": [1.0, 0.3],
            "metrics": [["mae"], None],
            "weighted_metrics": [None, ["mse"]],
        },
        lambda: {"sample_weight": weights()},
    ),
    "losses_by_name": (
        "two_ends",
        lambda k: {
            "optimizer": "sgd",
            "loss": {"first": "mse", "second": "mae"},
            "loss_weights": {"first": 0.2, "second": 1.0},
            "metrics": {"second": ["mse"]},
        },
        dict,
    ),
    "one_loss_of_two": ("two_ends", lambda k: {"optimizer": "sgd", "loss": [None, "mse"]}, dict),
    "dicts": (
        "dicts",
        lambda k: {
            "optimizer": "sgd",
            "loss": {"first": "mse", "second": "mae"},
            "loss_weights": {"first": 2.0, "second": 0.5},
            "metrics": {"first": ["mae"]},
        },
        dict,
    ),
    "unequal_branches": ("branches", lambda k: {"optimizer": "sgd", "loss": "mse"}, dict),
}


def run(k, name, initial):
    """Everything that can be compared, after fit: (history, evaluate, evaluate as dict, predict,
    weights)."""
    model_name, compile_arguments, more = CASES[name]
    model = MODELS[model_name](k)
    model.set_weights(initial)
    # Eager, Keras knows the size of the last batch when it averages the losses of several outputs.
    model.compile(**compile_arguments(k), run_eagerly=k is keras)
    x, data = inputs_for(model, SAMPLES), more()
    data.setdefault("y", targets_for(model, SAMPLES))
    history = model.fit(x, **(FIT | data)).history
    scored = {key: value for key, value in data.items() if key in ("y", "sample_weight")}
    values = model.evaluate(x, **scored, batch_size=8, verbose=0)
    by_name = model.evaluate(x, **scored, batch_size=8, verbose=0, return_dict=True)
    return history, values, by_name, model.predict(x, batch_size=8, verbose=0), model.get_weights()


@functools.cache
def reference(name):
    initial = randomize(MODELS[CASES[name][0]](keras)).get_weights()
    keras.utils.clear_session(free_memory=False)
    return initial, run(keras, name, initial)


@pytest.mark.in_turn("name")  # that backends are equal is tested elsewhere
@pytest.mark.parametrize("name", CASES)
def test_fit_is_that_of_keras(backend, name):
    initial, (history, values, by_name, predictions, final) = reference(name)
    ours = run(unidl, name, initial)
    assert sorted(ours[0]) == sorted(history)
    assert list(ours[2]) == list(by_name)
    for key, expected in history.items():
        close(ours[0][key], expected, 1e-9)
    close(list(ours[2].values()), list(by_name.values()), 1e-9)
    if "weighted_accuracy" not in by_name:  # Keras' list holds the unweighted value twice then
        close(ours[1], values, 1e-9)
    for a, b in zip(unidl.tree.flatten(ours[3]), unidl.tree.flatten(predictions), strict=True):
        close(a, b, 1e-9)
    for a, b in zip(ours[4], final, strict=True):
        close(a, b, 1e-9)


@functools.cache
def reference_steps():
    return steps(keras, randomize(MODELS["cnn"](keras)).get_weights())


def steps(k, initial):
    model = MODELS["cnn"](k)
    model.set_weights(initial)
    model.compile(adam(k), "sparse_categorical_crossentropy", metrics=["accuracy"])
    x, y = inputs_for(model, SAMPLES), labels()
    found = [initial]
    for i in range(3):
        model.reset_metrics() if i else None
        found.append(model.train_on_batch(x[:8], y[:8], sample_weight=weights()[:8]))
    model.reset_metrics()
    found.append(model.test_on_batch(x[8:], y[8:]))
    model.reset_metrics()
    found.append(
        list(
            model.train_on_batch(
                x[8:], y[8:], return_dict=True, class_weight={0: 1.0, 1: 0.3, 2: 2.0}
            ).values()
        )
    )
    return [*found, model.predict_on_batch(x)]


def test_single_batches(backend):
    initial, *expected = reference_steps()
    _, *ours = steps(unidl, initial)
    for a, b in zip(ours, expected, strict=True):
        close(a, b, 1e-9)

"""Losses, metrics, optimizers, schedules, initializers, regularizers, constraints and callbacks of
one argument that is drawn from anything: either the constructor refuses it, naming class and
argument, or the object works: it gives finite numbers, and its config makes it again."""

import inspect
import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import unidl
from tests.fuzz.running import hunt, in_suite
from unidl import layers, ops
from unidl.utils import clear_session
from unidl.utils.naming import to_snake_case

X = np.linspace(0.1, 0.9, 12, dtype="float32").reshape(4, 3)
Y = np.eye(3, dtype="float32")[[0, 1, 2, 1]]
POOL = st.sampled_from([
    None, True, False, 0, 1, 2, 3, -1, -2, 10**9, 0.0, 0.5, 1.0, 1.5, -0.5, 1e30, -1e30, math.nan,
    math.inf, -math.inf, "", "x", "mean", "float32", "loss", "a/b", b"x", (), [], {}, (1, 2), [0.5],
    ["x"], [None], {"a": 1}, object, np.float32(0.5), np.int64(2), np.ones(2), np.array("x"),
])  # fmt: skip

# What a class cannot be made without.
NEEDED = {
    "LossFunctionWrapper": {"fn": unidl.losses.mean_squared_error},
    "MeanMetricWrapper": {"fn": unidl.losses.mean_squared_error},
    "IoU": {"num_classes": 3, "target_class_ids": [0]},
    "MeanIoU": {"num_classes": 3},
    "OneHotIoU": {"num_classes": 3, "target_class_ids": [0]},
    "OneHotMeanIoU": {"num_classes": 3},
    "SensitivityAtSpecificity": {"specificity": 0.5},
    "SpecificityAtSensitivity": {"sensitivity": 0.5},
    "PrecisionAtRecall": {"recall": 0.5},
    "RecallAtPrecision": {"precision": 0.5},
    "ExponentialDecay": {"initial_learning_rate": 0.1, "decay_steps": 3, "decay_rate": 0.5},
    "InverseTimeDecay": {"initial_learning_rate": 0.1, "decay_steps": 3, "decay_rate": 0.5},
    "PolynomialDecay": {"initial_learning_rate": 0.1, "decay_steps": 3},
    "CosineDecay": {"initial_learning_rate": 0.1, "decay_steps": 3},
    "CosineDecayRestarts": {"initial_learning_rate": 0.1, "first_decay_steps": 3},
    "PiecewiseConstantDecay": {"boundaries": [2], "values": [0.1, 0.2]},
    "LearningRateScheduler": {"schedule": lambda epoch: 0.1},
    "ReduceLROnPlateau": {"monitor": "loss"},
    "EarlyStopping": {"monitor": "loss"},
}
# Arguments that are not drawn: a label, or something of which the data decide.
FREE = {"name", "dtype", "args", "kwargs", "functions", "label_weights", "aggregation"}


def schedule(made):
    return [made(step) for step in (0, 1, 5)]


def initializer(made):
    return made((4, 4), "float32")


def penalty(made):
    return ops.convert_to_numpy(made(ops.convert_to_tensor(X)))


def optimizer(made):
    variable = unidl.Variable(np.ones((4, 3), "float32"))
    made.apply([ops.convert_to_tensor(X)], [variable])
    return variable.numpy()


def callback(made):
    model = unidl.Sequential([unidl.Input((3,)), layers.Dense(3)])
    model.compile("sgd", "mse")
    return model.fit(X, Y, epochs=2, verbose=0, callbacks=[made]).history["loss"]


KINDS = [
    (unidl.optimizers.schedules, unidl.optimizers.schedules.LearningRateSchedule, schedule),
    (unidl.initializers, unidl.initializers.Initializer, initializer),
    (unidl.regularizers, unidl.regularizers.Regularizer, penalty),
    (unidl.constraints, unidl.constraints.Constraint, penalty),
    (unidl.optimizers, unidl.optimizers.Optimizer, optimizer),
    (unidl.losses, unidl.losses.Loss, None),
    (unidl.metrics, unidl.metrics.Metric, None),
    (unidl.callbacks, unidl.callbacks.Callback, callback),
]
# Of these the use needs data or files of their own: their constructors alone are tried.
UNUSED = {"STFT", "Constant", "ModelCheckpoint", "CSVLogger", "Muon"}
# These want another package, or objects of it.
FOREIGN = {"MLflowLogger", "WandbLogger", "OptunaPruning", "OrbaxCheckpoint"}
CLASSES = {
    cls: (None if cls.__name__ in UNUSED else use)
    for package, base, use in KINDS
    for name in package.__all__
    for cls in [getattr(package, name)]
    if inspect.isclass(cls) and issubclass(cls, base) and cls is not base and name not in FOREIGN
}


def arguments(cls):
    known = inspect.signature(cls).parameters.values()
    return sorted(p.name for p in known if p.name not in FREE and p.kind is not p.VAR_KEYWORD)


TRIED = sorted((c for c in CLASSES if arguments(c)), key=lambda c: (c.__module__, c.__name__))


def check(cls, argument, value):
    clear_session(free_memory=False)
    try:
        made = cls(**{**NEEDED.get(cls.__name__, {}), argument: value})
        if CLASSES[cls] is not None:
            assert np.all(np.isfinite(np.asarray(CLASSES[cls](made), "float64")))
    except (ValueError, TypeError, NotImplementedError) as error:
        names = rf"(?i)\b{cls.__name__}\b|{to_snake_case(cls.__name__)}|\baxis\b"
        if not re.search(names, str(error)):
            raise


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Some write files where they are."""
    monkeypatch.chdir(tmp_path)


def one(cls):
    return given(st.sampled_from(arguments(cls)), POOL)(lambda a, v: check(cls, a, v))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("cls", TRIED, ids=lambda cls: f"{cls.__module__}.{cls.__name__}")
def test_a_few(cls):
    in_suite(one(cls), examples=12)


@pytest.mark.fuzz
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("cls", TRIED, ids=lambda cls: f"{cls.__module__}.{cls.__name__}")
def test_many(cls):
    hunt(one(cls), cls.__name__)

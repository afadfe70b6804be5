"""Random functional models against Keras, with its config both ways, and on every backend; then a
few steps of training."""

import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import unidl
from tests.fuzz.architectures import programs
from tests.fuzz.compare import KERAS, ORACLE, Run, plain_json, run_keras, run_unidl
from tests.fuzz.drawn import Spec, made
from tests.fuzz.running import hunt, in_suite
from unidl import tree
from unidl.backend import use_backend

STEPS = 3


class ModelData:
    """Data for a model's inputs, weights and outputs, in the form that `compare` runs."""

    def __init__(self, program, theirs):
        self.generator = g = np.random.default_rng(zlib.crc32(repr(program).encode()))
        arrays = [
            g.integers(0, v, (3, *s)).astype("int32") if v else g.normal(size=(3, *s))
            for s, v in program.inputs
        ]
        self.inputs, self.call = (arrays if len(arrays) > 1 else arrays[0],), {}
        self.values = [
            np.abs(g.normal(size=w.shape)) + 0.5 if "variance" in w.name else g.normal(size=w.shape)
            for w in theirs.weights
        ]
        outputs = tree.flatten(theirs(*self.inputs))
        self.cotangents = [g.normal(size=y.shape) for y in outputs]


def of_config(k, model):
    return k.Model.from_config(plain_json(model.get_config()))


def check_model(keras, program, backends):
    keras.utils.clear_session(free_memory=False)
    theirs = program.build(keras)
    data = ModelData(program, theirs)
    theirs.set_weights(data.values)
    wanted = run_keras(theirs, data)
    reference = None
    for name in ("numpy", *backends):
        with use_backend(name):
            ours = of_config(unidl, theirs)
            assert [w.path for w in ours.weights] == [w.path for w in theirs.weights]
            ours.set_weights(data.values)
            found = run_unidl(ours, data)
            if reference is None:
                reference = found
                reference.compare(wanted, KERAS)
                back = of_config(keras, of_config(unidl, ours))
                back.set_weights(data.values)
                run_keras(back, data).compare(wanted, 0.0)
            else:
                try:
                    found.compare(reference, ORACLE)
                except AssertionError as error:
                    raise AssertionError(f"on {name}: {error}") from None


def _models(keras, backends):
    return given(programs())(lambda program: check_model(keras, program, backends))


def test_a_few_models(keras, backends):
    in_suite(_models(keras, backends), examples=8)


@pytest.mark.fuzz
def test_many_models(keras, backends):
    hunt(_models(keras, backends), "models")


# -- training --------------------------------------------------------------------------------------

# Keras casts constants of optimizers through float32, so these are sums of few powers of two.
PLAIN = Spec("optimizers", "SGD", {"learning_rate": 0.125})
OPTIMIZERS = st.sampled_from(
    [
        PLAIN,
        Spec(
            "optimizers",
            "SGD",
            {"learning_rate": 0.0625, "momentum": 0.875, "nesterov": True, "clipnorm": 0.5},
        ),
        Spec(
            "optimizers",
            "Adam",
            {"learning_rate": 2**-7, "beta_1": 0.875, "beta_2": 0.9375, "epsilon": 2**-6},
        ),
        Spec(
            "optimizers",
            "AdamW",
            {
                "learning_rate": 2**-7,
                "beta_1": 0.5,
                "beta_2": 0.75,
                "epsilon": 2**-6,
                "weight_decay": 0.125,
            },
        ),
        Spec(
            "optimizers",
            "RMSprop",
            {"learning_rate": 2**-7, "rho": 0.875, "epsilon": 2**-6, "centered": True},
        ),
    ]
)
# Not log_cosh: Keras rounds log(2) to float32.
LOSSES = st.sampled_from(["mse", "mae", "huber", "cosine_similarity"])


def check_training(keras, program, optimizer, loss, weighted, backends):
    if any(values for _, values in program.inputs):
        # for an index that occurs twice Keras on TensorFlow squares the parts of its gradient, and
        # not their sum
        optimizer = PLAIN
    keras.utils.clear_session(free_memory=False)
    theirs = program.build(keras)
    data = ModelData(program, theirs)
    shapes = [tuple(y.shape) for y in tree.flatten(theirs(*data.inputs))]
    targets = [data.generator.normal(size=s) for s in shapes]
    # Where a sample has several losses, Keras fails, or weighs the steps if they are as many as the
    # samples.
    weight = data.generator.uniform(0.25, 2, 3) if weighted and max(map(len, shapes)) < 3 else None

    def trained(k, model):
        model.set_weights(data.values)
        model.compile(made(k, optimizer), loss)
        x, y = data.inputs[0], targets if len(targets) > 1 else targets[0]
        losses = [
            np.asarray(model.train_on_batch(x, y, sample_weight=weight))
            .ravel()[:1]
            .astype("float64")
            for _ in range(STEPS)
        ]
        return Run(losses, [], [], [np.asarray(w) for w in model.get_weights()])

    wanted = trained(keras, theirs)
    for name in ("numpy", *backends):
        with use_backend(name):
            try:
                trained(unidl, of_config(unidl, theirs)).compare(wanted, 1e-9)
            except AssertionError as error:
                raise AssertionError(f"on {name}: {error}") from None


def _runs(keras, backends):
    drawn = given(programs(), OPTIMIZERS, LOSSES, st.booleans())
    return drawn(
        lambda program, optimizer, loss, weighted: check_training(
            keras, program, optimizer, loss, weighted, backends
        )
    )


def test_a_few_runs(keras, backends):
    in_suite(_runs(keras, backends), examples=2)


@pytest.mark.fuzz
def test_many_runs(keras, backends):
    hunt(_runs(keras, backends), "runs")

"""Whole models go from Keras to unidl and back, in mid-training: outputs, then further steps."""

import subprocess
import sys
from contextlib import contextmanager

import numpy as np
import pytest

import unidl
from tests.reference import close
from tests.saving import lambda_models
from tests.saving.file_models import LEGACY, MODELS, data_for, facts, scaled, subclassed, trained

pytest.importorskip("keras")
pytest.importorskip("tensorflow")
pytest.importorskip("h5py")

pytestmark = pytest.mark.xdist_group("keras_files")  # so that each process is started once


# Keras computes the softmax of dot-product attention in float32, also under the policy "float64".
TOLERANCE = {"attention": 3e-8}


# Keras traces each model for seconds, so the others are written and read in the sweep alone.
QUICK = ("cnn", "recurrent", "shared", "subclassed", "words")


def each(names):
    return pytest.mark.parametrize(
        "name",
        [pytest.param(n, marks=[] if n in QUICK else pytest.mark.slow) for n in names],
    )


def names_in(request):
    """The models of the tests that were chosen."""
    of_here = [item for item in request.session.items if item.module is request.module]
    return MODELS if any(item.get_closest_marker("slow") for item in of_here) else QUICK


def keras_process(what, folder, names):
    done = subprocess.run(
        [sys.executable, "-m", "tests.saving.keras_process", what, str(folder), *names],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]


@pytest.fixture(scope="module")
def theirs(request, tmp_path_factory):
    """A folder with the files that Keras wrote, and what it says of the models."""
    folder = tmp_path_factory.mktemp("theirs")
    keras_process("write", folder, names_in(request))
    return folder


@pytest.fixture
def known():
    """The classes of a user's own, registered; arrays go in as float64, names as in a new
    process."""
    scaled(unidl)
    subclassed(unidl)
    with float64():
        yield


@contextmanager
def float64():
    before = unidl.config.floatx()
    unidl.config.set_floatx("float64")
    unidl.utils.clear_session(free_memory=False)
    try:
        yield
    finally:
        unidl.config.set_floatx(before)


@each(MODELS)
def test_we_read_keras_and_train_on(name, theirs, known):
    model = unidl.saving.load_model(theirs / f"{name}.keras")
    _compare(name, facts(model, *data_for(name, model)), np.load(theirs / f"{name}.npz"))


@each(LEGACY)
def test_the_older_format_of_keras_3(name, theirs, known):
    model = unidl.saving.load_model(theirs / f"{name}.h5")
    _compare(name, facts(model, *data_for(name, model)), np.load(theirs / f"{name}.npz"))


@pytest.mark.parametrize("name", ["cnn", "shared", "subclassed", "recurrent"])
def test_on_every_backend(backend, name, theirs, known):
    model = unidl.saving.load_model(theirs / f"{name}.keras")
    assert model.backend is backend
    _compare(name, facts(model, *data_for(name, model)), np.load(theirs / f"{name}.npz"))


@pytest.fixture(scope="module")
def read_by_keras(request, tmp_path_factory):
    """{name: (what unidl says of a model that it saved, what Keras says of the file)}."""
    folder, names = tmp_path_factory.mktemp("ours"), names_in(request)
    ours = {}
    with float64():
        for name in names:
            model = trained(unidl, name)
            model.save(folder / f"{name}.keras")
            ours[name] = facts(model, *data_for(name, model))
        for name, model in lambda_models.models(unidl).items():
            with pytest.warns(UserWarning, match="The lambda of"):
                model.save(folder / f"{name}.keras")
            ours[name] = np.asarray(model(lambda_models.X))
    keras_process("read", folder, names)
    found = {name: (ours[name], np.load(folder / f"{name}.npz")) for name in names}
    lambdas = np.load(folder / "lambdas.npz")
    return found | {name: (ours[name], lambdas[name]) for name in lambdas.files}


@each(MODELS)
def test_keras_reads_ours_and_trains_on(name, read_by_keras):
    _compare(name, *read_by_keras[name])


def _compare(name, ours, theirs):
    assert set(ours) == set(theirs.files)
    for key, value in ours.items():
        close(value, theirs[key], TOLERANCE.get(name, 1e-11))


# -- what Keras writes that is not as unidl writes it ----------------------------------------------


def test_the_scale_of_the_loss(theirs):
    """Keras scales the loss by the policy in force, and does not say so in the config."""
    unidl.utils.clear_session(free_memory=False)
    model = unidl.saving.load_model(theirs / "mixed.keras")
    assert type(model.optimizer) is unidl.optimizers.LossScaleOptimizer
    assert int(model.optimizer.inner_optimizer.iterations) == 1
    model.train_on_batch(np.ones((4, 2)), np.ones((4, 3)))


def test_bfloat16(theirs):
    """HDF5 does not have it: the numbers are pairs of bytes."""
    pytest.importorskip("torch")
    with unidl.use_backend("torch"):
        model = unidl.saving.load_model(theirs / "bfloat16.keras")
        found = np.asarray(model.get_weights()[0])
    assert np.abs(found).max() < 1.1  # Glorot's limit for 2 + 3
    assert np.count_nonzero(found) > 3  # of 6: in so few digits one may be drawn as 0


def test_a_flag_of_one_call_is_kept_but_not_that_of_keras(tmp_path):
    inputs = unidl.Input((64,))
    model = unidl.Model(inputs, unidl.layers.Dropout(0.5)(inputs, training=True))
    model.save(tmp_path / "m.keras")
    again = unidl.saving.load_model(tmp_path / "m.keras")
    assert (np.asarray(again.predict(np.ones((1, 64)), verbose=0)) == 0).any()


def test_dropout_of_keras_drops(theirs):
    model = unidl.saving.load_model(theirs / "dropout.keras")
    assert (np.asarray(model(np.ones((1, 64)), training=True)) == 0).any()
    assert (np.asarray(model(np.ones((1, 64)))) == 1).all()


@pytest.mark.parametrize("safe_mode", [True, None])
def test_byte_code_is_not_run(theirs, safe_mode):
    with pytest.raises(ValueError, match=r"lambda\.keras is not loaded.*lambda as byte code"):
        unidl.saving.load_model(theirs / "lambda.keras", safe_mode=safe_mode)


def test_byte_code_that_the_caller_trusts_is_run(theirs):
    model = unidl.saving.load_model(theirs / "lambda.keras", safe_mode=False)
    assert np.asarray(model(np.ones((1, 2)))).tolist() == [[2, 2]]


@pytest.mark.parametrize("name", [*lambda_models.models(unidl)])
def test_lambdas_of_keras(backend, name, theirs):
    facts = np.load(theirs / f"{name}.npz")
    assert (facts["read"].size == 0) == (name in lambda_models.NOT_READ_BY_KERAS["keras"])
    for end in ("keras",) if name in lambda_models.COMPILED else ("keras", "h5"):
        with pytest.raises(ValueError, match=rf"{name}\.{end}.*lambda as byte code"):
            unidl.saving.load_model(theirs / f"{name}.{end}")
        close(lambda_models.outputs(unidl, theirs / f"{name}.{end}"), facts["made"], 1e-6)


@pytest.mark.parametrize("name", lambda_models.COMPILED)
def test_lambdas_of_which_a_file_has_the_name_alone(name, theirs):
    with pytest.raises(ValueError, match=rf"{name}\.h5 cannot be compiled .*compile=False"):
        unidl.saving.load_model(theirs / f"{name}.h5", safe_mode=False)
    assert not unidl.saving.load_model(theirs / f"{name}.h5", compile=False).compiled


@pytest.mark.parametrize("name", [*lambda_models.models(unidl)])
def test_our_lambdas_in_keras(name, read_by_keras):
    ours, theirs = read_by_keras[name]
    if name in lambda_models.NOT_READ_BY_KERAS["unidl"]:
        assert theirs.size == 0
    else:
        close(theirs, ours, 1e-6)


def test_quantized_models_are_told(theirs):
    with pytest.raises(ValueError, match=r"quantized\.keras is not loaded.*Quantization is not"):
        unidl.saving.load_model(theirs / "quantized.keras")

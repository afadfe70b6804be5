"""Recorded runs: equal ones are found equal, others part at the step and layer where the fault is;
files may be hostile."""

import json
import zipfile

import numpy as np
import pytest

import unidl
from tests.conftest import INSTALLED
from unidl import layers
from unidl.verify import compare, record
from unidl.verify.recording import read_run

RNG = np.random.default_rng(3)
X, Y = RNG.normal(size=(40, 6)), RNG.integers(0, 3, 40)
STEPS = 4


def model(dtype="float32"):
    unidl.utils.set_random_seed(5)
    unidl.config.set_floatx(dtype)
    try:
        net = unidl.Sequential(
            [
                unidl.Input((6,)),
                layers.Dense(8, activation="relu", name="first"),
                layers.BatchNormalization(name="norm"),
                layers.Dropout(0.2),
                layers.Dense(3, activation="softmax", name="last"),
            ],
            name="net",
        )
    finally:
        unidl.config.set_floatx("float32")
    net.compile("adam", "sparse_categorical_crossentropy")
    return net


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    for name in INSTALLED:
        with unidl.use_backend(name):
            record(model(), X, Y, STEPS, folder / f"{name}.run")
    return folder


def again(backend, path, dtype="float32", steps=STEPS, x=X):
    with unidl.use_backend(backend):
        record(model(dtype), x, Y, steps, path)
    return path


def test_equal_runs(backend, runs):
    result = compare(runs / "numpy.run", runs / f"{backend.name}.run")
    assert result.equal, str(result)
    assert result.step is None
    assert len(result.shares) == STEPS
    assert max(result.shares) < 0.5
    assert result.count == STEPS * (4 + 1 + 6 + 8)
    assert "EQUAL: 4 steps" in str(result)
    assert f"{backend.name} {backend.version}, float32" in str(result)


def test_float64_and_float32_part_by_rounding_alone(runs, tmp_path):
    wide = again("numpy", tmp_path / "wide.run", "float64")
    result = compare(wide, runs / "numpy.run")
    assert result.equal, str(result)
    assert max(result.shares) > 0


def test_a_recording_in_float64_shows_what_rounding_hides(backend, monkeypatch, tmp_path):
    """An epsilon that is wrong by a 20th moves less than float32 holds, of a network in float32."""

    def run(name, dtype):
        with unidl.use_backend(backend):
            record(model(), X, Y, 2, tmp_path / name, dtype)
        return tmp_path / name

    right = {dtype: run(f"{dtype}.run", dtype) for dtype in ("float32", "float64")}
    assert read_run(right["float64"]).header["dtype"] == "float64"
    assert compare(right["float64"], right["float32"]).equal
    true = backend.batch_norm_training
    monkeypatch.setitem(
        vars(backend),
        "batch_norm_training",
        lambda *a, axes, epsilon: true(*a, axes, epsilon * (1 + 1e-6)),
    )
    assert compare(right["float32"], run("wrong.run", "float32")).equal
    found = compare(right["float64"], run("wrong.run", "float64"))
    assert (found.equal, found.step, found.kind, found.name) == (False, 1, "output", "norm")


def test_a_fault_of_the_forward_pass(backend, runs, monkeypatch, tmp_path):
    true = backend.batch_norm_training
    monkeypatch.setitem(
        vars(backend),
        "batch_norm_training",
        lambda *a, axes, epsilon: true(*a, axes, epsilon * 1.1),
    )
    result = compare(runs / "numpy.run", again(backend.name, tmp_path / "wrong.run"))
    assert (result.equal, result.step, result.kind, result.name) == (False, 1, "output", "norm")
    assert result.difference > result.allowed > 0
    assert "PARTED at step 1 of 4, at the output of norm" in str(result)


def test_a_fault_of_a_gradient(backend, runs, monkeypatch, tmp_path):
    true = backend.linear

    def linear(x, kernel, bias=None):
        return true(
            x,
            kernel,
            backend.add(
                backend.multiply(bias, 0.99), backend.multiply(backend.stop_gradient(bias), 0.01)
            ),
        )

    monkeypatch.setitem(vars(backend), "linear", linear)
    result = compare(runs / "numpy.run", again(backend.name, tmp_path / "wrong.run"))
    assert (result.step, result.kind, result.name) == (1, "gradient", "last/bias")


def test_a_fault_of_the_optimizer_at_a_later_step(backend, runs, monkeypatch, tmp_path):
    true = backend.adam_update

    def adam_update(params, grads, m, v, **kwargs):
        return true(params, grads, m, v, **kwargs | {"beta_2": 0.99})

    monkeypatch.setitem(vars(backend), "adam_update", adam_update)
    result = compare(runs / "numpy.run", again(backend.name, tmp_path / "wrong.run"))
    assert (result.step, result.kind) == (1, "weight")
    assert "optimizer's update" in str(result)


def test_the_step_that_parts_may_be_a_later_one(runs, tmp_path):
    """Other weights from step 3 on, as a fault that comes with the state would make."""
    run = read_run(runs / "numpy.run")
    changed = tmp_path / "changed.run"
    at = next(i for i, e in enumerate(run.entries) if e == ("output", "last"))
    with zipfile.ZipFile(runs / "numpy.run") as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            if name == f"values_{at}.npy":
                values = run.values[at].copy()
                values[2:] *= 1.001
                with new.open(name, "w") as stream:
                    np.lib.format.write_array(stream, values, version=(1, 0))
            else:
                new.writestr(name, old.read(name))
    result = compare(runs / "numpy.run", changed)
    assert (result.step, result.kind, result.name) == (3, "output", "last")


def test_recording_leaves_the_model_as_it_was(backend, tmp_path):
    net = model()
    before = net.get_weights()
    record(net, X, Y, 1, tmp_path / "a.run")
    assert all((a == b).all() for a, b in zip(before, net.get_weights(), strict=True))
    assert not net.optimizer.built
    assert net.backend is backend
    assert [p.name for p in tmp_path.iterdir()] == ["a.run"]


def test_runs_that_cannot_be_compared(runs, tmp_path):
    with pytest.raises(ValueError, match="different data"):
        compare(runs / "numpy.run", again("numpy", tmp_path / "data.run", x=X + 1))
    with pytest.raises(ValueError, match=r"has 4 steps and .* 1"):
        compare(runs / "numpy.run", again("numpy", tmp_path / "steps.run", steps=1))
    with unidl.use_backend("numpy"):
        record(
            unidl.Sequential([unidl.Input((6,)), layers.Dense(3)]),
            X,
            Y,
            STEPS,
            tmp_path / "other.run",
        )
    with pytest.raises(ValueError, match="different models"):
        compare(runs / "numpy.run", tmp_path / "other.run")


def test_wrong_arguments_of_record(tmp_path):
    with pytest.raises(ValueError, match="steps must be an int >= 1"):
        record(model(), X, Y, 0, tmp_path / "a.run")
    with pytest.raises(ValueError, match="no trainable weights"):
        record(
            unidl.Sequential([unidl.Input((6,)), layers.Flatten()]), X, None, 1, tmp_path / "a.run"
        )
    with pytest.raises(ValueError, match='dtype must be "float64" or "float32", got 3'):
        record(model(), X, Y, 1, tmp_path / "a.run", 3)
    with pytest.raises(FileNotFoundError, match="no folder"):
        record(model(), X, Y, 1, tmp_path / "nowhere" / "a.run")
    assert not list(tmp_path.iterdir())


def _with_header(runs, path, **changes):
    with zipfile.ZipFile(runs / "numpy.run") as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "header.json":
                data = json.dumps(
                    {k: v for k, v in (json.loads(data) | changes).items() if v is not None}
                )
            new.writestr(name, data)
    return path


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"format": "other"}, "does not say that it is a run"),
        ({"version": 99}, "has version 99, this unidl reads version 1"),
        ({"steps": "4"}, "'steps' in its header is '4'"),
        ({"steps": 10**9}, "claims 1000000000 steps"),
        ({"steps": -1}, "claims -1 steps"),
        ({"steps": 3}, "is damaged or a different file"),
        ({"sizes": [10**9] * 19}, "'sizes' in its header do not fit"),
        ({"sizes": []}, "'sizes' in its header do not fit"),
        ({"entries": [1, 2]}, "not pairs of kind and name"),
        ({"data": None}, "'data' in its header is None"),
        ({"environment": []}, "'environment' in its header"),
    ],
)
def test_hostile_headers(runs, tmp_path, changes, text):
    with pytest.raises(ValueError, match=text):
        read_run(_with_header(runs, tmp_path / "bad.run", **changes))


def test_damaged_files(runs, tmp_path):
    whole = (runs / "numpy.run").read_bytes()
    bad = tmp_path / "bad.run"
    for data in (b"", b"not a zip", whole[: len(whole) // 2]):
        bad.write_bytes(data)
        with pytest.raises(ValueError, match=r"bad.run is damaged or not a run file.*record\("):
            read_run(bad)
    flipped = bytearray(whole)
    for i in range(len(whole) // 3, len(whole) // 3 + 2000):
        flipped[i] ^= 0x5A
    bad.write_bytes(flipped)
    with pytest.raises(ValueError, match="damaged"):
        read_run(bad)
    with pytest.raises(FileNotFoundError, match=r"no run file .*none.run. Record one first"):
        read_run(tmp_path / "none.run")


def test_a_pickle_in_the_file_is_never_loaded(runs, tmp_path):
    bad = tmp_path / "bad.run"
    with zipfile.ZipFile(runs / "numpy.run") as old, zipfile.ZipFile(bad, "w") as new:
        for name in old.namelist():
            if name == "scatter.npy":
                with new.open(name, "w") as stream:
                    np.lib.format.write_array(
                        stream, np.array([[{"a": 1}]], dtype=object), allow_pickle=True
                    )
            else:
                new.writestr(name, old.read(name))
    with pytest.raises(ValueError, match="Python objects"):
        read_run(bad)

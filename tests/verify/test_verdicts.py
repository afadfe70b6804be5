"""The verdict says no more than was compared: what failed or did not run never counts as equal."""

import json
from contextlib import contextmanager

import numpy as np
import pytest

import unidl
from tests.conftest import INSTALLED
from unidl import layers
from unidl.cli import main
from unidl.conformance.oracle import oracle
from unidl.verify import calls, engine, layer_round, model_round, training_round, verify
from unidl.verify.rounding import rounding_oracle
from unidl.verify.snapshot import Snapshot

needs_torch = pytest.mark.skipif("torch" not in INSTALLED, reason="needs torch")
STATUS = {"equal": 0, "different": 1, "incomplete": 3}


def model(*more):
    unidl.utils.clear_session(free_memory=False)
    unidl.utils.set_random_seed(3)
    return unidl.Sequential(
        [
            unidl.Input((6,)),
            layers.Dense(8, name="first"),
            layers.LayerNormalization(name="norm"),
            *more,
            layers.Dense(3, name="last"),
        ],
        name="net",
    )


def planted(*args, **kwargs):
    raise ValueError("planted")


def verdict_of(report, tmp_path):
    """The verdict, of which text, JSON and page have to say the same."""
    report.to_json(tmp_path / "r.json")
    report.to_html(tmp_path / "r.html")
    told = json.loads((tmp_path / "r.json").read_text())
    assert told["verdict"] == report.verdict
    assert told["passed"] is report.passed is (report.verdict == "equal")
    page = (tmp_path / "r.html").read_text()
    assert report.heading in page
    text = str(report)
    assert text.startswith(report.verdict.upper())
    for line in report.missing:
        assert line[:60] in " ".join(text.split())
        assert line[:40].replace("'", "&#x27;") in page
    return report.verdict


# -- the reference fails ---------------------------------------------------------------------------


def test_an_oracle_that_cannot_run_acquits_nobody(backend, monkeypatch, tmp_path):
    """Neither the model's backend nor another one may take its place."""
    monkeypatch.setattr(type(oracle()), "layer_norm", planted)
    report = verify(model(), backends=[backend], steps=1)
    assert verdict_of(report, tmp_path) == "incomplete"
    assert any("'norm' on the reference: ValueError: planted" in f for f in report.failures)
    assert not report.records


@needs_torch
def test_an_oracle_that_fails_at_a_framework_of_its_own(monkeypatch, tmp_path):
    """A primitive of NumPy's fails, and the model was made on torch, which runs it."""
    with unidl.use_backend("torch"):
        net = model()
    monkeypatch.setattr(type(unidl.get_backend("numpy")), "mean", staticmethod(planted))
    report = verify(net, backends=["torch", "numpy"], steps=2)
    assert not report.passed
    assert verdict_of(report, tmp_path) == "incomplete"


@needs_torch
@pytest.mark.parametrize("name", ["ndarray", "TapeArray"])
def test_a_bug_of_unidl_is_no_layer_that_calls_a_framework(name, monkeypatch, tmp_path):
    """Although its text names the oracle's tensors."""

    def wrong(*args, **kwargs):
        raise TypeError(f"argument must be Tensor, not {name}")

    with unidl.use_backend("torch"):
        net = model()
    monkeypatch.setattr(type(oracle()), "layer_norm", wrong)
    assert verdict_of(verify(net, backends=["torch"], steps=0), tmp_path) == "incomplete"


def test_gradients_of_the_oracle_that_fail(backend, monkeypatch, tmp_path):
    monkeypatch.setattr(type(oracle()), "value_and_grad", planted)
    report = verify(model(), backends=["numpy", backend], steps=1)
    if backend.name == "numpy":  # the oracle is derived from it
        return
    assert verdict_of(report, tmp_path) == "incomplete"
    assert any("norm (LayerNormalization) by itself" in f for f in report.failures)
    assert any("the training" in f for f in report.failures)


# -- a stage of the verification fails -------------------------------------------------------------

STAGES = {
    "reading the layers' calls again": (layer_round, "CallCase", "comparing the layers"),
    "layers": (engine, "compare_calls", "comparing the layers"),
    "naming": (engine, "first_difference", "finding the first layer"),
    "model": (engine, "check_model", "comparing the whole model"),
    "comparison of the model": (model_round, "verdicts", "comparing the whole model"),
    "comparison of the layers": (layer_round, "verdicts", "comparing the layers"),
    "scales": (layer_round, "_find_scales", "comparing the layers"),
    "training": (engine, "check_training", "comparing the training"),
    "comparison of the training": (training_round.trajectory, "judge_runs", "the training"),
    "simulated rounding": (type(rounding_oracle()), "seed", "comparing the"),
}


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_that_fails(stage, monkeypatch, tmp_path):
    owner, name, told = STAGES[stage]
    monkeypatch.setattr(owner, name, planted)
    report = verify(model(), backends=["numpy"], steps=2)
    assert verdict_of(report, tmp_path) == "incomplete"
    assert any(told in failure and "planted" in failure for failure in report.failures)


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_that_fails_hides_no_difference(stage, monkeypatch, tmp_path):
    """One round alone is enough to find this fault."""
    owner, name, _ = STAGES[stage]
    backend = unidl.get_backend("numpy")
    true = backend.layer_norm
    monkeypatch.setitem(vars(backend), "layer_norm", lambda *a: true(*a[:-1], a[-1] * 2 + 1e-3))
    monkeypatch.setattr(owner, name, planted)
    report = verify(model(), backends=["numpy"], steps=2)
    assert verdict_of(report, tmp_path) == "different"


@pytest.mark.parametrize(("owner", "name"), [(Snapshot, "_collect"), (calls, "_describe")])
def test_what_fails_before_anything_runs_flies(owner, name, monkeypatch):
    """Taking the snapshot, and recording the calls: without them there is no report."""
    monkeypatch.setattr(owner, name, planted)
    with pytest.raises(ValueError, match="planted"):
        verify(model(), backends=["numpy"], steps=0)


def test_gradients_that_fail_on_one_backend(backend, monkeypatch, tmp_path):
    monkeypatch.setitem(vars(backend), "value_and_grad", planted)
    report = verify(model(), backends=[backend], steps=1)
    assert verdict_of(report, tmp_path) == "different"
    assert "cannot run: ValueError: planted" in report.first


# -- what does not run everywhere ------------------------------------------------------------------


@contextmanager
def on_torch_alone():
    """A layer that calls torch."""
    import torch

    class Native(layers.Layer):
        def call(self, inputs):
            return torch.special.i0(inputs)

        def compute_output_shape(self, input_shape):
            return input_shape

    with unidl.use_backend("torch"):
        yield Native(name="native")


@needs_torch
@pytest.mark.filterwarnings("ignore::unidl.tracing.capture.CaptureWarning")
def test_a_model_that_runs_only_where_its_framework_allows(tmp_path):
    with on_torch_alone() as native:
        net = model(native)
    report = verify(net, backends=["numpy", "torch"], steps=1)
    assert report.heading == "Equal where it runs (torch only)"
    assert verdict_of(report, tmp_path) == "equal"
    assert "EQUAL WHERE IT RUNS (torch only)" in str(report)
    assert not any(r.passed for r in report.records if r.skipped)
    strict = verify(net, backends=["numpy", "torch"], steps=1, require_all=True)
    assert verdict_of(strict, tmp_path) == "incomplete"
    assert "native did not run on numpy: runs only on torch." in strict.missing
    assert "The whole model did not run on numpy: runs only on torch." in strict.missing


@needs_torch
@pytest.mark.filterwarnings("ignore::unidl.tracing.capture.CaptureWarning")
def test_one_backend_compared_with_nothing_is_not_equal(tmp_path):
    with on_torch_alone() as native:
        net = unidl.Sequential([unidl.Input((3,)), native])
    report = verify(net, backends=["torch"], steps=1)
    assert verdict_of(report, tmp_path) == "incomplete"
    assert "Nothing was compared with an independent reference." in report.missing


@needs_torch
def test_a_layer_that_returns_another_frameworks_tensor(tmp_path):
    """torch takes NumPy's arrays here, and the layers behind it would run on torch."""
    import torch

    class Back(layers.Layer):
        def call(self, inputs):
            return torch.exp(torch.as_tensor(inputs))

        def compute_output_shape(self, input_shape):
            return input_shape

    with unidl.use_backend("torch"):
        net = model(Back(name="back"))
        net.run_eagerly = True
    report = verify(net, backends=["torch"], steps=0)
    assert report.heading == "Equal where it runs (torch only)"
    assert any("the layer 'back' runs only on torch" in note for note in report.notes)


@pytest.mark.parametrize("call", ["method", "function"])
@needs_torch
def test_a_layer_that_calls_a_framework_on_a_symbol(call):
    """The error says what to write."""
    import torch

    class Native(layers.Layer):
        def call(self, inputs):
            return inputs.abs() if call == "method" else torch.special.i0(inputs)

    with pytest.raises(
        TypeError,
        match=r"(?s)Native 'native': .*KerasTensor.*def compute_output_shape\(self, input_shape\)",
    ):
        model(Native(name="native"))


def test_a_backend_that_says_it_cannot(backend, monkeypatch, tmp_path):
    def unsupported(*args, **kwargs):
        raise unidl.backend.UnsupportedError("no such kernel")

    monkeypatch.setitem(vars(backend), "tanh", unsupported)
    net = model(layers.Activation("tanh", name="bend"))
    report = verify(net, backends=[backend], steps=1)
    assert verdict_of(report, tmp_path) == "equal"
    assert report.heading == "Equal where it runs (some layers only)"
    strict = verify(net, backends=[backend], steps=1, require_all=True)
    assert verdict_of(strict, tmp_path) == "incomplete"


def test_a_backend_that_is_left_out(monkeypatch, tmp_path):
    rows = unidl.backend.list_backends()
    true = engine.get_backend

    def get_backend(name=None):
        if name == rows[-1].name:
            raise unidl.backend.BackendError("broken")
        return true(name)

    monkeypatch.setattr(engine, "list_backends", lambda: [rows[0], rows[-1]])
    monkeypatch.setattr(type(rows[-1]), "installed", True, raising=False)
    monkeypatch.setattr(engine, "get_backend", get_backend)
    report = verify(model(), steps=0)
    assert verdict_of(report, tmp_path) == "equal"
    assert report.heading == f"Equal where it runs ({rows[0].name} only)"
    strict = verify(model(), steps=0, require_all=True)
    assert verdict_of(strict, tmp_path) == "incomplete"
    assert f"{rows[-1].name} did not run." in strict.missing


# -- the exit status -------------------------------------------------------------------------------

FACTORY = """
import unidl
from unidl import layers
def make():
    return unidl.Sequential([unidl.Input((4,)), layers.Dense(3), layers.LayerNormalization()])
"""


@pytest.fixture
def command(tmp_path, monkeypatch):
    (tmp_path / "verdict_nets.py").write_text(FACTORY)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    factory = ["verify", "verdict_nets:make", "--backend", "numpy", "--steps", "1"]
    return lambda *more: main([*factory, *more])


def test_the_exit_status(command, monkeypatch, capsys):
    assert command() == 0
    monkeypatch.setattr(engine, "check_model", planted)
    assert command() == 3
    assert "INCOMPLETE" in capsys.readouterr().out


def test_the_exit_status_with_require_all(command, monkeypatch):
    assert command("--require-all") == 0
    backend = unidl.get_backend("numpy")

    def unsupported(*args, **kwargs):
        raise unidl.backend.UnsupportedError("no such kernel")

    monkeypatch.setitem(vars(backend), "layer_norm", unsupported)
    assert command() == 0
    assert command("--require-all") == 3


@pytest.mark.parametrize("error", [RuntimeError, ValueError, KeyError])
def test_the_exit_status_of_a_verification_that_breaks(error, command, monkeypatch, capsys):
    def breaks(*args, **kwargs):
        raise error("planted")

    for owner, name in ((Snapshot, "_collect"), (engine, "describe_environment")):
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, breaks)
            assert command() in (2, 3)
            assert "planted" in capsys.readouterr().err


def test_the_exit_status_of_a_recording_that_breaks(command, monkeypatch):
    def breaks(*args, **kwargs):
        raise RuntimeError("planted")

    import unidl.verify.recording as recording

    for name in ("_look", "_scatter", "_write"):
        with monkeypatch.context() as patch:
            patch.setattr(recording, name, breaks)
            assert command("--record", "a.run") == 3


def test_a_comparison_that_breaks(command, monkeypatch):
    import unidl.verify.comparison as comparison

    assert command("--record", "a.run") == 0
    monkeypatch.setattr(comparison, "_largest", lambda *a: [][1])
    assert main(["verify", "--compare", "a.run", "a.run"]) not in (0, 1)


def test_nan_is_never_equal(backend, monkeypatch, tmp_path):
    """A backend whose results are NaN differs, although NaN compares with nothing."""
    monkeypatch.setitem(vars(backend), "layer_norm", lambda x, *a: backend.multiply(x, np.nan))
    assert verdict_of(verify(model(), backends=[backend], steps=1), tmp_path) == "different"


# -- training of the user's own --------------------------------------------------------------------


def test_a_train_step_of_ones_own_is_not_compared(tmp_path):
    net = model()
    net.compile("sgd", "mse")
    net.train_step = lambda data: {"loss": 0.0}
    report = verify(net, steps=2)
    assert verdict_of(report, tmp_path) == "incomplete"
    assert any("custom training step" in line for line in report.missing)
    assert {r.stage for r in report.records} == {"layer", "model"}

"""Networks without a fault are found equal, though rounding in them is hard to judge (`nets`)."""

import numpy as np
import pytest

import unidl
from tests.conftest import INSTALLED
from tests.verify.nets import NETS, make
from unidl.conformance.oracle import oracle
from unidl.verify import trajectory, verify
from unidl.verify.rounding import rounding_oracle

PAIR = [name for name in ("numpy", "torch") if name in INSTALLED]


# Hard ones: a bias before the average, a beta, a ReLU that stands at zero.
@pytest.mark.parametrize(
    ("name", "seed"),
    [("plain 1, sgd", 1), ("plain 3, adam", 0), ("plain 3, BN, adam", 0), ("residual 1, adam", 1)],
)
def test_a_network_without_a_fault(name, seed):
    report = verify(*make(name, seed), backends=PAIR)
    assert report.passed, str(report)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", NETS)
def test_no_network_is_called_different(name):
    for seed in range(5):
        report = verify(*make(name, seed), backends=PAIR)
        assert report.passed, f"seed {seed}: {report}"


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", list(NETS)[::4])
def test_no_network_is_called_different_on_all_backends(name):
    report = verify(*make(name, 0))
    assert report.passed, str(report)


@pytest.fixture
def no_noise(monkeypatch):
    """Simulated rounding moves nothing, so that each float32 run leaves the reference's."""

    def scatter(noisy, truth):
        none = [dict.fromkeys(step, 0.0) for step in truth.weights]
        return trajectory.Run([0.0] * len(truth.losses), none)

    monkeypatch.setattr(trajectory, "scatter", scatter)


@pytest.mark.usefixtures("no_noise")
def test_a_run_that_leaves_the_references_is_explained_step_by_step(backend):
    report = verify(*make("plain 1, adam", 0), backends=[backend], steps=4)
    assert report.passed, str(report)
    training = [r for r in report.records if r.stage == "training"]
    assert {r.dtype for r in training if r.explained} == {"float32"}
    assert any("from its own state before it" in note for note in report.notes)


@pytest.mark.quick_on("numpy", "torch")
@pytest.mark.usefixtures("no_noise")
@pytest.mark.parametrize("fault", ["value", "slot"])
def test_a_fault_of_float32_alone_is_not_explained(fault, backend, monkeypatch):
    """The same run in float64 shows nothing, and each step counts by itself."""
    true = backend.adam_update

    def adam_update(params, grads, m, v, **kwargs):
        params, *slots = true(params, grads, m, v, **kwargs)
        if backend.dtype(params[0]) == "float32":
            if fault == "value":
                params = [backend.multiply(p, 1 + 1e-4) for p in params]
            else:
                slots[-1] = [backend.multiply(s, 1 + 1e-2) for s in slots[-1]]
        return (params, *slots)

    monkeypatch.setitem(vars(backend), "adam_update", adam_update)
    report = verify(*make("plain 1, adam", 0), backends=[backend], steps=3)
    assert report.verdict == "different"
    assert f"Training on {backend.name} parts in float32 at step 1" in report.first
    assert "it is the update of Adam" in report.first


def test_gradients_are_added_up_one_after_the_other():
    """2,048 equal terms, as a global average makes them: in float32 their running sum drifts."""
    B = rounding_oracle()
    rows = np.full((2048, 1), 0.1 / 3)

    def loss(backend):
        bias = unidl.backend.Variable(np.zeros(1), backend=backend, dtype="float64")
        y = lambda: backend.sum(backend.multiply(backend.add(rows, bias.value), rows))  # noqa: E731
        return backend.value_and_grad(y, [bias])[1][0]

    exact = loss(oracle())
    B.seed(0)
    moved = abs(loss(B) - exact)[0]
    assert moved > 20 * 2.0**-24 * abs(exact)[0]

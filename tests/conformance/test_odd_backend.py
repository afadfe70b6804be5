"""A backend whose tensors are looked at through the contract alone is certified like any other."""

import importlib.metadata

import numpy as np
import pytest

import unidl
from unidl.backend import registry
from unidl.cli import main
from unidl.conformance import run_case
from unidl.conformance.cases import ALL_CASES

BY_NAME = {case.name: case for case in ALL_CASES}
EAGER = (
    "matmul: batch broadcasts",
    "getitem: slice",
    "dropout",
    "softmax",
    "conv: 2d",
    "attention: causal",
    "adam_update: twenty tensors",
    "value_and_grad: order, unused, aux, assignment",
    "value_and_grad: twice",
    "store",
    "layer Dense",
    "layer LSTM",
    "layer BatchNormalization",
)
COMPILED = ("compile: shapes and variables", "compile: random keys", "compile_step", "layer Dense")


_made = {}  # once for the process, since functions remember whose tensors are of a class


@pytest.fixture(scope="module")
def odd():
    """The odd backend, found by an entry point beside the real ones."""
    real = importlib.metadata.entry_points

    def entry_points(**wanted):
        if wanted != {"group": registry.GROUP}:  # a framework looks for its own
            return real(**wanted)
        value = "tests.conformance.odd_backend:spec"
        return [*real(**wanted), importlib.metadata.EntryPoint("odd", value, registry.GROUP)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importlib.metadata, "entry_points", entry_points)
        registry.specs.cache_clear()
        registry._loaded.update(_made)
        yield registry.get_backend("odd")
    _made["odd"] = registry._loaded.pop("odd")
    registry.specs.cache_clear()


def _problems(records):
    return [str(record) for record in records if record.is_problem]


@pytest.mark.parametrize("name", EAGER)
def test_it_is_certified(name, odd):
    records = [
        record
        for record in run_case(BY_NAME[name], odd)
        if not record.what.endswith(("traced", "frozen"))
    ]
    assert len(records) > 1
    assert _problems(records) == []


@pytest.mark.parametrize("name", COMPILED)
def test_what_it_compiles_is_certified(name, odd):
    records = run_case(BY_NAME[name], odd)
    assert records
    assert _problems(records) == []


def test_it_trains(odd):
    """`fit`, compiled, ends with the weights of NumPy's."""
    x = np.random.default_rng(0).normal(size=(12, 3)).astype("float32")
    weights = []
    for name in ("odd", "numpy"):
        unidl.utils.set_random_seed(0)
        with registry.use_backend(name):
            model = unidl.Sequential([unidl.Input((3,)), unidl.layers.Dense(1)])
            model.compile("adam", "mse")
            model.fit(x, x[:, :1], batch_size=5, epochs=2, verbose=0)
        weights.append([w.numpy() for w in model.weights])
    for mine, numpys in zip(*weights, strict=True):
        np.testing.assert_allclose(mine, numpys, rtol=1e-6)


def test_the_command_knows_it(odd, capsys):
    assert (
        main(["conformance", "--backend", "odd", "--match", "argsort", "--dtype", "float32"]) == 0
    )
    assert "odd 1.0" in capsys.readouterr().out

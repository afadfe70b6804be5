"""`unidl verify`: exit status 0 equal, 1 different, 2 wrong use."""

import json
import sys

import pytest

import unidl
from unidl.cli import main

NETS = """
import numpy as np, unidl
from unidl import layers

def model():
    first, norm = layers.Dense(3, name="first"), layers.LayerNormalization(name="norm")
    net = unidl.Sequential([unidl.Input((4,)), first, norm], name="net")
    net.compile("sgd", "mse")
    return net

def with_x():
    return model(), np.ones((2, 4))

def with_both():
    return model(), np.ones((2, 4)), np.zeros((2, 3))

def unfit():
    return model(), np.ones((2, 5))

def nothing():
    return 3

number = 3

class Space:
    @staticmethod
    def model():
        return model()
"""


@pytest.fixture(autouse=True)
def _nets(tmp_path, monkeypatch):
    (tmp_path / "verify_nets.py").write_text(NETS)
    (tmp_path / "verify_broken.py").write_text("import a_package_that_is_not_there")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    sys.modules.pop("verify_nets", None)


def verify(*arguments):
    return main(["verify", *arguments])


@pytest.mark.parametrize("factory", ["model", "with_x", "with_both", "Space.model"])
def test_equal(factory, capsys):
    assert verify(f"verify_nets:{factory}", "--backend", "numpy", "--steps", "1") == 0
    assert "EQUAL" in capsys.readouterr().out


def test_a_model_in_a_file(tmp_path, capsys):
    pytest.importorskip("h5py")
    unidl.Sequential([unidl.Input((3,)), unidl.layers.Dense(2)]).save(tmp_path / "net.keras")
    assert verify("net.keras", "--backend", "torch", "--steps", "2") == 0
    assert "EQUAL  Sequential" in capsys.readouterr().out


def test_reports_in_files(tmp_path):
    assert (
        verify(
            "verify_nets:model",
            "--backend",
            "numpy",
            "--steps",
            "2",
            "--json",
            "r.json",
            "--html",
            "r.html",
        )
        == 0
    )
    assert json.loads((tmp_path / "r.json").read_text())["passed"] is True
    assert (
        "<title>unidl verify: Sequential &#x27;net&#x27;</title>"
        in (tmp_path / "r.html").read_text()
    )


def test_different(backend, monkeypatch, tmp_path, capsys):
    true = backend.layer_norm
    monkeypatch.setitem(
        vars(backend), "layer_norm", lambda *a, axes, epsilon: true(*a, axes, epsilon * 2)
    )
    assert (
        verify(
            "verify_nets:model",
            "--backend",
            backend.name,
            "--steps",
            "0",
            "--json",
            "r.json",
            "--html",
            "r.html",
        )
        == 1
    )
    assert "norm (LayerNormalization) is the first layer that differs" in " ".join(
        capsys.readouterr().out.split()
    )
    assert json.loads((tmp_path / "r.json").read_text())["passed"] is False
    page = (tmp_path / "r.html").read_text()
    assert 'class="bad"' in page
    assert "Rounding does not explain it" in page


def test_recording_and_comparing(monkeypatch, capsys):
    record = ("verify_nets:model", "--backend", "numpy", "--steps", "2", "--record")
    assert verify(*record, "a.run") == 0
    assert verify(*record, "b.run") == 0
    assert verify("--compare", "a.run", "b.run") == 0
    assert verify(*record, "wide.run", "--dtype", "float64") == 0
    assert "2 steps on numpy in float64 recorded in wide.run" in capsys.readouterr().out
    backend = unidl.get_backend("numpy")
    true = backend.sgd_update
    monkeypatch.setitem(
        vars(backend),
        "sgd_update",
        lambda *a, learning_rate, **k: true(*a, learning_rate=learning_rate * 1.01, **k),
    )
    assert verify(*record, "b.run") == 0
    capsys.readouterr()
    assert verify("--compare", "a.run", "b.run") == 1
    assert "PARTED at step 1 of 2, at the weight" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ([], "what should be verified"),
        (["verify_nets"], "is not a factory"),
        (["verify_nets.py"], "the name of a model file must end with '.keras'"),
        (["verify_nets:missing"], "has no 'missing'"),
        (["verify_nets:number"], "is not a function, but a int"),
        (["verify_nets:nothing"], "must return a model"),
        (["verify_nets:unfit"], "the input has shape"),
        (["no_such_module_here:model"], "there is no module 'no_such_module_here'"),
        (["verify_nets:model", "--backend", "paddle"], "no backend named 'paddle'"),
        (
            ["verify_nets:model", "--device", "gpu:9", "--backend", "numpy"],
            "none of the devices gpu:9",
        ),
        (
            ["verify_nets:model", "--record", "a.run", "--backend", "numpy", "--backend", "torch"],
            "--record takes one --backend",
        ),
        (["verify_nets:model", "--compare", "a.run", "b.run"], "two run files and no factory"),
        (["--compare", "a.run", "b.run"], "There is no run file a.run. Record one first"),
        (["verify_nets:model", "--dtype", "float64"], "--dtype is for --record"),
        (
            ["verify_nets:model", "--backend", "numpy", "--steps", "1", "--json", "nowhere/r.json"],
            "no folder nowhere",
        ),
    ],
)
def test_wrong_use(arguments, text, capsys):
    assert verify(*arguments) == 2
    assert text in capsys.readouterr().err


def test_an_import_that_fails_inside_the_users_module_is_the_users_to_see(capsys):
    """With its traceback, and not with Python's own exit status, which would say "different"."""
    assert verify("verify_broken:model") == 2
    told = capsys.readouterr().err
    assert "verify_broken.py" in told
    assert "No module named 'a_package_that_is_not_there'" in told

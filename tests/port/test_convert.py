"""`unidl convert`: files in, source out, and an exit status that tells."""

from __future__ import annotations

import importlib.util
import os

import numpy as np
import pytest

import unidl
from unidl import layers
from unidl.cli import main

needs_mxnet = pytest.mark.skipif(
    importlib.util.find_spec("mxnet") is None, reason="MXNet is not installed"
)


@pytest.fixture
def file(tmp_path):
    model = unidl.Sequential([unidl.Input((4,)), layers.Dense(3, "tanh"), layers.Dense(2)])
    path = tmp_path / "small-net.keras"
    model.save(path)
    return str(path)


def test_a_file_of_keras(file, tmp_path, capsys):
    out = tmp_path / "out" / "deep"
    assert main(["convert", file, "--to", "numpy", "-o", str(out)]) == 0
    assert "equal" in capsys.readouterr().out
    files = {
        f"small_net{end}" for end in (".py", ".safetensors", "_check.safetensors", "_proof.txt")
    }
    assert set(os.listdir(out)) == files


def test_to_jax(file, tmp_path, capsys):
    pytest.importorskip("flax", reason="flax is not installed; `make test-jax` has it")
    assert main(["convert", file, "--to", "jax", "-o", str(tmp_path / "out")]) == 0
    assert "equal" in capsys.readouterr().out
    assert "nnx.Linear(4, 3, rngs=rngs)" in (tmp_path / "out" / "small_net.py").read_text()


@needs_mxnet
def test_to_gluon(file, tmp_path, capsys):
    assert main(["convert", file, "--to", "gluon", "-o", str(tmp_path / "out")]) == 0
    assert "equal" in capsys.readouterr().out
    files = {f"small_net{end}" for end in (".py", ".params", "_check.params", "_proof.txt")}
    assert set(os.listdir(tmp_path / "out")) == files


def test_to_onnx(file, tmp_path, capsys):
    pytest.importorskip("onnx")
    assert main(["convert", file, "--to", "onnx", "-o", str(tmp_path / "out")]) == 0
    assert "equal" in capsys.readouterr().out
    assert "small_net.onnx" in os.listdir(tmp_path / "out")  # beside it, the report


def test_from_onnx_to_source(file, tmp_path, capsys):
    pytest.importorskip("onnx")
    unidl.models.load_model(file).export(str(tmp_path / "net.onnx"), format="onnx", verify=False)
    out = str(tmp_path / "out")
    assert main(["convert", str(tmp_path / "net.onnx"), "--to", "numpy", "-o", out]) == 0
    assert "equal" in capsys.readouterr().out


def test_without_a_proof_it_says_so(file, tmp_path, capsys):
    assert main(["convert", file, "--to", "numpy", "-o", str(tmp_path), "--no-verify"]) == 0
    assert "Not compared" in capsys.readouterr().out


def test_different_is_another_status(file, tmp_path, monkeypatch):
    from unidl.port.proof import Proof

    monkeypatch.setattr(Proof, "passed", property(lambda self: False))
    assert main(["convert", file, "--to", "numpy", "-o", str(tmp_path / "out")]) == 1


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["missing.keras", "--to", "numpy"], "missing.keras"),
        (["{file}", "--to", "nunpy"], "Did you mean"),
        (["{file}", "--to", "numpy", "--params", "x"], "--params and --input-shape are for files"),
        (["x-symbol.json", "--to", "numpy"], "needs --params and --input-shape"),
    ],
)
def test_what_is_not_converted(file, tmp_path, capsys, arguments, text):
    given = [a.replace("{file}", file) for a in arguments]
    assert main(["convert", *given, "-o", str(tmp_path / "out")]) == 2
    assert text in capsys.readouterr().err
    assert not os.path.exists(tmp_path / "out") or not os.listdir(tmp_path / "out")


def test_layers_without_a_counterpart(tmp_path, capsys):
    path = tmp_path / "model.keras"
    unidl.Sequential([unidl.Input((5, 5, 3)), layers.Resizing(2, 2, "bicubic")]).save(path)
    assert main(["convert", str(path), "--to", "numpy", "-o", str(tmp_path / "out")]) == 2
    assert "  resizing: " in capsys.readouterr().err


@needs_mxnet
def test_files_of_mxnet(tmp_path, capsys):
    from unidl_mxnet.load import load_mxnet

    mx = load_mxnet()
    net = mx.gluon.nn.HybridSequential()
    net.add(mx.gluon.nn.Conv2D(3, 3, in_channels=2), mx.gluon.nn.Dense(2, in_units=48))
    net.initialize(mx.init.Xavier())
    net.hybridize()
    x = np.random.RandomState(0).normal(size=(1, 2, 6, 6)).astype("float32")
    wanted = net(mx.nd.array(x)).asnumpy()
    net.export(str(tmp_path / "old"))
    given = [str(tmp_path / "old-symbol.json"), "--params", str(tmp_path / "old-0000.params")]
    out = ["--to", "numpy", "-o", str(tmp_path), "--input-shape", "2,6,6"]
    assert main(["convert", *given, *out]) == 0
    spec = importlib.util.spec_from_file_location("old", tmp_path / "old.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    np.testing.assert_allclose(module.load()(x), wanted, rtol=1e-5, atol=1e-6)

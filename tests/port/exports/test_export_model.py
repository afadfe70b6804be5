"""Models as programs of other runtimes: what is in them, what they take, what is refused."""

import importlib
import os
import subprocess
import sys

import numpy as np
import pytest

import unidl
from tests.port.exports.models import attention, control, images, own, perceptron, sequences
from unidl import layers as L
from unidl import ops, tree
from unidl.cli import main
from unidl.port import PortError, export_model

ENDS = {"tf_saved_model": "", "torch": ".pt2", "litert": ".tflite", "openvino": ".xml"}
NEEDS = {"tf_saved_model": "tensorflow", "torch": "torch", "litert": "tensorflow"}


@pytest.fixture(params=["tf_saved_model", "torch"])
def format(request):
    pytest.importorskip(NEEDS[request.param])
    return request.param


def written(model, format, folder, **options):
    found = export_model(model, folder / f"net{ENDS[format]}", format, **options)
    assert found.proof.passed, found
    return found


def two_inputs():
    """Masks, loops over an open axis, several dtypes, nests at both ends."""
    words = unidl.Input((None,), dtype="int32", name="words")
    more = unidl.Input((3,), dtype="float64", name="more")
    y = L.Embedding(20, 4, mask_zero=True)(words)
    y = L.LSTM(3)(L.TimeDistributed(L.Dense(3, "gelu"))(y))
    z = L.Dense(3, dtype="float64")(more)
    outputs = {"sum": [y + ops.cast(z, "float32"), z], "most": ops.argmax(y, -1)}
    return unidl.Model({"words": words, "more": more}, outputs, name="net")


@pytest.mark.quick_on("numpy")
def test_from_every_backend(backend, format, tmp_path):
    found = written(two_inputs(), format, tmp_path)
    assert len(found.proof.rows) == 9
    assert found.inputs == {"serve": ["more", "words"]}
    assert (tmp_path / "net_proof.txt").read_text() == f"{found.proof}\n"


def test_branches_and_loops(format, tmp_path):
    written(control(), format, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["tf_saved_model", "torch", "litert", "openvino"])
@pytest.mark.parametrize("make", [perceptron, images, sequences, attention, control, own])
def test_every_format(kind, make, tmp_path):
    pytest.importorskip(NEEDS.get(kind, "openvino"))
    written(make(), kind, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["tf_saved_model", "torch"])
@pytest.mark.parametrize(
    "layer",
    [
        L.Conv2D(4, 3, strides=2, padding="same"),
        L.Conv2DTranspose(3, 3, strides=2, padding="same"),
        L.DepthwiseConv2D(3, padding="same"),
        L.MaxPooling2D(3, 2, padding="same"),
        L.AveragePooling2D(3, 2, padding="same"),
        L.UpSampling2D(2, interpolation="bilinear"),
        L.Resizing(5, 6, interpolation="nearest"),
        L.GroupNormalization(3),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_images_of_open_size(kind, layer, tmp_path):
    pytest.importorskip(NEEDS[kind])
    x = unidl.Input((None, None, 3))
    written(unidl.Model(x, type(layer).from_config(layer.get_config())(x)), kind, tmp_path)


def test_what_a_saved_model_has(tmp_path):
    tf = pytest.importorskip("tensorflow")
    x = unidl.Input((4,), name="x")
    y = L.BatchNormalization()(L.Dense(3, name="hidden")(x))
    model = unidl.Model(x, [y, L.Activation("relu")(y)], name="net")
    model.export(tmp_path / "net", verify=False)
    loaded = tf.saved_model.load(tmp_path / "net")
    given = np.arange(8.0).reshape(2, 4).astype("float32")
    wanted = [ops.convert_to_numpy(y) for y in model(given, training=False)]
    named = loaded.signatures["serving_default"](x=tf.constant(given))
    for one, other, truth in zip(
        loaded.serve(given), (named["output_0"], named["output_1"]), wanted, strict=True
    ):
        np.testing.assert_allclose(one, truth, rtol=1e-5)
        np.testing.assert_array_equal(one, other)
    assert [len(v) for v in (loaded.variables, loaded.trainable_variables)] == [6, 4]
    assert {"net/hidden/kernel:0"} <= {v.name for v in loaded.variables} or {"hidden/kernel:0"} <= {
        v.name for v in loaded.variables
    }
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(loaded.serve(given)[1])
    assert all(g is not None for g in tape.gradient(total, loaded.trainable_variables))


def test_what_a_program_of_torch_has(tmp_path):
    torch = pytest.importorskip("torch")
    model = perceptron()
    model.export(tmp_path / "net.pt2", format="torch", verify=False)
    program = torch.export.load(tmp_path / "net.pt2")
    state = program.state_dict
    assert set(state) == {w.path.replace("/", ".") for w in model.weights}
    for weight in model.weights:
        np.testing.assert_array_equal(state[weight.path.replace("/", ".")].detach(), weight.numpy())
    assert program.module()(torch.ones(1, 4)).shape == (1, 2)
    assert program.module()(torch.ones(9, 4)).shape == (9, 2)


def test_given_signatures(format, tmp_path):
    class Two(unidl.Model):
        def __init__(self):
            super().__init__(name="net")
            self.inner = L.Dense(4)

        def call(self, x, shift=0.0):
            return self.inner(x) + shift

    model = Two()
    model(np.ones((2, 3)), np.ones((2, 4)))
    with pytest.raises(ValueError, match=rf"export to {format}: .*input_signature"):
        export_model(model, tmp_path / f"net{ENDS[format]}", format)
    spec = [unidl.InputSpec(shape=(None, 3)), unidl.InputSpec(shape=(None, 4), name="shift")]
    assert written(model, format, tmp_path, input_signature=spec).inputs["serve"][1] == "shift"


def test_everything_that_is_refused_at_once(format, tmp_path):
    class Gradient(L.Layer):
        def call(self, x):
            return unidl.grad(lambda y: ops.sum(y * y))(x)

    class Noise(L.Layer):
        def call(self, x):
            return x + unidl.random.normal((3,))

    class Counts(L.Layer):
        def build(self, shape):
            self.count = self.add_weight((), "zeros", trainable=False, name="count")

        def call(self, x):
            self.count.assign(self.count + 1.0)
            return x

    x = unidl.Input((3,))
    model = unidl.Model(x, Counts(name="counts")(Noise(name="noise")(x)), name="net")
    (tmp_path / f"net{ENDS[format]}").mkdir() if not ENDS[format] else None
    before = sorted(tmp_path.iterdir())
    with pytest.raises(PortError) as error:
        export_model(model, tmp_path / f"net{ENDS[format]}", format)
    assert [path for path, _ in error.value.refused] == ["noise", "counts/count"]
    assert sorted(tmp_path.iterdir()) == before


def test_what_is_computed_from_sizes_on_the_host_is_refused(format, tmp_path):
    class Table(L.Layer):
        def call(self, x):
            return x * np.arange(x.shape[1])[None, :, None]

    class Loop(L.Layer):
        def call(self, x):
            for _ in range(ops.shape(x)[1]):
                x = x + 1
            return x

    x = unidl.Input((None, 3))
    for layer in (Table(name="mine"), Loop(name="mine")):
        with pytest.raises(PortError, match=r"mine: .*on the host"):
            export_model(unidl.Model(x, layer(x)), tmp_path / f"net{ENDS[format]}", format)
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_what_was_there(format, tmp_path, monkeypatch):
    found = written(perceptron(), format, tmp_path)
    files = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    kind = importlib.import_module("unidl.port.exports.export").format_named(format)
    write = kind.write

    def failing(self, endpoints, path):
        write(self, endpoints, path)
        raise OSError("the disk is full")

    monkeypatch.setattr(kind, "write", failing)
    with pytest.raises(OSError, match="disk is full"):
        export_model(images(), found.path, format)
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == files


def test_a_difference_is_a_warning(tmp_path, monkeypatch):
    pytest.importorskip("torch")
    module = importlib.import_module("unidl_torch.port.exported_program")
    run = module._Loaded.run
    monkeypatch.setattr(module._Loaded, "run", lambda self, x: [y + 0.01 for y in run(self, x)])
    with pytest.warns(UserWarning, match="does not compute what the model does"):
        found = export_model(perceptron(), tmp_path / "net.pt2", "torch")
    assert not found.proof.passed
    assert "DIFFERENT" in (tmp_path / "net_proof.txt").read_text()


@pytest.mark.parametrize(
    ("path", "options", "kind", "text"),
    [
        ("net.onnx", {}, ValueError, 'format="onnx"'),
        ("net.pt", {"format": "torch"}, ValueError, r"must end with \.pt2"),
        ("net", {"format": "tf_savedmodel"}, ValueError, "tf_saved_model, torch, got .*Did you"),
        ("net", {"is_static": True}, TypeError, "save_options, verify"),
        ("net.onnx", {"format": "onnx", "opset": 20}, TypeError, "opset_version"),
        ("none/net", {}, FileNotFoundError, "Create it first"),
    ],
)
def test_wrong_arguments(path, options, kind, text, tmp_path):
    pytest.importorskip("tensorflow")
    with pytest.raises(kind, match=text):
        perceptron().export(tmp_path / path, **options)
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_installed_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(ImportError, match=r"pip install 'unidl-framework\[openvino\]'"):
        perceptron().export(tmp_path / "net.xml", format="openvino")
    assert list(tmp_path.iterdir()) == []


def test_from_a_shell(tmp_path, capsys):
    pytest.importorskip("torch")
    perceptron().save(tmp_path / "net.keras")
    given = ["convert", str(tmp_path / "net.keras"), "-o", str(tmp_path / "out"), "--to"]
    assert main([*given, "torch_export"]) == 0
    assert "equal" in capsys.readouterr().out
    assert sorted(os.listdir(tmp_path / "out")) == ["net.pt2", "net_proof.txt"]
    assert main([*given, "tf_savedmodel"]) == 2
    assert "Did you mean" in capsys.readouterr().err


_SERVED = """
import sys
import numpy as np
sys.modules["unidl"] = None
x = np.load("x.npy")
if sys.argv[1] == "torch":
    import torch
    y = torch.export.load("net.pt2").module()(torch.from_numpy(x)).detach().numpy()
else:
    import tensorflow as tf
    loaded = tf.saved_model.load("net")  # has the variables
    y = loaded.serve(x).numpy()
np.save("y.npy", y)
"""


@pytest.mark.slow
def test_without_unidl(format, tmp_path):
    model = images()
    written(model, format, tmp_path)
    x = np.random.default_rng(0).normal(size=(3, 8, 8, 3)).astype("float32")
    np.save(tmp_path / "x.npy", x)
    subprocess.run([sys.executable, "-c", _SERVED, format], cwd=tmp_path, check=True)
    wanted = [ops.convert_to_numpy(y) for y in tree.flatten(model(x, training=False))]
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), wanted[0], rtol=1e-4, atol=1e-5)

"""Models as ONNX files: what is in them, and that three other runtimes compute what the model does,
for batches and lengths that they were not traced with."""

import numpy as np
import pytest

import unidl
from tests.port.exports.models import attention, control, images, own, perceptron, sequences
from unidl import layers as L
from unidl import ops, tree
from unidl.port import PortError, to_onnx
from unidl.port.exports.proof import comparable
from unidl.port.onnx import run_onnx

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from onnx.reference import ReferenceEvaluator  # noqa: E402

LENGTH = 6


def drawn(session, batch):
    draw = np.random.default_rng(batch)
    feeds = {}
    for i in session.get_inputs():
        shape = [s if isinstance(s, int) else batch if s == "batch" else LENGTH for s in i.shape]
        integers = "int" in i.type
        feeds[i.name] = (
            draw.integers(0, 20, shape).astype("int32")
            if integers
            else draw.normal(size=shape).astype("float32")
        )
    return feeds


@pytest.mark.quick_on("numpy")
@pytest.mark.parametrize("make", [perceptron, images, sequences, attention, control, own])
def test_other_runtimes_compute_the_same(make, backend, tmp_path):
    model = make()
    found = to_onnx(model, tmp_path / "net.onnx")
    assert found.proof.passed, found
    assert len(found.proof.rows) >= 3
    if make is attention:
        assert (found.inputs, found.outputs) == (["key", "query"], ["all", "mean"])
    assert "onnxruntime" in str(found)
    session = onnxruntime.InferenceSession(found.path)
    reference = ReferenceEvaluator(found.path)
    for batch in (1, 2, 5):
        feeds = drawn(session, batch)
        given = feeds if len(feeds) > 1 else next(iter(feeds.values()))
        wanted = [ops.convert_to_numpy(y) for y in tree.flatten(model(given, training=False))]
        ours = [ops.convert_to_numpy(y) for y in run_onnx(found.path, feeds)]
        with np.errstate(over="ignore"):  # the reference's sigmoid
            others = session.run(None, feeds), reference.run(None, feeds), ours
        for got in others:
            for one, other in zip(got, wanted, strict=True):
                assert one.shape == other.shape
                assert one.dtype == other.dtype
                np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_what_is_in_the_file(tmp_path):
    model = perceptron()
    found = to_onnx(model, tmp_path / "net.onnx")
    proto = onnx.load(found.path)
    onnx.checker.check_model(proto, full_check=True)
    assert (proto.producer_name, proto.producer_version) == ("unidl", unidl.__version__)
    assert proto.opset_import[0].version == found.opset == 25
    (batch, width) = proto.graph.input[0].type.tensor_type.shape.dim
    assert (batch.dim_param, width.dim_value) == ("batch", 4)
    assert proto.graph.output[0].type.tensor_type.shape.dim[0].dim_param == "batch"
    names = [n.name for n in proto.graph.node]
    assert names[:3] == ["net/dense/MatMul", "net/dense/Add", "net/dense/Relu"]
    stored = {t.name: onnx.numpy_helper.to_array(t) for t in proto.graph.initializer}
    assert set(found.weights) == {w.path for w in model.weights}
    for weight in model.weights:
        np.testing.assert_array_equal(stored[found.weights[weight.path]], weight.numpy())
    assert found.files == [str(tmp_path / "net.onnx"), str(tmp_path / "net_proof.txt")]
    assert "equal" in (tmp_path / "net_proof.txt").read_text()


def test_images_are_transposed_once(tmp_path):
    x = unidl.Input((9, 9, 3))
    y = L.ReLU()(L.BatchNormalization()(L.Conv2D(4, 3, padding="same")(x)))
    y = L.Add()([y, L.Conv2D(4, 1, activation="relu")(y)])
    y = L.MaxPooling2D(2)(L.UpSampling2D(2)(L.Cropping2D(1)(L.ZeroPadding2D(2)(y))))
    found = to_onnx(unidl.Model(x, L.GlobalMaxPooling2D()(y)), tmp_path / "net.onnx")
    assert found.operators["Transpose"] == 1
    kernels = [t for t in onnx.load(found.path).graph.initializer if len(t.dims) == 4]
    assert [tuple(t.dims) for t in kernels if t.dims[0] == 4] == [(4, 3, 3, 3), (4, 4, 1, 1)]


@pytest.mark.parametrize("dtype", ["float64", "float16", "mixed_float16"])
def test_dtypes(dtype, tmp_path):
    x = unidl.Input((6, 6, 2), dtype="float64" if dtype == "float64" else "float32")
    y = L.Conv2D(3, 3, dtype=dtype)(x)
    y = L.LayerNormalization(dtype=dtype)(L.LeakyReLU(0.3, dtype=dtype)(y))
    model = unidl.Model(x, L.Dense(2, "elu", dtype=dtype)(L.Flatten(dtype=dtype)(y)))
    found = to_onnx(model, tmp_path / "net.onnx")
    assert found.proof.passed, found
    if dtype == "float64":  # for which onnxruntime has no convolution
        assert "onnx.reference" in found.proof.how
        assert found.proof.worst.error < 1e-12


def test_bfloat16(backend, tmp_path):
    if "bfloat16" not in backend.dtypes:
        pytest.skip(f"{backend.name} has no bfloat16")
    x = unidl.Input((4,))
    y = L.LayerNormalization(dtype="bfloat16")(L.Dense(3, "relu", dtype="bfloat16")(x))
    model = unidl.Model(x, L.Dense(2, dtype="mixed_bfloat16")(y))
    found = to_onnx(model, tmp_path / "net.onnx")
    assert found.proof.passed, found  # by onnx.reference, since onnxruntime has not all kernels
    stored = {t.name: t.data_type for t in onnx.load(found.path).graph.initializer}
    kernels = [stored[found.weights[w.path]] for w in model.weights if w.name == "kernel"]
    assert kernels == [onnx.TensorProto.BFLOAT16, onnx.TensorProto.FLOAT]


def test_infinities_are_not_the_scale_of_the_proof():
    wanted = np.array([np.inf, np.nan, 1.0])
    proof = unidl.port.Proof("net", 1e-4)
    proof.compare("same", *comparable(wanted, wanted))
    assert proof.passed
    for found in ([np.inf, np.nan, 1.1], [-np.inf, np.nan, 1.0], [np.inf, 0.0, 1.0]):
        proof = unidl.port.Proof("net", 1e-4)
        with np.errstate(invalid="ignore"):
            proof.compare("different", *comparable(np.array(found), wanted))
        assert not proof.passed


def test_large_arrays_beside_the_file(tmp_path):
    model = unidl.Sequential([unidl.Input((64,)), L.Dense(40), L.Dense(3)], name="net")
    found = to_onnx(model, tmp_path / "net.onnx", external_data=True)
    assert found.files[1].endswith("net.onnx.data")
    assert found.proof.passed
    first, second = model.layers[-2:]
    proto = onnx.load(found.path, load_external_data=False)
    apart = [t.name for t in proto.graph.initializer if t.external_data]
    assert apart == [first.kernel.path]
    stored = {t.name: t for t in onnx.load(found.path).graph.initializer}
    for weight in (first.kernel, second.kernel):
        array = onnx.numpy_helper.to_array(stored[weight.path])
        np.testing.assert_array_equal(array, weight.numpy())


def test_a_weight_that_is_used_twice_is_stored_once(tmp_path):
    table = L.Embedding(50, 8, name="table")

    class Tied(L.Layer):
        def call(self, x):
            return ops.matmul(x, ops.transpose(table.embeddings))

    x = unidl.Input((None,), dtype="int32")
    found = to_onnx(unidl.Model(x, Tied()(L.Dense(8)(table(x)))), tmp_path / "net.onnx")
    assert found.proof.passed
    stored = [t.name for t in onnx.load(found.path).graph.initializer if 50 in t.dims]
    assert stored == ["table/embeddings"]


def test_another_opset_and_no_proof(tmp_path):
    x = unidl.Input((3,))
    model = unidl.Model(x, ops.isinf(ops.gelu(L.Dense(2)(x))))
    for opset in (18, 28):
        found = to_onnx(model, tmp_path / "net.onnx", opset=opset, verify=False)
        assert onnx.load(found.path).opset_import[0].version == opset
        assert found.proof is None
        assert "verify=False" in str(found)
        session = onnxruntime.InferenceSession(found.path)
        assert session.run(None, {found.inputs[0]: np.ones((2, 3), "float32")})[0].shape == (2, 2)


def test_given_signatures(tmp_path):
    class Two(unidl.Model):
        def __init__(self):
            super().__init__(name="net")
            self.inner = L.Dense(4)

        def call(self, x, shift=0.0):
            return self.inner(x) + shift

    model = Two()
    model(np.ones((2, 3)), np.ones((2, 4)))
    with pytest.raises(ValueError, match="input_signature"):
        to_onnx(model, tmp_path / "net.onnx")
    spec = [L.InputSpec(shape=(None, 3)), L.InputSpec(shape=(None, 4))]
    assert to_onnx(model, tmp_path / "net.onnx", spec).proof.passed
    found = to_onnx(sequences(), tmp_path / "net.onnx", L.InputSpec(shape=(2, 7), dtype="int32"))
    (given,) = onnxruntime.InferenceSession(found.path).get_inputs()
    assert given.shape == [2, 7]
    assert len(found.proof.rows) == 1


def test_everything_that_is_refused_at_once(tmp_path):
    class Factors(L.Layer):
        def call(self, x):
            return ops.solve(*ops.qr(ops.matmul(ops.transpose(x), x)))

    class Noise(L.Layer):
        def call(self, x):
            return x + unidl.random.normal((3,))

    x = unidl.Input((3,))
    model = unidl.Model(x, Noise(name="noise")(Factors(name="factors")(x)), name="net")
    with pytest.raises(PortError) as error:
        to_onnx(model, tmp_path / "net.onnx")
    assert [path for path, _ in error.value.refused] == ["factors", "factors", "noise"]
    for reason in ("calls qr", "calls solve", "random numbers"):
        assert reason in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_what_is_computed_from_sizes_on_the_host_is_refused(tmp_path):
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
            to_onnx(unidl.Model(x, layer(x)), tmp_path / "net.onnx")
    assert list(tmp_path.iterdir()) == []


def test_state_is_refused(tmp_path):
    x = unidl.Input(batch_shape=(2, 3, 4))
    model = unidl.Model(x, L.LSTM(3, stateful=True)(x))
    with pytest.raises(PortError, match="assigned in inference"):
        to_onnx(model, tmp_path / "net.onnx")


def test_export_of_a_model(tmp_path, capsys):
    model = perceptron()
    model.export(tmp_path / "net.onnx", "onnx", verbose=True, opset_version=20)
    assert "opset 20" in capsys.readouterr().out
    model.export(tmp_path / "net.onnx", format="onnx")
    assert capsys.readouterr().out == ""
    with pytest.raises(TypeError, match="opset_version"):
        model.export(tmp_path / "net.onnx", "onnx", opset=20)

"""Files of ONNX as models: layers, names, training, and what is refused."""

import numpy as np
import pytest

import unidl
from unidl import layers
from unidl.port import PortError, from_onnx, to_onnx
from unidl.port.onnx import OnnxError

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from tests.port.layer_cases import CASES, model_of  # noqa: E402

DRAW = np.random.default_rng(0)


def drawn(*shape):
    return DRAW.normal(size=shape).astype("float32")


def written(nodes, weights, shape, outputs=("y",), dtype=TensorProto.FLOAT, opset=18):
    """A file with one input x."""
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", dtype, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(np.asarray(a), name) for name, a in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])


def node(operator, inputs, outputs="y", **attributes):
    return helper.make_node(operator, inputs.split(), outputs.split(), **attributes)


def kinds(model):
    return [type(layer).__name__ for layer in model.layers[1:]]


def test_an_image_network_goes_out_and_comes_back(backend, tmp_path):
    x = inputs = unidl.Input((12, 12, 3))
    x = layers.Conv2D(4, 3, padding="same", activation="relu")(x)
    x = layers.BatchNormalization()(x)
    x = layers.MaxPooling2D()(x)
    x = layers.DepthwiseConv2D(3)(x)
    x = layers.LayerNormalization()(x)
    x = layers.Flatten()(layers.Conv2DTranspose(2, 2, strides=2)(x))
    model = unidl.Model(inputs, layers.Dense(5, "softmax")(x), name="images")
    to_onnx(model, tmp_path / "images.onnx", verify=False)
    found = from_onnx(tmp_path / "images.onnx")
    assert found.proof.passed, found.proof
    assert not found.warnings
    assert "Permute" not in kinds(found.model)  # its channels are last, too
    assert set(found.names) == {v.path for v in model.variables}
    data = drawn(3, 12, 12, 3)
    np.testing.assert_allclose(found.model.predict(data), model.predict(data), atol=1e-5)
    for name, array in found.state().items():
        original = {t.name: t for t in onnx.load(tmp_path / "images.onnx").graph.initializer}[name]
        np.testing.assert_array_equal(array, numpy_helper.to_array(original))
    before = found.model.get_weights()
    found.model.compile("adam", "sparse_categorical_crossentropy")
    found.model.fit(data, np.array([0, 1, 2]), verbose=0)
    moved = [
        np.abs(a - b).max() > 0 for a, b in zip(before, found.model.get_weights(), strict=True)
    ]
    assert all(moved)


def test_recurrent_layers_in_both_directions():
    """As torch writes them: time first, two biases, a state of zeros."""
    weights = {"table": drawn(7, 3), "w": drawn(2, 16, 3), "r": drawn(2, 16, 4), "b": drawn(2, 32)}
    weights |= {"gw": drawn(1, 6, 8), "gr": drawn(1, 6, 2), "gb": drawn(1, 12)}
    weights |= {"h": np.zeros((2, 1, 4), "float32"), "axis": np.array([1])}
    nodes = [
        node("Gather", "table x", "e"),
        node("Transpose", "e", "t", perm=[1, 0, 2]),
        node("LSTM", "t w r b", "l _h _c", hidden_size=4, direction="bidirectional"),
        node("Transpose", "l", "s", perm=[0, 2, 1, 3]),
        node("Reshape", "s shape", "f"),
        node("GRU", "f gw gr gb", "g last", hidden_size=2, linear_before_reset=1),
        node("Squeeze", "g axis", "y"),
    ]
    weights["shape"] = np.array([0, 0, -1])
    found = from_onnx(written(nodes, weights, ["n", 5], dtype=TensorProto.INT64))
    assert found.proof.passed, found.proof
    assert kinds(found.model).count("LSTM") == 2
    assert kinds(found.model).count("GRU") == 1
    assert [w.variable.path for w in found.weights].count("gw.GRU/kernel") == 0
    assert "two biases" in found.warnings[0]


def test_what_shapes_are_computed_from_is_not_in_the_model():
    """A token in front of each sequence, and heads, with the batch open."""
    nodes = [
        node("Shape", "x", "s"),
        node("Gather", "s zero", "n"),
        node("Concat", "n one_six", "target", axis=0),
        node("Expand", "token target", "tokens"),
        node("Concat", "tokens x", "all", axis=1),
        node("Concat", "n heads", "split", axis=0),
        node("Reshape", "all split", "h"),
        node("Transpose", "h", "t", perm=[0, 2, 1, 3]),
        node("ReduceMean", "t axes", "y", keepdims=0),
    ]
    weights = {"zero": [0], "one_six": [1, 6], "heads": [-1, 2, 3], "axes": [2]}
    weights["token"] = drawn(1, 1, 6)
    found = from_onnx(written(nodes, weights, ["n", 4, 6]))
    assert found.proof.passed, found.proof
    assert found.model.output_shape == (None, 2, 3)
    assert found.names == {"token": "token/value"}
    assert "token" in found.warnings[0]


def test_a_weight_that_two_nodes_share_is_one_variable():
    nodes = [
        node("Gather", "table x", "e"),
        node("Transpose", "table", "t", perm=[1, 0]),
        node("MatMul", "e t", "y"),
    ]
    found = from_onnx(written(nodes, {"table": drawn(7, 3)}, ["n", 5], dtype=TensorProto.INT64))
    assert found.proof.passed, found.proof
    assert len(found.model.weights) == 1


def test_paddings_and_sizes_of_other_frameworks():
    nodes = [
        node("Conv", "x k", "a", pads=[0, 1, 2, 1], strides=[2, 1], group=1),
        node("MaxPool", "a", "m", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1),
        node("Resize", "m  scales", "r", mode="nearest",
             coordinate_transformation_mode="asymmetric", nearest_mode="floor"),
        node("PRelu", "r slope", "p"),
        node("Add", "p shift", "y"),
    ]  # fmt: skip
    nodes[2].input[:] = ["m", "", "scales"]
    weights = {"k": drawn(4, 3, 3, 3), "scales": np.array([1, 1, 2, 2], "float32")}
    weights |= {"slope": drawn(4, 1, 1), "shift": drawn(4, 1, 1)}
    found = from_onnx(written(nodes, weights, ["n", 3, 9, 8]))
    assert found.proof.passed, found.proof
    assert kinds(found.model).count("Permute") == 2
    assert "UpSampling2D" in kinds(found.model)


def test_loops_of_known_length_are_written_out():
    case = next(c for c in CASES if c.name == "GRU, reset before")
    to_onnx(model_of(case), "/tmp/gru.onnx", verify=False)
    assert from_onnx("/tmp/gru.onnx").proof.passed


def test_everything_that_is_refused_is_told_at_once():
    nodes = [
        node("Range", "zero length step", "places"),
        node("Shape", "x", "s"),
        node("Gather", "s one", "length"),
        node("Cast", "places", "numbers", to=TensorProto.FLOAT),
        node("Add", "x numbers", "a"),
        node("LSTM", "x3 w r", "b", hidden_size=2, clip=3.0),
        node("Unsqueeze", "x zero_axis", "x3"),
    ]
    nodes = [nodes[1], nodes[2], nodes[0], *nodes[3:5], nodes[6], nodes[5]]
    weights = {"zero": np.array(0), "one": np.array(1), "step": np.array(1), "zero_axis": [0]}
    weights |= {"w": drawn(1, 8, 3), "r": drawn(1, 8, 2)}
    file = written(nodes, weights, ["n", "t"], ("a", "b"))
    with pytest.raises(PortError) as told:
        from_onnx(file, {"x": (None, 3)})
    (one,) = [reason for _, reason in told.value.refused]
    assert "clip is not supported" in one
    del file.graph.node[-1], file.graph.output[-1]
    with pytest.raises(PortError, match=r"open axis\. Give sizes: input_shapes="):
        from_onnx(file)
    assert from_onnx(file, {"x": (None, 3)}).proof.passed


@pytest.mark.parametrize(
    ("shapes", "told"),
    [({"z": (2, 3)}, "the inputs of graph are 'x'"), ({"x": (2, 4)}, "and the file")],
)
def test_wrong_sizes(shapes, told):
    file = written([node("Relu", "x")], {}, ["n", 3])
    with pytest.raises(ValueError, match=told):
        from_onnx(file, shapes)


def test_damaged_files():
    """Each is refused, or is a model that passes; nothing else happens."""
    weights = {"w": drawn(3, 4), "b": drawn(4)}
    nodes = [node("Gemm", "x w b", "h"), node("Softmax", "h")]
    content = written(nodes, weights, ["n", 3]).SerializeToString()
    draw, refused = np.random.default_rng(1), 0
    for _ in range(60):
        damaged = bytearray(content)
        damaged[draw.integers(len(damaged))] = draw.integers(256)
        try:
            from_onnx(bytes(damaged), verify=False)
        except (OnnxError, ValueError, TypeError):
            refused += 1
    assert refused > 10


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_each_layer_comes_back(case, tmp_path):
    if getattr(case.make(), "stateful", False) or case.name == "Resizing, one image":
        pytest.skip("to_onnx refuses the one, a size without a batch the other")
    to_onnx(model_of(case), tmp_path / "net.onnx", verify=False)
    found = from_onnx(tmp_path / "net.onnx")
    assert found.proof.passed, found.proof

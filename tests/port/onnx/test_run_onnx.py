"""Whole graphs, from files too, and what is wrong with models and inputs."""

import numpy as np
import pytest

from unidl import ops
from unidl.port.onnx import OnnxError, read_onnx, run_onnx, supported_operators

onnx = pytest.importorskip("onnx")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

DRAW = np.random.default_rng(0)
W, B = DRAW.normal(size=(3, 4)).astype("float32"), DRAW.normal(size=4).astype("float32")
X = DRAW.normal(size=(2, 3)).astype("float32")
FLOAT = TensorProto.FLOAT


def model(
    nodes, initializers=None, inputs=(("x", [None, 3]),), outputs=("y",), opset=18, **options
):
    tensors = [numpy_helper.from_array(a, name) for name, a in (initializers or {}).items()]
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info(name, FLOAT, shape) for name, shape in inputs],
        [helper.make_tensor_value_info(name, FLOAT, None) for name in outputs],
        tensors,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], **options)


DENSE = [helper.make_node("Gemm", ["x", "w", "b"], ["z"]), helper.make_node("Relu", ["z"], ["y"])]
EXPECTED = np.maximum(X @ W + B, 0)


def test_dense_from_a_file(backend, tmp_path):
    onnx.save(model(DENSE, {"w": W, "b": B}), tmp_path / "dense.onnx")
    (y,) = run_onnx(tmp_path / "dense.onnx", {"x": X})
    assert backend.is_tensor(y)
    np.testing.assert_allclose(ops.convert_to_numpy(y), EXPECTED, rtol=1e-5)
    (again,) = run_onnx((tmp_path / "dense.onnx").read_bytes(), [backend.asarray(X)])
    np.testing.assert_array_equal(ops.convert_to_numpy(again), ops.convert_to_numpy(y))


def test_an_initializer_is_the_default_of_an_input():
    function = read_onnx(model(DENSE, {"w": W, "b": B}, inputs=(("x", [None, 3]), ("b", [4]))))
    assert function.inputs == ["x", "b"]
    np.testing.assert_allclose(function({"x": X})[0], EXPECTED, rtol=1e-5)
    np.testing.assert_allclose(function({"x": X, "b": B * 0})[0], np.maximum(X @ W, 0), rtol=1e-5)


def test_shapes_are_computed_on_the_host(backend):
    """Flatten written as exporters write it: Shape, Gather, Concat, Reshape."""
    nodes = [
        helper.make_node("Shape", ["x"], ["s"]),
        helper.make_node("Gather", ["s", "zero"], ["n"]),
        helper.make_node("Concat", ["n", "rest"], ["target"], axis=0),
        helper.make_node("Reshape", ["x", "target"], ["y"]),
    ]
    constants = {"zero": np.array([0]), "rest": np.array([-1])}
    (y,) = run_onnx(
        model(nodes, constants, inputs=(("x", [None, 3, 2]),)), [np.zeros((5, 3, 2), "float32")]
    )
    assert ops.shape(y) == (5, 6)


def test_gradients_flow_through(backend):
    import unidl

    function, x = read_onnx(model(DENSE, {"w": W, "b": B})), unidl.Variable(X)
    _, (found,) = unidl.value_and_grad(lambda: ops.sum(function([x.value])[0]), [x])
    np.testing.assert_allclose(
        ops.convert_to_numpy(found), (EXPECTED > 0) @ W.T, rtol=1e-5, atol=1e-6
    )


def test_functions_of_the_model():
    body = [helper.make_node("Add", ["a", "a"], ["double"])]
    function = helper.make_function(
        "own", "Double", ["a"], ["double"], body, [helper.make_opsetid("", 18)]
    )
    proto = model([helper.make_node("Double", ["x"], ["y"], domain="own")], functions=[function])
    proto.opset_import.append(helper.make_opsetid("own", 1))
    np.testing.assert_array_equal(run_onnx(proto, [X])[0], 2 * X)


ADD = helper.make_node("Add", ["x", "a"], ["y"], name="adder")


def one(operator, **options):
    return lambda: model([helper.make_node(operator, ["x"], ["y"], **options)])


WRONG = {
    "a missing initializer": (
        lambda: model(DENSE, {"w": W}),
        "needs 'b', which no node, input or initializer produces",
    ),
    "a cycle": (
        lambda: model([ADD, helper.make_node("Neg", ["y"], ["a"])]),
        "adder.*only the later node number 1 makes.*cycle",
    ),
    "a node of itself": (
        lambda: model([helper.make_node("Add", ["x", "y"], ["y"])]),
        "which it makes itself",
    ),
    "an output that nothing makes": (
        lambda: model(DENSE, {"w": W, "b": B}, outputs=("q",)),
        "should output 'q'",
    ),
    "an unknown operator": (one("Nonsense"), "Nonsense.*does not exist in ai.onnx version 18.*Abs"),
    "an operator newer than the opset": (one("Gelu"), "Gelu.*does not exist in ai.onnx version 18"),
    "an unsupported operator": (one("RoiAlign"), "RoiAlign of ai.onnx version 18 .*not supported"),
    "an unknown domain": (
        one("Mine", domain="mine"),
        "domain 'mine', which the model does not import",
    ),
    "an opset of the future": (
        lambda: model(DENSE, {"w": W, "b": B}, opset=999),
        "version 999.*Install a newer onnx",
    ),
    "no opset": (lambda: _without("opset_import"), "does not say which operator version"),
    "no graph": (lambda: _without("graph"), "no graph"),
    "a truncated tensor": (lambda: _truncated(), "'w'.*damaged"),
    "an unknown data type": (lambda: _of_type(99), "Data type number 99"),
    "a data type that unidl lacks": (
        lambda: _of_type(TensorProto.STRING),
        "string is not supported",
    ),
    "garbage": (lambda: b"\x00garbage, not a model", "not an ONNX file"),
}


def _without(field):
    proto = model(DENSE, {"w": W, "b": B})
    proto.ClearField(field)
    return proto


def _truncated():
    proto = model(DENSE, {"w": W, "b": B})
    proto.graph.initializer[0].raw_data = proto.graph.initializer[0].raw_data[:-5]
    return proto


def _of_type(number):
    proto = model(DENSE, {"w": W, "b": B})
    proto.graph.initializer[0].data_type = number
    return proto


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_with_a_model(what):
    make, message = WRONG[what]
    with pytest.raises(OnnxError, match=f"(?s){message}"):
        read_onnx(make())


def test_a_file_that_is_cut_off(tmp_path):
    data = model(DENSE, {"w": W, "b": B}).SerializeToString()
    (tmp_path / "half.onnx").write_bytes(data[: len(data) // 2])
    with pytest.raises(OnnxError, match=r"half\.onnx"):
        read_onnx(tmp_path / "half.onnx")
    with pytest.raises(FileNotFoundError):
        read_onnx(tmp_path / "none.onnx")


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, r"missing: \['x'\]"),
        ({"x": X, "q": X}, r"unknown: \['q'\]"),
        ([X, X], "given: 2"),
        ({"x": X.astype("float64")}, "'x' must be float32, got float64"),
        ({"x": X[:, :2]}, r"'x' must have the shape \(None, 3\), got \(2, 2\)"),
        ({"x": X[0]}, r"'x' must have the shape \(None, 3\), got \(3,\)"),
        ({"x": np.array(["a"])}, "string is not supported"),
    ],
)
def test_what_is_wrong_with_inputs(backend, inputs, message):
    with pytest.raises(OnnxError, match=message):
        run_onnx(model(DENSE, {"w": W, "b": B}), inputs)


def test_the_package_is_an_extra(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r"pip install \"unidl-framework\[onnx\]\""):
        read_onnx("model.onnx")


def test_supported_operators():
    assert {"Add", "Conv", "LSTM", "Attention"} <= set(supported_operators())

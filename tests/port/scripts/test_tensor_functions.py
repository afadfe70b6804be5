"""Each function of TensorFlow in the table gives what its counterpart gives."""

import numpy as np
import pytest

from unidl.backend import use_backend

pytest.importorskip("libcst")

import unidl
from unidl.port.scripts import port_source
from unidl_keras.scripts.tensor_functions import FUNCTIONS

RNG = np.random.RandomState(0)
NAMES = {
    "x": RNG.rand(2, 3).astype("float32") + 0.5,
    "y": RNG.rand(2, 3).astype("float32") + 0.5,
    "b": RNG.rand(2, 3) > 0.5,
    "c": RNG.rand(2, 3) > 0.5,
    "i": np.array([1, 0, 1]),
    "w": RNG.rand(3, 2).astype("float32"),
}
OTHERS = {
    "broadcast_to": "tf.broadcast_to(x, (4, 2, 3))",
    "cast": "tf.cast(x, tf.int32)",
    "clip_by_value": "tf.clip_by_value(x, 0.6, clip_value_max=1.0)",
    "concat": "tf.concat([x, y], axis=1)",
    "constant": "tf.constant([1.0, 2.0])",
    "expand_dims": "tf.expand_dims(x, 1)",
    "eye": "tf.eye(2, 3)",
    "gather": "tf.gather(x, i)",
    "linspace": "tf.linspace(0.0, 1.0, 5)",
    "matmul": "tf.matmul(x, w)",
    "linalg.matmul": "tf.linalg.matmul(a=x, b=w)",
    "nn.leaky_relu": "tf.nn.leaky_relu(x - 1, alpha=0.3)",
    "nn.sigmoid_cross_entropy_with_logits": "tf.nn.sigmoid_cross_entropy_with_logits(y / 2, x)",
    "nn.softmax_cross_entropy_with_logits": "tf.nn.softmax_cross_entropy_with_logits(x / 3, y)",
    "nn.sparse_softmax_cross_entropy_with_logits": (
        "tf.nn.sparse_softmax_cross_entropy_with_logits(labels=i[:2], logits=y)"
    ),
    "nn.relu6": "tf.nn.relu6(x * 10)",
    "one_hot": "tf.one_hot(i, depth=3)",
    "ones": "tf.ones((2, 2))",
    "zeros": "tf.zeros([2, 2], tf.float64)",
    "pad": "tf.pad(x, [[1, 0], [0, 2]])",
    "range": "tf.range(2, 7, delta=2)",
    "repeat": "tf.repeat(x, 2, axis=0)",
    "reshape": "tf.reshape(x, [-1, 2])",
    "squeeze": "tf.squeeze(x[:1], axis=0)",
    "stack": "tf.stack([x, y], axis=1)",
    "tile": "tf.tile(x, multiples=[2, 1])",
    "transpose": "tf.transpose(x, perm=[1, 0])",
    "unstack": "tf.stack(tf.unstack(x, axis=1))",
    "where": "tf.where(b, x, y)",
    "Variable": "tf.Variable(x) + 0.0",
}
PAIRS = ["x1", "x2"]
DRAWN = {"random.normal", "random.uniform", "random.set_seed"}


def call(name):
    if name in OTHERS:
        return OTHERS[name]
    parameters = [ours for ours in FUNCTIONS[name].parameters.values() if ours]
    logical = "logical" in name or name in ("reduce_all", "reduce_any")
    first, second = ("b", "c") if logical else ("x", "y")
    arguments = f"{first}, {second}" if parameters[:2] == PAIRS else first
    return f"tf.{name}({arguments})"


def ported(name):
    found = port_source(f"import tensorflow as tf\nfound = {call(name)}\n")
    assert found.whole, found.kept
    namespace = dict(NAMES)
    exec(found.text, namespace)
    return namespace["found"]


@pytest.mark.parametrize("name", sorted(FUNCTIONS.keys() - DRAWN))
def test_it_is_equal(name):
    tf = pytest.importorskip("tensorflow")
    with use_backend("numpy"):
        found = np.asarray(unidl.ops.convert_to_numpy(ported(name)))
    expected = np.asarray(eval(call(name), {**NAMES, "tf": tf}))
    assert found.shape == expected.shape
    assert found.dtype.kind == expected.dtype.kind
    np.testing.assert_allclose(found, expected, rtol=2e-6, atol=1e-7)

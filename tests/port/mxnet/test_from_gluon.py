"""Blocks of Gluon, live and from the files that `export` writes: proved against MXNet, and read
without it."""

import json
import subprocess
import sys

import numpy as np
import pytest

from unidl import layers, ops, port
from unidl_mxnet.files.symbol import parse_symbol, parsed, read_symbol

mx = pytest.importorskip("unidl_mxnet.load", exc_type=ImportError).load_mxnet()
nn = mx.gluon.nn

IMAGES, ROWS, WORDS = (2, 4, 8, 8), (3, 4), (2, 6)


class Block(nn.HybridBlock):
    """Residual, with arithmetic of its own."""

    def __init__(self, **options):
        super().__init__(**options)
        with self.name_scope():
            self.body = nn.HybridSequential()
            self.body.add(nn.Conv2D(4, 3, padding=1, use_bias=False), nn.BatchNorm())
            self.head = nn.Dense(3)

    def hybrid_forward(self, F, x):
        y = F.Activation(self.body(x) + x, act_type="relu")
        y = F.concat(y * 2 - 1, F.broadcast_mul(y, F.mean(y, axis=(2, 3), keepdims=True)), dim=1)
        return F.log_softmax(self.head(F.transpose(y, axes=(0, 2, 3, 1))), axis=-1)


class Words(nn.HybridBlock):
    def __init__(self, **options):
        super().__init__(**options)
        with self.name_scope():
            self.table = nn.Embedding(11, 5)
            self.head = nn.Dense(2, flatten=False)

    def hybrid_forward(self, F, x):
        y = self.head(self.table(x))
        return F.sum(F.expand_dims(y, axis=1), axis=1), F.SwapAxis(y, dim1=1, dim2=2)


class Arithmetic(nn.HybridBlock):
    """Parameters of its own, comparisons, slices, products of matrices, other shapes."""

    def __init__(self, **options):
        super().__init__(**options)
        with self.name_scope():
            self.scale = self.params.get("scale", shape=(1, 4, 1, 1))
            self.kernel = self.params.get("kernel", shape=(8, 3))

    def hybrid_forward(self, F, x, scale, kernel):
        x = F.broadcast_mul(x, F.reshape(scale, shape=(1, -1, 1, 1)))
        x = F.where(x > 0, x, F.broadcast_like(F.slice_axis(x, axis=2, begin=0, end=1), x))
        x = F.slice(x, begin=(None, 1, None), end=(None, 4, None), step=(1, 1, 2))
        x = F.reverse(F.repeat(x, repeats=2, axis=2), axis=(1, 2))
        y = F.reshape(x, shape=(-3, 0, 0))
        y = F.reshape(F.batch_dot(y, y, transpose_b=True), shape=(-4, -1, 3, -2))
        y = F.linalg.gemm2(y, y, alpha=0.5) + F.reshape_like(F.zeros_like(y), y)
        steps = F.expand_dims(F.contrib.arange_like(F.slice_axis(y, 1, 0, 1), axis=2), axis=0)
        y = F.broadcast_mul(y, F.expand_dims(F.expand_dims(steps, axis=0), axis=0))
        parts = F.split(F.dot(y, kernel), num_outputs=3, axis=3, squeeze_axis=True)
        y = F.stack(*parts, axis=1)
        least = F.broadcast_greater(y, F.mean(y, axis=3, keepdims=True))
        return y * least + F.cast(F.logical_not(least), dtype="float32")


class Sizes(nn.HybridBlock):
    """Averages that leave padding out, resizing, adaptive windows, a shared axis of dropout."""

    def __init__(self, **options):
        super().__init__(**options)
        with self.name_scope():
            self.dropout = nn.Dropout(0.5, axes=(2, 3))

    def hybrid_forward(self, F, x):
        options = {"kernel": (3, 3), "pad": (1, 1), "stride": (2, 2), "count_include_pad": False}
        y = F.Pooling(self.dropout(x), pool_type="avg", **options)
        y = F.contrib.BilinearResize2D(y, height=6, width=5, align_corners=False)
        y = F.concat(F.contrib.AdaptiveAvgPooling2D(y, output_size=(2, 3)), dim=1)
        return F.squeeze(F.broadcast_axis(F.expand_dims(y, axis=1), axis=1, size=1), axis=1)


def several(*blocks):
    found = nn.HybridSequential()
    found.add(*blocks)
    return found


BLOCKS = {
    "Dense": (lambda: nn.Dense(3, activation="tanh"), ROWS),
    "Dense of images": (lambda: nn.Dense(3), IMAGES),
    "Conv1D": (lambda: nn.Conv1D(3, 3, strides=2, padding=1), (2, 4, 9)),
    "Conv2D": (lambda: nn.Conv2D(6, (3, 2), (2, 1), 1, 1, 2, activation="relu"), IMAGES),
    "Conv2DTranspose": (lambda: nn.Conv2DTranspose(3, 3, 2, 1, output_padding=1), IMAGES),
    "BatchNorm": (nn.BatchNorm, IMAGES),
    "BatchNorm without scale": (lambda: nn.BatchNorm(scale=False, epsilon=1e-3), ROWS),
    "LayerNorm": (nn.LayerNorm, ROWS),
    "GroupNorm": (lambda: nn.GroupNorm(4), IMAGES),
    "MaxPool2D": (lambda: nn.MaxPool2D(3, 2, 1), IMAGES),
    "MaxPool2D, ceil": (lambda: nn.MaxPool2D(3, 2, ceil_mode=True), IMAGES),
    "AvgPool2D": (lambda: nn.AvgPool2D(2), IMAGES),
    "AvgPool2D, padding": (lambda: nn.AvgPool2D(3, 2, 1), IMAGES),
    "GlobalAvgPool2D": (lambda: several(nn.GlobalAvgPool2D(), nn.Flatten()), IMAGES),
    "GlobalMaxPool2D": (nn.GlobalMaxPool2D, IMAGES),
    "LeakyReLU": (lambda: nn.LeakyReLU(0.2), ROWS),
    "PReLU": (lambda: several(nn.Conv2D(3, 1), nn.PReLU()), IMAGES),
    "ELU, GELU, Swish": (lambda: several(nn.ELU(0.7), nn.GELU(), nn.Swish()), ROWS),
    "Dropout": (lambda: several(nn.Dense(4), nn.Dropout(0.5), nn.Dense(2)), ROWS),
    "a residual block": (Block, IMAGES),
    "two outputs": (Words, WORDS),
    "arithmetic": (Arithmetic, IMAGES),
    "sizes": (Sizes, IMAGES),
}  # fmt: skip


def made(name):
    mx.random.seed(0)
    make, shape = BLOCKS[name]
    block = make()
    block.initialize(mx.init.Uniform(0.5))
    block.hybridize()
    drawn = np.random.default_rng(0)
    x = drawn.integers(0, 11, shape) if shape == WORDS else drawn.normal(size=shape)
    x = x.astype("float32")
    block(mx.nd.array(x))
    for parameter in block.collect_params().values():
        if "running" in parameter.name:
            parameter.set_data(mx.nd.array(drawn.uniform(0.5, 2, parameter.shape)))
    return block, x


def outputs(model, x):
    found = model(x)
    found = found if isinstance(found, list) else [found]
    return [ops.convert_to_numpy(y) for y in found]


@pytest.mark.parametrize("name", BLOCKS)
def test_a_block(name):
    block, x = made(name)
    found = port.from_gluon(block, x)
    assert found.proof.passed, str(found.proof)
    wanted = block(mx.nd.array(x))
    wanted = wanted if isinstance(wanted, (list, tuple)) else [wanted]
    for one, other in zip(outputs(found.model, x), wanted, strict=True):
        np.testing.assert_allclose(one, other.asnumpy(), rtol=1e-4, atol=1e-5)
    state = found.state()
    for parameter in block.collect_params().values():
        if name != "BatchNorm without scale" or not parameter.name.endswith("gamma"):
            np.testing.assert_array_equal(state[parameter.name], parameter.data().asnumpy())


WITHOUT = """
import sys
sys.modules["mxnet"] = None
import numpy as np
from unidl import port
found = port.from_gluon(sys.argv[1] + "-symbol.json", np.load(sys.argv[1] + ".npy"),
                        params=sys.argv[1] + "-0000.params", verify=False)
np.save(sys.argv[1] + ".out.npy", found.model.predict(np.load(sys.argv[1] + ".npy"), verbose=0))
"""


def test_files_without_mxnet(tmp_path):
    block, x = made("a residual block")
    path = str(tmp_path / "net")
    block.export(path)
    np.save(f"{path}.npy", x)
    subprocess.run([sys.executable, "-c", WITHOUT, path], check=True)
    wanted = block(mx.nd.array(x)).asnumpy()
    np.testing.assert_allclose(np.load(f"{path}.out.npy"), wanted, rtol=1e-4, atol=1e-5)
    found = port.from_gluon(f"{path}-symbol.json", x, params=f"{path}-0000.params")
    assert found.proof.passed


def test_old_training_graphs_end_in_their_loss(tmp_path):
    data, label = mx.sym.var("data"), mx.sym.var("softmax_label")
    symbol = mx.sym.SoftmaxOutput(mx.sym.FullyConnected(data, num_hidden=3, name="fc"), label)
    symbol.save(str(tmp_path / "m-symbol.json"))
    weights = {"arg:fc_weight": np.ones((3, 4), "f4"), "arg:fc_bias": np.arange(3, dtype="f4")}
    mx.nd.save(str(tmp_path / "m.params"), {k: mx.nd.array(v) for k, v in weights.items()})
    x = np.ones((2, 4), "float32")
    found = port.from_gluon(
        tmp_path / "m-symbol.json", x, params=tmp_path / "m.params", verify=False
    )
    exact = np.exp(np.arange(3.0)) / np.exp(np.arange(3.0)).sum()
    np.testing.assert_allclose(outputs(found.model, x)[0], [exact, exact], rtol=1e-6)
    assert isinstance(found.model.get_layer("fc"), layers.Dense)


def test_what_is_refused(tmp_path):
    data = mx.sym.var("data")
    block = mx.gluon.SymbolBlock([mx.sym.topk(mx.sym.sort(data))], [data])
    with pytest.raises(port.PortError, match=r"operator sort has no counterpart\n.*topk"):
        port.from_gluon(block, np.ones((2, 3), "float32"))
    (tmp_path / "m-symbol.json").write_text(json.dumps(SYMBOL))
    with pytest.raises(ValueError, match=r"give the path of the \.params"):
        port.from_gluon(tmp_path / "m-symbol.json", np.ones(3))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("(3, 3)", (3, 3)), ("(1,)", (1,)), ("[2L, 3L]", (2, 3)), ("()", ()), ("True", True),
        ("0.9", 0.9), ("1e-05", 1e-5), ("None", None), ("relu", "relu"), ("-1", -1),
        ('["xavier", {"rnd_type": 1}]', '["xavier", {"rnd_type": 1}]'), ("9" * 50, "9" * 50),
        ("__import__('os')", "__import__('os')"),
    ],
)  # fmt: skip
def test_attributes_are_parsed_and_never_evaluated(text, value):
    assert parsed(text) == value


SYMBOL = {
    "nodes": [
        {"op": "null", "name": "data", "inputs": []},
        {"op": "relu", "name": "r", "attrs": {}, "inputs": [[0, 0, 0]]},
    ],
    "heads": [[1, 0, 0]],
}
DAMAGED = {
    "no JSON": "{",
    "100,000 deep": "[" * 100_000,
    "a list": "[]",
    "no nodes": json.dumps({"heads": []}),
    "no outputs": json.dumps({**SYMBOL, "heads": []}),
    "a circle": json.dumps({**SYMBOL, "nodes": [{"op": "relu", "name": "a", "inputs": [[0, 0]]}]}),
    "beyond the end": json.dumps({**SYMBOL, "heads": [[9, 0, 0]]}),
    "a name that is a number": json.dumps(
        {**SYMBOL, "nodes": [{"op": "null", "name": 3, "inputs": []}]}
    ),
}


@pytest.mark.parametrize("what", DAMAGED)
def test_damaged_symbols(what, tmp_path):
    path = tmp_path / "m-symbol.json"
    path.write_text(DAMAGED[what])
    with pytest.raises(ValueError, match=r"m-symbol\.json is not read"):
        read_symbol(path)


def test_files_from_before_version_0_9():
    text = json.dumps({
        "nodes": [
            {"op": "null", "param": {}, "name": "data", "inputs": [], "backward_source_id": -1},
            {"op": "Activation", "param": {"act_type": "relu"}, "name": "a", "inputs": [[0, 0]],
             "backward_source_id": -1, "attr": {"lr_mult": "2"}},
        ],
        "arg_nodes": [0], "heads": [[1, 0]],
    })  # fmt: skip
    graph = parse_symbol(text)
    assert [node.op for node in graph.nodes] == ["null", "Activation"]
    assert graph.nodes[1].attrs == {"act_type": "relu", "lr_mult": 2}

"""Networks written twice, in torch and by hand in unidl: numbers find their layers, or it is told
why not."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

import unidl  # noqa: E402
from unidl import layers, ops, port  # noqa: E402


class Block(nn.Module):
    def __init__(self, before, after, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(after)
        self.down = None
        if stride > 1:
            self.down = nn.Sequential(
                nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after)
            )

    def forward(self, x):
        y = self.norm2(self.conv2(torch.relu(self.norm1(self.conv1(x)))))
        return torch.relu(y + (x if self.down is None else self.down(x)))


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.blocks = nn.Sequential(Block(8, 8, 1), Block(8, 8, 1), Block(8, 16, 2))
        self.head = nn.Sequential(nn.Linear(16 * 4 * 2, 5), nn.Linear(5, 5))

    def forward(self, x):
        return self.head(torch.flatten(self.blocks(self.stem(x)), 1))


def norm():
    return layers.BatchNormalization(epsilon=1e-5, momentum=0.9)


def block(x, filters, stride):
    y = layers.Conv2D(filters, 3, stride, use_bias=False)(layers.ZeroPadding2D(1)(x))
    y = layers.Conv2D(filters, 3, padding="same", use_bias=False)(layers.ReLU()(norm()(y)))
    y = norm()(y)
    if stride > 1:
        x = norm()(layers.Conv2D(filters, 1, stride, use_bias=False)(x))
    return ops.relu(y + x)


def residual():
    x = inputs = layers.Input((8, 4, 3))
    x = layers.Conv2D(8, 3, padding="same")(x)
    for filters, stride in ((8, 1), (8, 1), (16, 2)):
        x = block(x, filters, stride)
    x = layers.Dropout(0.5)(layers.Flatten()(x))
    return unidl.Model(inputs, layers.Dense(5)(layers.Dense(5)(x)))


class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(11, 5)
        self.rnn = nn.GRU(5, 4, num_layers=2, batch_first=True, bidirectional=True)
        self.lstm = nn.LSTM(8, 3, batch_first=True)
        self.head = nn.Linear(3, 2)

    def forward(self, words):
        return self.head(self.lstm(self.rnn(self.table(words))[0])[0][:, -1])


def words():
    rnn = [layers.Bidirectional(layers.GRU(4, return_sequences=True)) for _ in range(2)]
    return unidl.Sequential(
        [unidl.Input((6,), dtype="int32"), layers.Embedding(11, 5), *rnn, layers.LSTM(3),
         layers.Dense(2)]
    )  # fmt: skip


class Attends(nn.Module):
    """Projections in one array, in three of a module, and in modules of their own."""

    def __init__(self, kind):
        super().__init__()
        self.kind = kind
        self.norm = nn.LayerNorm(8)
        if kind == "torch's":
            self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        elif kind == "fused":
            self.qkv, self.proj = nn.Linear(8, 24), nn.Linear(8, 8)
        else:
            self.k_proj, self.v_proj, self.q_proj, self.out_proj = (
                nn.Linear(8, 8) for _ in range(4)
            )

    def forward(self, x):
        x = self.norm(x)
        if self.kind == "torch's":
            return self.attention(x, x, x)[0]
        if self.kind == "fused":
            parts, out = self.qkv(x).chunk(3, -1), self.proj
        else:
            parts, out = (self.q_proj(x), self.k_proj(x), self.v_proj(x)), self.out_proj
        q, k, v = (t.unflatten(-1, (2, 4)).transpose(1, 2) for t in parts)
        y = torch.nn.functional.scaled_dot_product_attention(q, k, v)
        return out(y.transpose(1, 2).flatten(2))


def attends():
    x = inputs = layers.Input((5, 8))
    x = layers.LayerNormalization(epsilon=1e-5)(x)
    return unidl.Model(inputs, layers.MultiHeadAttention(2, 4)(x, x))


class Odd(nn.Module):
    """What few networks have, each kind once."""

    def __init__(self):
        super().__init__()
        self.depthwise = nn.Conv2d(4, 8, 3, groups=4)
        self.pointwise = nn.Conv2d(8, 6, 1)
        self.up = nn.ConvTranspose2d(6, 5, 2, 2)
        self.norm = nn.GroupNorm(1, 5)
        self.slope = nn.PReLU(5)
        self.flat_norm = nn.BatchNorm1d(5 * 24)
        self.head = nn.Linear(5 * 24, 3)
        self.offset = nn.Parameter(torch.zeros(3))

    def forward(self, x):
        x = self.slope(self.norm(self.up(self.pointwise(self.depthwise(x)))))
        return self.head(self.flat_norm(torch.flatten(x, 1))) + self.offset


class Offset(layers.Layer):
    def build(self, input_shape):
        self.offset = self.add_weight((input_shape[-1],), name="offset")

    def call(self, inputs):
        return inputs + self.offset


def odd():
    return unidl.Sequential([
        unidl.Input((5, 4, 4)), layers.DepthwiseConv2D(3, depth_multiplier=2),
        layers.Conv2D(6, 1), layers.Conv2DTranspose(5, 2, 2),
        layers.GroupNormalization(1, epsilon=1e-5), layers.PReLU(shared_axes=[1, 2]),
        layers.Reshape((-1,)), norm(), layers.Dense(3), Offset(),
    ])  # fmt: skip


MODELS = {
    "residual": (Residual, residual, (2, 3, 8, 4)),
    "words": (Words, words, (3, 6)),
    "attention": (lambda: Attends("torch's"), attends, (2, 5, 8)),
    "fused attention": (lambda: Attends("fused"), attends, (2, 5, 8)),
    "separate attention": (lambda: Attends("separate"), attends, (2, 5, 8)),
    "odd": (Odd, odd, (2, 4, 5, 4)),
}


def drawn(name):
    """(the module, unidl's model, inputs of each)."""
    torch.manual_seed(0)
    make, ours, shape = MODELS[name]
    module = make().eval()
    for tensor in module.state_dict().values():
        if tensor.is_floating_point():
            tensor.uniform_(0.1, 0.6)
    x = torch.randint(0, 11, shape) if name == "words" else torch.randn(shape)
    given = x.permute(0, 2, 3, 1) if len(shape) == 4 else x
    return module, ours(), x, given.numpy()


def equal(model, module, x, given):
    with torch.no_grad():
        wanted = module(x).numpy()
    np.testing.assert_allclose(ops.convert_to_numpy(model(given)), wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", MODELS)
def test_a_network_written_twice(backend, name):
    module, model, x, given = drawn(name)
    found = port.load_state_dict(model, module.state_dict())
    equal(model, module, x, given)
    assert not found.unmatched_layers
    assert not found.unmatched_arrays
    state = found.state()
    assert set(state) == set(module.state_dict())
    for key, tensor in module.state_dict().items():
        if "lstm.bias" not in key:  # two that became their sum
            np.testing.assert_array_equal(state[key], tensor.numpy(), err_msg=key)


def test_order_where_shapes_repeat():
    module, model, _, _ = drawn("residual")
    found = port.load_state_dict(model, module.state_dict())
    reasons = {match.module: match.how for match in found.matched}
    assert reasons["stem"] == reasons["blocks.2.down.0"] == "shape"
    assert reasons["blocks.2.norm2"] == reasons["blocks.2.down.1"] == "next"
    assert "it follows in the file as in the model" in str(found)
    assert "blocks.0.norm1.num_batches_tracked: ignored" in str(found)


class ByHand(unidl.Model):
    """No graph, so nothing tells what comes behind what."""

    def __init__(self, names=(None, None)):
        super().__init__()
        self.inner = [layers.Dense(4, name=name) for name in names]

    def call(self, x):
        return self.inner[1](self.inner[0](x))


STATE = {"a.weight": np.eye(4, dtype="f"), "a.bias": np.zeros(4, "f"),
         "b.weight": np.ones((4, 4), "f"), "b.bias": np.ones(4, "f")}  # fmt: skip


def built(names=(None, None)):
    model = ByHand(names)
    model(np.ones((1, 4), "float32"))
    return model


def test_order_is_said_and_names_are_stronger():
    model = built()
    found = port.load_state_dict(model, STATE)
    assert [(m.module, m.how) for m in found.matched] == [("a", "order"), ("b", "order")]
    assert any("others have the same shapes" in text for text in found.warnings)
    for settled in (
        port.load_state_dict(built(("b", "a")), STATE),
        port.load_state_dict(built(("x", "y")), STATE, names={"x": "b"}),
        port.load_state_dict(built(("x", "y")), STATE, names={"x": "b", "y": "a"}.get),
    ):
        assert [m.module for m in settled.matched] == ["b", "a"]
        assert not settled.warnings


def test_branches_of_equal_shapes_are_not_guessed():
    """The graph has the longer branch first, and the code the shorter one."""
    inputs = layers.Input((4, 4, 2))
    one = layers.Conv2D(2, 1)(inputs)
    two = layers.Conv2D(2, 1)(inputs)
    two = layers.Conv2D(2, 3, padding="same")(two)
    model = unidl.Model(inputs, one + two)
    convs = {"one": nn.Conv2d(2, 2, 1), "two": nn.Conv2d(2, 2, 1), "deep": nn.Conv2d(2, 2, 3)}
    state = nn.ModuleDict(convs).state_dict()
    with pytest.raises(port.PortError, match="were made in another order"):
        port.load_state_dict(model, state)
    names = dict(zip([layer.name for layer in model.layers[1:3]], ("two", "one"), strict=True))
    found = port.load_state_dict(model, state, names=names)
    assert {m.module: m.how for m in found.matched} == {
        "one": "given", "two": "given", "deep": "shape"
    }  # fmt: skip


def test_a_file_that_is_sorted_has_no_order(tmp_path):
    safetensors = pytest.importorskip("safetensors.numpy")
    safetensors.save_file(STATE, tmp_path / "m.safetensors")
    with pytest.raises(port.PortError, match=r"2 layers fit 2 modules \(a, b\) alike.*names="):
        port.load_state_dict(built(), tmp_path / "m.safetensors")
    numbered = {f"layers.{'ab'.index(name[0]) + 9}{name[1:]}": v for name, v in STATE.items()}
    safetensors.save_file(numbered, tmp_path / "m.safetensors")
    found = port.load_state_dict(built(), tmp_path / "m.safetensors")
    assert [(m.module, m.how) for m in found.matched] == [
        ("layers.9", "numbers"), ("layers.10", "numbers")
    ]  # fmt: skip


def test_what_does_not_match_is_all_told_and_nothing_changes():
    model = unidl.Sequential([unidl.Input((4,)), layers.Dense(3, use_bias=False), layers.Dense(7)])
    before = model.get_weights()
    module = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 8), nn.Embedding(5, 2))
    module[0].bias.data.fill_(1.0)
    with pytest.raises(port.PortError) as caught:
        port.load_state_dict(model, module.state_dict())
    for text in (
        "is not loaded. Nothing has been changed",
        "dense: it takes weight (3, 4); 0: it has a bias too, for which dense has no weight",
        "dense_1: it takes weight (7, 3), bias (7,); 1: its weight is (8, 3) instead of (7, 3)",
        "2.weight: no layer is left that fits its shape (5, 2)",
    ):
        assert text in str(caught.value)
    for one, other in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)
    module[0].bias.data.fill_(0.0)  # as if there were none
    found = port.load_state_dict(model, module.state_dict(), strict=False)
    assert [m.layer for m in found.matched] == ["dense"]
    assert [path for path, _ in found.unmatched_layers] == ["dense_1"]
    assert list(found.ignored) == ["0.bias"]
    np.testing.assert_array_equal(model.get_weights()[0], module[0].weight.detach().numpy().T)


def test_models_and_layers_within_others(backend):
    """The graph of an inner model is looked into, and a layer alone is loaded too."""
    images = unidl.Sequential(
        [unidl.Input((4, 4, 2)), layers.Conv2D(3, 3), layers.Flatten()], name="images"
    )
    inputs = layers.Input((4, 4, 2))
    outputs = layers.TimeDistributed(layers.Dense(5))(layers.Reshape((1, 12))(images(inputs)))
    model = unidl.Model(inputs, layers.Dense(2)(layers.Flatten()(outputs)))
    module = nn.Sequential(nn.Conv2d(2, 3, 3), nn.Linear(12, 5), nn.Linear(5, 2))
    found = port.load_state_dict(model, module.state_dict())
    assert [m.module for m in found.matched] == ["0", "1", "2"]
    assert "in a way that cannot be followed" in found.warnings[0]
    direct = unidl.Model(inputs, layers.Dense(5)(images(inputs)))
    port.load_state_dict(direct, module[:2].state_dict())
    x = torch.randn(2, 2, 4, 4)
    equal(
        direct, nn.Sequential(module[0], nn.Flatten(), module[1]), x, x.permute(0, 2, 3, 1).numpy()
    )
    layer = layers.Dense(3)
    layer.build((None, 4))
    port.load_state_dict(layer, nn.Linear(4, 3).state_dict())


def test_wrong_names_are_told():
    with pytest.raises(port.PortError) as caught:
        port.load_state_dict(built(("x", "y")), STATE, names={"z": "a", "x": "c"})
    assert "z: no layer of the model that has weights is called so" in str(caught.value)
    assert "x: the file has no module 'c'" in str(caught.value)


def test_tied_weights_count_once():
    model = unidl.Sequential([unidl.Input((3,), dtype="int32"), layers.Embedding(5, 2)])
    table = np.arange(10, dtype="f").reshape(5, 2)
    found = port.load_state_dict(model, {"tok.weight": table, "head.weight": table.copy()})
    assert list(found.ignored) == ["head.weight"] or list(found.ignored) == ["tok.weight"]


def test_what_differs_in_silence():
    model = unidl.Sequential([
        unidl.Input((8, 8, 3)), layers.Conv2D(4, 3, 2, padding="same"), layers.BatchNormalization(),
        layers.LeakyReLU(), layers.Flatten(), layers.Dense(2),
    ])  # fmt: skip
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(64, 2))
    told = "\n".join(port.load_state_dict(model, module.state_dict()).warnings)
    for text in (
        'padding="same" pads more at the end', "epsilon is 0.001, and 1e-05 by default in torch",
        "momentum is 0.99, and torch's default is 0.9", "negative_slope is 0.3",
        "flattened with channels last", "n / (n - 1)",
    ):  # fmt: skip
        assert text in told, text


def test_images_and_vectors_one_behind_the_other():
    image, vector = layers.Input((4, 3, 2)), layers.Input((5,))
    y = layers.Conv2D(2, 2)(image)
    flat = layers.Flatten()(y * ops.sigmoid(ops.mean(y, axis=(1, 2), keepdims=True)))
    joined = layers.Concatenate()([vector, flat, layers.ReLU()(flat)])
    model = unidl.Model([image, vector], layers.Dense(3)(joined))
    conv, head = nn.Conv2d(2, 2, 2), nn.Linear(5 + 2 * 12, 3)
    found = port.load_state_dict(model, nn.Sequential(conv, head).state_dict())
    x, v = torch.randn(2, 2, 4, 3), torch.randn(2, 5)
    with torch.no_grad():
        y = conv(x)
        y = (y * torch.sigmoid(y.mean((2, 3), keepdim=True))).flatten(1)
        wanted = head(torch.cat([v, y, torch.relu(y)], 1)).numpy()
    outputs = model([x.permute(0, 2, 3, 1).numpy(), v.numpy()])
    np.testing.assert_allclose(ops.convert_to_numpy(outputs), wanted, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(found.state()["1.weight"], head.weight.detach().numpy())


@pytest.mark.parametrize(
    ("between", "is_told"),
    [
        (lambda: [layers.Permute((3, 1, 2)), layers.Flatten(), layers.Dense(2)], False),
        (lambda: [layers.Permute((2, 1, 3)), layers.Flatten(), layers.Dense(2)], True),
        (lambda: [layers.Permute((2, 1, 3)), layers.Reshape((3, 8)), layers.LSTM(2)], True),
        (lambda: [layers.Reshape((12, 2)), layers.LSTM(2)], False),
        (lambda: [layers.Reshape((3, 8)), layers.LSTM(2)], True),
        (lambda: [layers.GlobalMaxPooling2D(), layers.Dense(2)], False),
        (lambda: [layers.Dense(4), layers.Flatten(), layers.Dense(2)], True),
    ],
)
def test_axes_that_cannot_be_followed_are_told(between, is_told):
    conv = layers.Conv2D(2, 1)
    model = unidl.Sequential([unidl.Input((4, 3, 1)), conv, *between()])
    state = {"weight": np.zeros((2, 1, 1, 1), "f"), "bias": np.zeros(2, "f")}
    found = port.load_state_dict(model, state, strict=False)
    assert any("cannot be followed" in text for text in found.warnings) == is_told


def test_no_graph_no_order_of_rows():
    class Images(unidl.Model):
        def __init__(self):
            super().__init__()
            self.conv, self.flat, self.head = (
                layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(3)
            )  # fmt: skip

        def call(self, x):
            return self.head(self.flat(self.conv(x)))

    model = Images()
    model(np.ones((1, 4, 4, 1), "float32"))
    module = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Linear(8, 3))
    found = port.load_state_dict(model, module.state_dict())
    assert "has a call of its own" in found.warnings[0]


def test_a_checkpoint_around_it_and_dtypes():
    model = unidl.Sequential([unidl.Input((4,)), layers.Dense(2)])
    module = nn.Linear(4, 2).to(torch.bfloat16)
    found = port.load_state_dict(model, {"epoch": 3, "model": module.state_dict()})
    assert found.warnings == ["the arrays are those of 'model'"]
    np.testing.assert_array_equal(model.get_weights()[0], module.weight.detach().float().numpy().T)
    with pytest.raises(ValueError, match=r"several dicts of arrays: 'a', 'b'\. Give one"):
        port.load_state_dict(model, {"a": module.state_dict(), "b": module.state_dict()})
    with pytest.raises(ValueError, match="has no arrays, its keys are 'epoch'"):
        port.load_state_dict(model, {"epoch": 3})
    with pytest.raises(TypeError, match="got Linear"):
        port.load_state_dict(model, module)
    with pytest.raises(ValueError, match="has no weights yet"):
        port.load_state_dict(unidl.Sequential([layers.Dense(2)]), module.state_dict())

"""What a `forward` may do with sizes, slices, masks, states and weights of its own."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402

from unidl import ops, port, tree  # noqa: E402


class Windows(nn.Module):
    """Windows of images as rows of the batch, a rolled mask, one slice written in place."""

    def __init__(self):
        super().__init__()
        self.qkv = nn.Linear(4, 12)
        self.register_buffer("places", torch.arange(16).flip(0))
        self.table = nn.Parameter(torch.randn(16, 2))

    def forward(self, x):
        b, h, w, c = x.shape
        x = torch.roll(x, shifts=(-1, -1), dims=(1, 2))
        x = x.view(b, h // 2, 2, w // 2, 2, c).permute(0, 1, 3, 2, 4, 5).reshape(b * 4, 4, c)
        q, k, v = self.qkv(x).reshape(x.size(0), 4, 3, 2, 2).permute(2, 0, 3, 1, 4)
        mask = x.new_zeros((4, 4))
        mask[:2, 2:] = -100.0
        bias = self.table[self.places].view(4, 4, 2).permute(2, 0, 1).unsqueeze(0)
        scores = q @ k.transpose(-2, -1) * 2**-0.5 + bias + mask
        scores[:, :1, 1:] += 1.0
        y = (scores.softmax(-1) @ v).transpose(1, 2).reshape(b * 4, 4, 4)
        return y.view(b, 4, 16)[:, :, :8].flatten(1)


class ClassToken(nn.Module):
    """A parameter for each row of the batch; positions that no input has."""

    def __init__(self):
        super().__init__()
        self.token = nn.Parameter(torch.randn(1, 1, 4))
        self.table = nn.Embedding(9, 4, padding_idx=0)
        self.places = nn.Embedding(6, 4)

    def forward(self, words):
        x = self.table(words) + self.places(torch.arange(words.size(1)))
        x = torch.cat([self.token.expand(words.size(0), -1, -1), x], dim=1)
        return torch.cat([x, x.new_ones(x.shape[0], 1, 4)], dim=1)


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.head = nn.Embedding(7, 4), nn.Linear(4, 7, bias=False)
        self.head.weight = self.table.weight

    def forward(self, words):
        return self.head(torch.tanh(self.table(words)))


class Masked(nn.Module):
    """A causal mask through torch's encoder, and one of words through its attention."""

    def __init__(self):
        super().__init__()
        layer = nn.TransformerEncoderLayer(4, 2, 6, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1)
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)

    def forward(self, x, left_out):
        mask = nn.Transformer.generate_square_subsequent_mask(x.size(1))
        x = self.encoder(x, mask=mask, is_causal=True)
        return self.attention(x, x, x, key_padding_mask=left_out, need_weights=False)[0]


class States(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm, self.cell = nn.LSTM(4, 3, 2, batch_first=True), nn.GRUCell(3, 3)

    def forward(self, x):
        h = torch.zeros(2, x.size(0), 3) + 0.5
        y, _ = self.lstm(x, (h, h))
        state = y[:, -1]
        for i in range(y.size(1)):
            state = self.cell(y[:, i], state)
        return state


class Pictures(nn.Module):
    """Sizes that change, weights as arguments of functions."""

    def __init__(self):
        super().__init__()
        self.kernel = nn.Parameter(torch.randn(2, 3, 3, 3))
        self.scale = nn.Parameter(torch.ones(4))

    def forward(self, x):
        x = F.conv2d(x, self.kernel, padding=1)
        y = F.interpolate(x, size=(5, 7), mode="bilinear", align_corners=False)
        y = F.pad(F.interpolate(y, scale_factor=2), [1, -1, 0, 2])
        y = F.layer_norm(F.adaptive_avg_pool2d(y, 4), (4,), self.scale)
        return F.dropout(y, 0.3, training=self.training).clamp(-1, 1)


class Noise(nn.Module):
    def __init__(self):
        super().__init__()
        self.mean, self.spread = nn.Linear(4, 2), nn.Linear(4, 2)

    def forward(self, x):
        spread = torch.exp(0.5 * self.spread(x))
        return self.mean(x) + torch.randn_like(spread) * spread if self.training else self.mean(x)


class InSingle(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.rand(4))

    def forward(self, x):
        y = x.to(torch.float32)
        y = y * torch.rsqrt(y.pow(2).mean(-1, keepdim=True) + 1e-6)
        return self.scale * y.to(x.dtype)


def floats(*shape):
    return lambda batch: np.random.default_rng(0).normal(size=(batch, *shape)).astype("float32")


def words(batch):
    return np.random.default_rng(0).integers(0, 7, (batch, 5))


def left_out(batch):
    return np.tile([False, False, False, True], (batch, 1))


MODELS = {
    "windows": (Windows, [floats(4, 4, 4)]),
    "class token": (ClassToken, [words]),
    "tied": (Tied, [words]),
    "masks": (Masked, [floats(4, 4), left_out]),
    "states": (States, [floats(5, 4)]),
    "pictures": (Pictures, [floats(3, 6, 6)]),
    "noise": (lambda: Noise().train(), [floats(4)]),
    "float32": (InSingle, [floats(4)]),
}


def given(name, batch):
    return tuple(torch.from_numpy(make(batch)) for make in MODELS[name][1])


@pytest.mark.quick_on("numpy")
@pytest.mark.parametrize("name", MODELS)
def test_a_forward(backend, name):
    torch.manual_seed(0)
    module = MODELS[name][0]()
    before = {n: x.clone() for n, x in module.state_dict().items()}
    found = port.from_torch(module, given(name, 2))
    assert found.proof.passed, str(found.proof)
    assert all(torch.equal(x, before[n]) for n, x in module.state_dict().items())
    more = given(name, 3)  # the batch is open
    with torch.no_grad():
        wanted = tree.flatten(module.eval()(*more))
    outputs = found.model([x.numpy() for x in more] if len(more) > 1 else more[0].numpy())
    for one, other in zip(tree.flatten(outputs), wanted, strict=True):
        np.testing.assert_allclose(ops.convert_to_numpy(one), other.numpy(), rtol=1e-4, atol=1e-5)


def test_shared_weights_are_one():
    found = port.from_torch(Tied(), given("tied", 2), verify=False)
    assert [v.path for v in found.model.trainable_variables] == ["table.weight/value"]


class Unused(nn.Module):
    def __init__(self):
        super().__init__()
        self.used, self.other = nn.Linear(4, 2), nn.Linear(4, 2)

    def forward(self, x):
        self.other(x)
        return self.used(x)


def test_what_no_output_needs_is_told():
    found = port.from_torch(Unused(), given("float32", 2))
    assert found.proof.passed
    assert set(found.names) == {"used.weight", "used.bias"}
    assert "left out, since no output needs it: other.weight" in found.warnings


class LoopOverTheBatch(nn.Module):
    def forward(self, x):
        return torch.stack([row * 2 for row in x])


class FixesTheBatch(nn.Module):
    def forward(self, x):
        return x.reshape(2, 4)


class WritesAnywhere(nn.Module):
    def forward(self, x):
        x = x.clone()
        x[:, ::2] = 0.0
        return x


class Reads(nn.Module):
    def forward(self, x):
        return x * x.max().item()


class Raises(nn.Module):
    def forward(self, x):
        return x @ torch.ones(5, 2)


class TakesTheSizeOfTheExample(nn.Module):
    def forward(self, x):
        return x + torch.arange(float(len(list(range(x.size(0)))))).unsqueeze(1)


def test_the_proof_asks_another_batch():
    with pytest.raises(port.PortError, match="no other batch than that of the examples"):
        port.from_torch(TakesTheSizeOfTheExample(), torch.ones(2, 4))


@pytest.mark.parametrize(
    ("module", "mentions"),
    [
        (LoopOverTheBatch(), "unbind: it divides the batch, or goes through it"),
        (FixesTheBatch(), r"reshape: a reshape to \(2, 4\), which fixes the size of the batch"),
        (WritesAnywhere(), "__setitem__: it writes into a tensor at places that are no slice"),
        (Reads(), "max: .*\n.*control flow that depends on values"),
        (Raises(), "does not run on the example inputs: RuntimeError"),
    ],
)
def test_what_is_refused(module, mentions):
    with pytest.raises(port.PortError, match=mentions):
        port.from_torch(module, torch.ones(2, 4))

"""Whole models with a `forward` of their own, and what is refused."""

import subprocess
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402

import unidl  # noqa: E402
from unidl import ops, port  # noqa: E402


class Block(nn.Module):
    def __init__(self, before, after, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(after)
        self.act = nn.ReLU(inplace=True)
        self.down = None
        if stride > 1:
            self.down = nn.Sequential(
                nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after)
            )

    def forward(self, x):
        y = self.norm2(self.conv2(self.act(self.norm1(self.conv1(x)))))
        return self.act(y + (x if self.down is None else self.down(x)))


class Residual(nn.Module):
    """Called functions, methods and a parameter of its own."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 7, 2, 3)
        self.pool = nn.MaxPool2d(3, 2, 1)
        self.blocks = nn.Sequential(Block(8, 8, 1), Block(8, 16, 2))
        self.head = nn.Linear(16, 5)
        self.scale = nn.Parameter(torch.full((5,), 2.0))
        self.register_buffer("shift", torch.arange(5.0))

    def forward(self, x):
        x = self.blocks(self.pool(F.relu(self.stem(x))))
        x = F.adaptive_avg_pool2d(x, 1)
        return self.head(x.view(x.size(0), -1)) * self.scale + self.shift


class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(11, 5)
        self.rnn = nn.GRU(5, 4, num_layers=2, batch_first=True, bidirectional=True, dropout=0.2)
        self.head = nn.Linear(8, 2)

    def forward(self, words):
        y, last = self.rnn(self.table(words))
        return {"words": self.head(y[:, -1]), "last": last[0]}


class TwoInputs(nn.Module):
    def __init__(self):
        super().__init__()
        self.shared = nn.Linear(4, 3)

    def forward(self, a, b):
        a, b = self.shared(a), self.shared(b)
        both = torch.cat([a * 2 - 1, torch.exp(-b.abs())], dim=1)
        left, right = both.chunk(2, dim=1)
        return torch.softmax(left @ right.transpose(0, 1) if False else left * right, dim=-1)


class Channels(nn.Module):
    """Flattens channels-first images, and looks at axes by their numbers."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)
        self.norm = nn.GroupNorm(2, 4)
        self.act = nn.PReLU(4)
        self.head = nn.Linear(4 * 6 * 6, 3)

    def forward(self, x):
        x = self.act(self.norm(self.conv(x)))
        x = x * torch.sigmoid(x.mean(dim=(2, 3), keepdim=True))
        x = torch.cat([x[:, :2], x[:, 2:]], 1)
        return F.log_softmax(self.head(torch.flatten(x, 1)), dim=1)


class Attends(nn.Module):
    def __init__(self, **options):
        super().__init__()
        self.attention = nn.MultiheadAttention(4, 2, dropout=0.1, **options)

    def forward(self, x):
        y, weights = self.attention(x, x * 2, x)[0], self.attention(x, x, x)[1]
        return y, weights


MODELS = {
    "attention": (lambda: Attends(batch_first=True), [(3, 5, 4)]),
    "attention without bias": (lambda: Attends(batch_first=True, bias=False), [(3, 5, 4)]),
    "residual": (Residual, [(2, 3, 32, 32)]),
    "words": (Words, [(3, 7)]),
    "two inputs": (TwoInputs, [(2, 4), (2, 4)]),
    "channels": (Channels, [(2, 1, 8, 8)]),
}


def examples(name, batch=None):
    drawn = np.random.default_rng(0)
    found = []
    for shape in MODELS[name][1]:
        shape = (batch or shape[0], *shape[1:])
        is_words = name == "words"
        values = drawn.integers(0, 11, shape) if is_words else drawn.normal(size=shape)
        found.append(torch.from_numpy(values if is_words else values.astype("float32")))
    return tuple(found)


@pytest.mark.quick_on("numpy", "torch")
@pytest.mark.parametrize("name", MODELS)
def test_whole_models(backend, name):
    torch.manual_seed(0)
    module = MODELS[name][0]()
    found = port.from_torch(module, examples(name))
    assert found.proof.passed, str(found.proof)
    given = examples(name, batch=5)  # the batch is open
    with torch.no_grad():
        wanted = module.eval()(*given)
    outputs = found.model(given[0].numpy() if len(given) == 1 else [x.numpy() for x in given])
    if isinstance(wanted, dict):
        assert list(outputs) == list(wanted)
    for one, other in zip(unidl.tree.flatten(outputs), unidl.tree.flatten(wanted), strict=True):
        np.testing.assert_allclose(ops.convert_to_numpy(one), other.numpy(), rtol=1e-4, atol=1e-5)


def test_one_transpose_at_each_end():
    found = port.from_torch(Channels(), examples("channels"), verify=False)
    moved = [layer.name for layer in found.model.layers if "permute" in layer.name]
    assert len(moved) <= 3  # in, before the slices, before flattening
    assert found.proof is None


def test_names_stay():
    found = port.from_torch(Residual(), examples("residual"), verify=False)
    assert found.names["blocks.1.down.0.weight"] == "blocks.1.down.0/kernel"
    assert found.names["scale"] == "scale/value"
    assert found.model.get_layer("blocks.0.conv1").filters == 8
    assert set(found.state()) == {
        n for n in Residual().state_dict() if not n.endswith("num_batches_tracked")
    }
    assert not found.model.get_layer("shift").trainable
    assert any("moving variance" in text for text in found.warnings)


def test_it_trains_on_and_is_saved(backend, tmp_path):
    found = port.from_torch(Channels(), examples("channels"), verify=False)
    x = examples("channels", 16)[0].numpy()
    y = np.random.default_rng(0).integers(0, 3, 16)
    found.model.compile("adam", "sparse_categorical_crossentropy")
    found.model.fit(x, y, epochs=2, verbose=0)
    found.model.save(tmp_path / "m.keras")
    again = unidl.saving.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(again.predict(x, verbose=0), found.model.predict(x, verbose=0))


class Branches(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x


class Sorts(nn.Module):
    def forward(self, x):
        return torch.sort(x, dim=1)[0].cumprod(1)


def with_a_hook():
    module = nn.Sequential(nn.Linear(4, 2))
    module[0].register_forward_hook(lambda *_: None)
    return module


REFUSED = {
    "a branch": (Branches(), r"the model: its forward cannot be recorded: .*control flow"),
    "functions": (Sorts(), r"sort: it calls torch\.sort.*\n.*method cumprod\(\), which has no"),
    "hooks": (with_a_hook(), "0: it has hooks"),
    "everything at once": (
        nn.Sequential(nn.Linear(4, 4), nn.RReLU(), nn.Sequential(nn.MaxPool1d(2, dilation=2))),
        r"1: RReLU has no counterpart\n  2\.0: dilation of pooling",
    ),
    "a batch that is flattened": (nn.Sequential(nn.Flatten(0)), "0: it flattens the batch"),
    "no batch": (nn.InstanceNorm1d(3), "inputs without a batch"),
    "padding by reflection": (nn.Conv1d(3, 2, 1, padding_mode="reflect"), "padding_mode='reflect'"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused(what):
    module, mentions = REFUSED[what]
    with pytest.raises(port.PortError, match=f"is not converted. Nothing(.|\n)*{mentions}"):
        port.from_torch(module, torch.ones(3, 4))


def test_a_mistake_would_be_seen(monkeypatch):
    """The proof of a rule that is wrong."""
    from unidl.port import weight_rules
    from unidl_torch.port import recurrent

    module, x = nn.GRU(4, 3, batch_first=True), torch.randn(2, 6, 4)
    monkeypatch.setattr(recurrent, "_UPDATE_FIRST", (0, 1, 2))
    proof = port.from_torch(module, x).proof
    assert not proof.passed
    assert "DIFFERENT" in str(proof)
    monkeypatch.undo()
    monkeypatch.setattr(weight_rules.Weight, "bring_in", lambda self, arrays: None)
    assert not port.from_torch(nn.Linear(4, 3), torch.randn(2, 4)).proof.passed


def test_a_fresh_process_loads_it(tmp_path):
    module = nn.Sequential(nn.MaxPool2d(3, 2, 1), nn.Flatten())
    found = port.from_torch(module, torch.ones(1, 3, 8, 8), verify=False)
    found.model.save(tmp_path / "m.keras")
    code = (
        f"import unidl; print(unidl.saving.load_model({str(tmp_path / 'm.keras')!r}).output_shape)"
    )
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert said.stdout.strip() == "(None, 48)"

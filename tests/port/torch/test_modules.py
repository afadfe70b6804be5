"""Each module of torch that has a counterpart: outputs, gradients and steps of training as in torch
(the proof), and its weights there and back to the bit."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from unidl import port  # noqa: E402

IMAGES, ROWS, WORDS = (2, 4, 8, 8), (3, 4), (2, 6, 4)
MODULES = {
    # dense, embedding, normalization
    "Linear": (nn.Linear(4, 3), ROWS),
    "Linear without bias, of sequences": (nn.Linear(4, 3, bias=False), WORDS),
    "Embedding": (nn.Embedding(9, 4), (2, 5)),
    "BatchNorm1d": (nn.BatchNorm1d(4), ROWS),
    "BatchNorm2d": (nn.BatchNorm2d(4, eps=1e-3, momentum=0.3), IMAGES),
    "BatchNorm2d without affine": (nn.BatchNorm2d(4, affine=False), IMAGES),
    "LayerNorm": (nn.LayerNorm(4), WORDS),
    "LayerNorm over two axes": (nn.LayerNorm((6, 4), eps=1e-3), WORDS),
    "LayerNorm without bias": (nn.LayerNorm(4, bias=False), WORDS),
    "RMSNorm": (nn.RMSNorm(4, eps=1e-5), WORDS),
    "GroupNorm": (nn.GroupNorm(2, 4), IMAGES),
    "InstanceNorm2d": (nn.InstanceNorm2d(4, affine=True), IMAGES),
    # windows
    "Conv1d": (nn.Conv1d(4, 3, 3, padding=1), (2, 4, 9)),
    "Conv2d": (nn.Conv2d(4, 6, 3), IMAGES),
    "Conv2d, same": (nn.Conv2d(4, 6, 3, padding="same"), IMAGES),
    "Conv2d, strides and padding": (nn.Conv2d(4, 6, (3, 5), (2, 3), (1, 2), bias=False), IMAGES),
    "Conv2d, even window, padding": (nn.Conv2d(4, 6, 2, padding=1), IMAGES),
    "Conv2d, dilation": (nn.Conv2d(4, 6, 3, padding=2, dilation=2), IMAGES),
    "Conv2d, groups": (nn.Conv2d(4, 8, 3, groups=2), IMAGES),
    "Conv3d": (nn.Conv3d(2, 3, 2), (2, 2, 4, 4, 4)),
    "ConvTranspose1d": (nn.ConvTranspose1d(4, 3, 4, 2, 1), (2, 4, 5)),
    "ConvTranspose2d": (nn.ConvTranspose2d(4, 3, 3, 2, 1, output_padding=1), IMAGES),
    "MaxPool2d": (nn.MaxPool2d(2), IMAGES),
    "MaxPool2d, padding": (nn.MaxPool2d(3, 2, 1), IMAGES),
    "MaxPool1d": (nn.MaxPool1d(2, 1), (2, 4, 9)),
    "MaxPool2d, ceil": (nn.MaxPool2d(3, 2, ceil_mode=True), IMAGES),
    "MaxPool2d, ceil and padding": (nn.MaxPool2d(2, 3, 1, ceil_mode=True), IMAGES),
    "AvgPool2d": (nn.AvgPool2d(2), IMAGES),
    "AvgPool2d, padding": (nn.AvgPool2d(3, 2, 1), IMAGES),
    "AdaptiveAvgPool2d(1)": (nn.AdaptiveAvgPool2d(1), IMAGES),
    "AdaptiveAvgPool2d(3)": (nn.AdaptiveAvgPool2d(3), IMAGES),
    "AdaptiveMaxPool2d": (nn.AdaptiveMaxPool2d((2, 3)), IMAGES),
    "ZeroPad2d": (nn.ZeroPad2d((1, 2, 3, 0)), IMAGES),
    "ConstantPad1d": (nn.ConstantPad1d((1, 2), 3.5), (2, 4, 9)),
    "CircularPad2d": (nn.CircularPad2d((1, 2, 3, 0)), IMAGES),
    "LocalResponseNorm": (nn.LocalResponseNorm(4, alpha=0.3, k=2.0), IMAGES),
    "LPPool2d": (nn.LPPool2d(2, (3, 2), 2), IMAGES),
    "Softplus, linear from 1 on": (nn.Softplus(2, 1), ROWS),
    "Upsample": (nn.Upsample(scale_factor=2), IMAGES),
    # recurrent
    "LSTM": (nn.LSTM(4, 3, batch_first=True), WORDS),
    "LSTM, two layers, both directions": (
        nn.LSTM(4, 3, 2, batch_first=True, bidirectional=True), WORDS
    ),
    "LSTM without bias": (nn.LSTM(4, 3, bias=False, batch_first=True), WORDS),
    "GRU": (nn.GRU(4, 3, batch_first=True), WORDS),
    "GRU, two layers, both directions": (
        nn.GRU(4, 3, 2, batch_first=True, bidirectional=True), WORDS
    ),
    "RNN": (nn.RNN(4, 3, batch_first=True), WORDS),
    "RNN, relu": (nn.RNN(4, 3, nonlinearity="relu", batch_first=True), WORDS),
    "BatchNorm2d without bias": (nn.BatchNorm2d(4, bias=False), IMAGES),
    "GroupNorm without bias": (nn.GroupNorm(2, 4, bias=False), IMAGES),
    "RMSNorm over several axes": (nn.RMSNorm((8, 8)), IMAGES),
    "Softplus with beta": (nn.Softplus(2.0), IMAGES),
    # attention
    "TransformerEncoderLayer": (nn.TransformerEncoderLayer(4, 2, 6, batch_first=True), WORDS),
    "TransformerEncoderLayer, normalization first": (
        nn.TransformerEncoderLayer(
            4, 2, 6, batch_first=True, norm_first=True, activation=nn.functional.gelu
        ),
        WORDS,
    ),
    "TransformerEncoder": (
        nn.TransformerEncoder(
            nn.TransformerEncoderLayer(4, 2, 6, batch_first=True), 2, norm=nn.LayerNorm(4)
        ),
        WORDS,
    ),
    # simple
    "PReLU": (nn.PReLU(), IMAGES),
    "PReLU of channels": (nn.PReLU(4), IMAGES),
    "Flatten": (nn.Flatten(), IMAGES),
    "Flatten of two axes": (nn.Flatten(2), IMAGES),
    "Unflatten": (nn.Unflatten(1, (2, 2)), ROWS),
    "Softmax": (nn.Softmax(1), IMAGES),
    "LogSoftmax": (nn.LogSoftmax(-1), ROWS),
    "Dropout": (nn.Dropout(0.4), ROWS),
    "Dropout2d": (nn.Dropout2d(0.4), IMAGES),
    "Identity": (nn.Identity(), ROWS),
} | {
    type(m).__name__ if not str(m).count("tanh'") else "GELU of tanh": (m, ROWS)
    for m in (
        nn.ReLU(), nn.LeakyReLU(0.2), nn.ELU(0.7), nn.GELU(), nn.GELU("tanh"), nn.SiLU(), nn.SELU(),
        nn.Sigmoid(), nn.Tanh(), nn.ReLU6(), nn.Hardswish(), nn.Hardsigmoid(), nn.Softplus(),
        nn.Softsign(), nn.LogSigmoid(), nn.Mish(), nn.Tanhshrink(),
    )
}  # fmt: skip


def example(shape):
    drawn = torch.Generator().manual_seed(0)
    if shape == (2, 5):
        return torch.randint(0, 9, shape, generator=drawn)
    return torch.randn(shape, generator=drawn)


@pytest.mark.parametrize("name", MODULES)
def test_a_module(name):
    module, shape = MODULES[name]
    before = {n: x.clone() for n, x in module.state_dict().items()}
    found = port.from_torch(module, example(shape))
    assert found.proof.passed, str(found.proof)
    assert len(found.proof.rows) >= 2
    assert found.model.input_shape == (None, *shape[1:])
    state = found.state()
    for key, value in module.state_dict().items():
        assert torch.equal(value, before[key])  # it was left alone
        if key in found.still:
            continue
        if any(key in w.names and w.rule.is_sum for w in found.weights):
            value = value + module.state_dict()[key.replace("bias_ih", "bias_hh")]
        if not key.endswith("num_batches_tracked"):
            np.testing.assert_array_equal(state[key], value.numpy())
            assert state[key].dtype == value.numpy().dtype


def test_every_module_with_a_counterpart_is_here():
    from unidl_torch.port import importer  # noqa: F401 - it registers
    from unidl_torch.port.pieces import MAKERS

    tried = {type(module) for module, _ in MODULES.values()}
    others = {k for k in MAKERS if k not in tried}
    alike = {type_.__name__.rstrip("123d") for type_ in tried}
    assert {k.__name__ for k in others if k.__name__.rstrip("123d") not in alike} <= {
        "UpsamplingNearest2d",
        "MultiheadAttention",
    }

"""Forward and gradients against torch in float64, where central differences are weak or the layout
could be misread."""

import numpy as np
import pytest

from tests.backends.numpy.gradcheck import B, gradients, weighted, worst

torch = pytest.importorskip("torch")
F = torch.nn.functional
rng = np.random.default_rng(5)


def normal(*shape):
    return rng.normal(size=shape)


def compare(ours, theirs, *arrays, tolerance=1e-12):
    """`theirs` takes and gives torch tensors."""
    tensors = [torch.tensor(x, requires_grad=True) for x in arrays]
    reference = theirs(*tensors)
    result = ours(*arrays)
    pairs = [x if isinstance(x, (tuple, list)) else [x] for x in (result, reference)]
    assert worst(pairs[0], [x.detach().numpy() for x in pairs[1]]) <= tolerance
    loss = sum(
        (x * torch.tensor(np.cos(np.arange(x.numel()) + 1.0).reshape(x.shape))).sum()
        for x in pairs[1]
    )
    expected = torch.autograd.grad(loss, tensors)
    _, grads = gradients(lambda *xs: weighted(ours(*xs)), *arrays)
    assert worst(grads, [g.numpy() for g in expected]) <= tolerance


def last(x):
    return x.movedim(1, -1)


def first(x):
    return x.movedim(-1, 1)


CONV = [F.conv1d, F.conv2d, F.conv3d]


@pytest.mark.parametrize(
    ("x", "k", "strides", "padding", "dilation", "groups"),
    [
        ((2, 9, 3), (3, 3, 4), (2,), (1,), (1,), 1),
        ((2, 9, 4), (3, 2, 6), (1,), (2,), (2,), 2),
        ((2, 8, 7, 3), (3, 2, 3, 5), (1, 1), (0, 0), (1, 1), 1),
        ((2, 8, 7, 3), (3, 2, 3, 5), (2, 3), (1, 1), (1, 1), 1),
        ((2, 8, 9, 40), (3, 3, 40, 5), (1, 1), (2, 2), (2, 2), 1),
        ((2, 6, 6, 4), (3, 3, 1, 8), (1, 1), (1, 1), (1, 1), 4),
        ((2, 5, 6, 5, 2), (2, 3, 2, 2, 3), (1, 2, 1), (1, 1, 0), (1, 1, 1), 1),
    ],
)
def test_conv(x, k, strides, padding, dilation, groups):
    rank = len(strides)
    compare(
        lambda x, k: B.conv(x, k, strides, tuple((p, p) for p in padding), dilation, groups),
        lambda x, k: last(
            CONV[rank - 1](
                first(x), k.movedim(-1, 0).movedim(-1, 1), None, strides, padding, dilation, groups
            )
        ),
        normal(*x),
        normal(*k),
    )


def test_conv_transpose():
    compare(
        lambda x, k: B.conv_transpose(x, k, (2, 3), (1, 1), (1, 0), (6, 12)),
        lambda x, k: last(
            F.conv_transpose2d(first(x), k.permute(3, 2, 0, 1), None, (2, 3), (1, 0), (1, 0))
        ),
        normal(2, 3, 4, 3),
        normal(3, 3, 2, 3),
    )


def test_pooling():
    x = normal(2, 7, 8, 3)
    compare(
        lambda x: B.max_pool(x, (3, 2), (2, 2), "valid"),
        lambda x: last(F.max_pool2d(first(x), (3, 2), (2, 2))),
        x,
    )
    compare(
        lambda x: B.avg_pool(x, (3, 2), (2, 2), "valid"),
        lambda x: last(F.avg_pool2d(first(x), (3, 2), (2, 2))),
        x,
    )


def test_lstm():
    x, h, c, k, r, b = (
        normal(3, 6, 4),
        normal(3, 5),
        normal(3, 5),
        normal(4, 20),
        normal(5, 20),
        normal(20),
    )

    def theirs(x, h, c, k, r, b):
        out, hn, cn = torch._VF.lstm(
            x,
            (h[None], c[None]),
            (k.T, r.T, b, torch.zeros_like(b)),
            True,
            1,
            0.0,
            True,
            False,
            True,
        )
        return out, hn[0], cn[0]

    compare(B.lstm, theirs, x, h, c, k, r, b)


def test_gru():
    x, h, k, r, b = normal(3, 6, 4), normal(3, 5), normal(4, 15), normal(5, 15), normal(2, 15)

    def swapped(w):  # z, r, h -> r, z, h
        return torch.cat([w[..., 5:10], w[..., :5], w[..., 10:]], -1)

    def theirs(x, h, k, r, b):
        out, hn = torch._VF.gru(
            x,
            h[None],
            (swapped(k).T, swapped(r).T, swapped(b[0]), swapped(b[1])),
            True,
            1,
            0.0,
            True,
            False,
            True,
        )
        return out, hn[0]

    compare(B.gru, theirs, x, h, k, r, b)


def test_attention():
    compare(
        lambda q, k, v, b: B.attention(q, k, v, b, 0.5),
        lambda q, k, v, b: F.scaled_dot_product_attention(q, k, v, b, scale=0.5),
        normal(2, 3, 4, 5), normal(2, 3, 6, 5), normal(2, 3, 6, 7), normal(3, 4, 6),
    )  # fmt: skip


def test_normalization():
    x, g, b = normal(6, 5, 4) + 10, normal(4), normal(4)
    compare(
        lambda x, g, b: B.layer_norm(x, g, b, (-1,), 1e-3),
        lambda x, g, b: F.layer_norm(x, (4,), g, b, 1e-3),
        x,
        g,
        b,
    )
    compare(
        lambda x, g, b: B.batch_norm_training(x, g, b, (0, 1), 1e-3)[0],
        lambda x, g, b: last(F.batch_norm(first(x), None, None, g, b, True, 0.0, 1e-3)),
        x, g, b, tolerance=1e-11,
    )  # fmt: skip


def test_losses():
    labels = rng.integers(0, 5, 7)
    compare(
        lambda x: B.sparse_softmax_cross_entropy(labels, x),
        lambda x: F.cross_entropy(x, torch.tensor(labels), reduction="none"),
        30 * normal(7, 5),
    )
    compare(
        B.sigmoid_cross_entropy,
        lambda t, x: F.binary_cross_entropy_with_logits(x, t, reduction="none"),
        rng.uniform(size=(7, 5)),
        30 * normal(7, 5),
    )


def test_activations():
    x = 5 * normal(50)
    for ours, theirs in (
        (lambda x: B.gelu(x, False), F.gelu),
        (lambda x: B.gelu(x, True), lambda x: F.gelu(x, approximate="tanh")),
        (B.silu, F.silu),
        (B.selu, F.selu),
        (lambda x: B.elu(x, 1.5), lambda x: F.elu(x, 1.5)),
        (B.erf, torch.erf),
    ):
        compare(ours, theirs, x)


def test_linear_algebra():
    a = normal(2, 5, 3)
    compare(lambda x: B.qr(x), lambda x: tuple(torch.linalg.qr(x)), a, tolerance=1e-11)
    square = normal(2, 4, 4)
    compare(lambda x: B.svd(x)[1], lambda x: torch.linalg.svdvals(x), square, tolerance=1e-11)
    compare(B.det, torch.linalg.det, square, tolerance=1e-11)
    spd = square @ square.swapaxes(1, 2) + np.eye(4)
    compare(
        lambda x: B.cholesky(B.matmul(x, B.transpose(x, (0, 2, 1)))),
        lambda x: torch.linalg.cholesky(x @ x.mT),
        spd,
        tolerance=1e-10,
    )


def test_long_products():
    x = normal(4, 30)
    compare(lambda x: B.cumprod(x, 1), lambda x: torch.cumprod(x, 1), x)
    compare(lambda x: B.prod(x, 1), lambda x: torch.prod(x, 1), x)
    compare(
        lambda x: B.logsumexp(100 * np.ones(()) * x, 1), lambda x: torch.logsumexp(100 * x, 1), x
    )


@pytest.mark.parametrize("mode", ["reflect", "edge"])
def test_pad(mode):
    compare(
        lambda x: B.pad(x, ((0, 0), (0, 0), (2, 3)), mode),
        lambda x: F.pad(x, (2, 3), mode={"edge": "replicate"}.get(mode, mode)),
        normal(2, 3, 5),
    )

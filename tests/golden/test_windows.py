"""Convolution and pooling: the odd padding pixel, the divisor at edges, output sizes, attention's
scale, kinks."""

import numpy as np
import pytest

from tests.golden.pinned import pinned
from unidl import layers, ops
from unidl.autodiff import value_and_grad
from unidl.backend import Variable


def _conv(x, kernel, stride, before, after):
    padded = np.concatenate([np.zeros(before), x, np.zeros(after)])
    starts = range(0, len(padded) - len(kernel) + 1, stride)
    return np.array([padded[s : s + len(kernel)] @ kernel for s in starts])


@pytest.mark.parametrize(
    ("size", "k", "stride", "total"), [(5, 2, 1, 1), (6, 4, 1, 3), (6, 3, 2, 1), (5, 4, 2, 3)]
)
def test_the_odd_padding_pixel_is_the_last(backend, size, k, stride, total):
    """total = (ceil(n / s) - 1) s + k - n, of which total // 2 come first."""
    draw = np.random.default_rng(0)
    x, kernel = draw.normal(size=size), draw.normal(size=k)
    assert total == (-(-size // stride) - 1) * stride + k - size

    def formula(before=total // 2):
        return _conv(x, kernel, stride, before, total - before)[None, :, None]

    layer = layers.Conv1D(1, k, strides=stride, padding="same", use_bias=False)
    layer.build((1, size, 1))
    layer.set_weights([kernel[:, None, None]])
    pinned(layer(x[None, :, None]), formula, before=total - total // 2)


def test_average_pooling_divides_by_the_real_elements(backend):
    x = np.arange(1.0, 6.0)

    def formula(padding_counts=False):
        windows = [x[max(i - 1, 0) : i + 2] for i in range(0, 5, 2)]
        return np.array([w.sum() / (3 if padding_counts else len(w)) for w in windows])[
            None, :, None
        ]

    pinned(
        layers.AveragePooling1D(3, strides=2, padding="same")(x[None, :, None]),
        formula,
        padding_counts=True,
    )


def test_padding_never_wins_a_maximum(backend):
    x = -np.arange(1.0, 6.0)

    def formula(fill=-np.inf):
        padded = np.concatenate([[fill], x, [fill]])
        return np.array([padded[s : s + 3].max() for s in (0, 2, 4)])[None, :, None]

    pinned(layers.MaxPooling1D(3, strides=2, padding="same")(x[None, :, None]), formula, fill=0.0)


# valid: (n - 1) s + max(k, s); same: n s; with output_padding p: valid (n - 1) s + k + p, same (n -
# 1) s + k mod 2 + p
SIZES = [
    (4, 3, 1, "valid", None, 6),
    (4, 2, 3, "valid", None, 12),
    (4, 4, 3, "valid", None, 13),
    (4, 3, 3, "same", None, 12),
    (4, 4, 2, "same", None, 8),
    (4, 3, 3, "valid", 1, 13),
    (4, 3, 3, "same", 1, 11),
    (4, 4, 3, "same", 1, 10),
]


@pytest.mark.parametrize(("n", "k", "s", "padding", "extra", "size"), SIZES)
def test_sizes_of_transposed_convolutions(backend, n, k, s, padding, extra, size):
    layer = layers.Conv1DTranspose(1, k, strides=s, padding=padding, output_padding=extra)
    assert tuple(layer(np.zeros((1, n, 1))).shape) == (1, size, 1)


def test_a_transposed_convolution_spreads_each_element(backend):
    x, kernel = np.array([1.0, 10.0, 100.0]), np.array([1.0, 2.0, 3.0])

    def formula(stride=2, flipped=False):
        out = np.zeros(2 * stride + 3)
        for i, value in enumerate(x):
            out[i * stride : i * stride + 3] += value * (kernel[::-1] if flipped else kernel)
        return out[None, :, None]

    layer = layers.Conv1DTranspose(1, 3, strides=2, use_bias=False)
    layer.build((1, 3, 1))
    layer.set_weights([kernel[:, None, None]])
    pinned(layer(x[None, :, None]), formula, stride=1, flipped=True)


def test_heads_are_scaled_by_the_root_of_key_dim_and_attention_is_not(backend):
    draw = np.random.default_rng(1)
    q, v = draw.normal(size=(1, 2, 5)), draw.normal(size=(1, 3, 5))

    def softmax(s):
        e = np.exp(s - s.max(-1, keepdims=True))
        return e / e.sum(-1, keepdims=True)

    pinned(
        layers.Attention()([q, v]),
        lambda scale=1.0: softmax(scale * q @ v.transpose(0, 2, 1)) @ v,
        scale=5**-0.5,
    )

    layer = layers.MultiHeadAttention(1, 3, value_dim=2)
    layer(q, v)
    weights = [draw.normal(size=w.shape) for w in layer.weights]
    layer.set_weights(weights)
    wq, bq, wk, bk, wv, bv, wo, bo = (np.squeeze(w) if w.ndim > 1 else w for w in weights)

    def formula(scale=3**-0.5):
        return (
            softmax(scale * (q @ wq + bq) @ (v @ wk + bk).transpose(0, 2, 1)) @ (v @ wv + bv) @ wo
            + bo
        )

    pinned(layer(q, v), formula, scale=(1.0, 5**-0.5))
    found, _ = layer(q, v, return_attention_scores=True)
    pinned(found, formula, scale=1.0)


KINKS = [
    ("relu", {}, 0.0, 0.0),
    ("leaky_relu", {"negative_slope": 0.25}, 0.0, 0.25),
    ("relu6", {}, 6.0, 0.0),
    ("relu6", {}, 0.0, 0.0),
    ("abs", {}, 0.0, 0.0),
]


@pytest.mark.parametrize(("name", "arguments", "at", "slope"), KINKS)
def test_slopes_at_kinks(backend, name, arguments, at, slope):
    x = Variable(np.array([at]))
    _, (gradient,) = value_and_grad(lambda: ops.sum(getattr(ops, name)(x.value, **arguments)), [x])
    assert ops.convert_to_numpy(gradient).tolist() == [slope]


def test_slopes_of_layers_below_zero(backend):
    x = np.array([[-2.0, 0.5]])
    pinned(
        layers.LeakyReLU()(x),
        lambda slope=0.3: np.where(x > 0, x, slope * x),
        slope=(0.2, 0.01),
        tolerance=1e-7,
    )
    pinned(
        layers.Activation("leaky_relu")(x),
        lambda slope=0.2: np.where(x > 0, x, slope * x),
        slope=(0.3, 0.01),
        tolerance=1e-7,
    )

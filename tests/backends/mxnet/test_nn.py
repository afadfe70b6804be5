"""Every native kernel against the default body of the contract, which is its oracle, forward and
backward."""

from __future__ import annotations

import math

import numpy as np
import pytest

import unidl
from tests.backends.mxnet.checks import check
from unidl.backend import get_backend
from unidl.backend.contract import Backend

rng = np.random.RandomState(5)


def oracle(name, *arguments, **options):
    """The default body on the same backend in float64, as a NumPy function of the tensors."""

    def reference(*arrays):
        backend = get_backend("mxnet")
        tensors = [backend.asarray(x) for x in arrays]
        result = getattr(Backend, name)(backend, *tensors, *arguments, **options)
        return [
            backend.to_numpy(r) for r in (result if isinstance(result, (list, tuple)) else [result])
        ]

    return reference


def native(name, *arguments, **options):
    return lambda b, *tensors: getattr(b, name)(*tensors, *arguments, **options)


@pytest.mark.parametrize("axis", [-1, 0, (0, 2)], ids=str)
def test_softmax(axis):
    x = 3 * rng.randn(3, 4, 2)
    check(native("softmax", axis), oracle("softmax", axis), x)
    check(native("log_softmax", axis), oracle("log_softmax", axis), x)


def test_softmax_of_extremes():
    x = np.array([[1000.0, 0.0, -1000.0], [-np.inf, 0.0, 0.0]])
    check(native("softmax", -1), lambda x: np.array([[1.0, 0, 0], [0, 0.5, 0.5]]), x, grad=False)


@pytest.mark.parametrize("name", ["softplus", "silu", "selu"])
def test_activation(name):
    check(
        native(name),
        oracle(name),
        np.array([-30.0, -1.0, -0.1, 0.2, 3.0, 40.0]),
        gradient_rtol=1e-6,
    )


def test_gelu_and_elu():
    x = 2 * rng.randn(7)
    check(
        native("gelu", False), lambda x: x * 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2))), x
    )
    check(
        native("gelu", True),
        lambda x: 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
        x,
    )
    check(native("elu", 1.5), lambda x: np.where(x > 0, x, 1.5 * np.expm1(np.minimum(x, 0))), x)


def test_lookup():
    table, indices = rng.randn(5, 3), np.array([[0, 4, 0], [2, 2, 2]], "int32")
    check(lambda b, t, i: b.embedding(t, i), lambda t, i: t[i], table, indices)
    check(
        lambda b, i: b.one_hot(i, 4, "float32"),
        lambda i: (i[..., None] == np.arange(4)).astype("float32"),
        indices,
        grad=False,
        dtypes=("float32",),
    )


def test_normalization():
    x, gamma, beta = rng.randn(4, 3, 5), rng.randn(5), rng.randn(5)
    check(native("layer_norm", (-1,), 1e-3), oracle("layer_norm", (-1,), 1e-3), x, gamma, beta)
    check(
        native("layer_norm", None, None, (1, 2), 1e-3),
        oracle("layer_norm", None, None, (1, 2), 1e-3),
        x,
    )
    check(
        native("batch_norm_training", (0, 1), 1e-3),
        oracle("batch_norm_training", (0, 1), 1e-3),
        x,
        gamma,
        beta,
        gradient_rtol=1e-6,
    )
    check(
        native("batch_norm_training", None, None, (0, 2), 1e-3),
        oracle("batch_norm_training", None, None, (0, 2), 1e-3),
        x,
        gradient_rtol=1e-6,
    )


def test_normalization_far_from_zero():
    x = (1e4 + 0.01 * rng.randn(8, 64)).astype("float32").astype("float64")
    exact = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-12)
    # The mean itself is rounded to 1/2048 of a unit: an error of 5 % of the deviation is in the
    # format, not in the kernel.
    check(
        native("layer_norm", None, None, (-1,), 1e-12),
        lambda _: exact,
        x,
        grad=False,
        rtol32=0.06,
        rtol64=1e-9,
    )


def test_attention():
    q, k, v, bias = rng.randn(2, 3, 4), rng.randn(2, 5, 4), rng.randn(2, 5, 6), rng.randn(3, 5)
    check(
        lambda b, q, k, v, bias: b.attention(q, k, v, bias, 0.5),
        oracle("attention", 0.5),
        q,
        k,
        v,
        bias,
    )


def test_losses():
    labels, logits = np.array([0, 2, 2, 1]), 4 * rng.randn(4, 3)
    log_p = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    check(
        lambda b, t, x: b.sparse_softmax_cross_entropy(t, x),
        lambda t, x: -log_p.astype(x.dtype)[np.arange(4), t],
        labels,
        logits,
        rtol32=1e-5,
    )
    check(
        lambda b, t, x: b.softmax_cross_entropy(t, x),
        oracle("softmax_cross_entropy"),
        np.abs(rng.randn(4, 3)),
        logits,
    )
    check(
        lambda b, t, x: b.sigmoid_cross_entropy(t, x),
        oracle("sigmoid_cross_entropy"),
        rng.rand(4, 3),
        logits,
    )


@pytest.mark.slow
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("name", ["lstm", "gru", "simple_rnn"])
def test_recurrent(name, reverse):
    gates, states = {"lstm": (4, 2), "gru": (3, 1), "simple_rnn": (1, 1)}[name]
    n, t, d, u = 2, 4, 3, 5
    x, carried = rng.randn(n, t, d), [rng.randn(n, u) for _ in range(states)]
    kernel, recurrent = 0.5 * rng.randn(d, gates * u), 0.5 * rng.randn(u, gates * u)
    bias = rng.randn(2, gates * u) if name == "gru" else rng.randn(gates * u)
    check(
        native(name, reverse=reverse),
        oracle(name, reverse=reverse),
        x,
        *carried,
        kernel,
        recurrent,
        bias,
        gradient_rtol=1e-6,
        rtol32=1e-5,
    )
    check(
        native(name, None, reverse=reverse),
        oracle(name, None, reverse=reverse),
        x,
        *carried,
        kernel,
        recurrent,
        grad=False,
        rtol32=1e-5,
    )


def test_recurrent_of_an_empty_batch():
    x, h = np.zeros((0, 3, 2)), np.zeros((0, 4))
    check(
        lambda b, x, h: b.lstm(
            x, h, h, b.full((2, 16), 1, b.dtype(x)), b.full((4, 16), 1, b.dtype(x)), None
        )[0],
        lambda x, h: np.zeros((0, 3, 4)),
        x,
        h,
        grad=False,
    )


@pytest.mark.parametrize("axis", [(-1,), (1, -1), None])
def test_the_gradient_of_a_large_softmax_along_several_axes(axis):
    """A detached maximum of so many numbers would end the process."""
    x = np.random.default_rng(0).normal(size=(2, 2, 64, 64))
    found = []
    for name in ("mxnet", "numpy"):
        with unidl.use_backend(name):
            v = unidl.Variable(x, dtype="float64")

            def loss(v=v):
                return unidl.ops.sum(unidl.ops.square(unidl.ops.softmax(v.value * 1.0, axis)))

            found.append(
                [unidl.ops.convert_to_numpy(g) for g in unidl.value_and_grad(loss, [v])[1]]
            )
    np.testing.assert_allclose(*found, rtol=1e-10, atol=1e-15)

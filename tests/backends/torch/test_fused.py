"""Every native kernel against the contract's default body, forward and gradients."""

import numpy as np
import pytest
import torch

from tests.backends.torch.agreement import assert_same, relative_error
from unidl.backend import Backend

rng = np.random.default_rng(0)


def randn(*shape):
    return rng.standard_normal(shape)


def natively_and_by_default(backend, name, *args, **kwargs):
    native, default = getattr(backend, name), getattr(Backend, name)
    return lambda *x: native(*x, *args, **kwargs), lambda *x: default(backend, *x, *args, **kwargs)


ACTIVATIONS = {
    "relu": (), "relu6": (), "leaky_relu": (0.2,), "elu": (0.7,), "selu": (), "softplus": (),
    "silu": (), "gelu": (False,), "softmax": (-1,), "log_softmax": (0,),
    "logsumexp": ((0, 1), True),
}  # fmt: skip


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation(backend, name):
    x = np.concatenate(
        [3 * randn(50), [0.0, -0.0, 6.0, 19.0, 21.0, 39.0, 41.0, -25.0, 30.0, -6.0]]
    ).reshape(6, 10)
    assert_same(*natively_and_by_default(backend, name, *ACTIVATIONS[name]), [x])


def test_gelu_approximate(backend):
    assert_same(*natively_and_by_default(backend, "gelu", True), [randn(4, 9)])


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax_over_two_axes(backend, name):
    assert_same(*natively_and_by_default(backend, name, (1, 2)), [randn(3, 4, 5)])


@pytest.mark.parametrize("name", ["elu", "selu", "softplus", "gelu", "silu"])
def test_activation_of_tiny_values_keeps_its_digits(backend, name):
    x = np.geomspace(1e-12, 1e-2, 30)
    args = ACTIVATIONS[name]
    for sign in (1, -1):
        reference = getattr(Backend, name)(backend, torch.tensor(sign * x), *args).numpy()
        found = getattr(backend, name)(torch.tensor(sign * x).float(), *args).double().numpy()
        assert np.max(np.abs(found / reference - 1)) < 1e-6


@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 4)])
@pytest.mark.parametrize("with_bias", [False, True])
def test_linear(backend, shape, with_bias):
    arrays = [randn(*shape), randn(4, 5)] + ([randn(5)] if with_bias else [])
    assert_same(*natively_and_by_default(backend, "linear"), arrays)


@pytest.mark.parametrize("axes", [(2,), (1, 2), (1,)])
@pytest.mark.parametrize("affine", [True, False])
def test_layer_norm(backend, axes, affine):
    shape = tuple((3, 4, 5)[a] for a in axes) if axes[-1] == 2 else (4, 1)
    weights = [randn(*shape), randn(*shape)] if affine else []

    def body(function):
        return lambda x, gamma=None, beta=None: function(x, gamma, beta, axes, 1e-3)

    native, default = body(backend.layer_norm), body(lambda *a: Backend.layer_norm(backend, *a))
    assert_same(native, default, [randn(3, 4, 5), *weights])


def test_layer_norm_at_a_large_mean_is_as_good_as_the_default(backend):
    x = (1e4 + 0.01 * randn(32, 200)).astype("float32")
    wide = x.astype("float64")
    reference = (wide - wide.mean(1, keepdims=True)) / np.sqrt(wide.var(1, keepdims=True) + 1e-3)
    native = backend.layer_norm(torch.tensor(x), None, None, (1,), 1e-3).numpy()
    default = Backend.layer_norm(backend, torch.tensor(x), None, None, (1,), 1e-3).numpy()
    assert relative_error(native, reference) <= 2 * relative_error(default, reference)


BATCHES = [
    ((8, 3), (0,)),
    ((4, 5, 6, 3), (0, 1, 2)),
    ((4, 3, 5, 6), (0, 2, 3)),
    ((3, 4, 5), (1, 2)),
    ((2, 3, 4, 3, 2), (0, 1, 2, 3)),
]


@pytest.mark.parametrize(("shape", "axes"), BATCHES)
@pytest.mark.parametrize("affine", [True, False])
def test_batch_norm(backend, shape, axes, affine):
    (axis,) = set(range(len(shape))) - set(axes)
    c = shape[axis]
    weights = [randn(c), randn(c)] if affine else []

    def training(function):
        return lambda x, gamma=None, beta=None: function(x, gamma, beta, axes, 1e-3)

    def inference(function):
        return lambda x, mean, var, gamma=None, beta=None: function(
            x, gamma, beta, mean, var * var, axes, 1e-3
        )

    x = randn(*shape) + 1
    assert_same(
        training(backend.batch_norm_training),
        training(lambda *a: Backend.batch_norm_training(backend, *a)),
        [x, *weights],
    )
    moments = [randn(c), randn(c) + 2]
    both = (
        inference(backend.batch_norm_inference),
        inference(lambda *a: Backend.batch_norm_inference(backend, *a)),
    )
    assert_same(*both, [x, *moments, *weights])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_batch_norm_of_narrow_floats(backend, dtype):
    x, gamma, beta = (torch.tensor(a).to(dtype) for a in (100 + randn(64, 3), randn(3), randn(3)))
    found = backend.batch_norm_training(x, gamma, beta, (0,), 1e-3)
    wanted = Backend.batch_norm_training(
        backend, x.double(), gamma.double(), beta.double(), (0,), 1e-3
    )
    for f, w in zip(found, wanted, strict=True):
        assert f.dtype == dtype
        assert relative_error(f.double().numpy(), w.numpy()) <= torch.finfo(dtype).eps


def test_batch_norm_of_one_value_per_channel(backend):
    y, mean, var = backend.batch_norm_training(torch.tensor([[3.0, 4.0]]), None, None, (0,), 1e-3)
    assert y.tolist() == [[0.0, 0.0]]
    assert mean.tolist() == [3.0, 4.0]
    assert var.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("shape", [(64, 256), (8, 7, 9, 16)])
def test_batch_norm_at_mean_100_and_std_a_hundredth(backend, shape):
    x = (100 + 0.01 * randn(*shape)).astype("float32")
    axes = tuple(range(len(shape) - 1))
    wide = x.astype("float64")
    y, mean, var = backend.batch_norm_training(torch.tensor(x), None, None, axes, 1e-3)
    assert np.abs(var.numpy() / wide.var(axes) - 1).max() < 2e-6
    assert np.abs(mean.numpy() / wide.mean(axes) - 1).max() < 2e-7
    assert (
        relative_error(y.numpy(), (wide - wide.mean(axes)) / np.sqrt(wide.var(axes) + 1e-3)) < 2e-6
    )


def test_batch_norm_twice_differentiable(backend):
    x, gamma, beta = (
        torch.tensor(a, requires_grad=True) for a in (randn(5, 3), randn(3), randn(3))
    )
    assert torch.autograd.gradgradcheck(
        lambda *a: backend.batch_norm_training(*a, (0,), 1e-3), (x, gamma, beta)
    )


@pytest.mark.parametrize("bias", [None, (3, 1, 4, 6), (4, 6)])
@pytest.mark.parametrize("scale", [1.0, 0.37])
def test_attention(backend, bias, scale):
    arrays = [randn(3, 2, 4, 5), randn(3, 2, 6, 5), randn(3, 2, 6, 7)] + (
        [randn(*bias)] if bias else []
    )
    assert_same(*natively_and_by_default(backend, "attention", scale=scale), arrays)


def test_attention_of_one_head_with_a_trainable_scale(backend):
    native = lambda q, k, v, s: backend.attention(q, k, v, None, s)  # noqa: E731
    default = lambda q, k, v, s: Backend.attention(backend, q, k, v, None, s)  # noqa: E731
    assert_same(native, default, [randn(3, 4, 5), randn(3, 6, 5), randn(3, 6, 5), randn()])


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("with_bias", [False, True])
def test_lstm(backend, reverse, with_bias):
    n, t, d, u = 3, 6, 4, 5
    arrays = [randn(n, t, d), randn(n, u), randn(n, u), randn(d, 4 * u), randn(u, 4 * u)] + (
        [randn(4 * u)] if with_bias else []
    )
    native = lambda x, h, c, k, r, b=None: backend.lstm(x, h, c, k, r, b, reverse)  # noqa: E731
    default = lambda x, h, c, k, r, b=None: Backend.lstm(  # noqa: E731
        backend, x, h, c, k, r, b, reverse
    )
    assert_same(native, default, arrays)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("with_bias", [False, True])
def test_gru(backend, reverse, with_bias):
    n, t, d, u = 3, 6, 4, 5
    arrays = [randn(n, t, d), randn(n, u), randn(d, 3 * u), randn(u, 3 * u)] + (
        [randn(2, 3 * u)] if with_bias else []
    )
    native = lambda x, h, k, r, b=None: backend.gru(x, h, k, r, b, reverse)  # noqa: E731
    default = lambda x, h, k, r, b=None: Backend.gru(backend, x, h, k, r, b, reverse)  # noqa: E731
    assert_same(native, default, arrays)


def test_lstm_without_gradients_agrees_too(backend):
    """torch may choose another kernel when nothing is to be differentiated."""
    arrays = [
        torch.tensor(a)
        for a in (randn(3, 6, 4), randn(3, 5), randn(3, 5), randn(4, 20), randn(5, 20), randn(20))
    ]
    for dtype, budget in ((torch.float64, 1e-12), (torch.float32, 2e-6)):
        for found, wanted in zip(
            backend.lstm(*(a.to(dtype) for a in arrays)),
            Backend.lstm(backend, *arrays),
            strict=True,
        ):
            assert relative_error(found.double().numpy(), wanted.numpy()) <= budget


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64"])
def test_sparse_cross_entropy(backend, dtype):
    labels = rng.integers(0, 5, (3, 4)).astype(dtype)
    assert_same(
        *natively_and_by_default(backend, "sparse_softmax_cross_entropy"),
        [labels, 4 * randn(3, 4, 5)],
    )


def test_no_label_is_skipped_in_silence(backend):
    with pytest.raises(IndexError, match="-100"):
        backend.sparse_softmax_cross_entropy(torch.tensor([-100]), torch.zeros(1, 3))


@pytest.mark.parametrize("name", ["softmax_cross_entropy", "sigmoid_cross_entropy"])
def test_dense_cross_entropy(backend, name):
    labels = rng.random((3, 5))
    assert_same(
        *natively_and_by_default(backend, name),
        [labels / labels.sum(-1, keepdims=True), 4 * randn(3, 5)],
    )


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64"])
def test_embedding(backend, dtype):
    indices = np.array([[0, 2], [2, 3]], dtype)
    assert_same(*natively_and_by_default(backend, "embedding"), [randn(4, 3), indices])


def test_embedding_refuses_negative_indices(backend):
    with pytest.raises(IndexError):
        backend.embedding(torch.zeros(3, 2), torch.tensor([-1]))


def test_kernels_names_only_overrides(backend):
    required = Backend.__abstractmethods__
    for name in backend.kernels:
        assert getattr(type(backend), name) is not getattr(Backend, name), name
        assert name not in required or name in ("conv", "max_pool", "avg_pool"), name


@pytest.mark.parametrize("bias", [None, (3, 6, 4, 5), (4, 5)])
def test_grouped_attention_is_that_of_repeated_heads_to_the_bit(backend, bias):
    query, key, value = (
        torch.tensor(randn(3, h, t, 8), dtype=torch.float32) for h, t in ((6, 4), (2, 5), (2, 5))
    )
    bias = bias and torch.tensor(randn(*bias), dtype=torch.float32)
    found = backend.grouped_attention(query, key, value, bias, 0.5)
    assert torch.equal(found, Backend.grouped_attention(backend, query, key, value, bias, 0.5))

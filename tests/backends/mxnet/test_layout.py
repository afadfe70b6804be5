"""Layout planning: no transposes between neighbouring layers, and native batch normalization that
keeps its digits."""

from __future__ import annotations

import json

import numpy as np
import pytest

import unidl
from unidl import ops
from unidl.backend.variable import Variable
from unidl.ops import fused

from unidl_mxnet.traced import Trace, tracing  # isort: skip


def nodes_of(fn, *shapes):
    """Operators of the recorded `fn`, in order."""
    trace = Trace(differentiable=False)
    with unidl.use_backend("mxnet"), tracing(trace):
        result = fn(*(trace.input(shape, "float32", None) for shape in shapes))
    return [
        node["op"] for node in json.loads(result.symbol.tojson())["nodes"] if node["op"] != "null"
    ]


def moved(names):
    return [n for n in names if n in ("transpose", "_np_transpose")]


def test_two_convolutions_transpose_at_the_ends_only():
    def fn(x, k1, b1, k2):
        y = ops.relu(ops.conv(x, k1, padding="same") + b1)
        return ops.conv(ops.max_pool(y, 2), k2)

    names = nodes_of(fn, (2, 8, 8, 3), (3, 3, 3, 4), (4,), (3, 3, 4, 5))
    assert len(moved(names)) == 4  # x, two kernels, the result
    assert names.count("Convolution") == 2
    assert not {"broadcast_add", "dot"} & set(names)  # the bias is in the convolution


def test_residual_sum_and_global_mean_stay_channels_first():
    def fn(x, k1, k2):
        y = ops.relu(ops.conv(x, k1, padding="same"))
        return ops.mean(ops.relu(y + ops.conv(y, k2, padding="same")), axis=(1, 2))

    assert len(moved(nodes_of(fn, (2, 8, 8, 3), (3, 3, 3, 4), (3, 3, 4, 4)))) == 3


@pytest.mark.parametrize("axes", [(0, 2, 1), (1, 0, 2), (2, 1, 0)])
def test_values_are_those_of_the_eager_run(axes):
    rng = np.random.default_rng(0)
    x, row, other = (rng.normal(size=s).astype("float32") for s in ((3, 4, 5), (5,), (3, 4, 5)))

    def fn(x, row, other):
        y = ops.transpose(ops.exp(ops.transpose(x, axes)), [axes.index(a) for a in range(3)]) * row
        z = ops.transpose(y, (2, 0, 1))
        return (
            ops.sum(z, 1),
            ops.max(z, (0, 2), keepdims=True),
            ops.where(z > 0.5, z, 0.0),
            z + ops.transpose(other, (2, 0, 1)),
            z * 2 + 1,
        )

    with unidl.use_backend("mxnet") as backend:
        compiled = backend.compile(fn, [])(*map(backend.asarray, (x, row, other)))
        eager = fn(*map(backend.asarray, (x, row, other)))
    for a, b in zip(compiled, eager, strict=True):
        np.testing.assert_allclose(a.asnumpy(), b.asnumpy(), rtol=1e-6)


@pytest.mark.parametrize("mean", [0.0, 1e4])
@pytest.mark.parametrize("convolved", [False, True])
def test_batch_norm_of_a_step_keeps_its_digits(mean, convolved):
    rng = np.random.default_rng(1)
    x = (mean + (0.01 if mean else 1.0) * rng.normal(size=(16, 12, 12, 4))).astype("float32")
    r = rng.normal(size=x.shape).astype("float32")

    def step_of(backend, dtype, compiled):
        gamma, beta = Variable(np.linspace(0.5, 2, 4, dtype=dtype)), Variable(np.zeros(4, dtype))
        moments = Variable(np.zeros((2, 4), dtype))
        kernel = Variable(np.eye(4, dtype=dtype)[None, None])

        def forward(x, r):
            y = ops.conv(x, kernel) if convolved else x
            y, m, v = fused.batch_norm_training(y, gamma, beta, (0, 1, 2), 1e-3)
            moments.replace(ops.stack([m, v]))
            return ops.sum(y * r), [y]

        tensors = backend.asarray(x.astype(dtype)), backend.asarray(r.astype(dtype))
        if compiled:
            variables = [gamma, beta, moments, kernel]
            step = backend.compile_step(
                forward, lambda grads: gamma.replace(grads[0]), [gamma, beta], variables
            )
            _, (y,) = step(*tensors)
        else:
            (_, (y,)), grads = backend.value_and_grad(
                lambda: forward(*tensors), [gamma, beta], has_aux=True
            )
            gamma.replace(grads[0])
        return backend.to_numpy(y), gamma.numpy(), moments.numpy()

    with unidl.use_backend("mxnet") as backend:
        got = step_of(backend, "float32", compiled=True)
    with unidl.use_backend("numpy") as oracle:
        want = step_of(oracle, "float64", compiled=False)
    # In units of what rounding the input's centred values costs.
    scale = 1.0 if not mean else 40.0
    for name, a, b in zip(("y", "gamma's gradient"), got, want, strict=False):
        assert np.abs(a - b).max() <= scale * 2e-6 * np.abs(b).max() * (1 if name == "y" else 10), (
            name
        )
    np.testing.assert_allclose(got[2][0], want[2][0], rtol=2e-6, atol=1e-6)
    np.testing.assert_allclose(got[2][1], want[2][1], rtol=2e-4 if mean else 1e-5)


def test_a_loss_of_the_moments_has_their_gradient():
    x = np.random.default_rng(2).normal(size=(8, 6)).astype("float32")
    with unidl.use_backend("mxnet") as backend:
        w = Variable(x)

        def forward():
            _, mean, var = fused.batch_norm_training(w, None, None, (0,), 1e-3)
            return ops.sum(mean) + ops.sum(var), []

        backend.compile_step(forward, lambda grads: w.assign(grads[0]), [w], [w])()
        np.testing.assert_allclose(w.numpy(), 1 / 8 + 2 * (x - x.mean(0)) / 8, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("stride", [1, 2])
def test_gradients_of_kernels_between_batch_norms(stride):
    rng = np.random.default_rng(3)
    kernels = [rng.normal(size=s).astype("float32") * 0.1 for s in ((3, 3, 3, 16), (3, 3, 16, 32))]
    x, r = rng.normal(size=(8, 16, 16, 3)), rng.normal(size=(8, 16 // stride, 16 // stride, 32))

    def gradients(backend, dtype, compiled):
        ks = [Variable(k.astype(dtype)) for k in kernels]
        gamma = Variable(np.full(32, 1.5, dtype))
        x_, r_ = backend.asarray(x.astype(dtype)), backend.asarray(r.astype(dtype))

        def forward(x, r):
            y, _, _ = fused.batch_norm_training(
                ops.conv(x, ks[0], padding="same"), None, None, (0, 1, 2), 1e-3
            )
            y, _, _ = fused.batch_norm_training(
                ops.conv(ops.relu(y), ks[1], strides=stride, padding="same"),
                gamma,
                None,
                (0, 1, 2),
                1e-3,
            )
            return ops.sum(y * r), []

        if compiled:

            def update(grads):
                for k, g in zip(ks, grads, strict=True):
                    k.replace(g)

            backend.compile_step(forward, update, ks, [*ks, gamma])(x_, r_)
            return [k.numpy() for k in ks]
        return [
            backend.to_numpy(g) for g in backend.value_and_grad(lambda: forward(x_, r_)[0], ks)[1]
        ]

    with unidl.use_backend("mxnet") as backend:
        got = gradients(backend, "float32", compiled=True)
    with unidl.use_backend("numpy") as oracle:
        want = gradients(oracle, "float64", compiled=False)
    for a, b in zip(got, want, strict=True):
        assert np.abs(a - b).max() <= 1e-5 * np.abs(b).max()


def test_a_vector_is_added_to_the_transposed_outputs_of_an_rnn():
    """An operator with several results, which has no `node`."""

    def fn(x, kernel, recurrent, bias, row):
        zeros = ops.zeros((2, 4))
        outputs, _, _ = unidl.get_backend("mxnet").lstm(x, zeros, zeros, kernel, recurrent, bias)
        return outputs + row

    assert "RNN" in nodes_of(fn, (2, 5, 3), (3, 16), (4, 16), (16,), (4,))


def test_pooling_comes_before_the_activation():
    def fn(x, k):
        return ops.max_pool(ops.relu(ops.conv(x, k)), 2)

    names = nodes_of(fn, (2, 8, 8, 3), (3, 3, 3, 4))
    assert [n for n in names if n in ("Convolution", "Pooling", "LeakyReLU")] == [
        "Convolution",
        "Pooling",
        "LeakyReLU",
    ]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_an_activation_that_is_pooled_and_used_elsewhere(dtype, padding):
    x = np.random.default_rng(0).normal(size=(2, 5, 6, 3)).astype(dtype)
    x[0, 0, 0], x[1, :3, :3, 0] = np.nan, -np.inf
    x[0, 2:4, 2:4, 1] = 2.0  # the first of equals gets the gradient
    backend = unidl.get_backend("mxnet")
    variable, kept = Variable(x, backend=backend), Variable(np.zeros_like(x), backend=backend)

    def loss():
        y = ops.relu(variable.value)
        pooled = ops.max_pool(y, 2, padding=padding)
        weights = ops.reshape(ops.arange(ops.size(pooled), dtype=dtype), ops.shape(pooled))
        known = ops.where(ops.isnan(y), 0.0, y)
        return ops.sum(ops.where(ops.isnan(pooled), 0.0, pooled * weights)) + ops.sum(known * 3)

    with unidl.use_backend(backend):
        value, (gradient,) = unidl.value_and_grad(loss, [variable])
        step = backend.compile_step(
            lambda: (loss(), []), lambda grads: [kept.replace(grads[0])], [variable], [kept]
        )
        found = step()
    np.testing.assert_allclose(found[0].asnumpy(), value.asnumpy(), rtol=1e-6)
    np.testing.assert_array_equal(kept.numpy(), gradient.asnumpy())

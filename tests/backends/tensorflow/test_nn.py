"""Native kernels and graph loops against the default bodies of the contract, and how accurate they
are."""

import math

import numpy as np
import pytest
import tensorflow as tf

from tests.backends.tensorflow.checks import assert_close, outputs
from unidl.backend import Backend
from unidl_tensorflow import nn, recurrent

rng = np.random.default_rng(0)


def randn(*shape):
    return rng.standard_normal(shape)


def joined(y):
    """One tensor of all outputs, so that one gradient tells of all."""
    return (
        tf.concat([tf.reshape(part, [-1]) for part in y], 0) if isinstance(y, (tuple, list)) else y
    )


def agree(name, arrays, *args, dtypes=("float64", "float32"), seed=5):
    def native(b, *x):
        return joined(getattr(b, name)(*x, *args))

    def default(b, *x):
        return joined(getattr(Backend, name)(b, *x, *args))

    for dtype in dtypes:
        exact = [a.astype("float64") if a.dtype.kind == "f" else a for a in arrays]
        weights = np.random.default_rng(seed).uniform(
            0.5, 1.5, outputs(default, exact, None, False)[0].shape
        )
        wanted = outputs(default, exact, weights, False)
        for compiled in (False, True):
            found = outputs(
                native,
                [a.astype(dtype) if a.dtype.kind == "f" else a for a in arrays],
                weights,
                compiled,
            )
            for f, w in zip(found, wanted, strict=True):
                assert_close(f, w, 1e-12 if dtype == "float64" else 2e-5)


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("relu", ()),
        ("relu6", ()),
        ("leaky_relu", (0.3,)),
        ("softmax", (0,)),
        ("softmax", ((0, 1),)),
        ("log_softmax", (-1,)),
    ],
)
def test_activations(name, args):
    agree(name, [3 * randn(4, 5)], *args)


def test_sparse_cross_entropy(tf_backend):
    labels = tf_backend.asarray(np.array([[1, 0, 4], [2, 2, 3]]))
    agree("sparse_softmax_cross_entropy", [np.asarray(labels), 3 * randn(2, 3, 5)])


def test_cross_entropy_of_labels_that_do_not_sum_to_one():
    agree("softmax_cross_entropy", [rng.uniform(0, 2, (3, 4)), randn(3, 4)])


def test_linear():
    agree("linear", [randn(2, 3, 4), randn(4, 5), randn(5)])
    agree("linear", [randn(4), randn(4, 5), randn(5)])


@pytest.mark.parametrize("fused_from", [0, 1 << 40])
@pytest.mark.parametrize(
    ("shape", "axes"),
    [((4, 3, 3, 5), (0, 1, 2)), ((6, 5), (0,)), ((4, 5, 3), (0, 2)), ((1, 5), (0,))],
)
def test_batch_norm(monkeypatch, fused_from, shape, axes):
    monkeypatch.setattr(nn, "FUSED_NORM_FROM", fused_from)
    agree("batch_norm_training", [randn(*shape), randn(5), randn(5)], axes, 1e-3)


@pytest.mark.parametrize("fused_from", [0, 1 << 40])
@pytest.mark.parametrize("mean", [100.0, 1e4])
def test_norms_with_a_large_mean_keep_their_digits(tf_backend, monkeypatch, mean, fused_from):
    monkeypatch.setattr(nn, "FUSED_NORM_FROM", fused_from)
    x = (mean + 0.01 * randn(2048, 4)).astype("float32")
    exact = x.astype("float64")
    wanted = (exact - exact.mean(0)) / np.sqrt(exact.var(0) + 1e-4)
    y, found_mean, found_var = tf_backend.batch_norm_training(
        tf_backend.asarray(x), None, None, (0,), 1e-4
    )
    assert_close(y.numpy(), wanted, 4e-6)
    assert_close(found_mean.numpy(), exact.mean(0), 1e-6)
    assert_close(found_var.numpy(), exact.var(0), 1e-5)
    y = tf_backend.layer_norm(tf_backend.asarray(x.T.copy()), None, None, (1,), 1e-4)
    assert_close(y.numpy(), wanted.T, 4e-6)


def test_accuracy_that_the_choice_of_kernels_rests_on(tf_backend):
    x = np.concatenate(
        [np.linspace(-20, 20, 801), np.geomspace(1e-6, 1, 100), -np.geomspace(1e-6, 1, 100)]
    ).astype("float32")
    exact = x.astype("float64")
    cases = {
        "softplus": ((), np.logaddexp(exact, 0)),
        "elu": ((1.0,), np.where(exact > 0, exact, np.expm1(exact))),
        "sigmoid": ((), 1 / (1 + np.exp(-exact))),
        "tanh": ((), np.tanh(exact)),
        "erf": ((), np.vectorize(math.erf)(exact)),
    }
    for name, (args, wanted) in cases.items():
        found = getattr(tf_backend, name)(tf.constant(x), *args).numpy().astype("float64")
        assert np.max(np.abs(found - wanted) / np.spacing(np.abs(wanted).astype("float32"))) <= 8, (
            name
        )
    assert (
        np.max(
            np.abs(tf.nn.elu(x).numpy() - cases["elu"][1])
            / np.spacing(np.abs(cases["elu"][1]).astype("float32"))
        )
        > 1e4
    )


@pytest.fixture(params=["unrolled", "looped"])
def _scan_path(request, monkeypatch):
    monkeypatch.setattr(recurrent, "UNROLLED", 0 if request.param == "looped" else 1 << 40)


@pytest.mark.slow
@pytest.mark.usefixtures("_scan_path")
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("length", [1, 5])
def test_lstm_and_gru(reverse, length):
    x, h, c = randn(2, length, 3), randn(2, 4), randn(2, 4)
    agree("lstm", [x, h, c, randn(3, 16), randn(4, 16), randn(16)], reverse)
    agree("gru", [x, h, randn(3, 12), randn(4, 12), randn(2, 12)], reverse)


def test_a_long_scan_does_not_unroll(tf_backend):
    def total(xs):
        return tf_backend.scan(
            lambda s, x: ((tf_backend.add(s[0], x[0]),), s[0]),
            (tf_backend.zeros((2,), "float32"),),
            (xs,),
        )[1]

    run = tf_backend.compile(total, [])
    found = run(tf_backend.asarray(np.ones((1000, 2), "float32"))).numpy()
    assert found[:, 0].tolist() == list(range(1000))
    (graph,) = run._programs.values()
    assert len(graph._function.graph.get_operations()) < 60

"""Every override of a derived function against the contract's default body over the same
primitives: float64, 1e-12."""

import inspect

import numpy as np
import pytest

from tests.backends.numpy.gradcheck import B, gradients, weighted, worst
from unidl.backend import Backend
from unidl.backend.contract import Collectives
from unidl_numpy.adapter import NumpyBackend
from unidl_numpy.tape import plain

DERIVED = [
    name
    for name, body in inspect.getmembers(Backend, inspect.isfunction)
    if not name.startswith("_")
    and name not in Backend.__abstractmethods__
    and not hasattr(Collectives, name)  # they need other processes: tests/distribution
]
OVERRIDDEN = [name for name in DERIVED if getattr(NumpyBackend, name) is not getattr(Backend, name)]
D = type("DefaultBodies", (NumpyBackend,), {name: getattr(Backend, name) for name in DERIVED})()

rng = np.random.default_rng(3)


def normal(*shape):
    return rng.normal(size=shape)


X = normal(3, 4)
KINKS = np.array([[-1.0, 0.0, 6.0, 7.0], [-0.0, 2.0, -3.0, 0.5]])
GATES = normal(2, 5, 4), normal(2, 3), normal(2, 3), normal(4, 12), normal(3, 12), normal(12)
GRU = normal(2, 5, 4), normal(2, 3), normal(4, 9), normal(3, 9), normal(2, 9)
SIMPLE = normal(2, 5, 4), normal(2, 3), normal(4, 3), normal(3, 3), normal(3)
LABELS = np.array([1, 0, 3])

# name: [(call, arrays to differentiate), ...]
CASES = {
    **{
        name: [
            (lambda b, x, name=name: getattr(b, name)(x), KINKS),
            (lambda b, x, name=name: getattr(b, name)(x), 30 * X),
        ]
        for name in ("relu", "relu6", "silu", "softplus")
    },
    "reciprocal": [(lambda b, x: b.reciprocal(x), X)],
    "rsqrt": [(lambda b, x: b.rsqrt(x), X * X)],
    "leaky_relu": [(lambda b, x: b.leaky_relu(x, 0.3), KINKS)],
    "elu": [(lambda b, x: b.elu(x, 0.7), KINKS)],
    "gelu": [(lambda b, x, a=a: b.gelu(x, a), 3 * X) for a in (True, False)],
    "clip": [
        (lambda b, x: b.clip(x, 0, 6), KINKS),
        (lambda b, x: b.clip(x, None, 2), KINKS),
        (lambda b, x: b.clip(x, -1, None), KINKS),
    ],
    "softmax": [(lambda b, x: b.softmax(x), 50 * X), (lambda b, x: b.softmax(x, (0, 1)), X)],
    "log_softmax": [(lambda b, x: b.log_softmax(x), 50 * X), (lambda b, x: b.log_softmax(x, 0), X)],
    "var": [
        (lambda b, x: b.var(x), X),
        (lambda b, x: b.var(x, 0, keepdims=True), X + 1e3),
        (lambda b, x: b.var(x, (0, 1)), X),
    ],
    "logsumexp": [
        (lambda b, x: b.logsumexp(x), X),
        (lambda b, x: b.logsumexp(x, 1, keepdims=True), 50 * X),
    ],
    "stack": [(lambda b, x, y: b.stack([x, y], -1), X, X + 1)],
    "split": [(lambda b, x: b.split(x, 2, 1), X), (lambda b, x: b.split(x, (1,), 0), X)],
    "unstack": [(lambda b, x: b.unstack(x, -1), X)],
    "tensordot": [
        (lambda b, x, y, a=a: b.tensordot(x, y, a), normal(2, 3, 4), normal(3, 4, 2))
        for a in (2, ([1, 2], [0, 1]), (0, 2))
    ],
    "inv": [(lambda b, x: b.inv(x), normal(2, 3, 3))],
    "embedding": [(lambda b, x: b.embedding(x, np.array([[2, 0], [2, 2]])), X)],
    "layer_norm": [
        (lambda b, *a: b.layer_norm(*a, (-1,), 1e-3), X, normal(4), normal(4)),
        (lambda b, x: b.layer_norm(x, None, None, (0, 1), 1e-3), X),
    ],
    "batch_norm_training": [
        (lambda b, *a: b.batch_norm_training(*a, (0,), 1e-3), X + 100, normal(4), normal(4)),
        (lambda b, x: b.batch_norm_training(x, None, None, (0, 2), 1e-3), normal(3, 4, 2)),
    ],
    "attention": [
        (
            lambda b, *a: b.attention(*a, 0.5),
            normal(2, 3, 4),
            normal(2, 5, 4),
            normal(2, 5, 6),
            normal(3, 5),
        ),
        (lambda b, *a: b.attention(*a), normal(3, 4), normal(5, 4), normal(5, 6)),
    ],
    "sparse_softmax_cross_entropy": [
        (lambda b, x: b.sparse_softmax_cross_entropy(LABELS, x), 20 * X)
    ],
    "softmax_cross_entropy": [
        (lambda b, t, x: b.softmax_cross_entropy(t, x), normal(3, 4), 20 * X)
    ],
    "sigmoid_cross_entropy": [
        (lambda b, t, x: b.sigmoid_cross_entropy(t, x), normal(3, 4), 20 * X)
    ],
    "lstm": [(lambda b, *a, r=r: b.lstm(*a, reverse=r), *GATES) for r in (False, True)]
    + [(lambda b, *a: b.lstm(*a, None), *GATES[:-1])],
    "simple_rnn": [
        (lambda b, *a, f=f, r=r: b.simple_rnn(*a, f, r), *SIMPLE)
        for f in ("tanh", "relu")
        for r in (False, True)
    ]
    + [(lambda b, *a: b.simple_rnn(*a, None), *SIMPLE[:-1])],
    "gru": [(lambda b, *a, r=r: b.gru(*a, reverse=r), *GRU) for r in (False, True)]
    + [(lambda b, *a: b.gru(*a, None), *GRU[:-1])],
    "depthwise_conv": [
        (
            lambda b, x, k, s=s: b.depthwise_conv(x, k, (s, s), "same", (1, 1)),
            normal(2, 5, 6, 3),
            normal(3, 3, 3, 2),
        )
        for s in (1, 2)
    ],
    "biased_conv": [
        (
            lambda b, *a, s=s, g=g: b.biased_conv(*a, (s, s), "same", (1, 1), g),
            normal(2, 5, 6, 4),
            normal(3, 3, 4 // g, 4),
            normal(4),
        )
        for s, g in ((1, 1), (2, 2), (1, 4))
    ],
    "conv_transpose": [
        (
            lambda b, x, k, c=cut: b.conv_transpose(x, k, (2, 3), (1, 1), *c),
            normal(2, 3, 4, 3),
            normal(3, 2, 2, 3),
        )
        for cut in (((0, 0), (7, 11)), ((1, 2), (5, 7)), ((0, 1), (9, 13)))
    ],
    "dropout": [
        (lambda b, x: b.dropout(x, (5, 6), 0.3), X),
        (lambda b, x: b.dropout(x, (5, 6), 0.3, (1, None)), X),
    ],
    "uniform": [(lambda b, x: b.multiply(x, b.uniform((1, 2), (3, 4), "float64")), X)],
    "keep_mask": [
        (lambda b, x: b.multiply(x, b.cast(b.keep_mask((1, 2), (3, 4), 0.3), "float64")), X)
    ],
    "fft": [
        (lambda b, x, y, i=i: b.fft(x, y, i), normal(2, n), normal(2, n))
        for n in (1, 5, 8)
        for i in (False, True)
    ],
    "rfft": [(lambda b, x: b.rfft(x), normal(2, n)) for n in (1, 5, 8)],
    "irfft": [
        (lambda b, x, y, n=n: b.irfft(x, y, n), normal(2, n // 2 + 1), normal(2, n // 2 + 1))
        for n in (1, 5, 8)
    ],
    "gcd": [
        (
            lambda b, x: b.multiply(
                x, b.cast(b.gcd(np.array([6, -4, 0, 9]), np.array([4, 6, 0, 0])), "float64")
            ),
            X,
        )
    ],
    "nextafter": [(lambda b, x: b.multiply(x, b.nextafter(x, b.negative(x))), X)],
    "zeros": [(lambda b, x: b.add(x, b.zeros((3, 4), "float64")), X)],
    "eye": [(lambda b, x: b.multiply(x, b.eye(3, 4, 1, "float64")), X)],
}

UPDATES = {
    "sgd_update": [
        (3, {"learning_rate": 0.1, "momentum": 0.0, "nesterov": False}, (2,)),
        (3, {"learning_rate": 0.1, "momentum": 0.9, "nesterov": False}, ()),
        (3, {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True}, ()),
    ],
    "adam_update": [(4, {"alpha": 0.01, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}, ())],
    "rmsprop_update": [(3, {"learning_rate": 0.01, "rho": 0.9, "epsilon": 1e-7}, ())],
}


def test_every_override_has_a_case():
    structural = {
        "abstract_call",
        "scope",
        "signature",
        "write",
        "value_and_grad",
        "compile",
        "compile_step",
        "custom_gradient",
        "remat",
    }  # not functions of tensors
    assert set(OVERRIDDEN) - structural == set(CASES) | set(UPDATES)
    assert set(B.kernels) <= set(OVERRIDDEN)
    assert {
        "lstm",
        "gru",
        "attention",
        "layer_norm",
        "batch_norm_training",
        "adam_update",
        "conv_transpose",
    } <= set(B.kernels)


@pytest.mark.parametrize(
    ("name", "case"), [(name, i) for name in CASES for i in range(len(CASES[name]))]
)
def test_override(name, case):
    call, *arrays = CASES[name][case]
    ours, reference = (call(b, *arrays) for b in (B, D))
    parts = [x if isinstance(x, (tuple, list)) else [x] for x in (ours, reference)]
    assert [x.dtype for x in parts[0]] == [x.dtype for x in parts[1]]
    assert worst(*parts) <= 1e-12
    ours, reference = (
        gradients(lambda *xs, b=b: weighted(call(b, *xs)), *arrays)[1] for b in (B, D)
    )
    assert worst(ours, reference) <= 1e-12


@pytest.mark.parametrize(
    ("name", "case"), [(name, i) for name in UPDATES for i in range(len(UPDATES[name]))]
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_update(name, case, dtype):
    count, options, without = UPDATES[name][case]
    shapes = (3, 4), (40000,), ()
    groups = [
        None if i in without else [np.asarray(rng.uniform(0.1, 1, s), dtype) for s in shapes]
        for i in range(count)
    ]
    reference = getattr(Backend, name)(B, *groups, **options)
    gradient = [g.copy() for g in groups[1]]
    ours = getattr(B, name)(*groups, **options)
    for a, b in zip(groups[1], gradient, strict=True):
        np.testing.assert_array_equal(a, b)
    for mine, theirs in zip(ours, reference, strict=True):
        if theirs is None:
            assert mine is None
            continue
        for a, b in zip(mine, theirs, strict=True):
            assert a.dtype == dtype
            np.testing.assert_array_equal(a, plain(b))


def test_update_works_in_place_and_copies_what_it_must_not_write():
    options = UPDATES["adam_update"][0][1]
    p, g, m, v = (np.ones(5, "float32") for _ in range(4))
    assert B.adam_update([p], [g], [m], [v], **options)[0][0] is p
    frozen = np.ones(5, "float32")
    frozen.flags.writeable = False
    assert B.adam_update([frozen], [g], [m], [v], **options)[0][0] is not frozen
    assert (frozen == 1).all()

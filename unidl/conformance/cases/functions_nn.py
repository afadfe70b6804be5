"""Activations, softmax, normalization, attention and fused losses."""

from __future__ import annotations

import numpy as np

from unidl.conformance.case import Case, integers, normal, uniform

INF, NAN = np.inf, np.nan
WIDE = [-100.0, -20.0, -5.0, -1.0, -1e-6, 0.5, 5.0, 20.0, 100.0]

# name -> further arguments
ACTIVATIONS = {
    "relu": (), "relu6": (), "leaky_relu": (0.3,), "elu": (1.3,), "selu": (), "softplus": (),
    "silu": (), "gelu": (False,),
}  # fmt: skip


def _activation(name, label, x, *args, **options):
    return Case(name, label, lambda B, x: getattr(B, name)(x, *args), {"x": x}, **options)


ACTIVATION = [
    _activation(name, "", uniform(-4, 4, 3, 30), *args) for name, args in ACTIVATIONS.items()
]
ACTIVATION += [_activation(name, "wide range", WIDE, *args) for name, args in ACTIVATIONS.items()]
ACTIVATION += [
    _activation("gelu", f"approximate{label}", x, True)
    for label, x in (("", uniform(-4, 4, 3, 30)), (", wide range", WIDE))
]
ACTIVATION += [
    _activation("relu", "kink", [-1.0, -0.0, 0.0, 1.0], kind="exact"),
    _activation("relu", "a single number", np.array(2.5), kind="exact"),
    _activation("relu", "infinities", [INF, -INF], kind="exact"),
    _activation("relu", "NaN stays", [NAN, 1.0], kind="exact", gradients=False),
    _activation("relu", "integers", np.array([-2, 0, 3], "int32")),
    _activation("relu6", "kinks", [-1.0, 0.0, 3.0, 6.0, 7.0], kind="exact"),
    _activation("relu6", "NaN stays", [NAN, INF, -INF], kind="exact", gradients=False),
    _activation("leaky_relu", "kink has the slope", [-1.0, -0.0, 0.0, 1.0], 0.3, kind="ulp"),
    _activation("leaky_relu", "slope of zero", [-1.0, 0.0, 1.0], 0.0, kind="ulp"),
    _activation("elu", "kink", [-1.0, 0.0, 1.0], 1.0),
    _activation("elu", "kink, alpha", [-1.0, 0.0, 1.0], 0.5),
    _activation("elu", "large x in the branch not taken", [1000.0, -1000.0], 1.0),
    _activation("selu", "kink", [-1.0, 0.0, 1.0]),
    _activation("softplus", "zero is smooth", [0.0, -0.0]),
    _activation("softplus", "large", [1000.0, -1000.0, 30.0]),
    _activation("silu", "large", [1000.0, -80.0, 0.0]),
    _activation("gelu", "large and zero", [1000.0, -1000.0, 0.0], False),
    _activation("gelu", "approximate, large and zero", [1000.0, -1000.0, 0.0], True),
]


def _softmax(name, label, x, axis=-1, **options):
    return Case(name, label, lambda B, x: getattr(B, name)(x, axis), {"x": x}, **options)


SOFTMAX = [
    case
    for name in ("softmax", "log_softmax")
    for case in (
        _softmax(name, "", normal(3, 7, std=3)),
        _softmax(name, "first axis", normal(4, 3), 0),
        _softmax(name, "middle axis", normal(2, 4, 3), 1),
        _softmax(name, "two axes", normal(2, 3, 4), (1, 2)),
        _softmax(name, "saturated", [[100.0, 0.0, -100.0], [1000.0, 0.0, 999.0]]),
        _softmax(
            name, "large offset", [[10000.0, 10001.0, 10002.0], [-10000.0, -10001.0, -10002.0]]
        ),
        _softmax(name, "size one", normal(3, 1)),
        _softmax(name, "ties", [[2.0, 2.0, 2.0, 1.0]]),
        _softmax(name, "many", normal(2, 1000)),
        _softmax(name, "empty batch", np.zeros((0, 3)), traced=False),
        _softmax(name, "minus infinity", [[-INF, 0.0, 1.0]], gradients=name == "softmax"),
    )
]

OFFSETS = (("mean 100", 100.0, 0.01), ("mean 1e4", 1e4, 0.01))


def _batch_norm(label, x, axes=(0, 1, 2), scale=True, centre=True, epsilon=1e-3, **options):
    """x with `gamma` and `beta` (or without) along the axis left."""

    def call(B, x, *parameters):
        parameters = list(parameters)
        gamma = parameters.pop(0) if scale else None
        beta = parameters.pop(0) if centre else None
        return B.batch_norm_training(x, gamma, beta, axes, epsilon)

    size = np.shape(x(np.random.default_rng(0)) if callable(x) else x)
    (axis,) = set(range(len(size))) - set(axes)
    inputs = (
        {"x": x}
        | ({"gamma": normal(size[axis])} if scale else {})
        | ({"beta": normal(size[axis])} if centre else {})
    )
    return Case("batch_norm_training", label, call, inputs, **options)


def _inference(label, x, axes, channels, scale=True, centre=True):
    def call(B, x, mean, var, *parameters):
        parameters = list(parameters)
        gamma = parameters.pop(0) if scale else None
        beta = parameters.pop(0) if centre else None
        return B.batch_norm_inference(x, gamma, beta, mean, var, axes, 1e-3)

    inputs = {"x": x, "mean": normal(channels), "var": uniform(0.5, 2, channels)}
    inputs |= ({"gamma": normal(channels)} if scale else {}) | (
        {"beta": normal(channels)} if centre else {}
    )
    return Case("batch_norm_inference", label, call, inputs)


def _layer_norm(label, x, axes, scale=None, centre=None, epsilon=1e-3, **options):
    """`scale` and `centre` are the shapes of gamma and beta, or None without."""

    def call(B, x, *parameters):
        parameters = list(parameters)
        gamma = parameters.pop(0) if scale else None
        beta = parameters.pop(0) if centre else None
        return B.layer_norm(x, gamma, beta, axes, epsilon)

    inputs = (
        {"x": x}
        | ({"gamma": normal(*scale)} if scale else {})
        | ({"beta": normal(*centre)} if centre else {})
    )
    return Case("layer_norm", label, call, inputs, **options)


NORMALIZATION = [
    _batch_norm("images", normal(2, 3, 3, 4)),
    _batch_norm("vectors", normal(6, 3), (0,)),
    _batch_norm("channels first", normal(3, 4, 2, 2), (0, 2, 3)),
    _batch_norm("rank five", normal(2, 2, 2, 2, 3), (0, 1, 2, 3)),
    _batch_norm("sequences", normal(3, 5, 2), (0, 1)),
    _batch_norm("without gamma", normal(6, 3), (0,), scale=False),
    _batch_norm("without beta", normal(2, 3, 3, 2), centre=False),
    _batch_norm("without either", normal(6, 3), (0,), scale=False, centre=False),
    _batch_norm("batch of one", normal(1, 3), (0,)),
    _batch_norm("constant", np.full((4, 2), 3.0), (0,)),
    _batch_norm("another epsilon", normal(6, 3, std=0.01), (0,), epsilon=1e-5),
    *(
        _batch_norm(
            f"vectors, {label}", normal(32, 3, mean=mean, std=std), (0,), ill_conditioned=True
        )
        for label, mean, std in OFFSETS
    ),
    *(
        _batch_norm(
            f"images, {label}", normal(4, 4, 4, 3, mean=mean, std=std), ill_conditioned=True
        )
        for label, mean, std in OFFSETS
    ),
    _inference("images", normal(2, 3, 3, 4), (0, 1, 2), 4),
    _inference("vectors", normal(6, 3), (0,), 3),
    _inference("channels first", normal(3, 4, 2, 2), (0, 2, 3), 4),
    _inference("without gamma", normal(6, 3), (0,), 3, scale=False),
    _inference("without beta", normal(6, 3), (0,), 3, centre=False),
    _inference("without either", normal(2, 3, 3, 4), (0, 1, 2), 4, scale=False, centre=False),
    _inference("batch of one", normal(1, 3), (0,), 3),
    _layer_norm("", normal(3, 8), (1,), (8,), (8,)),
    _layer_norm("negative axis", normal(2, 3, 8), (-1,), (8,), (8,)),
    _layer_norm("two axes", normal(2, 3, 4), (1, 2), (3, 4), (3, 4)),
    _layer_norm("middle axis", normal(2, 5, 3), (1,), (5, 1), (5, 1)),
    _layer_norm("groups", normal(2, 3, 3, 2, 4), (1, 2, 4), (2, 4), (2, 4)),
    _layer_norm("without gamma and beta", normal(3, 8), (1,)),
    _layer_norm("without beta", normal(3, 8), (1,), (8,)),
    _layer_norm("without gamma", normal(3, 8), (1,), None, (8,)),
    _layer_norm("constant", np.full((2, 8), 3.0), (1,), (8,), (8,)),
    _layer_norm("size one", normal(3, 1), (1,), (1,), (1,)),
    _layer_norm("another epsilon", normal(3, 8, std=0.01), (1,), (8,), (8,), epsilon=1e-6),
    _layer_norm("empty batch", np.zeros((0, 8)), (1,), (8,), (8,), traced=False),
    *(
        _layer_norm(
            label, normal(4, 64, mean=mean, std=std), (1,), (64,), (64,), ill_conditioned=True
        )
        for label, mean, std in OFFSETS
    ),
]


def _attention(label, batch, t, s, d, v, bias=None, scale=1.0, **options):
    inputs = {
        "query": normal(*batch, t, d),
        "key": normal(*batch, s, d),
        "value": normal(*batch, s, v),
    }
    if bias is not None:
        inputs["bias"] = bias
    return Case(
        "attention",
        label,
        lambda B, q, k, v, b=None: B.attention(q, k, v, b, scale),
        inputs,
        **options,
    )


def _grouped(label, heads, groups, t, s, d, v, bias=None, **options):
    inputs = {
        "query": normal(2, heads, t, d),
        "key": normal(2, groups, s, d),
        "value": normal(2, groups, s, v),
    }
    if bias is not None:
        inputs["bias"] = bias
    return Case(
        "grouped_attention",
        label,
        lambda B, q, k, v, b=None: B.grouped_attention(q, k, v, b, 0.5),
        inputs,
        **options,
    )


def _mask(*rows, low=-1e9):
    return np.where(np.array(rows, bool), 0.0, low)


def _every_third(*shape, low=-1e9):
    """Bias (queries, keys) that hides every third key, from another one on for each query."""
    place = sum(np.indices(shape))
    return np.where(place % 3 == 0, low, 0.0)


# Kernels choose another way for more keys than one vector or one block of theirs holds.
MANY_KEYS = (64, 257)

ATTENTION = [
    _attention("", (2,), 3, 4, 5, 2),
    _attention("scale", (2,), 3, 4, 4, 4, scale=0.5),
    _attention("heads", (2, 2), 3, 4, 4, 3, scale=0.5),
    _attention("no batch", (), 3, 4, 5, 2),
    _attention("bias", (2, 2), 3, 4, 4, 4, bias=normal(2, 2, 3, 4)),
    _attention("bias broadcasts", (2, 2), 3, 4, 4, 4, bias=normal(2, 1, 1, 4)),
    _attention("bias of two axes", (2,), 3, 4, 4, 4, bias=normal(3, 4)),
    _attention("causal", (1, 2), 3, 3, 4, 4, bias=_mask([1, 0, 0], [1, 1, 0], [1, 1, 1])),
    _attention(
        "causal by minus infinity",
        (1, 2),
        3,
        3,
        4,
        4,
        bias=_mask([1, 0, 0], [1, 1, 0], [1, 1, 1], low=-INF),
        gradients=False,
    ),
    _attention("row of one bias", (1, 2), 2, 3, 4, 4, bias=_mask([1, 1, 0], [0, 0, 0], low=-60.0)),
    _attention("one key", (2,), 3, 1, 4, 4),
    _attention("large scores", (2,), 3, 4, 4, 4, scale=50.0),
    *(
        _attention(f"mask of {s} keys", (2, 2), 3, s, 8, 4, bias=_every_third(3, s), scale=0.5)
        for s in MANY_KEYS
    ),
    _attention("causal, 64 keys", (1, 2), 64, 64, 4, 4, bias=_mask(*np.tri(64))),
    *(_grouped(f"mask of {s} keys", 4, 2, 3, s, 8, 4, bias=_every_third(3, s)) for s in MANY_KEYS),
    _grouped("", 4, 2, 3, 5, 4, 4),
    _grouped("one group", 3, 1, 3, 4, 4, 2),
    _grouped("as many groups as heads", 2, 2, 3, 4, 4, 4),
    _grouped("one query", 6, 2, 1, 5, 4, 4),
    _grouped("bias", 4, 2, 3, 4, 4, 4, bias=normal(2, 4, 3, 4)),
    _grouped("causal", 4, 2, 3, 3, 4, 4, bias=_mask([1, 0, 0], [1, 1, 0], [1, 1, 1])),
    _grouped("row of one bias", 4, 2, 2, 3, 4, 4, bias=_mask([1, 1, 0], [0, 0, 0], low=-60.0)),
]

LABELS = np.eye(5)[[0, 2, 4]]
LOSSES = [
    Case(
        "sparse_softmax_cross_entropy",
        label,
        lambda B, y, x: B.sparse_softmax_cross_entropy(y, x),
        {"labels": y, "logits": x},
    )
    for label, y, x in (
        ("", integers(0, 5, 6), normal(6, 5, std=3)),
        ("int64, sequences", integers(0, 4, 2, 3, dtype="int64"), normal(2, 3, 4)),
        ("saturated", np.array([0, 1, 2], "int32"), [[100.0, 0.0, -100.0]] * 3),
        ("uint8", integers(0, 5, 6, dtype="uint8"), normal(6, 5)),
        ("batch of one", np.array([1], "int32"), normal(1, 3)),
        ("a single sample", np.array(1, "int32"), normal(3)),
        ("many classes", integers(0, 500, 3), normal(3, 500)),
    )
]
LOSSES += [
    Case(
        "softmax_cross_entropy",
        label,
        lambda B, y, x: B.softmax_cross_entropy(y, x),
        {"labels": y, "logits": x},
    )
    for label, y, x in (
        ("", LABELS, normal(3, 5, std=3)),
        ("soft labels", uniform(0, 1, 2, 3, 4), normal(2, 3, 4)),
        ("saturated", np.eye(3), [[100.0, 0.0, -100.0]] * 3),
        ("batch of one", [[0.0, 1.0]], normal(1, 2)),
    )
]
LOSSES += [
    Case(
        "sigmoid_cross_entropy",
        label,
        lambda B, y, x: B.sigmoid_cross_entropy(y, x),
        {"labels": y, "logits": x},
        scale=lambda y, x: np.logaddexp(0, x) + np.abs(y * x),
    )
    for label, y, x in (
        ("", uniform(0, 1, 3, 5), normal(3, 5, std=3)),
        ("saturated", [0.0, 1.0, 0.0, 1.0], [100.0, 100.0, -100.0, -100.0]),
        ("zero", [0.0, 1.0, 0.5], [0.0, 0.0, 0.0]),
    )
]

CASES = [*ACTIVATION, *SOFTMAX, *NORMALIZATION, *ATTENTION, *LOSSES]

"""Every differentiable function of the adapter against central differences in float64."""

import numpy as np
import pytest

from tests.backends.numpy.gradcheck import B, check

rng = np.random.default_rng(20)


def normal(*shape):
    return rng.normal(size=shape)


def uniform(low, high, *shape):
    return rng.uniform(low, high, shape)


def away_from(points, x, gap=0.05):
    """Move elements that are near a kink."""
    for p in points:
        x = np.where(np.abs(x - p) < gap, p + gap * np.where(x >= p, 1, -1), x)
    return x


X = normal(3, 4)
POSITIVE = uniform(0.3, 3, 3, 4)
UNIT = uniform(-0.9, 0.9, 3, 4)
SPD = (lambda a: a @ a.swapaxes(-1, -2) + 3 * np.eye(4))(normal(2, 4, 4))
INDEX = np.array([[0, 2], [2, 1], [0, 0]], "int32")


def symmetric(f):
    """`f` of the symmetric part, since the function reads one triangle alone."""
    return lambda x: f(B.multiply(B.add(x, B.transpose(x, (0, 2, 1))), 0.5))


def fixed_sign(f, *which):
    """Square some outputs whose sign is arbitrary."""
    return lambda x: tuple(B.square(y) if i in which else y for i, y in enumerate(f(x)))


CASES = {
    **{
        name: (getattr(B, name), X)
        for name in (
            "negative",
            "square",
            "exp",
            "expm1",
            "sin",
            "cos",
            "arctan",
            "sinh",
            "cosh",
            "tanh",
            "arcsinh",
            "erf",
            "sigmoid",
            "softplus",
            "silu",
            "softmax",
            "log_softmax",
            "selu",
        )
    },
    **{
        name: (getattr(B, name), POSITIVE)
        for name in ("sqrt", "rsqrt", "reciprocal", "log", "log1p")
    },
    **{name: (getattr(B, name), UNIT) for name in ("tan", "arcsin", "arccos", "arctanh", "erfinv")},
    "arccosh": (B.arccosh, uniform(1.2, 4, 3, 4)),
    "abs": (B.abs, away_from([0], X)),
    "relu": (B.relu, away_from([0], X)),
    "relu6": (B.relu6, away_from([0, 6], 4 * X)),
    "leaky_relu": (lambda x: B.leaky_relu(x, 0.2), away_from([0], X)),
    "elu": (lambda x: B.elu(x, 1.3), away_from([0], X)),
    "gelu exact": (lambda x: B.gelu(x, False), X),
    "gelu tanh": (lambda x: B.gelu(x, True), X),
    "clip": (lambda x: B.clip(x, -0.5, 0.5), away_from([-0.5, 0.5], X)),
    "clip open": (lambda x: B.clip(x, None, 0.5), away_from([0.5], X)),
    "add": (B.add, X, normal(4)),
    "subtract": (B.subtract, normal(3, 1), X),
    "multiply": (B.multiply, X, normal(2, 1, 4)),
    "divide": (B.divide, X, uniform(0.5, 2, 4)),
    "add number": (lambda x: B.add(2, x), X),
    "subtract number": (lambda x: B.subtract(1.0, x), X),
    "divide number": (lambda x: B.divide(1.0, x), POSITIVE),
    "mod": (B.mod, uniform(2.1, 2.9, 3, 4), uniform(1.1, 1.9, 4)),
    "power": (B.power, POSITIVE, normal(4)),
    "power number": (lambda x: B.power(x, 3), X),
    "number power": (lambda x: B.power(2.0, x), X),
    "maximum": (B.maximum, X, normal(4)),
    "minimum": (B.minimum, X, normal(3, 1)),
    "arctan2": (B.arctan2, X, POSITIVE),
    "where": (lambda a, b: B.where(X > 0, a, b), X, normal(4)),
    "cast": (lambda x: B.cast(x, "float64"), X),
    # shape
    "reshape": (lambda x: B.reshape(x, (2, -1)), X),
    "transpose": (lambda x: B.transpose(x, (2, 0, 1)), normal(2, 3, 4)),
    "broadcast_to": (lambda x: B.broadcast_to(x, (2, -1, 4)), normal(3, 1)),
    "expand_dims": (lambda x: B.expand_dims(x, (0, -1)), X),
    "squeeze": (lambda x: B.squeeze(x, (0, 2)), normal(1, 3, 1, 2)),
    "concatenate": (lambda a, b: B.concatenate([a, b], -1), X, normal(3, 2)),
    "stack": (lambda a, b: B.stack([a, b], 1), X, normal(3, 4)),
    "split": (lambda x: B.split(x, 2, -1), X),
    "split at": (lambda x: B.split(x, (1, 3), 1)[:2], X),
    "unstack": (lambda x: B.unstack(x, 1)[1:], X),
    "flip": (lambda x: B.flip(x, (0, 1)), X),
    "tile": (lambda x: B.tile(x, (2, 3)), X),
    "repeat": (lambda x: B.repeat(x, 3, -1), X),
    "pad": (lambda x: B.pad(x, ((1, 2), (0, 3)), constant_values=2.0), X),
    **{
        f"pad {mode}": (lambda x, mode=mode: B.pad(x, ((1, 2), (3, 1)), mode), X)
        for mode in ("reflect", "symmetric", "edge")
    },
    # indexing
    "getitem": (lambda x: B.getitem(x, (slice(None, None, -2), None, Ellipsis, 1)), X),
    "take": (lambda x: B.take(x, INDEX, 0), X),
    "take last": (lambda x: B.take(x, np.array([-1, 0, -1]), -1), normal(2, 3, 4)),
    "embedding": (lambda x: B.embedding(x, INDEX), X),
    "take_along_axis": (lambda x: B.take_along_axis(x, INDEX, 1), X),
    "take_along_axis one": (lambda x: B.take_along_axis(x, INDEX[:, :1], -1), X),
    "take_along_axis broadcast": (lambda x: B.take_along_axis(x, INDEX[:1], 1), X),
    "scatter_add": (lambda x, u: B.scatter_add(x, np.array([[0], [2], [0]]), u), X, normal(3, 4)),
    "scatter_add 2": (
        lambda x, u: B.scatter_add(x, np.array([[0, 1], [2, 2], [0, 1]]), u),
        X,
        normal(3),
    ),
    "scatter_update": (lambda x, u: B.scatter_update(x, np.array([[0], [2]]), u), X, normal(2, 4)),
    "sort": (lambda x: B.sort(x, 0), X),
    "top_k": (lambda x: B.top_k(x, 2)[0], X),
    # reductions
    **{
        f"{name} {axis} {keep}": (
            lambda x, f=name, a=axis, k=keep: getattr(B, f)(x, a, k),
            normal(2, 3, 4),
        )
        for name in ("sum", "mean", "prod", "max", "min", "var", "logsumexp")
        for axis, keep in ((None, False), (1, False), ((0, 2), True), (-1, False))
    },
    "sum of many rows": (lambda x: B.sum(B.tile(x, (200, 1)), 0), X),
    "prod with zeros": (lambda x: B.prod(x, 1), X * (np.arange(4) != 1)),
    "cumsum": (lambda x: B.cumsum(x, 1), X),
    "cumprod": (lambda x: B.cumprod(x, 0), X),
    "cumprod with zeros": (lambda x: B.cumprod(x, 1), X * (np.arange(4) != 1)),
    "softmax axes": (lambda x: B.softmax(x, (0, 2)), normal(2, 3, 2)),
    "log_softmax axis": (lambda x: B.log_softmax(x, 0), X),
    # products
    **{
        f"matmul {a} {b}": (B.matmul, normal(*a), normal(*b))
        for a, b in (
            ((3, 4), (4, 2)),
            ((2, 3, 4), (4, 2)),
            ((2, 3, 4), (2, 4, 2)),
            ((2, 1, 3, 4), (3, 4, 2)),
            ((3, 4), (2, 4, 2)),
            ((4,), (4,)),
            ((4,), (4, 2)),
            ((3, 4), (4,)),
            ((4,), (2, 4, 3)),
            ((2, 3, 4), (4,)),
        )
    },
    **{
        f"einsum {s}": (lambda *xs, s=s: B.einsum(s, *xs), *[normal(*shape) for shape in shapes])
        for s, shapes in (
            ("ij,jk->ik", ((2, 3), (3, 4))),
            ("bthd,bshd->bhts", ((2, 3, 2, 2), (2, 4, 2, 2))),
            ("bhts,bshd->bthd", ((1, 2, 3, 4), (1, 4, 2, 2))),
            ("abc,cde->abde", ((2, 3, 2), (2, 1, 3))),
            ("...ij,...jk->...ik", ((2, 1, 2, 3), (3, 3, 2))),
            ("ij,kj", ((2, 3), (4, 3))),
            ("ii->i", ((3, 3),)),
            ("ii", ((3, 3),)),
            ("ij->j", ((2, 3),)),
            ("ij,j->", ((2, 3), (3,))),
            ("i,j->ji", ((2,), (3,))),
            ("ij,jk,kl->il", ((2, 3), (3, 2), (2, 4))),
            ("iji,k->jk", ((2, 3, 2), (2,))),
            ("ij,k->k", ((2, 3), (4,))),
            ("...,...", ((3,), (2, 3))),
            ("ij,ij->ij", ((1, 3), (2, 3))),
        )
    },
    "tensordot": (
        lambda a, b: B.tensordot(a, b, ([1, 0], [0, 2])),
        normal(3, 2, 4),
        normal(2, 5, 3),
    ),
    # linear algebra
    "cholesky": (symmetric(B.cholesky), SPD),
    "qr": (B.qr, normal(2, 5, 3)),
    "qr wide": (B.qr, normal(2, 3, 5)),
    "svd": (fixed_sign(B.svd, 0, 2), normal(4, 3)),
    "svd wide": (fixed_sign(B.svd, 0, 2), normal(2, 3, 4)),
    "eigh": (symmetric(fixed_sign(B.eigh, 1)), SPD),
    "solve": (B.solve, SPD, normal(2, 4, 3)),
    "solve upper": (B.solve_triangular, SPD, normal(2, 4, 3)),
    "solve lower": (lambda a, b: B.solve_triangular(a, b, lower=True), SPD, normal(2, 4, 3)),
    "det": (B.det, normal(2, 3, 3)),
    "det singular": (B.det, np.outer([1, 2, 3], [2, 1, 1]) + np.diag([1, 0, 0])),
    "inv": (B.inv, SPD),
    # networks
    "layer_norm": (lambda x, g, b: B.layer_norm(x, g, b, (-1,), 1e-3), X, normal(4), normal(4)),
    "layer_norm axes": (
        lambda x, g: B.layer_norm(x, g, None, (1, 2), 1e-3),
        normal(2, 3, 2),
        normal(3, 1),
    ),
    "batch_norm": (
        lambda x, g, b: B.batch_norm_training(x, g, b, (0, 1), 1e-3),
        normal(3, 2, 4),
        normal(4),
        normal(4),
    ),
    "batch_norm bare": (lambda x: B.batch_norm_training(x, None, None, (0,), 1e-3)[0], X),
    "batch_norm first": (
        lambda x, g, b: B.batch_norm_training(x, g, b, (0, 2), 1e-3),
        normal(3, 2, 4),
        normal(2),
        normal(2),
    ),
    "batch_norm_inference": (
        lambda x, g, b, m: B.batch_norm_inference(x, g, b, m, np.full(4, 2.0), (0,), 1e-3),
        X,
        normal(4),
        normal(4),
        normal(4),
    ),
    "attention": (
        lambda q, k, v, b: B.attention(q, k, v, b, 0.7),
        normal(2, 3, 4),
        normal(2, 2, 4),
        normal(2, 2, 5),
        normal(3, 2),
    ),
    "attention broadcast": (
        lambda q, k, v: B.attention(q, k, v),
        normal(2, 3, 4),
        normal(2, 4),
        normal(1, 2, 5),
    ),
    "sparse cross-entropy": (
        lambda x: B.sparse_softmax_cross_entropy(np.array([[1, 0], [3, 3]]), x),
        normal(2, 2, 4),
    ),
    "cross-entropy": (B.softmax_cross_entropy, uniform(0, 1, 3, 4), X),
    "sigmoid cross-entropy": (B.sigmoid_cross_entropy, uniform(0, 1, 3, 4), X),
    "dropout": (lambda x: B.dropout(x, (1, 2), 0.4), X),
    "dropout shape": (lambda x: B.dropout(x, (1, 3), 0.5, (None, 1)), X),
    "resize": (lambda x: B.resize(x, (5, 2), "bicubic"), normal(1, 3, 4, 2)),
    **{
        f"lstm {r}": (
            lambda *xs, r=r: B.lstm(*xs, reverse=r),
            normal(2, 3, 4),
            normal(2, 3),
            normal(2, 3),
            normal(4, 12),
            normal(3, 12),
            normal(12),
        )
        for r in (False, True)
    },
    "lstm no bias": (
        lambda *xs: B.lstm(*xs, None)[0],
        normal(2, 3, 4),
        normal(2, 3),
        normal(2, 3),
        normal(4, 12),
        normal(3, 12),
    ),
    **{
        f"gru {r}": (
            lambda *xs, r=r: B.gru(*xs, reverse=r),
            normal(2, 3, 4),
            normal(2, 3),
            normal(4, 9),
            normal(3, 9),
            normal(2, 9),
        )
        for r in (False, True)
    },
    "gru no bias": (
        lambda *xs: B.gru(*xs, None)[1],
        normal(2, 3, 4),
        normal(2, 3),
        normal(4, 9),
        normal(3, 9),
    ),
}

CONVS = {
    "1d same": ((2, 7, 3), (3, 3, 4), (2,), "same", (1,), 1),
    "1d causal": ((2, 6, 2), (3, 2, 2), (1,), ((4, 0),), (2,), 1),
    "2d valid": ((2, 5, 6, 2), (3, 2, 2, 3), (1, 1), "valid", (1, 1), 1),
    "2d strided same": ((1, 6, 5, 2), (3, 3, 2, 3), (2, 2), "same", (1, 1), 1),
    "2d dilated": ((1, 7, 7, 1), (3, 2, 1, 2), (1, 1), "same", (2, 3), 1),
    "2d 1x1": ((2, 3, 3, 4), (1, 1, 4, 3), (1, 1), "valid", (1, 1), 1),
    "2d 1x1 strided": ((2, 4, 4, 4), (1, 1, 4, 3), (2, 2), "valid", (1, 1), 1),
    "2d many channels": ((1, 4, 4, 17), (2, 2, 17, 2), (1, 1), "same", (1, 1), 1),
    "2d groups": ((1, 4, 4, 4), (3, 3, 2, 6), (1, 1), "same", (1, 1), 2),
    "2d as many groups as channels": ((1, 4, 4, 3), (2, 2, 1, 6), (1, 1), "same", (1, 1), 3),
    "3d": ((1, 4, 3, 4, 2), (2, 2, 2, 2, 2), (2, 1, 1), "same", (1, 1, 1), 1),
}
for _name, (_x, _k, *_rest) in CONVS.items():
    CASES[f"conv {_name}"] = (
        lambda x, k, rest=_rest: B.conv(x, k, *rest),
        normal(*_x),
        normal(*_k),
    )
CASES["depthwise"] = (
    lambda x, k: B.depthwise_conv(x, k, (1, 1), "same", (1, 1)),
    normal(1, 4, 4, 3),
    normal(3, 3, 3, 1),
)
CASES["depthwise 2"] = (
    lambda x, k: B.depthwise_conv(x, k, (2, 2), "same", (1, 1)),
    normal(1, 5, 4, 2),
    normal(3, 2, 2, 2),
)
for _starts, _sizes in (((0, 0), (7, 9)), ((1, 0), (5, 6)), ((0, 2), (9, 8))):
    CASES[f"conv_transpose {_starts} {_sizes}"] = (
        lambda x, k, a=_starts, n=_sizes: B.conv_transpose(x, k, (2, 2), (1, 1), a, n),
        normal(1, 3, 4, 3),
        normal(3, 3, 2, 3),
    )
CASES["conv_transpose dilated"] = (
    lambda x, k: B.conv_transpose(x, k, (1,), (2,), (1,), (6,)),
    normal(2, 4, 3),
    normal(3, 2, 3),
)
for _padding in ("valid", "same"):
    for _name in ("max_pool", "avg_pool"):
        CASES[f"{_name} {_padding}"] = (
            lambda x, f=_name, p=_padding: getattr(B, f)(x, (3, 2), (2, 2), p),
            normal(2, 6, 5, 2),
        )


@pytest.mark.parametrize("name", CASES)
def test_gradient(name):
    function, *arrays = CASES[name]
    check(function, *arrays)

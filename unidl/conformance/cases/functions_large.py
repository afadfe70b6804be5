"""Long sums, thousands of terms: a kernel that adds them up one after the other in float32 loses
digits that short ones do not show.

Where the sum is ours it must hold the budget of all sums; where it is a kernel of the framework's,
`long_sums` says so. Random signs hide it, so most terms here are positive, and cotangents are
spread from a sum, as that of a loss is: all of one sign.
"""

from __future__ import annotations

from unidl.conformance.case import Case, integers, normal, uniform
from unidl.conformance.cases.functions_nn import _batch_norm, _layer_norm
from unidl.conformance.cases.functions_recurrent import _recurrent
from unidl.conformance.cases.functions_reductions import _reduce

N = 10_000
POSITIVE = uniform(0, 1, 3, N)


def _summed(name, label, call, axes, **inputs):
    """The sum over `axes` of what `call` gives, so that the gradient that comes back to it is
    constant along them."""
    return Case(
        name,
        f"large, {label}",
        lambda B, *xs: B.sum(call(B, *xs), axes),
        inputs,
        kind="linear",
        long_sums=True,
    )


NORMALIZATION = [
    _batch_norm("large images", normal(32, 16, 16, 4)),
    _batch_norm("large images, channels first", normal(32, 4, 16, 16), (0, 2, 3)),
    _batch_norm("large batch", normal(8192, 3), (0,)),
    _batch_norm("larger images", normal(32, 64, 32, 2), long_sums=True),
    _batch_norm("large images, mean 100", normal(32, 16, 16, 4, mean=100), ill_conditioned=True),
    _layer_norm("large", normal(3, N), (1,), (N,), (N,)),
    _layer_norm("large, mean 100", normal(3, N, mean=100), (1,), (N,), (N,), ill_conditioned=True),
    _layer_norm("large batch", normal(8192, 4), (1,), (4,), (4,)),
]

REDUCTIONS = [
    *(_reduce(name, "large, last axis", POSITIVE, 1, kind="linear") for name in ("sum", "mean")),
    *(
        _reduce(name, "large, first axis", uniform(0, 1, N, 3), 0, kind="linear")
        for name in ("sum", "mean")
    ),
    *(_reduce(name, "large, all axes", POSITIVE, kind="linear") for name in ("sum", "mean")),
    _reduce("mean", "large images", uniform(0, 1, 2, 100, 100, 3), (1, 2), kind="linear"),
    _reduce("var", "large, last axis", normal(3, N, mean=100), 1, ill_conditioned=True),
    _reduce("var", "large, first axis", normal(N, 3, mean=100), 0, ill_conditioned=True),
    _reduce("logsumexp", "thousands of terms", normal(2, N), 1),
    *(
        Case(name, "large", lambda B, x, name=name: getattr(B, name)(x, 1), {"x": normal(2, N)})
        for name in ("softmax", "log_softmax")
    ),
    Case(
        "avg_pool",
        "large images",
        lambda B, x: B.avg_pool(x, (100, 100), (1, 1), "valid"),
        {"x": uniform(0, 1, 2, 100, 100, 3)},
        kind="linear",
        long_sums=True,
    ),
    Case(
        "sparse_softmax_cross_entropy",
        "large",
        lambda B, y, x: B.sparse_softmax_cross_entropy(y, x),
        {"labels": integers(0, N, 2), "logits": normal(2, N)},
    ),
    Case(
        "softmax_cross_entropy",
        "large",
        lambda B, y, x: B.softmax_cross_entropy(y, x),
        {"labels": uniform(0, 1, 2, N), "logits": normal(2, N)},
    ),
]

PRODUCTS = [
    Case(
        "matmul",
        "large",
        lambda B, x, y: B.matmul(x, y),
        {"x1": uniform(0, 1, 2, 8192), "x2": uniform(0, 1, 8192, 3)},
        kind="linear",
        long_sums=True,
    ),
    Case(
        "matmul",
        "large vectors",
        lambda B, x, y: B.matmul(x, y),
        {"x1": uniform(0, 1, 8192), "x2": uniform(0, 1, 8192)},
        kind="linear",
        long_sums=True,
    ),
    Case(
        "einsum",
        "large",
        lambda B, x, y: B.einsum("bsd,se->bde", x, y),
        {"x1": uniform(0, 1, 2, 8192, 2), "x2": uniform(0, 1, 8192, 3)},
        kind="linear",
        long_sums=True,
    ),
    Case(
        "conv",
        "large, 4,608 terms",
        lambda B, x, k: B.conv(x, k, (1, 1), "same", (1, 1), 1),
        {"x": uniform(0, 1, 1, 4, 4, 512), "kernel": uniform(0, 1, 3, 3, 512, 4)},
        kind="linear",
        long_sums=True,
    ),
    _summed(
        "linear",
        "many samples",
        lambda B, x, k, b: B.linear(x, k, b),
        0,
        x=uniform(0, 1, 8192, 3),
        kernel=normal(3, 2),
        bias=normal(2),
    ),
    _summed(
        "linear",
        "many sequences",
        lambda B, x, k, b: B.linear(x, k, b),
        (0, 1),
        x=uniform(0, 1, 64, 128, 3),
        kernel=normal(3, 2),
        bias=normal(2),
    ),
    _summed(
        "biased_conv",
        "gradient of the weights",
        lambda B, x, k, b: B.biased_conv(x, k, b, (1, 1), "same", (1, 1), 1),
        (0, 1, 2),
        x=uniform(0, 1, 8, 32, 32, 2),
        kernel=normal(3, 3, 2, 3),
        bias=normal(3),
    ),
    _summed(
        "depthwise_conv",
        "gradient of the weights",
        lambda B, x, k: B.depthwise_conv(x, k, (1, 1), "same", (1, 1)),
        (0, 1, 2),
        x=uniform(0, 1, 32, 32, 32, 2),
        kernel=normal(3, 3, 2, 1),
    ),
    _summed(
        "embedding",
        "repeated indices",
        lambda B, t, i: B.embedding(t, i),
        0,
        table=normal(3, 4),
        indices=integers(0, 3, N),
    ),
    _summed("add", "broadcast", lambda B, x, b: B.add(x, b), 0, x1=normal(N, 3), x2=normal(3)),
]

RECURRENT = [_recurrent("lstm", "200 steps", 1, 200, 2, 2, std=0.3)]

CASES = [*NORMALIZATION, *REDUCTIONS, *PRODUCTS, *RECURRENT]

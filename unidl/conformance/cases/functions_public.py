"""Public functions that are written over the contract: elementwise ones, shapes, reductions, linear
algebra, networks.

A case's method is the function's name behind "ops.". Functions of the contract of the same name
have their cases elsewhere.
"""

from __future__ import annotations

import numpy as np

from unidl import ops
from unidl.conformance.case import Case, booleans, integers, normal, positive_definite, uniform

INF, NAN = np.inf, np.nan
HOLES = [[1.0, NAN, 3.0, -2.0], [NAN, NAN, -2.0, 0.5]]


_OPTIONS = ("kind", "gradients", "traced", "dtypes")


def public(name, label="", call=None, /, args=(), **inputs):
    """A case of `ops.<name>`, called as `call(*inputs, *args)`; the fields of a Case may stand
    among the inputs."""
    options = {key: inputs.pop(key) for key in _OPTIONS if key in inputs}
    function = call or getattr(ops, name)
    return Case(f"ops.{name}", label, lambda B, *xs: function(*xs, *args), inputs, **options)


def _unary(kind, **ranges):
    """Cases of functions of one tensor: name=(low, high)."""
    return [public(name, x=uniform(*bounds, 3, 20), kind=kind) for name, bounds in ranges.items()]


X, Y = normal(3, 4), normal(3, 4)
T = normal(2, 3, 4)
ONE_BLIND = np.array([[1, 0, 1, 1, 0], [0, 0, 0, 0, 0], [0, 1, 0, 0, 0]], bool)

ELEMENTWISE = [
    *_unary(
        "exact",
        absolute=(-3, 3),
        fabs=(-3, 3),
        real=(-3, 3),
        conj=(-3, 3),
        conjugate=(-3, 3),
        imag=(-3, 3),
        ravel=(-3, 3),
    ),
    *_unary(
        "noise",
        cbrt=(0.1, 3),
        deg2rad=(-200, 200),
        rad2deg=(-3, 3),
        erfc=(-2, 2),
        exp2=(-4, 4),
        log2=(0.1, 9),
        log10=(0.1, 9),
        sinc=(-2, 2),
        hard_shrink=(-2, 2),
        hard_sigmoid=(-5, 5),
        hard_silu=(-5, 5),
        hard_swish=(-5, 5),
        hard_tanh=(-2, 2),
        log_sigmoid=(-5, 5),
        mish=(-3, 3),
        soft_shrink=(-2, 2),
        softsign=(-3, 3),
        sparse_plus=(-3, 3),
        sparse_sigmoid=(-3, 3),
        squareplus=(-3, 3),
        swish=(-3, 3),
        tanh_shrink=(-3, 3),
        celu=(-3, 3),
        angle=(-3, 3),
    ),
    public("sparsemax", x=normal(3, 6)),
    public("glu", x=normal(3, 6)),
    public("threshold", args=(0.5, 0.1), x=X),
    public("cbrt", "negative", x=[-8.0, -1.0, 0.5, 27.0]),
    public("sinc", "zero", x=[0.0, 0.5, 1.5]),
    public("isreal", x=X),
    public("signbit", x=[-1.0, -0.0, 0.0, 2.0, -INF, INF, NAN]),
    public("signbit", "integers", x=[-3, 0, 3]),
    public("isposinf", x=[INF, -INF, NAN, 0.0]),
    public("isneginf", x=[INF, -INF, NAN, 0.0]),
    public("nan_to_num", x=[INF, -INF, NAN, 2.0], dtypes=("float64",)),
    public("nan_to_num", "given", args=(1.0, 2.0, 3.0), x=[INF, -INF, NAN, 2.0], kind="exact"),
    *(public(name, x1=X, x2=Y) for name in ("hypot", "logaddexp", "logaddexp2", "true_divide")),
    *(public(name, x1=HOLES, x2=normal(2, 4), kind="exact") for name in ("fmax", "fmin")),
    public("fmod", x1=X, x2=[0.7, -0.7, 2.0, -3.0]),
    public("ldexp", x1=X, x2=integers(-3, 4, 4)),
    public("heaviside", x1=[-1.0, 0.0, 2.0], x2=normal(3), kind="exact"),
    public("divide_no_nan", x1=normal(4), x2=[0.0, 2.0, -4.0, 0.5]),
    public("isclose", x1=[0.0, 1.0, INF, NAN], x2=[1e-9, 1.1, INF, NAN]),
    public("allclose", x1=[0.0, 1.0], x2=[1e-9, 1.0 + 1e-7]),
    public(
        "nextafter",
        x1=[1.0, -1.0, 0.5, 3.0, 1e5],
        x2=[2.0, 0.0, 0.5, -1.0, INF],
        kind="exact",
        gradients=False,
        dtypes=("float64",),
    ),
    public("gcd", x1=integers(-99, 99, 3, 4), x2=integers(-99, 99, 4)),
    public("gcd", "zeros", x1=[0, 0, 6, -4], x2=[0, 5, 0, 6]),
    public(
        "gcd",
        "neighbouring Fibonacci numbers",
        x1=np.array([1836311903], "int32"),
        x2=np.array([1134903170], "int32"),
    ),
    public("lcm", x1=integers(-30, 30, 3, 4), x2=integers(0, 30, 4)),
    public("bitwise_invert", x=integers(-9, 9, 5)),
    public("bitwise_not", x=integers(-9, 9, 5)),
    public("bitwise_left_shift", args=(2,), x=integers(-9, 9, 5)),
    public("bitwise_right_shift", args=(2,), x=integers(-9, 9, 5)),
    public("saturate_cast", args=("int8",), x=[-300.0, 1.7, 300.0]),
    public("view", args=("float32",), x=integers(1 << 29, 1 << 30, 2, 3), traced=False),
    public("view", "narrower", args=("int8",), x=integers(-999, 999, 2, 3), traced=False),
    public("view", "wider", args=("int64",), x=integers(-999, 999, 2, 4), traced=False),
    public("view_as_real", x=X, kind="exact"),
]

CREATION = [
    *(
        public(name, args=(7,))
        for name in ("bartlett", "blackman", "hamming", "hanning", "identity")
    ),
    public("kaiser", "", lambda: ops.kaiser(7, 8.0)),
    public("tri", "", lambda: ops.tri(3, 4, 1)),
    public("linspace", "", lambda: ops.linspace(-1.0, 2.0, 7)),
    public("logspace", "", lambda: ops.logspace(0.0, 2.0, 5)),
    public("geomspace", "", lambda: ops.geomspace(1.0, 8.0, 4)),
    public("ones_like", x=X, kind="exact"),
    public("zeros_like", x=X, kind="exact"),
    public("empty", "shape", lambda: ops.zeros_like(ops.empty((2, 3)))),
    public("empty_like", "shape", lambda x: ops.zeros_like(ops.empty_like(x)), x=X, kind="exact"),
    public("array", args=("float64",), x=integers(0, 9, 3)),
    public("array", "of a tensor", x=X, kind="exact"),
    public("convert_to_tensor", args=("float64",), x=integers(0, 9, 3)),
    public("convert_to_tensor", "of a tensor", x=X, kind="exact"),
    public("copy", x=X, kind="exact"),
    public("copy", "signs of zero, infinity", x=[-0.0, 0.0, -INF, NAN], kind="exact"),
    public("copy", "integers", x=integers(-9, 9, 3)),
]

SHAPES = [
    public("append", args=(1,), x1=X, x2=Y, kind="exact"),
    public("append", "flat", x1=X, x2=normal(2), kind="exact"),
    public("array_split", args=(3, 1), x=X, kind="exact"),
    *(
        public(n, args=(2,), x=normal(4, 2, 2), kind="exact")
        for n in ("hsplit", "vsplit", "dsplit")
    ),
    *(
        public(f.__name__, "", lambda x, y, f=f: f([x, y]), x=X, y=Y, kind="exact")
        for f in (ops.hstack, ops.vstack, ops.dstack)
    ),
    public(
        "dstack", "vectors", lambda x, y: ops.dstack([x, y]), x=normal(3), y=normal(3), kind="exact"
    ),
    *(public(n, x=T, kind="exact") for n in ("fliplr", "flipud", "rot90")),
    public("rot90", "thrice", args=(3, (1, 2)), x=T, kind="exact"),
    public("moveaxis", args=((0, 1), (2, 0)), x=T, kind="exact"),
    public("swapaxes", args=(0, -1), x=T, kind="exact"),
    public("roll", args=(2, 1), x=T, kind="exact"),
    public("roll", "several axes", args=((1, -1), (0, 2)), x=T, kind="exact"),
    public("meshgrid", x=normal(3), y=normal(2), kind="linear"),
    public("space_to_depth", args=(2,), x=normal(2, 4, 6, 3), kind="exact"),
    public("depth_to_space", args=(2,), x=normal(2, 2, 3, 8), kind="exact"),
    public(
        "get_item",
        "",
        lambda x: ops.get_item(x, (0, slice(None, None, -1), None, -1)),
        x=T,
        kind="exact",
    ),
    public("get_item", "by a tensor", x=X, key=[2, 0, 0], kind="linear"),
    public("slice", args=((0, 1, 1), (2, 1, -1)), x=T, kind="exact"),
    public(
        "slice_update",
        "",
        lambda x, u: ops.slice_update(x, (1, 1), u),
        x=X,
        u=normal(2, 2),
        kind="exact",
    ),
    public(
        "select", "", lambda x, y: ops.select([x > 0, y > 0], [x, y], 0.5), x=X, y=Y, kind="exact"
    ),
    public("scatter", args=((4, 2),), indices=[[2], [0], [2]], values=normal(3, 2), kind="linear"),
    *(
        public(
            "scatter_update",
            how,
            lambda x, u, how=how: ops.scatter_update(x, [[2], [0], [2]], u, how),
            x=normal(4, 2),
            u=u,
        )
        for how, u in (("max", normal(3, 2)), ("min", normal(3, 2)), ("mul", uniform(0.5, 2, 3, 2)))
    ),
    public(
        "scatter_update",
        "max of elements",
        lambda x, u: ops.scatter_update(x, [[0, 1], [0, 1]], u, "max"),
        x=X,
        u=normal(2),
    ),
    *(public(n, x=normal(4, 5), kind="exact") for n in ("tril", "triu", "diagonal")),
    public("diagonal", "of batches", args=(-1, 1, 2), x=T, kind="exact"),
    public("diag", "of a vector", args=(1,), x=normal(3), kind="exact"),
    public("diag", "of a matrix", args=(-1,), x=X, kind="exact"),
    public("diagflat", x=normal(2, 2), kind="exact"),
    public(
        "rearrange",
        "blocks",
        lambda x: ops.rearrange(x, "b (h p) (w q) c -> b h w (p q c)", p=2, q=3),
        x=normal(2, 4, 6, 2),
        kind="exact",
    ),
    public("rearrange", "joined", args=("a b c -> (c a) b",), x=T, kind="exact"),
    public("extract_sequences", args=(4, 2), x=normal(2, 9), kind="linear"),
    public("unfold", args=(2,), x=normal(2, 3, 4, 5), kind="linear"),
    public(
        "unfold",
        "pairs",
        args=((2, 3), (2, 1), (1, 0), (1, 2)),
        x=normal(2, 2, 5, 7),
        kind="linear",
    ),
    public("fold", args=((4, 5), 2), x=normal(2, 12, 12), kind="linear"),
    public(
        "fold",
        "pairs",
        args=((5, 7), (2, 3), (2, 1), (1, 0), (1, 2)),
        x=normal(2, 12, 15),
        kind="linear",
    ),
]

ORDER = [
    *(
        public(name, x=HOLES)
        for name in ("nansum", "nanprod", "nancumsum", "nancumprod", "nanmean", "nanvar", "nanstd")
    ),
    *(public(name, x=HOLES, kind="exact") for name in ("nanmax", "nanmin")),
    *(public(name, args=(1,), x=HOLES) for name in ("nanmedian", "nanargmax", "nanargmin")),
    *(
        public(name, "only NaN", args=(0,), x=HOLES)
        for name in ("nanmedian", "nanargmax", "nanargmin", "nanmax")
    ),
    public(
        "nanquantile",
        "several",
        lambda x: ops.nanquantile(x, [0.25, 0.6], 1, keepdims=True),
        x=HOLES,
    ),
    *(
        public("nanquantile", how, lambda x, how=how: ops.nanquantile(x, 0.6, 1, how), x=HOLES)
        for how in ("lower", "higher", "midpoint", "nearest")
    ),
    public("nanpercentile", args=(30,), x=HOLES),
    public("quantile", args=([0.1, 0.5], (0, 2)), x=T),
    public("percentile", args=(30, 1, "midpoint"), x=T),
    public("median", args=(1,), x=T),
    public("amax", args=(1,), x=T, kind="exact"),
    public("amin", args=(1,), x=T, kind="exact"),
    public("ptp", args=(1,), x=T),
    public("std", args=(1,), x=T),
    public("average", "", lambda x, w: ops.average(x, 1, w), x=X, weights=uniform(0.2, 1, 4)),
    public("count_nonzero", args=(1,), x=integers(0, 2, 3, 4)),
    public("diff", args=(2, 1), a=T),
    public("trapezoid", y=X, x=normal(4)),
    public("searchsorted", args=("right",), s=[1.0, 2.0, 2.0, 5.0], v=[0.0, 2.0, 9.0]),
    public("digitize", x=normal(5), bins=[-1.0, 0.0, 1.0]),
    public("bincount", x=[0, 3, 3, 1], traced=False),
    public("bincount", "weights", x=[0, 3, 3, 1], w=uniform(0, 1, 4), traced=False),
    public("isin", x1=integers(0, 5, 3, 4), x2=[1, 3]),
    public("in_top_k", args=(2,), targets=integers(0, 5, 4), predictions=normal(4, 5)),
    public("unravel_index", args=((2, 3),), x=[0, 4, 5]),
    public(
        "argpartition",
        "element at its place",
        lambda x: ops.take_along_axis(x, ops.argpartition(x, 2), -1)[..., 2],
        x=X,
        kind="exact",
    ),
    public("nonzero", x=booleans(3, 4), traced=False),
    public(
        "unique",
        "everything",
        lambda x: ops.unique(x, return_index=True, return_inverse=True, return_counts=True),
        x=integers(0, 4, 3, 4),
        traced=False,
    ),
    public(
        "unique",
        "rows",
        lambda x: ops.unique(x, return_counts=True, axis=0),
        x=[[1, 0], [0, 1], [1, 0]],
        traced=False,
    ),
    *(
        public(
            "unique",
            f"size {size}",
            lambda x, n=size: ops.unique(x, True, True, True, True, size=n, fill_value=7),
            x=integers(0, 4, 3, 4),
        )
        for size in (2, 6)
    ),
    public(
        "unique",
        "floats of a size",
        lambda x: ops.unique(x, size=4),
        x=[2.0, -1.0, 2.0, 0.5],
        kind="exact",
        gradients=False,
    ),
    public("histogram", args=(4,), x=normal(20), gradients=False),
    public(
        "histogram",
        "range",
        args=(3, (-1.0, 2.0)),
        x=[-1.0, 2.0, 1.0, 0.0, 5.0, -3.0],
        gradients=False,
    ),
    public("corrcoef", x=normal(3, 8)),
    *(
        public(
            "correlate",
            mode,
            lambda x, y, m=mode: ops.correlate(x, y, m),
            x1=normal(7),
            x2=normal(4),
        )
        for mode in ("valid", "same", "full")
    ),
    *(
        public(
            "correlate",
            f"{mode}, longer second",
            lambda x, y, m=mode: ops.correlate(x, y, m),
            x1=normal(3),
            x2=normal(6),
        )
        for mode in ("valid", "same", "full")
    ),
]

PRODUCTS = [
    public("dot", x1=T, x2=normal(4, 2), kind="linear"),
    public("vdot", x1=X, x2=Y, kind="linear"),
    public("inner", x1=X, x2=normal(2, 4), kind="linear"),
    public("outer", x1=normal(3), x2=normal(4), kind="linear"),
    public("kron", x1=normal(2, 3), x2=normal(3, 2), kind="linear"),
    public("cross", x1=normal(2, 3), x2=normal(2, 3)),
    public("trace", x=normal(4, 4), kind="linear"),
    public("vander", x=uniform(0.5, 2, 4)),
    public("norm", "all", x=X),
    public("norm", "zero", x=np.zeros(3)),
    *(
        public("norm", f"vectors, {o}", lambda x, o=o: ops.norm(x, o, 1), x=uniform(0.3, 2, 3, 4))
        for o in (1, 2, 3, INF, -INF)
    ),
    *(
        public("norm", f"matrices, {o}", lambda x, o=o: ops.norm(x, o, (0, 1)), x=X)
        for o in ("fro", "nuc", 1, -1, 2, INF)
    ),
    public("cdist", x=X, y=normal(5, 4)),
    public("slogdet", x=normal(2, 3, 3)),
    public("logdet", x=positive_definite(2, 3, 3)),
    public(
        "cholesky_inverse",
        "",
        lambda x: ops.cholesky_inverse(ops.cholesky(x)),
        x=positive_definite(3, 3),
    ),
    public("pinv", x=normal(4, 3)),
    public("lstsq", a=normal(5, 3), b=normal(5, 2)),
    public("matrix_rank", x=[[1.0, 2.0], [2.0, 4.0]], gradients=False),
    public("lu_factor", "square", x=normal(2, 4, 4)),
    public(
        "eig",
        "symmetric",
        lambda x: ops.sort(ops.eig(x)[0]),
        x=positive_definite(3, 3),
        traced=False,
    ),
]

NETWORKS = [
    public("softmax", "two axes", args=((0, 1),), x=X),
    public("multi_hot", args=(4,), x=integers(0, 4, 3, 2)),
    public("moments", args=((0, 2), True), x=T),
    public(
        "batch_normalization",
        "",
        lambda x, m, v, o, s: ops.batch_normalization(x, m, v, 1, o, s),
        x=T,
        mean=normal(3),
        variance=uniform(0.5, 2, 3),
        offset=normal(3),
        scale=normal(3),
    ),
    public("layer_normalization", x=X, gamma=normal(4), beta=normal(4)),
    public("rms_normalization", x=X, scale=normal(4)),
    public("normalize", x=X),
    public("normalize", "order 3", args=(0, 3), x=uniform(0.5, 2, 3, 4)),
    public("categorical_crossentropy", target=uniform(0, 1, 3, 4), output=uniform(0.1, 1, 3, 4)),
    public(
        "sparse_categorical_crossentropy", target=integers(0, 4, 3), output=uniform(0.1, 1, 3, 4)
    ),
    public("binary_crossentropy", target=uniform(0, 1, 3, 4), output=uniform(0.1, 0.9, 3, 4)),
    public(
        "dot_product_attention",
        query=normal(2, 3, 2, 4),
        key=normal(2, 5, 2, 4),
        value=normal(2, 5, 2, 3),
    ),
    public(
        "dot_product_attention",
        "causal, fewer heads",
        lambda q, k, v: ops.dot_product_attention(q, k, v, is_causal=True),
        query=normal(2, 3, 4, 2),
        key=normal(2, 3, 2, 2),
        value=normal(2, 3, 2, 2),
    ),
    public(
        "dot_product_attention",
        "mask, a query that sees nothing",
        lambda q, k, v: ops.dot_product_attention(q, k, v, mask=ONE_BLIND),
        query=normal(2, 3, 2, 4),
        key=normal(2, 5, 2, 4),
        value=normal(2, 5, 2, 3),
    ),
    public("psnr", args=(2.0,), x1=X, x2=Y),
    public("average_pool", args=(2, 2, "same"), x=normal(2, 5, 5, 3), kind="linear"),
    public("adaptive_average_pool", args=(3,), x=normal(2, 7, 5, 2), kind="linear"),
    public("adaptive_max_pool", args=(2,), x=normal(2, 5, 5, 2), kind="exact"),
    public("separable_conv", x=normal(2, 5, 5, 2), d=normal(3, 3, 2, 2), p=normal(1, 1, 4, 3)),
]

CASES = [*ELEMENTWISE, *CREATION, *SHAPES, *ORDER, *PRODUCTS, *NETWORKS]

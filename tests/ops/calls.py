"""Calls of public functions: name -> (call on tensors, what it means in NumPy, arguments). Many
tests go over this table."""

from __future__ import annotations

import numpy as np

from unidl import ops

_rng = np.random.default_rng(5)


def floats(*shape):
    return _rng.normal(size=shape)


def positive(*shape):
    return _rng.uniform(0.2, 0.9, size=shape)


def ints(*shape, high=4):
    return _rng.integers(0, high, size=shape).astype("int32")


A, B, V, P, N = floats(2, 3), floats(2, 3), floats(3), positive(2, 3), ints(2, 3)
T, S = floats(2, 3, 4), floats(4, 4) + 4 * np.eye(4)
SPD = S @ S.T
HOLES = np.array([[1.0, np.nan, 3.0], [np.nan, np.nan, -2.0]])
SPECIAL = np.array([0.0, -1.5, np.inf, -np.inf, np.nan])

IDS = np.array([0, 2, 2, -1], "int32")


def _parts(x):
    return x.real, x.imag


def _chance(logits, path):
    """Probability of one class a moment."""
    p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    return np.prod(p[np.arange(len(path)), list(path)])


def _col2im(x):
    """Windows (2, 1) of images (4, 1) added up."""
    return np.stack([x[:, 0, 0], x[:, 0, 1] + x[:, 1, 0], x[:, 0, 2] + x[:, 1, 1], x[:, 1, 2]], 1)[
        :, None, :, None
    ]


_SAME_NAME = {
    **dict.fromkeys(
        (
            "negative",
            "abs",
            "sign",
            "square",
            "exp",
            "expm1",
            "sin",
            "cos",
            "tan",
            "arctan",
            "sinh",
            "cosh",
            "tanh",
        ),
        (A,),
    ),
    **dict.fromkeys(
        (
            "arcsinh",
            "floor",
            "ceil",
            "round",
            "trunc",
            "exp2",
            "cbrt",
            "deg2rad",
            "rad2deg",
            "fabs",
            "sinc",
        ),
        (A,),
    ),
    **dict.fromkeys(
        ("sqrt", "log", "log1p", "log2", "log10", "reciprocal", "arcsin", "arccos", "arctanh"), (P,)
    ),
    **dict.fromkeys(("isnan", "isinf", "isfinite", "isposinf", "isneginf"), (SPECIAL,)),
    **dict.fromkeys(
        (
            "add",
            "subtract",
            "multiply",
            "divide",
            "maximum",
            "minimum",
            "arctan2",
            "hypot",
            "logaddexp",
            "logaddexp2",
        ),
        (A, V),
    ),
    **dict.fromkeys(
        ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal"), (N, 2)
    ),
    **dict.fromkeys(("logical_and", "logical_or", "logical_xor"), (N, ints(3, high=2))),
    **dict.fromkeys(("bitwise_and", "bitwise_or", "bitwise_xor"), (N, ints(3))),
    **dict.fromkeys(("mod", "floor_divide", "fmod"), (A, np.array([0.7, -0.7, 2.0]))),
    **dict.fromkeys(("fmax", "fmin"), (HOLES, V)),
    **dict.fromkeys(("heaviside",), (np.array([-1.0, 0.0, 2.0]), 0.5)),
    "power": (P, 1.5),
    **dict.fromkeys(
        (
            "sum",
            "mean",
            "prod",
            "max",
            "min",
            "std",
            "var",
            "median",
            "ptp",
            "ravel",
            "transpose",
            "flip",
        ),
        (A,),
    ),
    **dict.fromkeys(
        (
            "nansum",
            "nanprod",
            "nanmax",
            "nanmin",
            "nanmean",
            "nanvar",
            "nanstd",
            "nancumsum",
            "nancumprod",
        ),
        (HOLES,),
    ),
    **dict.fromkeys(("any", "all", "count_nonzero", "argmax", "argmin"), (N,)),
    **dict.fromkeys(("sort", "argsort", "fliplr", "flipud", "rot90", "diff"), (A,)),
    **dict.fromkeys(("tril", "triu", "cumsum", "cumprod", "diagonal", "trace"), (A,)),
    **dict.fromkeys(("matmul", "dot"), (T, floats(4, 2))),
    **dict.fromkeys(("inner", "outer", "kron"), (A, B)),
    **dict.fromkeys(("vdot", "cross"), (V, floats(3))),
    "nanmedian": (HOLES,),
    "nanquantile": (HOLES, 0.3),
    "nanpercentile": (HOLES, 30),
    "nanargmax": (HOLES[:1], 1),
    "nanargmin": (HOLES[:1], 1),
    **dict.fromkeys(("gcd", "lcm"), (N, ints(3, high=9))),
    "nextafter": (A, V),
    "signbit": (np.array([-1.0, -0.0, 0.0, np.inf, -np.inf]),),
    "i0": (A,),
    **dict.fromkeys(("angle", "real", "imag", "conj", "conjugate", "isreal"), (A,)),
    "corrcoef": (floats(3, 6),),
    "correlate": (floats(7), V, "same"),
    "unique": (N,),
    "nonzero": (N,),
    "histogram": (floats(20), 5),
    "diag": (V,),
    "vander": (V,),
    "searchsorted": (np.array([1.0, 2.0, 2.0, 5.0]), np.array([0.0, 2.0, 9.0])),
    "isin": (N, np.array([1, 3])),
    "bincount": (np.array([0, 3, 3, 1], "int32"),),
    "append": (A, B),
    "take_along_axis": (A, np.array([[2, -1], [0, 1]], "int32"), 1),
}

_LINALG = {
    **dict.fromkeys(("inv", "det", "slogdet", "matrix_rank"), (S,)),
    "cholesky": (SPD,),
    "pinv": (floats(4, 3),),
    "solve": (S, floats(4, 2)),
}

CALLS = {
    **{name: (getattr(ops, name), getattr(np, name), args) for name, args in _SAME_NAME.items()},
    **{
        name: (getattr(ops, name), getattr(np.linalg, name), args) for name, args in _LINALG.items()
    },
    "sum of axes": (
        lambda x: ops.sum(x, (0, 2), True),
        lambda x: x.sum((0, 2), keepdims=True),
        (T,),
    ),
    "sum of bools": (ops.sum, lambda x: x.sum(dtype="int32"), (N > 1,)),
    "max of the last axis": (
        lambda x: ops.max(x, -1, initial=0.5),
        lambda x: x.max(-1, initial=0.5),
        (T,),
    ),
    "argmax keeps": (lambda x: ops.argmax(x, 1, True), lambda x: x.argmax(1, keepdims=True), (T,)),
    "quantile": (
        lambda x: ops.quantile(x, [0.1, 0.5], (0, 2)),
        lambda x: np.quantile(x, [0.1, 0.5], (0, 2)),
        (T,),
    ),
    "average": (
        lambda x, w: ops.average(x, 1, w),
        lambda x, w: np.average(x, 1, w),
        (A, positive(3)),
    ),
    "trapezoid": (ops.trapezoid, lambda y: (y[..., 1:] + y[..., :-1]).sum(-1) / 2, (A,)),
    "logsumexp": (lambda x: ops.logsumexp(x, -1), lambda x: np.log(np.exp(x).sum(-1)), (A,)),
    "round to digits": (lambda x: ops.round(x, 2), lambda x: np.round(x, 2), (A,)),
    "clip": (lambda x: ops.clip(x, -0.5, 0.5), lambda x: x.clip(-0.5, 0.5), (A,)),
    "clip by a tensor": (lambda x, y: ops.clip(x, -0.5, y), lambda x, y: x.clip(-0.5, y), (A, V)),
    "where": (lambda c, x: ops.where(c, x, 0), lambda c, x: np.where(c, x, 0), (A > 0, B)),
    "where of floats": (
        lambda c, x: ops.where(c, 0.5, x),
        lambda c, x: np.where(c, 0.5, x),
        (A > 0, B),
    ),
    "nan_to_num": (
        lambda x: ops.nan_to_num(x, 1.0, 2.0, 3.0),
        lambda x: np.nan_to_num(x, True, 1.0, 2.0, 3.0),
        (SPECIAL,),
    ),
    "isclose": (ops.isclose, np.isclose, (SPECIAL, np.array([1e-9, -1.5, np.inf, np.inf, np.nan]))),
    "left_shift": (lambda x: ops.left_shift(x, 2), lambda x: x << 2, (N,)),
    "reshape": (lambda x: ops.reshape(x, (4, -1)), lambda x: x.reshape(4, -1), (T,)),
    "moveaxis": (
        lambda x: ops.moveaxis(x, (0, 1), (2, 0)),
        lambda x: np.moveaxis(x, (0, 1), (2, 0)),
        (T,),
    ),
    "swapaxes": (lambda x: ops.swapaxes(x, 0, -1), lambda x: x.swapaxes(0, -1), (T,)),
    "squeeze": (lambda x: ops.squeeze(ops.expand_dims(x, (0, 2))), lambda x: x, (A,)),
    "broadcast_to": (
        lambda x: ops.broadcast_to(x, (2, 2, 3)),
        lambda x: np.broadcast_to(x, (2, 2, 3)),
        (A,),
    ),
    "concatenate": (
        lambda x, y: ops.concatenate([x, y], -1),
        lambda x, y: np.concatenate([x, y], -1),
        (A, B),
    ),
    "stack": (lambda x, y: ops.stack([x, y], 1), lambda x, y: np.stack([x, y], 1), (A, B)),
    "split": (lambda x: ops.split(x, [1, 3], -1), lambda x: np.split(x, [1, 3], -1), (T,)),
    "array_split": (lambda x: ops.array_split(x, 3, -1), lambda x: np.array_split(x, 3, -1), (T,)),
    "hstack": (lambda x, y: ops.hstack([x, y]), lambda x, y: np.hstack([x, y]), (A, B)),
    "dstack": (lambda x, y: ops.dstack([x, y]), lambda x, y: np.dstack([x, y]), (A, B)),
    "roll": (lambda x: ops.roll(x, 2, 1), lambda x: np.roll(x, 2, 1), (A,)),
    "roll of all": (lambda x: ops.roll(x, -1), lambda x: np.roll(x, -1), (A,)),
    "tile": (lambda x: ops.tile(x, (2, 1, 3)), lambda x: np.tile(x, (2, 1, 3)), (A,)),
    "repeat": (lambda x: ops.repeat(x, 2, 1), lambda x: np.repeat(x, 2, 1), (A,)),
    "repeat by counts": (
        lambda x: ops.repeat(x, [1, 0, 2], 1),
        lambda x: np.repeat(x, [1, 0, 2], 1),
        (A,),
    ),
    "pad": (
        lambda x: ops.pad(x, ((1, 0), (2, 1)), constant_values=7),
        lambda x: np.pad(x, ((1, 0), (2, 1)), constant_values=7),
        (A,),
    ),
    "pad reflected": (
        lambda x: ops.pad(x, 1, mode="reflect"),
        lambda x: np.pad(x, 1, mode="reflect"),
        (A,),
    ),
    "meshgrid": (
        lambda x, y: ops.meshgrid(x, y),
        lambda x, y: list(np.meshgrid(x, y)),
        (V, A[0, :2]),
    ),
    "get_item": (
        lambda x: ops.get_item(x, (0, slice(None, None, -1), None, -1)),
        lambda x: x[0, ::-1, None, -1],
        (T,),
    ),
    "take": (
        lambda x: ops.take(x, [[0, -1], [1, 1]], 2),
        lambda x: np.take(x, [[0, -1], [1, 1]], 2),
        (T,),
    ),
    "slice": (lambda x: ops.slice(x, (0, 1, 1), (2, 1, -1)), lambda x: x[:, 1:2, 1:], (T,)),
    "tensordot": (
        lambda x, y: ops.tensordot(x, y, ((1, 0), (1, 0))),
        lambda x, y: np.tensordot(x, y, ((1, 0), (1, 0))),
        (T, A),
    ),
    "einsum": (
        lambda x, y: ops.einsum("...ij,bi->b...j", x, y),
        lambda x, y: np.einsum("...ij,bi->b...j", x, y),
        (T, A),
    ),
    "norm": (ops.norm, np.linalg.norm, (A,)),
    "norm of columns": (lambda x: ops.norm(x, 3, 0), lambda x: np.linalg.norm(x, 3, 0), (A,)),
    "nuclear norm": (
        lambda x: ops.norm(x, "nuc", (0, 1)),
        lambda x: np.linalg.norm(x, "nuc", (0, 1)),
        (A,),
    ),
    "softmax": (lambda x: ops.softmax(x, (0, 1)), lambda x: np.exp(x) / np.exp(x).sum(), (A,)),
    "one_hot": (
        lambda x: ops.one_hot(x, 3, axis=1),
        lambda x: np.moveaxis(np.eye(4)[x][..., :3], -1, 1),
        (N,),
    ),
    "multi_hot": (lambda x: ops.multi_hot(x, 4), lambda x: np.eye(4)[x].max(-2), (N,)),
    "top_k": (lambda x: ops.top_k(x, 2)[0], lambda x: -np.sort(-x)[..., :2], (T,)),
    "scatter": (
        lambda v: ops.scatter([[2], [0], [2]], v, (4,)),
        lambda v: np.array([v[1], 0, v[0] + v[2], 0]),
        (V,),
    ),
    "rms_normalization": (
        ops.rms_normalization,
        lambda x: x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-6),
        (A,),
    ),
    "normalize": (ops.normalize, lambda x: x / np.linalg.norm(x, axis=-1, keepdims=True), (A,)),
    "segment_sum": (
        lambda x: ops.segment_sum(x, IDS, 3),
        lambda x: np.stack([x[0], 0 * x[0], x[1] + x[2]]),
        (floats(4, 2),),
    ),
    "segment_max": (
        lambda x: ops.segment_max(x, IDS, 3)[2],
        lambda x: np.maximum(x[1], x[2]),
        (floats(4, 2),),
    ),
    "segment_min": (
        lambda x: ops.segment_min(x, IDS, 3)[2],
        lambda x: np.minimum(x[1], x[2]),
        (floats(4, 2),),
    ),
    "segment_prod": (
        lambda x: ops.segment_prod(x, IDS, 3),
        lambda x: np.stack([x[0], 1 + 0 * x[0], x[1] * x[2]]),
        (floats(4, 2),),
    ),
    "argpartition": (
        lambda x: ops.argpartition(x, 2, 1),
        lambda x: x.argsort(1, kind="stable"),
        (T,),
    ),
    "unique of a size": (lambda x: ops.unique(x, size=2), lambda x: np.unique(x)[:2], (N,)),
    "rearrange": (
        lambda x: ops.rearrange(x, "a (b c) d -> c (d a b)", b=3),
        lambda x: x.transpose(2, 0, 1).reshape(1, -1),
        (floats(2, 3, 4),),
    ),
    "extract_sequences": (
        lambda x: ops.extract_sequences(x, 3, 2),
        lambda x: np.stack([x[:, :3], x[:, 2:5]], 1),
        (floats(2, 6),),
    ),
    "unfold": (
        lambda x: ops.unfold(x, (2, 3)),
        lambda x: np.stack([x[:, :, :-1], x[:, :, 1:]], 2).swapaxes(-1, -2).reshape(2, -1, 3),
        (floats(2, 2, 4, 3),),
    ),
    "fold": (lambda x: ops.fold(x, (4, 1), (2, 1)), _col2im, (floats(2, 2, 3),)),
    "rfft": (lambda x: ops.rfft(x, 5), lambda x: list(_parts(np.fft.rfft(x, 5))), (T,)),
    "irfft": (lambda x, y: ops.irfft((x, y)), lambda x, y: np.fft.irfft(x + 1j * y), (A, B)),
    "fft": (
        lambda x, y: ops.fft((x, y)),
        lambda x, y: list(_parts(np.fft.fft(x + 1j * y))),
        (A, B),
    ),
    "fft2": (
        lambda x, y: ops.fft2((x, y)),
        lambda x, y: list(_parts(np.fft.fft2(x + 1j * y))),
        (A, B),
    ),
    "ifft2": (
        lambda x, y: ops.ifft2((x, y)),
        lambda x, y: list(_parts(np.fft.ifft2(x + 1j * y))),
        (A, B),
    ),
    "stft": (
        lambda x: ops.stft(x, 4, 2, 4, None, False),
        lambda x: list(_parts(np.fft.rfft(np.stack([x[:, :4], x[:, 2:6], x[:, 4:8]], 1)))),
        (floats(2, 8),),
    ),
    "istft": (lambda x: ops.istft(ops.stft(x, 4, 2, 4), 4, 2, 4), lambda x: x, (floats(2, 8),)),
    "lu_factor": (
        ops.lu_factor,
        lambda x: [np.array([[3.0, 4.0], [1 / 3, 2 - 4 / 3]]), np.array([1, 1])],
        (np.array([[1.0, 2.0], [3.0, 4.0]]),),
    ),
    "view": (
        lambda x: ops.view(x, "int32"),
        lambda x: x.view("int32"),
        (np.array([[1.0, 2.0]], "float32"),),
    ),
    "view_as_real": (ops.view_as_real, lambda x: np.stack([x, 0 * x], -1), (A,)),
    "associative_scan": (
        lambda x: ops.associative_scan(lambda a, b: ops.maximum(a, b), x, axis=1),
        lambda x: np.maximum.accumulate(x, 1),
        (T,),
    ),
    "vectorize": (
        lambda x, y: ops.vectorize(lambda a, b: ops.subtract(a, b))(x, y),
        lambda x, y: x - y,
        (A, V),
    ),
    "custom_gradient": (
        ops.custom_gradient(lambda x: (ops.square(x), lambda up: up)),
        np.square,
        (A,),
    ),
    "ctc_loss": (
        lambda x: ops.ctc_loss([[1, 2]], x, [2], [3]),
        lambda x: (
            -np.log(
                sum(
                    _chance(x[0], path)
                    for path in ((1, 2, 0), (1, 0, 2), (0, 1, 2), (1, 1, 2), (1, 2, 2))
                )
            )[None]
        ),
        (floats(1, 3, 3),),
    ),
    "ctc_decode": (
        lambda x: ops.ctc_decode(x, [4]),
        lambda x: [np.array([[[2, 1, -1, -1]]]), np.array([[-4.0]])],
        (np.eye(3)[[2, 0, 1, 1]][None],),
    ),
    "scatter_update by maxima": (
        lambda x: ops.scatter_update(x, [[0, 1], [0, 1]], [5.0, 7.0], "max"),
        lambda x: np.where(np.arange(6).reshape(2, 3) == 1, 7.0, x),
        (A,),
    ),
    "cond": (
        lambda x: ops.cond(x[0, 0] > 0, lambda: ops.square(x), lambda: ops.negative(x)),
        lambda x: x**2 if x[0, 0] > 0 else -x,
        (A,),
    ),
    "switch": (
        lambda i, x: ops.switch(i, [ops.square, ops.negative], x),
        lambda i, x: -x,
        (np.array(1, "int32"), A),
    ),
    "while_loop": (
        lambda x: ops.while_loop(lambda i, v: i < 3, lambda i, v: (i + 1, v * 2), (0, x))[1],
        lambda x: 8 * x,
        (A,),
    ),
    "fori_loop": (
        lambda n, x: ops.fori_loop(0, n, lambda i, v: v + v, x),
        lambda n, x: 8 * x,
        (np.array(3, "int32"), A),
    ),
    "scan": (
        lambda x: ops.scan(lambda c, v: (c + v, c * v), 0 * x[0], x)[0],
        lambda x: x.sum(0),
        (A,),
    ),
    "map": (lambda x: ops.map(ops.square, x), np.square, (A,)),
    "vectorized_map": (lambda x: ops.vectorized_map(ops.sum, x), lambda x: x.sum(1), (A,)),
    "unravel_index": (
        lambda x: ops.unravel_index(x, (2, 3)),
        lambda x: list(np.unravel_index(x, (2, 3))),
        (np.array([0, 4, 5], "int32"),),
    ),
}

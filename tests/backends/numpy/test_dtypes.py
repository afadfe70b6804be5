"""float32 stays float32 (and float16 float16): forward, gradients, 0-d arrays, Python numbers,
NumPy 1 and 2 alike."""

import functools

import numpy as np
import pytest

from tests.backends.numpy.gradcheck import B, gradients, weighted
from tests.backends.numpy.test_gradients import CASES
from unidl.backend.contract import names
from unidl.backend.errors import UnsupportedError

# numpy.linalg has no float16, and a cast is about another dtype.
WITHOUT_HALF = ("cholesky", "qr", "svd", "eigh", "solve", "det", "inv")
TABLE = [
    (name, dtype)
    for name in CASES
    for dtype in ("float16", "float32")
    if name != "cast" and not (dtype == "float16" and name.startswith(WITHOUT_HALF))
]


def _inference_of_ones(dtype, x, gamma, beta, mean):
    return B.batch_norm_inference(x, gamma, beta, mean, np.full(4, 2, dtype), (0,), 1e-3)


@pytest.mark.parametrize(("name", "dtype"), TABLE)
def test_dtype_is_kept(name, dtype):
    function, *arrays = CASES[name]
    if name == "batch_norm_inference":
        function = functools.partial(_inference_of_ones, dtype)
    arrays = [np.asarray(x, dtype) for x in arrays]
    with B.scope():
        result = function(*arrays)
        for part in result if isinstance(result, (tuple, list)) else [result]:
            assert type(part) is np.ndarray
            assert part.dtype == dtype
        value, grads = gradients(lambda *xs: weighted(function(*xs)), *arrays)
    assert value.dtype == dtype
    assert [(g.dtype, g.shape, type(g)) for g in grads] == [
        (x.dtype, x.shape, np.ndarray) for x in arrays
    ]


FUSED = (
    "gelu",
    "relu",
    "relu6",
    "softplus",
    "silu",
    "elu",
    "clip",
    "leaky_relu",
    "rsqrt",
    "reciprocal",
)


@pytest.mark.parametrize("name", [*names.UNARY, *names.BINARY, *FUSED])
def test_scalars_keep_their_dtype(name):
    x = np.array(1.5 if name == "arccosh" else 0.5, "float32")
    extra = {"gelu": (True,), "elu": (1.0,), "clip": (0.1, 2.0), "leaky_relu": (0.2,)}.get(
        name, (2.0,) if name in names.BINARY else ()
    )
    y = getattr(B, name)(x, *extra)
    assert (type(y), y.dtype, y.shape) == (np.ndarray, np.dtype("float32"), ())
    if name in names.BINARY:
        assert getattr(B, name)(0.7, x).dtype == "float32"
    if name not in ("floor_divide", "floor", "ceil", "round", "trunc", "sign"):
        _, (g,) = gradients(lambda x: getattr(B, name)(x, *extra), x)
        assert (g.dtype, g.shape) == (np.dtype("float32"), ())


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "int64"])
def test_integers_keep_their_dtype(dtype):
    x = np.array([[1, 2], [3, 4]], dtype)
    for name in (
        "add",
        "subtract",
        "multiply",
        "floor_divide",
        "mod",
        "maximum",
        "minimum",
        "bitwise_and",
    ):
        assert getattr(B, name)(x, x).dtype == dtype, name
        assert getattr(B, name)(x, 1).dtype == dtype, name
    for name in ("sum", "prod", "max", "min"):
        assert getattr(B, name)(x, 0).dtype == dtype, name
        assert getattr(B, name)(x).dtype == dtype, name
    for name in ("cumsum", "cumprod"):
        assert getattr(B, name)(x, 0).dtype == dtype, name
    for name in ("abs", "sign", "square"):
        assert getattr(B, name)(x).dtype == dtype, name
    assert B.argmax(x, 0).dtype == B.argmin(x, None).dtype == B.argsort(x, 0).dtype == "int32"


def test_a_fraction_and_integers_do_not_mix():
    with pytest.raises(TypeError, match="Cast the tensor"):
        B.add(np.array([1, 2]), 0.5)
    assert B.greater(np.array([0, 1]), 0.5).tolist() == [False, True]


def test_asarray():
    assert B.asarray(1.0).dtype == B.asarray([1.0, 2]).dtype == "float32"
    assert B.asarray(1).dtype == B.asarray([[1]]).dtype == "int32"
    assert B.asarray(True).dtype == "bool"
    assert B.asarray(np.arange(2)).dtype == "int64"
    assert B.asarray(np.float64(1)).dtype == "float64"
    assert B.asarray([1, 0], "bool").tolist() == [True, False]
    with pytest.raises(UnsupportedError, match="bfloat16"):
        B.asarray(1.0, "bfloat16")


def test_cast_truncates_towards_zero():
    assert B.cast(np.array([-1.7, 1.7]), "int32").tolist() == [-1, 1]
    assert B.cast(np.array([True, False]), "float32").tolist() == [1, 0]


EMPTY = {
    "sum": lambda x: B.sum(x, 0),
    "prod": lambda x: B.prod(x, 0),
    "concatenate": lambda x: B.concatenate([x, x], 0),
    "matmul": lambda x: B.matmul(B.transpose(x, (1, 0)), x),
    "take": lambda x: B.take(x, np.zeros(0, int), 1),
    "relu": B.relu,
    "softmax": B.softmax,
    "erf": B.erf,
    "erfinv": B.erfinv,
    "sort": lambda x: B.sort(x, 0),
    "cumprod": lambda x: B.cumprod(x, 0),
    "dropout": lambda x: B.dropout(x, (1, 2), 0.5),
    "split": lambda x: B.split(x, 3, 1)[0],
    "conv": lambda x: B.conv(
        B.reshape(x, (0, 3, 1)), np.ones((2, 1, 4), "float32"), (1,), "valid", (1,)
    ),
    "layer_norm": lambda x: B.layer_norm(x, None, None, (1,), 1e-3),
    "lstm": lambda x: B.lstm(
        B.reshape(x, (0, 3, 1)),
        *[np.ones(s, "float32") for s in ((0, 2), (0, 2), (1, 8), (2, 8), (8,))],
    )[0],
}


@pytest.mark.parametrize("name", EMPTY)
def test_empty(name):
    x = np.zeros((0, 3), "float32")
    assert EMPTY[name](x).dtype == "float32"
    _, (g,) = gradients(lambda x: B.sum(EMPTY[name](x)), x)
    assert g.shape == (0, 3)

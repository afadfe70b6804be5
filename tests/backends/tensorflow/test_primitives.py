"""Every primitive of TensorFlow that could differ from NumPy's, against NumPy."""

import math

import numpy as np
import pytest

from tests.backends.tensorflow.checks import check
from unidl.backend.contract import names

rng = np.random.default_rng(0)
NAN, INF = float("nan"), float("inf")


def around_zero(*shape):
    return 2 * rng.standard_normal(shape)


def positive(*shape):
    return rng.uniform(0.2, 3, shape)


def inside_one(*shape):
    return rng.uniform(-0.9, 0.9, shape)


DOMAIN = {
    "sqrt": positive, "log": positive, "log1p": positive, "arcsin": inside_one, "arccos": inside_one, "arctanh": inside_one,
    "erfinv": inside_one, "arccosh": lambda *shape: 1 + positive(*shape),
}  # fmt: skip
NUMPY = {
    "erf": np.vectorize(math.erf),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "divide": np.true_divide,
}


@pytest.mark.parametrize("name", [n for n in names.UNARY if n != "erfinv"])
def test_unary(name):
    check(
        lambda b, x: getattr(b, name)(x),
        NUMPY.get(name) or getattr(np, name),
        DOMAIN.get(name, around_zero)(3, 4),
    )


def test_erfinv_inverts_erf():
    check(lambda b, x: b.erf(b.erfinv(x)), lambda x: x, inside_one(20), dtypes=["float64"])


@pytest.mark.parametrize("name", names.BINARY)
def test_binary(name):
    function = NUMPY.get(name) or getattr(np, name)
    check(lambda b, x, y: getattr(b, name)(x, y), function, positive(3, 4), positive(4) + 0.01)
    check(lambda b, x: getattr(b, name)(1.5, x), lambda x: function(1.5, x), positive(5))
    check(lambda b, x: getattr(b, name)(x, 2), lambda x: function(x, 2), positive(5))


@pytest.mark.parametrize("name", names.REDUCTION)
@pytest.mark.parametrize("axis", [None, 1, (0, -1), ()])
@pytest.mark.parametrize("keepdims", [False, True])
def test_reduction(name, axis, keepdims):
    how = {"axis": axis, "keepdims": keepdims}
    check(
        lambda b, x: getattr(b, name)(x, **how),
        lambda x: getattr(np, name)(x, **how),
        around_zero(2, 3, 4),
    )


@pytest.mark.parametrize("name", ["argmax", "argmin"])
@pytest.mark.parametrize("axis", [0, 1])
def test_extreme_index_is_the_first_and_nan_wins(name, axis):
    x = np.array(
        [[1, 3, 3, 0, 0], [INF, NAN, 2, NAN, -INF], [-0.0, 0.0, -1, 1, 1], [NAN, -INF, INF, 0, 0]]
    )
    check(
        lambda b, x: getattr(b, name)(x, axis),
        lambda x: getattr(np, name)(x, axis),
        x,
        gradients=False,
    )


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((4,), (4,)),
        ((4,), (4, 3)),
        ((3, 4), (4,)),
        ((2, 3, 4), (4, 5)),
        ((2, 3, 4), (4,)),
        ((3, 4), (2, 4, 5)),
        ((2, 1, 3, 4), (5, 4, 2)),
    ],
)
def test_matmul(first, second):
    check(lambda b, x, y: b.matmul(x, y), np.matmul, around_zero(*first), around_zero(*second))


@pytest.mark.parametrize(("first", "second"), [((0, 3, 4), (4, 5)), ((2, 3, 0), (0, 5))])
def test_matmul_of_nothing(first, second):
    check(lambda b, x, y: b.matmul(x, y), np.matmul, np.zeros(first), np.zeros(second))


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "int64"])
def test_matmul_of_integers(tf_backend, dtype):
    x = np.arange(6, dtype=dtype).reshape(2, 3)
    y = tf_backend.matmul(tf_backend.asarray(x), tf_backend.asarray(x.T))
    assert tf_backend.dtype(y) == dtype
    assert np.array_equal(tf_backend.to_numpy(y), x @ x.T)


@pytest.mark.parametrize(
    ("subscripts", "shapes"),
    [
        ("ij,jk", ((2, 3), (3, 2))),
        ("...ij,jk", ((2, 2, 3), (3, 2))),
        ("ii->i", ((3, 3),)),
        ("...ij,...jk->...ik", ((2, 1, 2, 3), (2, 3, 2))),
    ],
)
def test_einsum(subscripts, shapes):
    check(
        lambda b, *x: b.einsum(subscripts, *x),
        lambda *x: np.einsum(subscripts, *x),
        *(around_zero(*s) for s in shapes),
    )


@pytest.mark.parametrize(
    "key",
    [(-1,), (slice(None, None, -1),), (Ellipsis, slice(3, None, -2)), (slice(None), None, 1), (),
     (slice(-9, 9), slice(1, 1)), (slice(9, 0, -1), Ellipsis, None)],
)  # fmt: skip
def test_getitem(key):
    check(lambda b, x: b.getitem(x, key), lambda x: x[key], around_zero(3, 4, 2))


@pytest.mark.parametrize("mode", ["constant", "edge", "symmetric", "reflect"])
@pytest.mark.parametrize("rank", [1, 3, 6])
def test_pad_wider_than_the_axis(mode, rank):
    width = ((4, 1), *((0, 1),) * (rank - 1))
    check(
        lambda b, x: b.pad(x, width, mode),
        lambda x: np.pad(x, width, mode=mode),
        around_zero(*(2,) * rank),
        dtypes=["float64"],
    )


def test_take_counts_negative_indices_from_the_end():
    check(
        lambda b, x, i: b.take(x, i, 1),
        lambda x, i: np.take(x, i, 1),
        around_zero(2, 3, 2),
        np.array([[0, -1], [-3, 2]]),
    )


def test_take_along_axis_broadcasts_the_other_axes():
    x, i = around_zero(2, 4, 3), np.array([[[0, 3, 1], [1, 1, 2]]])
    check(
        lambda b, x, i: b.take_along_axis(x, i, 1),
        lambda x, i: np.take_along_axis(x, np.broadcast_to(i, (2, 2, 3)), 1),
        x,
        i,
    )


def test_take_out_of_range_is_an_error(tf_backend):
    with pytest.raises(Exception, match="not in"):
        tf_backend.take(tf_backend.asarray([1.0, 2.0]), tf_backend.asarray([2]), 0)


@pytest.mark.parametrize(
    "dtype", ["float16", "bfloat16", "float32", "float64", "int32", "int64", "uint8", "bool"]
)
def test_argsort_is_stable(tf_backend, dtype):
    x = np.random.default_rng(1).integers(0, 2 if dtype == "bool" else 5, (4, 50))
    order = tf_backend.to_numpy(tf_backend.argsort(tf_backend.asarray(x, dtype), -1))
    assert order.dtype == np.int32
    assert np.array_equal(order, np.argsort(x, -1, kind="stable"))


def test_sort_puts_nan_last():
    x = np.array([3.0, NAN, -INF, 0.0, INF, -0.0, NAN, -2.0])
    check(lambda b, x: b.sort(x, 0), np.sort, x, gradients=False)
    check(lambda b, x: b.argsort(x, 0), lambda x: np.argsort(x, kind="stable"), x, gradients=False)
    check(lambda b, x: b.sort(x, 0), np.sort, around_zero(7))


def test_top_k_takes_the_first_of_equals():
    x = np.array([[1.0, 3.0, 3.0, NAN, 2.0], [INF, 0.0, -0.0, INF, NAN]])
    check(
        lambda b, x: b.top_k(x, 3)[1],
        lambda x: np.array([[1, 2, 4], [0, 3, 1]]),
        x,
        gradients=False,
    )


def test_floor_divide_and_mod_have_the_sign_of_the_divisor():
    x, y = np.array([5.0, -5, 5, -5, 1, 7, -6, -5]), np.array([3.0, 3, -3, -3, 0.1, 0.7, 3, INF])
    check(
        lambda b, x, y: b.floor_divide(x, y),
        np.floor_divide,
        x,
        y,
        gradients=False,
        dtypes=["float64"],
    )
    check(lambda b, x, y: b.mod(x, y), np.mod, x, y, gradients=False, dtypes=["float64"])


def test_arange_does_not_add_up_steps(tf_backend):
    assert np.array_equal(
        tf_backend.to_numpy(tf_backend.arange(0, 100, 0.1, "float32")),
        np.arange(0, 100, 0.1).astype("float32"),
    )


@pytest.mark.parametrize("name", ["negative", "abs", "sign"])
def test_unsigned_integers(tf_backend, name):
    x = np.array([0, 1, 255], "uint8")
    assert np.array_equal(
        tf_backend.to_numpy(getattr(tf_backend, name)(tf_backend.asarray(x))), getattr(np, name)(x)
    )


def test_asarray_gives_python_values_their_default_dtypes(tf_backend):
    kinds = [
        (1, "int32"),
        (1.0, "float32"),
        (True, "bool"),
        ([[1, 2]], "int32"),
        ([1, 2.0], "float32"),
        (np.float64(1), "float64"),
    ]
    for value, dtype in kinds:
        assert tf_backend.dtype(tf_backend.asarray(value)) == dtype
    array = np.zeros(4, "int64")
    tensor = tf_backend.asarray(array)
    array[0] = 1
    assert tf_backend.dtype(tensor) == "int64"
    assert not tf_backend.to_numpy(tensor).any()

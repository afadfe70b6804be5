"""Every function of the table gives NumPy's values on every backend, in float64."""

import operator

import numpy as np
import pytest

from tests.ops.calls import CALLS
from unidl import ops


def parts(result):
    return list(result) if isinstance(result, (list, tuple)) else [result]


@pytest.mark.parametrize("name", CALLS)
def test_value(backend, name):
    call, meaning, args = CALLS[name]
    found = parts(call(*(backend.asarray(x) if isinstance(x, np.ndarray) else x for x in args)))
    expected = parts(meaning(*args))
    assert len(found) == len(expected)
    for one, reference in zip(found, expected, strict=True):
        assert backend.is_tensor(one)
        np.testing.assert_allclose(ops.convert_to_numpy(one), reference, rtol=1e-11, atol=1e-11)


def test_arrays_numbers_and_variables_belong_to_the_active_backend(backend):
    import unidl

    variable = unidl.Variable([1.0, 2.0])
    for x in (np.ones(2, "float32"), [1.0, 1.0], variable):
        result = ops.add(x, 1)
        assert backend.is_tensor(result)
        assert ops.dtype(result) == "float32"
    np.testing.assert_array_equal(ops.convert_to_numpy(variable * 2 + 1), [3, 5])


@pytest.mark.parametrize(
    "name", ["add", "sub", "mul", "truediv", "pow", "matmul", "lt", "ge", "eq", "ne"]
)
@pytest.mark.parametrize("in_a_step", [False, True])
def test_operators_between_tensors_and_variables(backend, name, in_a_step):
    """Whichever stands first, the variable counts as itself: its value now, and its gradient."""
    import unidl

    operator_of = getattr(operator, name)
    x, w = np.array([[1.0, 2.0], [3.0, 5.0]]), np.array([[1.0, 4.0], [3.0, 0.5]])
    variable = unidl.Variable(w)

    def both(a, b):
        return ops.sum(ops.cast(operator_of(a, b), "float64")) + ops.sum(
            ops.cast(operator_of(b, a), "float64") * 2.0
        )

    def through_values():
        return both(backend.asarray(x), variable.value)

    expected, (slope,) = unidl.value_and_grad(through_values, [variable])
    found = []
    if in_a_step:
        step = backend.compile_step(
            lambda t: (both(t, variable), []), found.extend, [variable], [variable]
        )
        value, _ = step(backend.asarray(x))
        np.testing.assert_allclose(
            ops.convert_to_numpy(value), ops.convert_to_numpy(expected), rtol=1e-14
        )
    else:
        value, found = unidl.value_and_grad(lambda: both(backend.asarray(x), variable), [variable])
        np.testing.assert_allclose(
            ops.convert_to_numpy(found[0]), ops.convert_to_numpy(slope), rtol=1e-14
        )
        np.testing.assert_allclose(
            ops.convert_to_numpy(value), ops.convert_to_numpy(expected), rtol=1e-14
        )


def test_variables_are_equal_when_they_are_one(backend):
    import unidl

    one, other = unidl.Variable([1.0]), unidl.Variable([1.0])
    assert one == one
    assert one != other
    assert other not in [one]
    assert {one: 1}[one] == 1
    assert one is not None


@pytest.mark.parametrize(
    ("x1", "x2", "expected"),
    [
        (np.ones(2, "float32"), 2, "float32"),
        (np.ones(2, "int32"), 2.5, "float32"),
        (np.ones(2, "int32"), 2, "int32"),
        (np.ones(2, "int32"), np.ones(2, "float64"), "float64"),
        (np.ones(2, "bool"), 1, "int32"),
        (np.ones(2, "float32"), np.float64(1.5), "float32"),
        (1, 2, "int32"),
    ],
)
def test_promotion(backend, x1, x2, expected):
    assert ops.dtype(ops.multiply(x1, x2)) == expected


def test_integers_become_floats_where_they_must(backend):
    for result in (ops.divide([1], [2]), ops.exp([1]), ops.mean([1, 2]), ops.floor([1])):
        assert ops.dtype(result) == "float32"
    assert ops.dtype(ops.round([1])) == "int32"


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int32"])
def test_bits_flipped(backend, dtype):
    x = np.array([0, 1, 5, 127], dtype)
    found = ops.bitwise_not(backend.asarray(x))
    assert ops.dtype(found) == dtype
    np.testing.assert_array_equal(ops.convert_to_numpy(found), np.bitwise_not(x))


def test_loops():
    total, seen = ops.scan(
        lambda carry, x: (carry + x, carry),
        np.float32(0),
        np.arange(4.0, dtype="float32"),
        reverse=True,
    )
    assert ops.convert_to_numpy(total) == 6
    np.testing.assert_array_equal(seen, [6, 5, 3, 0])
    assert ops.fori_loop(0, 5, lambda i, x: x + i, 0) == 10
    assert ops.while_loop(lambda x: x < 10, lambda x: x * 2, 1) == 16
    np.testing.assert_array_equal(ops.map(lambda x: x * x, np.arange(3)), [0, 1, 4])


def test_transposed_convolution_is_the_adjoint(backend):
    """<conv(x), y> = <x, conv_transpose(y)> for both paddings and several strides."""
    rng = np.random.default_rng(0)
    for padding, stride, size in (("same", 2, 8), ("valid", 1, 8), ("valid", 2, 9), ("same", 3, 9)):
        x, kernel = rng.normal(size=(2, size, 3)), rng.normal(size=(3, 3, 4))
        forward = ops.convert_to_numpy(
            ops.conv(backend.asarray(x), backend.asarray(kernel), stride, padding)
        )
        y = rng.normal(size=forward.shape)
        back = ops.convert_to_numpy(
            ops.conv_transpose(backend.asarray(y), backend.asarray(kernel), stride, padding)
        )
        np.testing.assert_allclose((forward * y).sum(), (x * back).sum(), rtol=1e-10)


def test_channels_first_is_the_same_up_to_a_transpose(backend):
    x, kernel = (
        np.random.default_rng(0).normal(size=(2, 7, 6, 4)),
        np.random.default_rng(1).normal(size=(3, 3, 2, 4)),
    )
    x, first, kernel = (backend.asarray(a) for a in (x, x.transpose(0, 3, 1, 2), kernel))
    for function in (
        lambda x, f: ops.conv(x, kernel, (2, 1), "same", f),
        lambda x, f: ops.max_pool(x, 2, 1, "same", f),
        lambda x, f: ops.average_pool(x, (3, 2), None, "valid", f),
        lambda x, f: ops.adaptive_average_pool(x, 3, f),
    ):
        last = ops.convert_to_numpy(function(x, "channels_last"))
        np.testing.assert_allclose(
            ops.convert_to_numpy(function(first, "channels_first")).transpose(0, 2, 3, 1),
            last,
            rtol=1e-12,
        )

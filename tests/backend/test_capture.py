"""Capture: what a captured step computes, assigns, leaves out and says."""

import numpy as np
import pytest

from unidl import ops, random
from unidl.backend import Variable, get_backend, use_backend
from unidl.backend.capture import CaptureWarning, execution

CAPTURING = ["numpy", "torch"]


@pytest.fixture(params=CAPTURING)
def backend(request):
    if request.param == "torch":
        pytest.importorskip("torch")
    with use_backend(request.param) as loaded:
        yield loaded


def source_of(backend, fn, *inputs, variables=()):
    """The Python source of `fn` captured for inputs of the given shapes."""
    part = execution._Part(backend, fn, [(shape, "float32") for shape in inputs], list(variables))
    return part.program.source


def test_the_source_is_plain_calls(backend):
    w = Variable(np.ones((3, 2)), dtype="float32")
    source = source_of(backend, lambda x: ops.relu(ops.matmul(x, w)), (4, 3), variables=[w])
    assert source.splitlines() == [
        "def program(K, N, x0, v0):",
        "    t1 = matmul(x0, v0)",
        "    t2 = relu(t1)",
        "    del t1",
        "    return (t2,)",
    ]


def test_what_nothing_needs_is_left_out(backend):
    def fn(x):
        ops.exp(x)  # unused
        y = ops.cast(ops.reshape(x, (2, 3)), "float32")  # is x already
        return ops.add(ops.sin(y), ops.sin(x))  # the same twice

    assert source_of(backend, fn, (2, 3)).count("=") == 2


def test_constants_are_computed_once(backend):
    source = source_of(backend, lambda x: ops.multiply(x, ops.sum(ops.ones((3,)))), (2,))
    assert "sum" not in source


def test_numbers_follow_the_values(backend):
    run = backend.compile(lambda x: [ops.add(x, 1), ops.sum(x)], [])
    for rows in (2, 5, 2):
        x = np.arange(rows, dtype="float32")
        plus, total = run(backend.asarray(x))
        np.testing.assert_allclose(ops.convert_to_numpy(plus), x + 1)
        assert float(ops.convert_to_numpy(total)) == x.sum()


def test_every_run_draws_new_keys_as_the_eager_function_does(backend):
    eager, compiled = random.SeedGenerator(3), random.SeedGenerator(3)
    run = backend.compile(lambda x: ops.add(x, random.uniform((4,), seed=compiled)), [])
    zero = backend.asarray(np.zeros(4, "float32"))
    for _ in range(3):
        expected = ops.convert_to_numpy(random.uniform((4,), seed=eager))
        np.testing.assert_array_equal(ops.convert_to_numpy(run(zero)), expected)


def test_assigned_variables_share_no_memory(backend):
    """A constant, an input and another variable's value can be assigned; a later change in place touches one of them only."""
    a, b, c = (Variable(np.full(3, i), dtype="float32") for i in (1.0, 2.0, 3.0))

    def fn(x):
        a.replace(ops.zeros((3,)))
        b.replace(c.value)
        return ops.add(x, 0.0)

    x = backend.asarray(np.ones(3, "float32"))
    run = backend.compile(fn, [a, b, c])
    run(x)
    for variable in (a, b):
        backend.adam_update(
            [variable.value], [x], [Variable(np.zeros(3), dtype="float32").value], [Variable(np.zeros(3), dtype="float32").value],
            alpha=0.5, beta_1=0.9, beta_2=0.999, epsilon=1e-7,
        )  # fmt: skip
    np.testing.assert_array_equal(c.numpy(), np.full(3, 3.0))
    run(x)
    np.testing.assert_array_equal(a.numpy(), np.zeros(3))
    np.testing.assert_array_equal(b.numpy(), np.full(3, 3.0))


def test_a_branch_on_values_is_named_and_runs_eagerly(backend):
    def fn(x):
        return ops.negative(x) if bool(ops.convert_to_numpy(ops.sum(x)) > 0) else x

    run = backend.compile(fn, [])
    with pytest.warns(CaptureWarning, match="has a shape but no value|ops.where"):
        assert ops.convert_to_numpy(run(backend.asarray([1.0]))) == [-1]


def test_capture_leaves_variables_and_backend_as_they_were(backend):
    v = Variable(np.ones(2), dtype="float32")

    def fails(x):
        v.replace(x)
        raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        backend.compile(fails, [v])(backend.asarray([1.0, 2.0]))
    assert v.backend is backend
    np.testing.assert_array_equal(v.numpy(), np.ones(2))
    assert get_backend() is backend

"""Capture: what a captured step computes, assigns, leaves out and says."""

import numpy as np
import pytest

from unidl import ops, random
from unidl.backend import Variable, get_backend, use_backend
from unidl.backend.contract.execution import Execution
from unidl.tracing.capture import CaptureWarning, execution

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
    """A constant, an input and another variable's value can be assigned; a later change in place
    touches one of them only."""
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
            [variable.value], [x], [Variable(np.zeros(3), dtype="float32").value],
            [Variable(np.zeros(3), dtype="float32").value], alpha=0.5, beta_1=0.9, beta_2=0.999,
            epsilon=1e-7,
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


def functions_of(source):
    """Names of the functions that a captured program calls, in order."""
    return [
        line.partition(" = ")[2].partition("(")[0] for line in source.splitlines() if " = " in line
    ]


def test_pooling_goes_before_relu_with_the_same_numbers_and_gradients(backend):
    def fn(x):
        return ops.max_pool(ops.relu(x), 2, 2)

    assert functions_of(source_of(backend, fn, (1, 4, 4, 1))) == ["max_pool", "relu"]
    # Ties at 0, among negatives and among positives: the first gets the gradient.
    image = np.array(
        [[-1, -1, 0, -2], [-1, -1, 0, 0], [3, 3, -1, 5], [1, 3, 5, 0]], "float32"
    ).reshape(1, 4, 4, 1)
    results = []
    for capturing in (True, False):
        v = Variable(image)
        step = backend.compile_step if capturing else lambda *a: Execution.compile_step(backend, *a)
        gradients = Variable(np.zeros_like(image))
        run = step(
            lambda x, v=v: (ops.sum(ops.multiply(fn(v.value), x)), []),
            lambda g, w=gradients: w.replace(g[0]),
            [v],
            [v, gradients],
        )
        run(backend.asarray(np.array([1.0, 2.0, 3.0, 4.0], "float32").reshape(1, 2, 2, 1)))
        results.append(gradients.numpy())
    np.testing.assert_array_equal(*results)
    assert results[0][0, ..., 0].tolist() == [
        [0, 0, 0, 0],
        [0, 0, 0, 0],
        [3, 0, 0, 4],
        [0, 0, 0, 0],
    ]


def test_relu_stays_before_pooling_that_somebody_else_needs(backend):
    def fn(x):
        y = ops.relu(x)
        return [y, ops.max_pool(y, 2, 2)]

    assert functions_of(source_of(backend, fn, (1, 4, 4, 1))) == ["relu", "max_pool"]


def test_a_bias_goes_into_the_convolution(backend):
    k, b = Variable(np.ones((3, 3, 2, 4)), dtype="float32"), Variable(np.ones(4), dtype="float32")
    source = source_of(
        backend, lambda x: ops.add(ops.conv(x, k), b), (1, 5, 5, 2), variables=[k, b]
    )
    assert functions_of(source) == ["biased_conv"]
    both = source_of(
        backend,
        lambda x: ops.add(ops.conv(x, k), ops.conv(x, ops.exp(k))),
        (1, 5, 5, 2),
        variables=[k],
    )
    assert functions_of(both) == ["conv", "exp", "conv", "add"]


def test_no_gradient_is_kept_for_what_is_detached_later(backend):
    source = source_of(
        backend, lambda x: ops.stop_gradient(ops.softmax(ops.reshape(ops.tanh(x), (3, 2)))), (2, 3)
    )
    assert functions_of(source) == ["stop_gradient", "tanh", "reshape", "softmax"]

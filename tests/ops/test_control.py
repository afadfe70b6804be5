"""Branches, loops and functions of functions: eager, inside compiled steps with gradients, and in
functional models."""

import numpy as np
import pytest

import unidl
from unidl import KerasTensor, Variable, layers, ops
from unidl.tracing.capture import CaptureWarning

X = np.array([[0.5, -1.0], [2.0, 0.25]])


def _branch(x):
    return ops.cond(ops.greater(ops.sum(x), 0.0), lambda: ops.square(x), lambda: ops.exp(x))


def _loop(x):
    return ops.while_loop(
        lambda v: ops.less(ops.sum(ops.square(v)), 40.0),
        lambda v: ops.multiply(v, 1.5),
        x,
        maximum_iterations=9,
    )


def _switch(x):
    return ops.switch(ops.argmax(x[0]), [lambda v: ops.sin(v), lambda v: ops.square(v)], x)


def _scan(x):
    return ops.scan(lambda c, v: (ops.tanh(ops.add(c, v)), ops.multiply(c, v)), x[0], x)[1]


def _associative(x):
    return ops.associative_scan(lambda a, b: ops.multiply(a, b), x)


def _vectorized(x):
    return ops.vectorized_map(lambda v: ops.square(v), x)


FUNCTIONS = {
    "cond": _branch,
    "while_loop": _loop,
    "switch": _switch,
    "scan": _scan,
    "associative_scan": _associative,
    "map": _vectorized,
}


def _gradient(function, x):
    """By differences."""
    result, step = np.zeros_like(x), 1e-6
    for index in np.ndindex(x.shape):
        ends = []
        for sign in (1, -1):
            moved = x.copy()
            moved[index] += sign * step
            ends.append(ops.convert_to_numpy(ops.sum(function(ops.convert_to_tensor(moved)))))
        result[index] = (ends[0] - ends[1]) / (2 * step)
    return result


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_in_a_compiled_step(backend, name, sign):
    """One step of descent moves the weights along the gradient, whichever way the values decide,
    without tracing anew."""
    function = FUNCTIONS[name]
    weights = Variable(X)
    gradients = []

    def forward(factor):
        return ops.sum(function(ops.multiply(weights.value, factor))), []

    def update(found):
        gradients.extend(found)
        weights.assign(ops.subtract(weights.value, found[0]))

    step = unidl.get_backend().compile_step(forward, update, [weights], [weights])
    for factor in (sign, -sign):
        before = weights.numpy()
        expected = _gradient(lambda x, f=factor: function(ops.multiply(x, f)), before)
        step(ops.convert_to_tensor(np.float64(factor) + np.zeros(())))
        np.testing.assert_allclose(before - weights.numpy(), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_in_a_functional_model(backend, name):
    inputs = layers.Input((2,), batch_size=2, dtype="float64")
    outputs = FUNCTIONS[name](inputs)
    assert outputs.shape == (2, 2)
    model = unidl.Model(inputs, outputs)
    for x in (X, -X):
        found = ops.convert_to_numpy(model(ops.convert_to_tensor(x)))
        np.testing.assert_allclose(
            found, ops.convert_to_numpy(FUNCTIONS[name](ops.convert_to_tensor(x))), rtol=1e-6
        )


def test_branches_must_be_alike():
    x = KerasTensor((2, 3))
    with pytest.raises(ValueError, match="true_fn and false_fn must return the same shapes"):
        ops.cond(ops.any(x > 0), lambda: x, lambda: ops.sum(x, 1))


def test_bodies_keep_shapes_and_use_loop_vars():
    x, y = KerasTensor((2, 3)), layers.Input((3,), batch_size=2)
    with pytest.raises(ValueError, match="loop_vars and body"):
        ops.while_loop(lambda v: ops.any(v > 0), lambda v: ops.sum(v, 1), x)
    model = unidl.Model(y, ops.while_loop(lambda v: ops.any(v > 9.0), lambda v: ops.add(v, y), y))
    with pytest.raises(TypeError, match="one of loop_vars"):
        model(np.full((2, 3), 10.0, "float32"))


def test_no_assignment_in_a_recorded_branch(backend):
    """But a graph of TensorFlow may assign in the branch that is taken."""
    counter = Variable(0.0)

    def function(x):
        def assigns():
            counter.assign(ops.add(counter.value, 1.0))
            return x

        return ops.cond(ops.greater(ops.sum(x), 0.0), assigns, lambda: x)

    compiled = backend.compile(function, [counter])
    if backend.name == "tensorflow":
        compiled(ops.ones((2,)))
        compiled(-ops.ones((2,)))
        assert counter.numpy() == 1
    else:
        with pytest.raises(RuntimeError, match="Return the value"):
            compiled(ops.ones((2,)))


def test_python_decides_where_there_is_a_value(backend):
    taken = []
    assert ops.cond(True, lambda: taken.append("true"), lambda: taken.append("false")) is None
    ops.cond(
        ops.convert_to_tensor(False),
        lambda: [taken.append("true"), ops.ones(())][1],
        lambda: [taken.append("false"), ops.ones(())][1],
    )
    assert taken == ["true", "false"]


def test_custom_gradient_of_several(backend):
    @ops.custom_gradient
    def function(x, pair, scale=2.0):
        a, b = pair
        return {
            "sum": ops.add(ops.multiply(x, scale), a),
            "b": ops.multiply(b, 3.0),
        }, lambda up_b, up_sum: (
            up_sum,
            [None, ops.negative(up_b)],
        )

    x, a, b = (Variable(np.float64(v) + np.zeros(2)) for v in (1, 2, 3))

    def loss():
        found = function(x.value, [a.value, b.value], scale=4.0)
        return ops.sum(ops.add(found["sum"], ops.multiply(found["b"], 5.0)))

    value, gradients = unidl.value_and_grad(loss, [x, a, b])
    assert float(ops.convert_to_numpy(value)) == 2 * (4 + 2 + 45)
    for gradient, expected in zip(gradients, (1, 0, -5), strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(gradient), [expected, expected])


def test_custom_gradient_of_a_single_number(backend):
    function = ops.custom_gradient(lambda x: (ops.round(x), lambda up: ops.multiply(up, 2.0)))
    assert float(ops.convert_to_numpy(unidl.grad(function)(1.6))) == 2.0


def test_custom_gradient_that_names_upstream(backend):
    x = Variable(np.array([1.0, 2.0]))
    function = ops.custom_gradient(
        lambda x: (ops.square(x), lambda *args, upstream: ops.multiply(args[0], upstream))
    )
    _, (gradient,) = unidl.value_and_grad(lambda: ops.sum(function(x.value)), [x])
    np.testing.assert_array_equal(ops.convert_to_numpy(gradient), [1.0, 2.0])


def test_a_gradient_has_the_shape_of_its_tensor(backend):
    a, b = Variable(np.ones((3, 2))), Variable(np.ones(2))
    function = ops.custom_gradient(
        lambda a, b: (ops.multiply(a, b), lambda up: (ops.multiply(up, b), ops.multiply(up, a)))
    )

    def gradient():
        return ops.convert_to_numpy(
            unidl.value_and_grad(lambda: ops.sum(function(a.value, b.value)), [a, b])[1][1]
        )

    error, text = ValueError, r"gradient 1 has the shape \(3, 2\), its tensor \(2,\)"
    if (
        backend.name == "mxnet"
    ):  # its engine prints that error, and raises one of its own when the gradient is read
        error, text = Exception, "CustomFunctionBackward"
    with pytest.raises(error, match=text):
        gradient()


def test_jvp(backend):
    x, t = np.array([0.5, -1.0, 2.0]), np.array([1.0, 0.5, -2.0])
    primal, tangent, aux = ops.jvp(
        lambda v: ((ops.sin(v), ops.sum(ops.square(v))), "aux"),
        (ops.convert_to_tensor(x),),
        (ops.convert_to_tensor(t),),
        has_aux=True,
    )
    assert aux == "aux"
    np.testing.assert_allclose(ops.convert_to_numpy(primal[0]), np.sin(x))
    np.testing.assert_allclose(ops.convert_to_numpy(tangent[0]), np.cos(x) * t, rtol=1e-12)
    np.testing.assert_allclose(ops.convert_to_numpy(tangent[1]), (2 * x * t).sum(), rtol=1e-12)


def test_what_depends_on_values_is_refused_in_compiled_functions(backend):
    """Captured functions run as plain Python instead, and say so."""
    for function in (ops.nonzero, ops.unique, lambda x: ops.segment_sum(x, ops.cast(x, "int32"))):
        told = (
            pytest.raises(TypeError, match="run_eagerly")
            if backend.traces
            else pytest.warns(CaptureWarning, match="run_eagerly")
        )
        with told:
            backend.compile(function, [])(ops.ones((2,)))

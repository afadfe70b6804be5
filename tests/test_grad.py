"""Gradients for tensors, of gradients, and inside what is compiled."""

import numpy as np
import pytest

import unidl
from unidl import layers, ops
from unidl.backend import Variable
from unidl.backend.errors import UnsupportedError

A = np.array([1.0, -2.0, 3.0])


def host(tensor):
    return ops.convert_to_numpy(tensor)


def test_of_a_tensor_of_several_and_with_more_to_return(backend):
    np.testing.assert_allclose(host(unidl.grad(lambda x: ops.sum(x * x))(A)), 2 * A)
    by_both = unidl.grad(lambda x, y: ops.sum(x * y * y), argnums=(1, 0))
    for found, wanted in zip(by_both(A, A + 1), (2 * A * (A + 1), (A + 1) ** 2), strict=True):
        np.testing.assert_allclose(host(found), wanted)
    gradient, aux = unidl.grad(lambda x: (ops.sum(x), {"x": x * 2}), has_aux=True)(A)
    np.testing.assert_allclose(host(gradient), np.ones(3))
    np.testing.assert_allclose(host(aux["x"]), 2 * A)


def test_a_result_that_is_no_scalar_is_told(backend):
    with pytest.raises(ValueError, match=r"must return a scalar.*shape \(3,\)"):
        unidl.grad(lambda x: x * x)(A)


def test_inside_a_compiled_function(backend):
    w, count = Variable(A), Variable(np.array(0.0))

    def function(x):
        def loss():
            count.assign_add(1.0)
            return ops.sum(w.value * w.value * x), {"w": [w.value * 3.0, "text", None]}

        (value, aux), (gradient,) = unidl.value_and_grad(loss, [w], has_aux=True)
        assert aux["w"][1:] == ["text", None]
        w.assign(w.value - gradient * 0.1)
        return [value, gradient, aux["w"][0], unidl.grad(lambda t: ops.sum(t * t * x))(w.value)]

    compiled = backend.compile(function, [w, count])
    if not backend.compiles_gradients:
        with pytest.raises(UnsupportedError, match=r"takes no gradients inside\. Run eagerly"):
            compiled(backend.asarray(A))
        assert count.numpy() == 0
        np.testing.assert_array_equal(w.numpy(), A)
        return
    now = A
    for step in range(3):
        value, gradient, thrice, after = map(host, compiled(backend.asarray(A)))
        np.testing.assert_allclose(value, (now * now * A).sum())
        np.testing.assert_allclose(gradient, 2 * now * A)
        np.testing.assert_allclose(thrice, 3 * now)
        now = now - 0.2 * now * A
        np.testing.assert_allclose(after, 2 * now * A)
        np.testing.assert_allclose(w.numpy(), now)
        assert count.numpy() == step + 1


def test_gradients_of_gradients(backend):
    w, other = Variable(A), Variable(A + 1)

    def slope():
        return unidl.value_and_grad(lambda: ops.sum(w.value**3 * other.value), [w])[1][0]

    def outer():
        return ops.sum(slope() * slope())

    if not backend.nests:
        with pytest.raises(UnsupportedError, match=f"{backend.name} has no gradients of gradients"):
            unidl.value_and_grad(outer, [w])
        return
    # sum (3 w^2 o)^2 = sum 9 w^4 o^2
    value, found = unidl.value_and_grad(outer, [w, other])
    np.testing.assert_allclose(host(value), (9 * A**4 * (A + 1) ** 2).sum())
    np.testing.assert_allclose(host(found[0]), 36 * A**3 * (A + 1) ** 2)
    np.testing.assert_allclose(host(found[1]), 18 * A**4 * (A + 1))
    # The inner variable alone is not that of the outer gradient.
    np.testing.assert_allclose(
        host(unidl.value_and_grad(outer, [other])[1][0]), 18 * A**4 * (A + 1)
    )


class Penalised(unidl.Model):
    """A critic whose slope is drawn to 1 (Gulrajani et al. 2017)."""

    def __init__(self):
        super().__init__(dtype="float64")
        unidl.utils.set_random_seed(1)
        self.critic = unidl.Sequential(
            [
                unidl.Input((4,), dtype="float64"),
                layers.Dense(8, activation="tanh", dtype="float64"),
                layers.Dense(1, dtype="float64"),
            ]
        )
        self.built = True

    def train_step(self, data):
        def penalty():
            slope = unidl.grad(lambda x: ops.sum(self.critic(x, training=True)))(data)
            return ops.mean(ops.square(ops.norm(slope, axis=1) - 1.0))

        variables = self.trainable_variables
        loss, gradients = unidl.value_and_grad(penalty, variables)
        self.optimizer.apply(gradients, variables)
        return {"penalty": loss}


def test_a_gradient_penalty_is_trained(backend):
    x = np.random.default_rng(0).normal(size=(32, 4))
    model = Penalised()
    model.compile(unidl.optimizers.Adam(0.02))
    if not backend.nests:
        before = model.get_weights()
        with pytest.raises(UnsupportedError, match=f"{backend.name} has no gradients of gradients"):
            model.fit(x, batch_size=32, verbose=0)
        for a, b in zip(before, model.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
        return
    found = model.fit(x, batch_size=32, epochs=5, shuffle=False, verbose=0).history["penalty"]
    assert found[-1] < 0.5 * found[0]
    # The first step against central differences.
    first = Penalised()
    kernel = first.trainable_variables[0]

    def penalty(value):
        kernel.assign(value)
        slope = host(unidl.grad(lambda t: ops.sum(first.critic(t)))(x))
        return np.mean((np.linalg.norm(slope, axis=1) - 1.0) ** 2)

    before, step = kernel.numpy(), np.zeros(kernel.shape)
    step[1, 2] = 1e-5
    slope = (penalty(before + step) - penalty(before - step)) / 2e-5
    kernel.assign(before)

    def loss():
        found = unidl.grad(lambda t: ops.sum(first.critic(t)))(x)
        return ops.mean(ops.square(ops.norm(found, axis=1) - 1.0))

    _, (gradient,) = unidl.value_and_grad(loss, [kernel])
    np.testing.assert_allclose(host(gradient)[1, 2], slope, rtol=1e-6)


class PenalisedInItsLoss(unidl.Model):
    """The same in `compute_loss`, of which `fit` takes the gradients."""

    def __init__(self):
        super().__init__()
        self.critic = layers.Dense(1)

    def call(self, inputs):
        return self.critic(inputs)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        slope = unidl.grad(lambda t: ops.sum(ops.square(self.critic(t))))(x)
        return ops.mean(ops.square(slope))


@pytest.mark.parametrize("eagerly", [False, True])
def test_fit_takes_gradients_too(backend, eagerly):
    model = PenalisedInItsLoss()
    model.compile("sgd", run_eagerly=eagerly)
    x = np.random.default_rng(0).normal(size=(32, 4))
    if backend.nests:
        losses = model.fit(x, x[:, :1], epochs=3, verbose=0).history["loss"]
        assert losses[-1] < losses[0]
        return
    with pytest.raises(UnsupportedError, match=f"{backend.name} has no gradients of gradients"):
        model.fit(x, x[:, :1], verbose=0)

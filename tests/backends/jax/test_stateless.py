"""Stateless calls under JAX' own transformations."""

import numpy as np
import pytest

jax = pytest.importorskip("jax")

import unidl  # noqa: E402
from tests.optimizers import test_stateless_apply as steps  # noqa: E402
from tests.training.test_stateless_loop import X, check_as_by_fit, network  # noqa: E402
from unidl import layers, random  # noqa: E402
from unidl.backend import use_backend  # noqa: E402


@pytest.fixture
def jax_backend():
    with use_backend("jax") as backend:
        yield backend


def test_keras_guide_with_its_handles_and_jit(jax_backend):
    traced = []

    def compiled(step):
        return jax.jit(lambda *arguments: traced.append(1) or step(*arguments))

    check_as_by_fit(jax.value_and_grad, compiled)
    assert len(traced) == 2  # of handles, then of values


@pytest.mark.parametrize("case", steps.CASES)
def test_the_numbers_of_a_step_as_tensors(jax_backend, case):
    stateful, ours = steps.CASES[case](), steps.CASES[case]()
    weights, values = steps.variables(), steps.variables()
    stateful.build(weights)
    ours.build(values)
    step, state = jax.jit(ours.stateless_apply), ours.variables
    for i, grads in enumerate(steps.GRADS):
        grads = [jax.numpy.asarray(g) for g in grads]
        if case == "loss scale" and i == 2:
            grads[0] = grads[0] * np.inf
        stateful.apply(grads, weights)
        values, state = step(state, grads, values)
    for found, wanted in zip([*state, *values], [*stateful.variables, *weights], strict=True):
        np.testing.assert_allclose(found, wanted.numpy(), rtol=2e-4, atol=1e-5)


def test_vmap_over_an_ensemble(jax_backend):
    model = network()
    stacked = [np.stack([v.numpy(), 2 * v.numpy()]) for v in model.trainable_variables]
    others = model.non_trainable_variables
    y, _ = jax.vmap(lambda t, x: model.stateless_call(t, others, x), in_axes=(0, None))(stacked, X)
    np.testing.assert_allclose(y[0], model(X), rtol=1e-5, atol=1e-6)


def test_numbers_without_a_generator_are_told(jax_backend):
    class Noise(unidl.Layer):
        def call(self, inputs):
            return inputs + random.normal((2,))

    layer = Noise()
    layer(np.ones(2, "float32"))
    with pytest.raises(ValueError, match=r"global_seed_generator.*keep it in an attribute"):
        jax.jit(lambda x: layer.stateless_call([], [], x))(np.ones(2, "float32"))


def test_no_losses_of_a_trace_stay(jax_backend):
    layer = layers.Dense(2, activity_regularizer="l2")
    layer.build((None, 3))
    call = jax.jit(lambda t, x: layer.stateless_call(t, [], x, return_losses=True))
    _, _, (loss,) = call(layer.trainable_variables, np.ones((1, 3), "float32"))
    assert float(loss) > 0
    assert layer.losses == []

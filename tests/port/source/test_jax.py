"""Live modules of flax.nnx: in JAX' own transformations, with optax, and the way back."""

from __future__ import annotations

import numpy as np
import pytest

import unidl
from unidl import layers
from unidl.port import to_native

REASON = "flax is not installed; `make test-jax` has it"
nnx = pytest.importorskip("flax.nnx", reason=REASON)
jax = pytest.importorskip("jax", reason=REASON)
optax = pytest.importorskip("optax", reason=REASON)

X = np.random.RandomState(0).normal(size=(16, 6)).astype("float32")


def make():
    unidl.utils.set_random_seed(0)
    return unidl.Sequential(
        [
            unidl.Input((6,)),
            layers.Dense(8, "tanh", name="wide"),
            layers.BatchNormalization(name="norm"),
            layers.Dropout(0.5, name="drop"),
            layers.Dense(8, trainable=False, name="still"),
            layers.Dense(2, name="head"),
        ]
    )


@pytest.fixture
def model():
    return make()


def loss(module, x):
    return (module(x) ** 2).mean()


def test_it_computes_what_the_model_does(model):
    module = to_native(model, "jax")
    assert isinstance(module, nnx.Module)
    assert module.exported.proof.passed, str(module.exported.proof)
    module.eval()
    np.testing.assert_allclose(module(X), model.predict(X, verbose=0), atol=1e-5)
    assert {"wide", "norm", "drop", "still", "head"} <= set(vars(module))


def test_dropout_and_moments_follow_train_and_eval(model):
    module = to_native(model, "jax", verify=False)
    before = np.asarray(module.norm.mean[...])
    assert not np.array_equal(module(X), module(X))  # it begins in training
    assert not np.array_equal(module.norm.mean[...], before)
    module.eval()
    assert np.array_equal(module(X), module(X))


def test_jit_grad_and_optax(model):
    module = to_native(model, "jax", verify=False)
    kept = np.asarray(module.still.kernel[...])
    optimizer = nnx.Optimizer(module, optax.adam(0.01), wrt=nnx.Param)

    @nnx.jit
    def step(module, optimizer, x):
        value, gradients = nnx.value_and_grad(loss)(module, x)
        optimizer.update(module, gradients)
        return value

    for _ in range(20):
        step(module, optimizer, X)
    module.eval()
    after = model.predict(X, verbose=0)
    assert float(loss(module, X)) < 0.5 * float((after**2).mean())
    assert np.array_equal(module.still.kernel[...], kept)
    assert not isinstance(module.still.kernel, nnx.Param)


def test_pure_functions_of_jax(model):
    module = to_native(model, "jax", verify=False)
    module.eval()
    graph, state = nnx.split(module)
    compiled = jax.jit(lambda state, x: nnx.merge(graph, state)(x))
    np.testing.assert_allclose(compiled(state, X), module(X), atol=1e-6)
    of_each = jax.vmap(lambda x: nnx.merge(graph, state)(x[None])[0])(X)
    np.testing.assert_allclose(of_each, module(X), atol=1e-5)


def test_weights_go_back(model):
    """Nothing is shared: JAX' arrays do not change."""
    module = to_native(model, "jax", verify=False)
    assert any("copies" in text for text in module.exported.warnings)
    module.head.kernel = nnx.Param(module.head.kernel[...] + 1)
    module.eval()
    assert not np.allclose(module(X), model.predict(X, verbose=0))
    state = nnx.to_flat_state(nnx.state(module, nnx.Not(nnx.RngState)))
    arrays = {".".join(map(str, path)): np.asarray(v[...]) for path, v in state}
    for weight in module.exported.weights:
        weight.bring_in(arrays)
    np.testing.assert_allclose(module(X), model.predict(X, verbose=0), atol=1e-5)


def test_the_process_keeps_its_choice_of_64_bits(model):
    before = jax.config.jax_enable_x64
    to_native(model, "jax")
    assert jax.config.jax_enable_x64 == before


@pytest.mark.parametrize("name", ["GaussianNoise", "GaussianDropout", "AlphaDropout"])
def test_noise_has_its_moments(name):
    model = unidl.Sequential([unidl.Input((50, 400)), getattr(layers, name)(0.3)])
    module = to_native(model, "jax")
    assert module.exported.proof.passed
    x = np.random.RandomState(0).normal(size=(1, 50, 400)).astype("float32")
    wanted, found = np.asarray(model(x, training=True)), np.asarray(module(x))
    assert abs(found.mean() - wanted.mean()) < 0.05
    assert abs(found.std() - wanted.std()) < 0.05
    module.eval()
    assert np.array_equal(module(x), x)

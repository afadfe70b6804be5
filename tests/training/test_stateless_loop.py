"""A training loop without side effects, as Keras' guide for JAX writes it, on every backend."""

import numpy as np
import pytest

import unidl
from unidl import layers, losses, metrics, ops, optimizers

DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(32, 3)).astype("float32")
Y = (X.sum(1) > 0).astype("int32")


def network():
    unidl.utils.set_random_seed(3)
    return unidl.Sequential(
        [
            layers.Input((3,)),
            layers.Dense(8, "relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.3),
            layers.Dense(2),
        ]
    )


def loop(model, metric, optimizer, value_and_grad, compiled):
    """(losses, handles, values at the end) of ten steps."""
    loss_fn = losses.SparseCategoricalCrossentropy(from_logits=True)

    def compute(trainable, others, counts, x, y):
        y_pred, others = model.stateless_call(trainable, others, x, training=True)
        counts = metric.stateless_update_state(counts, y, y_pred)
        return loss_fn(y, y_pred), (others, counts)

    gradients_of = value_and_grad(compute, has_aux=True)

    @compiled
    def step(state, x, y):
        trainable, others, slots, counts = state
        (loss, (others, counts)), gradients = gradients_of(trainable, others, counts, x, y)
        trainable, slots = optimizer.stateless_apply(slots, gradients, trainable)
        return loss, (trainable, others, slots, counts)

    optimizer.build(model.trainable_variables)
    state = (
        model.trainable_variables, model.non_trainable_variables, optimizer.variables,
        metric.variables,
    )  # fmt: skip
    handles, found = [v for group in state for v in group], []
    for i in range(10):
        rows = slice(i % 2 * 16, i % 2 * 16 + 16)
        loss, state = step(state, X[rows], Y[rows])
        found.append(float(loss))
    return found, handles, [value for group in state for value in group]


def by_fit():
    """(losses, model) of the same steps by `train_on_batch`."""
    model = network()
    loss = losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizers.Adam(0.01), loss)
    return [
        float(model.train_on_batch(X[i % 2 * 16 :][:16], Y[i % 2 * 16 :][:16])) for i in range(10)
    ], model


def check_as_by_fit(value_and_grad, compiled=lambda step: step):
    """The loop leaves its handles alone, and its steps are those of `by_fit`; returns the
    metric."""
    model, metric = network(), metrics.SparseCategoricalAccuracy()
    before = model.get_weights()
    found, handles, values = loop(model, metric, optimizers.Adam(0.01), value_and_grad, compiled)
    for ours, theirs in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    wanted, trained = by_fit()
    np.testing.assert_allclose(found, wanted, rtol=1e-4)
    for handle, value in zip(handles, values, strict=True):
        handle.assign(value)
    for ours, theirs in zip(model.get_weights(), trained.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-5)
    assert model.layers[2].seed_generator.counter == 10
    return metric


def test_the_steps_are_those_of_fit(backend):
    assert 0 < float(check_as_by_fit(unidl.value_and_grad).result()) <= 1


def test_gradients_for_nests_of_tensors(backend):
    def total(weights, x):
        return ops.sum(ops.multiply(weights["w"], x)) + ops.sum(weights["b"][0]), x

    weights = {"w": np.array([1.0, 2.0]), "b": [np.array([3.0])]}
    (value, x), found = unidl.value_and_grad(total, has_aux=True)(weights, np.array([4.0, 5.0]))
    assert float(value) == 17
    np.testing.assert_array_equal(backend.to_numpy(ops.convert_to_tensor(x)), [4, 5])
    np.testing.assert_array_equal(backend.to_numpy(found["w"]), [4, 5])
    np.testing.assert_array_equal(backend.to_numpy(found["b"][0]), [1])
    by_both = unidl.grad(lambda a, b: ops.sum(ops.multiply(a[0], b[0])), argnums=(0, 1))
    (first,), (second,) = by_both([np.array([2.0])], [np.array([3.0])])
    assert (float(ops.sum(first)), float(ops.sum(second))) == (3, 2)
    with pytest.raises(ValueError, match="argnums=1, but the function was called with 1"):
        unidl.value_and_grad(total, argnums=1)(weights)


def compiled_model():
    model = unidl.Sequential([layers.Input((3,)), layers.Dense(2, kernel_regularizer="l2")])
    model.compile("sgd", "mse", metrics=["mae"])
    return model


def test_the_loss_of_compile(backend):
    model = compiled_model()
    y, y_pred = np.ones((32, 2), "float32"), model(X)
    before = model.evaluate(X, y, verbose=0, return_dict=True)["loss"]
    groups = [model.trainable_variables, model.non_trainable_variables, model.metrics_variables]
    loss, (trainable, others, counts) = model.stateless_compute_loss(*groups, X, y, y_pred)
    np.testing.assert_allclose(float(loss), before, rtol=1e-5)
    assert [len(g) for g in (trainable, others, counts)] == [len(g) for g in groups]
    twice = [2 * v.numpy() for v in groups[0]]
    larger, _ = model.stateless_compute_loss(twice, *groups[1:], X, y, y_pred)
    assert float(larger) > float(loss)  # the regularizer is that of the given weights


def test_the_loss_of_compile_before_fit():
    model = compiled_model()
    y, y_pred = np.ones((32, 2), "float32"), model(X)
    found = model.compute_loss(X, y, y_pred)
    np.testing.assert_allclose(
        found, np.mean((y - y_pred) ** 2) + float(model.losses[0]), rtol=1e-6
    )


def test_wrong_use_of_the_loss_is_told():
    model = unidl.Sequential([layers.Input((3,)), layers.Dense(2)], name="m")
    with pytest.raises(ValueError, match=r"stateless_compute_loss\(\).*model\.compile\(loss="):
        model.stateless_compute_loss([], [], [], X, Y, model(X))
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="got 0 values as trainable_variables"):
        model.stateless_compute_loss([], [], [], X, Y, model(X))

"""A stateless step in a tf.function of the user's own."""

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

import unidl  # noqa: E402
from tests.training.test_stateless_loop import X, Y, network  # noqa: E402
from unidl import losses, optimizers  # noqa: E402


def test_a_step_in_a_graph_is_the_eager_one():
    with unidl.use_backend("tensorflow"):
        model, optimizer = network(), optimizers.Adam(0.01)
        optimizer.build(model.trainable_variables)
        loss_fn = losses.SparseCategoricalCrossentropy(from_logits=True)

        def step(trainable, others, slots, x, y):
            with tf.GradientTape() as tape:
                tape.watch(trainable)
                y_pred, others = model.stateless_call(trainable, others, x, training=True)
                loss = loss_fn(y, y_pred)
            gradients = tape.gradient(loss, trainable)
            return loss, others, *optimizer.stateless_apply(slots, gradients, trainable)

        groups = model.trainable_variables, model.non_trainable_variables, optimizer.variables
        state = [[unidl.ops.convert_to_tensor(v.numpy()) for v in group] for group in groups]
        inputs = tf.constant(X), tf.constant(Y)
        compiled = tf.function(step, autograph=False)(*state, *inputs)
        for found, wanted in zip(
            tf.nest.flatten(compiled), tf.nest.flatten(step(*state, *inputs)), strict=True
        ):
            np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)

"""TensorFlow by hand: MultiWorkerMirroredStrategy, a tf.function, keras.optimizers.Adam's formula.

Keras 3 does not train under this strategy, so Adam is written out, over the flat gradients.
"""

import json
import os

import tensorflow as tf

from benchmarks.processes.work import CLASSES, INPUTS, LEARNING_RATE, WIDTH, data, train

strategy = tf.distribute.MultiWorkerMirroredStrategy()
config = json.loads(os.environ["TF_CONFIG"])
processes, number = len(config["cluster"]["worker"]), config["task"]["index"]
tf.random.set_seed(0)
sizes = [(INPUTS, WIDTH), (WIDTH, WIDTH), (WIDTH, CLASSES)]
with strategy.scope():
    variables = []
    for a, b in sizes:
        limit = (6 / (a + b)) ** 0.5
        variables += [tf.Variable(tf.random.uniform((a, b), -limit, limit))]
        variables += [tf.Variable(tf.zeros(b))]
    means, squares = ([tf.Variable(tf.zeros(v.shape)) for v in variables] for _ in range(2))
    steps = tf.Variable(0.0)


def replica_step(x, y):
    with tf.GradientTape() as tape:
        for i in range(0, len(variables), 2):
            x = x @ variables[i] + variables[i + 1]
            if i < len(variables) - 2:
                x = tf.nn.relu(x)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(y, x)
        loss = tf.reduce_mean(losses) / processes
    gradients = tape.gradient(loss, variables)
    context = tf.distribute.get_replica_context()
    gradients = context.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
    t = steps.assign_add(1.0)
    rate = LEARNING_RATE * tf.sqrt(1 - 0.999**t) / (1 - 0.9**t)
    for g, v, m, s in zip(gradients, variables, means, squares, strict=True):
        m.assign(0.9 * m + 0.1 * g)
        s.assign(0.999 * s + 0.001 * g * g)
        v.assign_sub(rate * m / (tf.sqrt(s) + 1e-7))
    return loss


@tf.function
def step(x, y):
    return strategy.run(replica_step, args=(x, y))


x, y = data()
train(lambda xb, yb: step(tf.constant(xb), tf.constant(yb)), x, y, number, processes)

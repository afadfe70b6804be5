"""Variables and tapes without any model."""

import numpy as np
import tensorflow as tf

x = tf.constant(np.linspace(-2, 2, 21), dtype=tf.float32)
noise = tf.constant(np.random.RandomState(7).randn(21), dtype=tf.float32)
y = x * 3.0 + 2.0 + noise * 0.1


w = tf.Variable(5.0)
b = tf.Variable(0.0)


def loss_of(target, predicted):
    return tf.reduce_mean(tf.square(target - predicted))


for epoch in range(4):
    with tf.GradientTape() as t:
        current_loss = loss_of(y, w * x + b)
    dw, db = t.gradient(current_loss, [w, b])
    w.assign_sub(0.1 * dw)
    b.assign_sub(0.1 * db)
    print("Epoch %d: W=%.4f b=%.4f loss=%.5f" % (epoch, w.numpy(), b.numpy(), current_loss))

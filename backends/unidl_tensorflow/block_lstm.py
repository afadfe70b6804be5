"""TensorFlow's kernel for an LSTM over a whole sequence, with the gradient of its gradient, which
TensorFlow does not have.

Not BlockLSTMV2, which has the gates in Keras' order: TensorFlow registers for it the gradient of
BlockLSTM, whose order is another.
"""

from __future__ import annotations

from unidl_tensorflow.load import tf
from unidl_tensorflow.shaping import size_of


def block_lstm(x, h, c, weights, bias):
    """x (t, n, d), h and c (n, u), weights (d + u, 4u), bias (4u,), gates i, c, f, o -> h and c
    after each moment, (t, n, u) each."""
    unused = tf.zeros(h.shape[1:], x.dtype)
    made = tf.raw_ops.BlockLSTM(
        seq_len_max=tf.cast(size_of(x, 0), tf.int64), x=x, cs_prev=c, h_prev=h, w=weights,
        wci=unused, wcf=unused, wco=unused, b=bias, forget_bias=0.0, cell_clip=-1.0,
        use_peephole=False,
    )  # fmt: skip
    return made.h, made.cs


@tf.RegisterGradient("BlockLSTMGrad")
def _second_gradient(op, *grads):
    """Gradients for the inputs of the kernel's gradient, through the same steps one by one."""
    _, x, c, h, weights, _, _, _, bias = op.inputs[:9]
    cs_grad, hs_grad = op.inputs[-2:]
    given, upstream = [x, c, h, weights, bias], [hs_grad, cs_grad]
    with tf.GradientTape() as second:
        second.watch(given + upstream)
        with tf.GradientTape() as first:
            first.watch(given)
            made = _step_by_step(x, h, c, weights, bias)
        gradients = first.gradient(made, given, output_gradients=upstream)
    wanted = [*grads[:4], grads[-1]]
    for_x, for_c, for_h, for_weights, for_bias, for_hs, for_cs = second.gradient(
        gradients, given + upstream, output_gradients=wanted
    )
    # What the kernel made beside h and c follows from its inputs, whose gradients are whole.
    return (
        None,
        for_x,
        for_c,
        for_h,
        for_weights,
        None,
        None,
        None,
        for_bias,
        *[None] * 7,
        for_cs,
        for_hs,
    )


def _step_by_step(x, h, c, weights, bias):
    """`block_lstm` in operations that have gradients of any order."""
    hs, cs = [], []
    for moment in tf.unstack(x):
        i, g, f, o = tf.split(tf.concat([moment, h], 1) @ weights + bias, 4, 1)
        c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
        h = tf.sigmoid(o) * tf.tanh(c)
        hs.append(h)
        cs.append(c)
    return tf.stack(hs), tf.stack(cs)

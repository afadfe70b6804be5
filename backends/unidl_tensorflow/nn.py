"""Native kernels of neural-network functions, chosen by measured error, float32, in units of the
last place.

- elu, selu: tf.nn computes exp(x) - 1, off by 2.6e5 near 0; the default body 2.8.
- softplus: tf.math 6.6 (gradient 5.3), the default body 3.1 (2.6). silu: 6.7 both, and tf.nn's is a
  tf.custom_gradient.
- log_softmax: 1.7 both; the kernel's gradient 3.0, the default body's 4.2, so the kernel.
- softmax_cross_entropy: the kernel's gradient takes it for granted that the labels sum to 1, so the
  default body.
"""

from __future__ import annotations

from unidl.backend import contract
from unidl_tensorflow.load import tf

FUSED_NORM_FROM = (
    1 << 17
)  # elements; below, the two ways take the same time, or the composed one less
CUDNN_MIN_EPSILON = 1.001e-5


class NN(contract.NN):
    def relu(self, x):
        return tf.nn.relu(x)

    def relu6(self, x):
        return tf.nn.relu6(x)

    def leaky_relu(self, x, negative_slope):
        # The kernel keeps the slope in float32.
        return (
            super().leaky_relu(x, negative_slope)
            if x.dtype == tf.float64
            else tf.nn.leaky_relu(x, negative_slope)
        )

    def softmax(self, x, axis=-1):
        return tf.nn.softmax(x, axis) if isinstance(axis, int) else super().softmax(x, axis)

    def log_softmax(self, x, axis=-1):
        return tf.nn.log_softmax(x, axis) if isinstance(axis, int) else super().log_softmax(x, axis)

    def linear(self, x, kernel, bias=None):
        y = self.matmul(x, kernel)
        # BiasAdd, and not Add: grappler fuses it into the product, and its gradient sums by a
        # kernel of its own.
        return y if bias is None else tf.nn.bias_add(y, bias) if len(y.shape) > 1 else y + bias

    def embedding(self, table, indices):
        return tf.gather(table, indices)

    def sparse_softmax_cross_entropy(self, labels, logits):
        labels = labels if labels.dtype in (tf.int32, tf.int64) else tf.cast(labels, tf.int32)
        return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)

    # -- normalization ---------------------------------------------------------------------------

    def batch_norm_training(self, x, gamma, beta, axes, epsilon):
        """y by the fused kernel, in half the time; its moments have no gradient, so they are
        computed beside it."""
        rank, size, channels = len(x.shape), x.shape.num_elements(), x.shape[-1]
        mean, centred = self._centred(x, axes)
        last = sorted(a % rank for a in axes) == list(range(rank - 1))
        if (
            not last
            or x.dtype != tf.float32
            or not size
            or size < FUSED_NORM_FROM
            or epsilon < CUDNN_MIN_EPSILON
        ):
            y, rest, var = super().batch_norm_training(centred, gamma, beta, axes, epsilon)
            return y, mean + rest, var
        unused = tf.zeros(0)
        y, rest, *_ = tf.raw_ops.FusedBatchNormV3(
            x=tf.reshape(centred, (1, 1, size // channels, channels)),
            scale=tf.ones(channels) if gamma is None else gamma,
            offset=tf.zeros(channels) if beta is None else beta,
            mean=unused,
            variance=unused,
            epsilon=epsilon,
        )
        # Not the kernel's variance, which is the unbiased one.
        var = self.mean(tf.square(centred), axes) - tf.square(rest)
        return tf.reshape(y, x.shape), self.mean(x, axes), var

    def layer_norm(self, x, gamma, beta, axes, epsilon):
        return super().layer_norm(self._centred(x, axes)[1], gamma, beta, axes, epsilon)

    def _centred(self, x, axes):
        """(mean, x - mean) for a function that a shift of x leaves as it is, gradient included.

        The mean of float32 numbers near 1e4 is off by 5e-4. If their deviation is 0.01, a norm that
        subtracts it once is wrong by 3 %; of what is left here it computes the mean again, and is
        right to 2e-7.
        """
        mean = tf.stop_gradient(self.mean(x, axes, keepdims=True))
        return tf.squeeze(mean, axes), x - mean

"""Neural-network functions. All have a default body over primitives, which is the oracle of any
native override."""

from __future__ import annotations

import math
from abc import ABC

SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805


class NN(ABC):
    # -- activations (gradients at kinks: relu'(0) = 0, relu6' = 0 at both ends, leaky_relu'(0) =
    # slope) ----------

    def relu(self, x):
        return self.where(self.less_equal(x, 0), self.full_like(x, 0), x)  # NaN stays NaN

    def relu6(self, x):
        inside = self.logical_and(self.greater(x, 0), self.less(x, 6))
        return self.where(inside, x, self.stop_gradient(self.clip(x, 0, 6)))

    def leaky_relu(self, x, negative_slope):
        return self.where(self.greater(x, 0), x, self.multiply(x, negative_slope))

    def elu(self, x, alpha):
        negative = self.multiply(
            self.expm1(self.where(self.greater(x, 0), self.full_like(x, 0), x)), alpha
        )
        return self.where(self.greater(x, 0), x, negative)

    def selu(self, x):
        return self.multiply(self.elu(x, SELU_ALPHA), SELU_SCALE)

    def softplus(self, x):
        """log(1 + exp(x)) without overflow: max(x, 0) + log1p(exp(-|x|)), with the smooth gradient
        sigmoid(x) at 0 too."""
        positive = self.greater(x, 0)
        tail = self.log1p(self.exp(self.where(positive, self.negative(x), x)))
        return self.where(positive, self.add(x, tail), tail)

    def silu(self, x):
        return self.multiply(x, self.sigmoid(x))

    def gelu(self, x, approximate):
        """Exact, x * Phi(x), or the tanh approximation (Hendrycks & Gimpel, arXiv:1606.08415)."""
        if approximate:
            inner = self.multiply(
                self.add(x, self.multiply(self.multiply(self.square(x), x), 0.044715)),
                math.sqrt(2 / math.pi),
            )
            return self.multiply(self.multiply(x, 0.5), self.add(self.tanh(inner), 1.0))
        return self.multiply(
            self.multiply(x, 0.5), self.add(self.erf(self.multiply(x, math.sqrt(0.5))), 1.0)
        )

    def softmax(self, x, axis=-1):
        """`axis` an int or a tuple of ints."""
        if 0 in self.shape(x):
            return x
        top = self.stop_gradient(self.max(x, axis, keepdims=True))
        e = self.exp(self.subtract(x, top))
        return self.divide(e, self.sum(e, axis, keepdims=True))

    def log_softmax(self, x, axis=-1):
        if 0 in self.shape(x):
            return x
        shifted = self.subtract(x, self.stop_gradient(self.max(x, axis, keepdims=True)))
        return self.subtract(shifted, self.log(self.sum(self.exp(shifted), axis, keepdims=True)))

    # -- dense -----------------------------------------------------------------------------------

    def linear(self, x, kernel, bias=None):
        """x (..., d) @ kernel (d, u) + bias (u,) -> (..., u)."""
        y = self.matmul(x, kernel)
        return y if bias is None else self.add(y, bias)

    # -- lookup ----------------------------------------------------------------------------------

    def one_hot(self, indices, num_classes, dtype):
        """(...,) integers -> (..., num_classes); an index out of range gives a row of zeros."""
        classes = self.cast(self.arange(0, num_classes, 1, "int32"), self.dtype(indices))
        return self.cast(self.equal(self.expand_dims(indices, -1), classes), dtype)

    def embedding(self, table, indices):
        """Rows of `table` (n, d) by integers of any shape (...,) -> (..., d); repeated indices add
        their gradients."""
        return self.take(table, indices, 0)

    # -- normalization ---------------------------------------------------------------------------

    def batch_norm_training(self, x, gamma, beta, axes, epsilon):
        """(y, mean, var) with the batch's own moments over the tuple `axes`.

        `gamma` and `beta` are None or 1-D along the one remaining axis; `mean` and biased `var` are
        1-D too.
        """
        mean, var = self.mean(x, axes), self.var(x, axes)
        return self.batch_norm_inference(x, gamma, beta, mean, var, axes, epsilon), mean, var

    def batch_norm_inference(self, x, gamma, beta, mean, var, axes, epsilon):
        """(x - mean) * gamma / sqrt(var + epsilon) + beta with given 1-D moments."""
        rank = len(self.shape(x))
        (axis,) = set(range(rank)) - set(axes)
        along = tuple(-1 if a == axis else 1 for a in range(rank))
        y = self.subtract(x, self.reshape(mean, along))
        scale = self.rsqrt(self.add(var, epsilon))
        if gamma is not None:
            scale = self.multiply(scale, gamma)
        y = self.multiply(y, self.reshape(scale, along))
        return y if beta is None else self.add(y, self.reshape(beta, along))

    def layer_norm(self, x, gamma, beta, axes, epsilon):
        """Normalize each sample over the tuple `axes`; `gamma` and `beta` are None or broadcast
        against `x`."""
        centred = self.subtract(x, self.mean(x, axes, keepdims=True))
        var = self.mean(self.square(centred), axes, keepdims=True)
        y = self.multiply(centred, self.rsqrt(self.add(var, epsilon)))
        if gamma is not None:
            y = self.multiply(y, gamma)
        return y if beta is None else self.add(y, beta)

    # -- attention -------------------------------------------------------------------------------

    def attention(self, query, key, value, bias=None, scale=1.0):
        """softmax(query @ key^T * scale + bias) @ value (Vaswani et al., arXiv:1706.03762).

        query (..., t, d), key (..., s, d), value (..., s, v), `bias` None or a float tensor that
        broadcasts to (..., t, s) -> (..., t, v). A row of `bias` is never a large negative number
        throughout, beside which the scores would lose their digits: whoever masks opens such rows.
        """
        rank = len(self.shape(key))
        swapped = self.transpose(key, (*range(rank - 2), rank - 1, rank - 2))
        scores = self.matmul(self.multiply(query, scale), swapped)
        if bias is not None:
            scores = self.add(scores, bias)
        return self.matmul(self.softmax(scores, -1), value)

    def grouped_attention(self, query, key, value, bias=None, scale=1.0):
        """`attention` in which neighbouring heads of the query share one of key and value (Ainslie
        et al., arXiv:2305.13245).

        query (n, h, t, d), key (n, g, s, d), value (n, g, s, v), h a multiple of g, `bias` as in
        `attention` -> (n, h, t, v).
        """
        each = self.shape(query)[1] // self.shape(key)[1]
        return self.attention(
            query, self.repeat(key, each, 1), self.repeat(value, each, 1), bias, scale
        )

    # -- fused losses, one value for each sample -------------------------------------------------

    def sparse_softmax_cross_entropy(self, labels, logits):
        """labels (...,) integers, logits (..., k) -> (...,)."""
        log_p = self.log_softmax(logits, -1)
        return self.negative(
            self.squeeze(self.take_along_axis(log_p, self.expand_dims(labels, -1), -1), -1)
        )

    def softmax_cross_entropy(self, labels, logits):
        """labels (..., k) probabilities, logits (..., k) -> (...,)."""
        return self.negative(self.sum(self.multiply(labels, self.log_softmax(logits, -1)), -1))

    def sigmoid_cross_entropy(self, labels, logits):
        """Elementwise softplus(x) - labels * x."""
        return self.subtract(self.softplus(logits), self.multiply(labels, logits))

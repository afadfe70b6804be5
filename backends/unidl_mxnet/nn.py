"""Neural-network functions that have an accurate kernel. The rest keep their default bodies, for reasons that were measured:

the gradients of MXNet's log_softmax and softplus are inaccurate in float32 (57 u; a hand-written logsumexp gives 2 u), its
LeakyReLU, ELU, GELU and hard_sigmoid are good to 1e-7 in float64, and SELU's gradient is wrong (0.590 for 0.647 at -1).
"""

from __future__ import annotations

import math

import unidl.backend.contract as contract
from unidl_mxnet.op import op
from unidl_mxnet.reductions import all_axes


class NN:
    def relu(self, x):
        """In float32 by oneDNN's ELU of slope 0, several times as fast as `relu`; its own ReLU would make 0 of NaN."""
        return (
            op("LeakyReLU", x, act_type="elu", slope=0.0)
            if self.dtype(x) == "float32" and x.shape and 0 not in x.shape
            else op("relu", x)
        )

    def gelu(self, x, approximate):
        """The kernel holds its constants in float32."""
        if approximate or self.dtype(x) != "float32" or 0 in x.shape:
            return contract.Backend.gelu(self, x, approximate)
        return op("LeakyReLU", x, act_type="gelu")

    def rsqrt(self, x):
        return op("rsqrt", x)

    def linear(self, x, kernel, bias=None):
        """FullyConnected adds the bias on the way, and sums its gradient faster than the gradient of broadcasting does."""
        if (
            bias is None
            or len(x.shape) < 2
            or not self._is_product_of_onednn(math.prod(x.shape[:-1]), kernel)
        ):
            return contract.Backend.linear(self, x, kernel, bias)
        rows = self.reshape(x, (-1, x.shape[-1]))
        y = op(
            "FullyConnected",
            rows,
            self.transpose(kernel, (1, 0)),
            bias,
            num_hidden=kernel.shape[1],
            no_bias=False,
            flatten=False,
        )
        return self.reshape(y, (*x.shape[:-1], kernel.shape[1]))

    def softmax(self, x, axis=-1):
        if not isinstance(axis, int) or 0 in x.shape:
            return contract.Backend.softmax(self, x, axis)
        return op("_npx_softmax", x, axis=axis % len(x.shape))

    def log_softmax(self, x, axis=-1):
        """The default body, but for the maximum, which needs none of the care for the gradients of ties."""
        if 0 in x.shape:
            return x
        return self.subtract(*self._shifted(x, all_axes(axis, len(x.shape))))

    def _shifted(self, x, axes):
        """(`x` minus its maximum, the logarithm of the sum of the exponentials of that)."""
        shifted = self.subtract(x, op("BlockGrad", op("_np_max", x, axis=axes, keepdims=True)))
        return shifted, self.log(self.sum(self.exp(shifted), axes, keepdims=True))

    def sparse_softmax_cross_entropy(self, labels, logits):
        if not labels.shape:  # `pick` wants at least one axis
            return self.squeeze(
                self.sparse_softmax_cross_entropy(
                    self.expand_dims(labels, 0), self.expand_dims(logits, 0)
                ),
                0,
            )
        if 0 in logits.shape:
            return contract.Backend.sparse_softmax_cross_entropy(self, labels, logits)
        # `log_softmax` of the labels alone, which spares two passes over all classes and their gradients.
        shifted, total = self._shifted(logits, (len(logits.shape) - 1,))
        return self.subtract(self.squeeze(total, -1), op("_npx_pick", shifted, labels, axis=-1))

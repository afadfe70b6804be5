"""Neural-network functions that have an accurate kernel. The rest keep their default bodies, for
reasons that were measured:

the gradients of MXNet's log_softmax and softplus are inaccurate in float32 (57 u; a hand-written
logsumexp gives 2 u), its LeakyReLU, ELU, GELU and hard_sigmoid are good to 1e-7 in float64, and
SELU's gradient is wrong (0.590 for 0.647 at -1).
"""

from __future__ import annotations

import math

from unidl.backend import contract
from unidl_mxnet.op import op
from unidl_mxnet.reductions import all_axes
from unidl_mxnet.traced import current_trace


def _channels_second(rank, axes):
    """The order of axes in which the one that is not among `axes` comes second."""
    (axis,) = set(range(rank)) - set(axes)
    first = int(axis == 0)  # an axis that takes the place of the batch
    return (first, axis, *(a for a in range(rank) if a not in (first, axis)))


def _back(order):
    return tuple(order.index(a) for a in range(len(order)))


class NN(contract.NN):
    def relu(self, x):
        """In float32 by oneDNN's ELU of slope 0, several times as fast as `relu`; its own ReLU
        would make 0 of NaN."""
        return (
            op("LeakyReLU", x, act_type="elu", slope=0.0)
            if self.dtype(x) == "float32" and x.shape and 0 not in x.shape
            else op("relu", x)
        )

    def gelu(self, x, approximate):
        """The kernel holds its constants in float32."""
        if approximate or self.dtype(x) != "float32" or 0 in x.shape:
            return super().gelu(x, approximate)
        return op("LeakyReLU", x, act_type="gelu")

    def linear(self, x, kernel, bias=None):
        """FullyConnected adds the bias on the way, and sums its gradient faster than the gradient
        of broadcasting does."""
        if (
            bias is None
            or len(x.shape) < 2
            or not self._is_product_of_onednn(math.prod(x.shape[:-1]), kernel)
        ):
            return super().linear(x, kernel, bias)
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
        """The kernel, which takes one axis; else the default body, but for the maximum, as in
        `log_softmax`."""
        if 0 in x.shape:
            return x
        axes = all_axes(axis, len(x.shape))
        if len(axes) == 1:
            return op("_npx_softmax", x, axis=axes[0])
        powers = self.exp(self._below_maximum(x, axes))
        return self.divide(powers, self.sum(powers, axes, keepdims=True))

    def log_softmax(self, x, axis=-1):
        """The default body, but for the maximum, which needs none of the care for the gradients of
        ties."""
        if 0 in x.shape:
            return x
        return self.subtract(*self._shifted(x, all_axes(axis, len(x.shape))))

    def _below_maximum(self, x, axes):
        return self.subtract(x, op("BlockGrad", op("_np_max", x, axis=axes, keepdims=True)))

    def _shifted(self, x, axes):
        """(`x` minus its maximum, the logarithm of the sum of the exponentials of that)."""
        shifted = self._below_maximum(x, axes)
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
            return super().sparse_softmax_cross_entropy(labels, logits)
        # `log_softmax` of the labels alone, which spares two passes over all classes and their
        # gradients.
        shifted, total = self._shifted(logits, (len(logits.shape) - 1,))
        return self.subtract(self.squeeze(total, -1), op("_npx_pick", shifted, labels, axis=-1))

    # -- normalization ---------------------------------------------------------------------------

    def batch_norm_training(self, x, gamma, beta, axes, epsilon):
        """The kernel is six times as fast as its parts, but it loses float32's digits where the
        mean is far from 0, and knows no gradient through its moments. So `x` is centred on its
        first sample before, and a step whose loss depends on the moments is recorded anew without
        the kernel (see `Trace.shortcuts`).
        """
        trace = current_trace()
        if trace is None or trace.shortcuts is None or self.dtype(x) != "float32" or 0 in x.shape:
            return super().batch_norm_training(x, gamma, beta, axes, epsilon)
        order = _channels_second(len(x.shape), axes)
        x, centre = self._centred(self.transpose(x, order))
        unused = [
            self.full((x.shape[1],), 0, "float32") for _ in range(2)
        ]  # moving moments, which belong to the layer
        y, mean, scale = self._normalized(
            x, gamma, beta, *unused, epsilon, momentum=1.0, output_mean_var=True
        )
        mean, scale = self.stop_gradient(mean), self.stop_gradient(scale)  # 1 / sqrt(var + epsilon)
        var = self.maximum(self.subtract(self.divide(1.0, self.square(scale)), epsilon), 0.0)
        mean, var = self.stop_gradient(self.add(mean, centre)), self.stop_gradient(var)
        trace.shortcuts |= {mean.symbol.name, var.symbol.name}
        return self.transpose(y, _back(order)), mean, var

    def batch_norm_inference(self, x, gamma, beta, mean, var, axes, epsilon):
        """In one pass over `x`, in the layout in which oneDNN's convolutions hand it over. The
        kernel knows no gradient of the moments, and wants them as they are in the layer.
        """
        trace = current_trace()
        if (
            trace is None
            or trace.differentiable
            or self.dtype(x) != "float32"
            or 0 in x.shape
            or not trace.holds(mean, var)
        ):
            return super().batch_norm_inference(x, gamma, beta, mean, var, axes, epsilon)
        order = _channels_second(len(x.shape), axes)
        y = self._normalized(
            self.transpose(x, order), gamma, beta, mean, var, epsilon, use_global_stats=True
        )
        return self.transpose(y, _back(order))

    def layer_norm(self, x, gamma, beta, axes, epsilon):
        """The kernel's gradient takes longer than that of its parts, so it serves only where none
        is taken."""
        trace, shape = current_trace(), x.shape
        fits = axes == (len(shape) - 1,) and 0 not in shape and self.dtype(x) == "float32"
        if (
            trace is None
            or trace.differentiable
            or not fits
            or any(p is not None and p.shape[-1:] != (p.size,) for p in (gamma, beta))
        ):
            return super().layer_norm(x, gamma, beta, axes, epsilon)
        gamma = (
            self.full(shape[-1:], 1, "float32")
            if gamma is None
            else self.reshape(gamma, shape[-1:])
        )
        beta = (
            self.full(shape[-1:], 0, "float32") if beta is None else self.reshape(beta, shape[-1:])
        )
        return op("LayerNorm", x, gamma, beta, axis=-1, eps=epsilon)

    def _normalized(self, x, gamma, beta, mean, var, epsilon, **options):
        """What the kernel gives for `x` (n, c, ...); None for gamma and beta leaves them out."""
        channels = x.shape[1]
        # oneDNN's takes four axes. A reshape would bring a convolution's result out of its blocked
        # layout.
        flat = (
            x
            if len(x.shape) == 4
            else self.reshape(x, (x.shape[0], channels, math.prod(x.shape[2:]), 1))
        )
        gamma = self.full((channels,), 1, "float32") if gamma is None else gamma
        beta = self.full((channels,), 0, "float32") if beta is None else beta
        result = op(
            "BatchNorm",
            flat,
            gamma,
            beta,
            mean,
            var,
            eps=epsilon,
            fix_gamma=False,
            axis=1,
            **options,
        )
        y, *moments = result if isinstance(result, list) else [result]
        y = y if flat is x else self.reshape(y, x.shape)
        return (y, *moments) if moments else y

    def _centred(self, x):
        """(x - centre, centre (c,)) for channels-first `x`, the centre being a mean over the first
        sample; no gradient in it."""
        node = getattr(x, "node", None)
        if node is not None and node[0] == "Convolution" and node[2]["no_bias"] is True:
            # The convolution subtracts it at no cost.
            _, (source, weight), options = node
            # Cut off from the tape here already: the backward kernel of a first sample's
            # convolution fails beside strides.
            first, fixed = (
                self.stop_gradient(self.getitem(source, (slice(0, 1),))),
                self.stop_gradient(weight),
            )
            centre = self._first_mean(op("Convolution", first, fixed, **options))
            return op(
                "Convolution",
                source,
                weight,
                self.negative(centre),
                **{**options, "no_bias": False},
            ), centre
        centre = self._first_mean(self.getitem(x, (slice(0, 1),)))
        return self.subtract(x, self.reshape(centre, (1, -1, *(1,) * (len(x.shape) - 2)))), centre

    def _first_mean(self, sample):
        """(1, c, ...) -> (c,)"""
        rows = self.reshape(sample, (sample.shape[1], -1))
        return self.stop_gradient(self.mean(rows, (1,)))

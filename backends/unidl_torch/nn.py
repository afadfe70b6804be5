"""Neural-network functions on torch's fused kernels."""

from __future__ import annotations

import torch
from torch.nn import functional

from unidl.backend import contract

# Beyond it softplus(x) is x. torch's own default, 20, costs float64 four digits.
_SOFTPLUS_LINEAR = 40.0

# torch skips the label -100 in silence; this value is no label, so that -100 is an error like any
# other.
_NO_LABEL_IS_SKIPPED = -(2**31)


class NN(contract.NN):
    relu = staticmethod(torch.relu)
    relu6 = staticmethod(functional.relu6)
    leaky_relu = staticmethod(functional.leaky_relu)
    elu = staticmethod(functional.elu)
    selu = staticmethod(torch.selu)
    silu = staticmethod(functional.silu)

    def softplus(self, x):
        return functional.softplus(x, threshold=_SOFTPLUS_LINEAR)

    def gelu(self, x, approximate):
        return functional.gelu(x, approximate="tanh" if approximate else "none")

    def softmax(self, x, axis=-1):
        return torch.softmax(x, axis) if isinstance(axis, int) else super().softmax(x, axis)

    def log_softmax(self, x, axis=-1):
        return torch.log_softmax(x, axis) if isinstance(axis, int) else super().log_softmax(x, axis)

    # -- dense -----------------------------------------------------------------------------------

    def linear(self, x, kernel, bias=None):
        if bias is not None and x.ndim == 2:
            return torch.addmm(bias, x, kernel)
        return functional.linear(x, kernel.t(), bias)

    # -- lookup ----------------------------------------------------------------------------------

    def embedding(self, table, indices):
        return functional.embedding(
            indices if indices.dtype in (torch.int32, torch.int64) else indices.long(), table
        )

    # -- normalization ---------------------------------------------------------------------------

    def batch_norm_training(self, x, gamma, beta, axes, epsilon):
        if x.dtype.itemsize < 4:
            # The moments of float16 and bfloat16 want float32, and torch wants the same of its
            # other arguments.
            wide = (None if t is None else t.float() for t in (x, gamma, beta))
            return tuple(t.to(x.dtype) for t in self.batch_norm_training(*wide, axes, epsilon))
        channels = _channels_second(x, axes)
        count = channels.numel() // max(1, channels.shape[1])
        if count < 2 or torch._C._are_functorch_transforms_active():
            # torch refuses a single value per channel, and torch.func our own gradients.
            return super().batch_norm_training(x, gamma, beta, axes, epsilon)
        # Values centred before have a mean near 0, so that what their own mean is off by costs the
        # variance no digits: at mean 100, std 0.01 it would be wrong by 2e-5.
        shift = channels.detach().mean([a for a in range(channels.ndim) if a != 1])
        channels = channels - shift.view(_along(channels))
        if x.device.type == "cpu":
            y, mean, var = _Normalized.apply(channels, gamma, beta, epsilon)
            return _as_before(y, x, axes), mean + shift, var
        mean, var = channels.new_zeros(2, channels.shape[1]).unbind()
        # With momentum 1 the "running" statistics are those of this batch, the variance unbiased.
        y = torch.batch_norm(
            channels, gamma, beta, mean, var, True, 1.0, epsilon, torch.backends.cudnn.enabled
        )
        if y.requires_grad:
            y.register_hook(
                torch.Tensor.contiguous
            )  # a broadcast gradient (of a mean, say) takes torch ten times as long
        mean, var = mean + shift, var * ((count - 1) / count)
        if x.requires_grad and torch.is_grad_enabled():
            mean, var = _Moments.apply(channels, mean, var)
        return _as_before(y, x, axes), mean, var

    def batch_norm_inference(self, x, gamma, beta, mean, var, axes, epsilon):
        # Not torch.batch_norm: it computes x * scale - mean * scale, which cancels where the mean
        # is large.
        scale = torch.rsqrt(var + epsilon)
        if gamma is not None:
            scale = scale * gamma
        shift = beta
        reduced = {a % x.ndim for a in axes}
        if x.ndim - 1 in reduced:
            along = [1 if a in reduced else -1 for a in range(x.ndim)]
            mean, scale, shift = (
                None if t is None else t.view(along) for t in (mean, scale, shift)
            )
        centred = x - mean
        if not (
            centred.requires_grad
            or scale.requires_grad
            or (shift is not None and shift.requires_grad)
        ):
            centred.mul_(scale)  # our own memory, and nobody will ask for the factors
            return centred if shift is None else centred.add_(shift)
        return centred * scale if shift is None else torch.addcmul(shift, centred, scale)

    def layer_norm(self, x, gamma, beta, axes, epsilon):
        rank = x.ndim
        axes = sorted(a % rank for a in axes)
        shape = x.shape[axes[0] :]
        fused = axes == list(range(axes[0], rank)) and all(
            w is None or w.shape == shape for w in (gamma, beta)
        )
        if not fused:
            return super().layer_norm(x, gamma, beta, axes, epsilon)
        return torch.layer_norm(x, shape, gamma, beta, epsilon)

    # -- attention -------------------------------------------------------------------------------

    def attention(self, query, key, value, bias=None, scale=1.0):
        if not isinstance(scale, int | float):
            query, scale = query * scale, 1.0
        return functional.scaled_dot_product_attention(
            query, key, value, attn_mask=bias, scale=scale
        )

    def grouped_attention(self, query, key, value, bias=None, scale=1.0):
        return functional.scaled_dot_product_attention(
            query, key, value, attn_mask=bias, scale=scale, enable_gqa=True
        )

    # -- fused losses ----------------------------------------------------------------------------

    def sparse_softmax_cross_entropy(self, labels, logits):
        flat = functional.cross_entropy(
            logits.reshape(-1, logits.shape[-1]),
            labels.reshape(-1).long(),
            reduction="none",
            ignore_index=_NO_LABEL_IS_SKIPPED,
        )
        return flat.reshape(labels.shape)


def _channels_second(x, axes):
    """(n, c) or (n, c, ...) view of `x`, whose one axis outside `axes` is c."""
    reduced = {a % x.ndim for a in axes}
    (axis,) = (a for a in range(x.ndim) if a not in reduced)
    if axis == x.ndim - 1:
        return x.reshape(-1, x.shape[-1])
    if axis == 1:
        return x
    return x.movedim(axis, 0).unsqueeze(0)


def _as_before(y, x, axes):
    """Undo `_channels_second`."""
    reduced = {a % x.ndim for a in axes}
    (axis,) = (a for a in range(x.ndim) if a not in reduced)
    if axis == x.ndim - 1:
        return y.reshape(x.shape)
    if axis == 1:
        return y
    return y.squeeze(0).movedim(0, axis)


def _along(channels):
    """Shape in which a 1-D tensor meets the second axis."""
    return (1, -1) + (1,) * (channels.ndim - 2)


def _of_moments(x, mean_gradient, var_gradient):
    """Gradient of the mean and the biased variance (c,) of `x` (n, c, ...); None where nobody asked
    for one of them."""
    along = _along(x)
    of_x = 0.0 if mean_gradient is None else mean_gradient.view(along)
    if var_gradient is not None:
        centred = x - x.mean([a for a in range(x.ndim) if a != 1], keepdim=True)
        of_x = of_x + 2 * centred * var_gradient.view(along)
    return of_x * (x.shape[1] / x.numel())


class _Moments(torch.autograd.Function):
    """Mean and biased variance (c,) which a kernel has computed beside its output, with their
    gradients.

    x (n, c, ...) is what the kernel saw: the input up to a constant for each channel.
    """

    @staticmethod
    def forward(ctx, x, mean, var):
        ctx.save_for_backward(x)
        return mean.view_as(mean), var.view_as(var)

    @staticmethod
    def backward(ctx, mean_gradient, var_gradient):
        return _of_moments(*ctx.saved_tensors, mean_gradient, var_gradient), None, None


class _Normalized(torch.autograd.Function):
    """(y, mean, biased variance) of x (n, c, ...) on a CPU, where torch's kernel adds up the
    variance term by term: in float32, 8,192 values a channel make it wrong by 25 to 500 roundings.
    torch.mean adds up in a cascade, so the kernels get their moments from it.
    """

    @staticmethod
    def forward(ctx, x, gamma, beta, epsilon):
        axes = [a for a in range(x.ndim) if a != 1]
        mean = x.mean(axes)
        var = torch.square(x).mean(axes) - torch.square(mean)
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(x, gamma, mean, torch.rsqrt(var + epsilon))
        ctx.epsilon = epsilon
        return torch.batch_norm(x, gamma, beta, mean, var, False, 0.0, epsilon, False), mean, var

    @staticmethod
    def backward(ctx, gradient, mean_gradient, var_gradient):
        x, gamma, mean, scale = ctx.saved_tensors
        of_x = of_gamma = of_beta = None
        if gradient is not None:
            # A broadcast gradient (of a mean, say) takes torch ten times as long.
            of_x, of_gamma, of_beta = torch.ops.aten.native_batch_norm_backward(
                gradient.contiguous(),
                x,
                gamma,
                None,
                None,
                mean.detach(),
                scale,
                True,
                ctx.epsilon,
                ctx.needs_input_grad[:3],
            )
        if ctx.needs_input_grad[0] and not (mean_gradient is None and var_gradient is None):
            of_moments = _of_moments(x, mean_gradient, var_gradient).expand_as(x)
            of_x = of_moments if of_x is None else of_x + of_moments
        return of_x, of_gamma, of_beta, None

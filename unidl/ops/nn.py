"""Functions of neural networks, by Keras' names."""

from __future__ import annotations

import builtins

from unidl.backend import dtypes
from unidl.ops.core import cast
from unidl.ops.core import shape as shape_of
from unidl.ops.dispatch import call, call_float, call_promoted, op
from unidl.ops.elementwise import add, clip, divide, log, maximum, multiply, negative, square, sqrt, subtract, tanh
from unidl.ops.fused import attention
from unidl.ops.indexing import one_hot
from unidl.ops.reductions import max, mean, sum, var
from unidl.ops.shaping import moveaxis, squeeze, swapaxes, transpose, where

# -- activations -----------------------------------------------------------------------------------


@op
def relu(x):
    """max(x, 0), with gradient 0 at 0."""
    return call_float("relu", x)


@op
def relu6(x):
    """min(max(x, 0), 6), with gradient 0 at both ends."""
    return call_float("relu6", x)


@op
def leaky_relu(x, negative_slope=0.2):
    """x above 0, else negative_slope * x."""
    return call_float("leaky_relu", x, negative_slope=negative_slope)


@op
def elu(x, alpha=1.0):
    """x above 0, else alpha * (exp(x) - 1) (Clevert et al., arXiv:1511.07289)."""
    return call_float("elu", x, alpha=alpha)


@op
def selu(x):
    """1.0507 * elu(x, 1.67326) (Klambauer et al., arXiv:1706.02515)."""
    return call_float("selu", x)


@op
def celu(x, alpha=1.0):
    """max(x, 0) + min(alpha * (exp(x / alpha) - 1), 0) (Barron, arXiv:1704.07483)."""
    return multiply(call_float("elu", divide(x, alpha), alpha=1.0), alpha)


@op
def gelu(x, approximate=True):
    """x * Phi(x), by the tanh approximation or exactly (Hendrycks & Gimpel, arXiv:1606.08415)."""
    return call_float("gelu", x, approximate=approximate)


@op
def silu(x):
    """x * sigmoid(x)."""
    return call_float("silu", x)


swish = silu


@op
def sigmoid(x):
    """1 / (1 + exp(-x))."""
    return call_float("sigmoid", x)


@op
def log_sigmoid(x):
    """log(sigmoid(x)) = -softplus(-x)."""
    return negative(call_float("softplus", negative(x)))


@op
def softplus(x):
    """log(1 + exp(x))."""
    return call_float("softplus", x)


@op
def softsign(x):
    """x / (1 + |x|)."""
    return divide(x, add(call("abs", x), 1.0))


@op
def hard_sigmoid(x):
    """relu6(x + 3) / 6."""
    return divide(call_float("relu6", add(x, 3.0)), 6.0)


@op
def hard_silu(x):
    """x * hard_sigmoid(x)."""
    return multiply(x, hard_sigmoid(x))


hard_swish = hard_silu


@op
def hard_tanh(x):
    """x within [-1, 1]."""
    return clip(x, -1.0, 1.0)


@op
def mish(x):
    """x * tanh(softplus(x)) (Misra, arXiv:1908.08681)."""
    return multiply(x, tanh(softplus(x)))


@op
def softmax(x, axis=-1):
    """exp(x) / sum(exp(x)) over `axis`, an int, several, or None for all."""
    return call_float("softmax", x, axis=tuple(range(len(shape_of(x)))) if axis is None else axis)


@op
def log_softmax(x, axis=-1):
    """log(softmax(x)), accurate where the softmax is near 0."""
    return call_float("log_softmax", x, axis=tuple(range(len(shape_of(x)))) if axis is None else axis)


# -- windows ---------------------------------------------------------------------------------------


def _tuple(value, rank):
    return (value,) * rank if isinstance(value, int) else tuple(value)


def _channels_last(x, data_format):
    """(x with channels last, function that puts the result's channels back)."""
    if data_format in (None, "channels_last"):
        return x, lambda y: y
    rank = len(shape_of(x))
    return transpose(x, (0, *range(2, rank), 1)), lambda y: transpose(y, (0, rank - 1, *range(1, rank - 1)))


@op
def conv(inputs, kernel, strides=1, padding="valid", data_format=None, dilation_rate=1):
    """Cross-correlation: inputs (n, *spatial, c), kernel (*window, c / groups, f) -> (n, *out, f); groups follow from the kernel.

    `padding` is "valid", "same" or explicit ((before, after), ...); with data_format "channels_first" inputs are (n, c, *spatial).
    """
    x, back = _channels_last(inputs, data_format)
    rank = len(shape_of(kernel)) - 2
    channels, inner = shape_of(x)[-1], shape_of(kernel)[-2]
    groups = channels // inner if channels and inner and channels % inner == 0 else 1
    strides, dilation = _tuple(strides, rank), _tuple(dilation_rate, rank)
    return back(call_promoted("conv", x, kernel, strides=strides, padding=padding, dilation=dilation, groups=groups))


@op
def depthwise_conv(inputs, kernel, strides=1, padding="valid", data_format=None, dilation_rate=1):
    """Each channel by its own m kernels: inputs (n, *spatial, c), kernel (*window, c, m) -> (n, *out, c * m)."""
    x, back = _channels_last(inputs, data_format)
    rank = len(shape_of(kernel)) - 2
    options = {"strides": _tuple(strides, rank), "padding": padding, "dilation": _tuple(dilation_rate, rank)}
    return back(call_promoted("depthwise_conv", x, kernel, **options))


@op
def separable_conv(inputs, depthwise_kernel, pointwise_kernel, strides=1, padding="valid", data_format=None, dilation_rate=1):
    """A depthwise convolution, then one of window 1 over the channels."""
    x = depthwise_conv(inputs, depthwise_kernel, strides, padding, data_format, dilation_rate)
    return conv(x, pointwise_kernel, 1, "valid", data_format, 1)


@op
def conv_transpose(inputs, kernel, strides=1, padding="valid", output_padding=None, data_format=None, dilation_rate=1):
    """Adjoint of a convolution: inputs (n, *spatial, c), kernel (*window, f, c) -> (n, *out, f)."""
    x, back = _channels_last(inputs, data_format)
    rank = len(shape_of(kernel)) - 2
    strides, dilation = _tuple(strides, rank), _tuple(dilation_rate, rank)
    extra = (None,) * rank if output_padding is None else _tuple(output_padding, rank)
    starts, sizes = zip(
        *(_transposed(*axis, padding) for axis in zip(shape_of(x)[1:-1], shape_of(kernel)[:rank], strides, dilation, extra, strict=True)),
        strict=True,
    )
    return back(call_promoted("conv_transpose", x, kernel, strides=strides, dilation=dilation, starts=starts, sizes=sizes))


def _transposed(n, window, stride, dilation, extra, padding):
    """(first element kept, number of elements) of one axis of a transposed convolution, by Keras' rule."""
    extent = (window - 1) * dilation + 1
    if padding == "valid":
        return 0, (n - 1) * stride + (builtins.max(extent, stride) if extra is None else extent + extra)
    if padding != "same":
        raise ValueError(f'conv_transpose: padding must be "valid" or "same", got {padding!r}.')
    if extra is None:
        return builtins.max(extent - stride, 0) // 2, n * stride
    return extent // 2, (n - 1) * stride + extent % 2 + extra


@op
def max_pool(inputs, pool_size, strides=None, padding="valid", data_format=None):
    """Maximum over windows of inputs (n, *spatial, c)."""
    return _pool("max_pool", inputs, pool_size, strides, padding, data_format)


@op
def average_pool(inputs, pool_size, strides=None, padding="valid", data_format=None):
    """Mean over windows of inputs (n, *spatial, c); padding does not count."""
    return _pool("avg_pool", inputs, pool_size, strides, padding, data_format)


def _pool(name, inputs, pool_size, strides, padding, data_format):
    x, back = _channels_last(inputs, data_format)
    rank = len(shape_of(x)) - 2
    window = _tuple(pool_size, rank)
    return back(call_float(name, x, window=window, strides=window if strides is None else _tuple(strides, rank), padding=padding))


# -- normalization ---------------------------------------------------------------------------------


@op
def moments(x, axes, keepdims=False, synchronized=False):
    """(mean, biased variance) over `axes`."""
    if synchronized:
        raise ValueError("moments: synchronized=True needs several devices training together, which is not offered.")
    return mean(x, axes, keepdims), var(x, axes, keepdims)


@op
def batch_normalization(x, mean, variance, axis, offset=None, scale=None, epsilon=1e-3):
    """(x - mean) * scale / sqrt(variance + epsilon) + offset, with 1-D moments along `axis`."""
    rank = len(shape_of(x))
    axes = tuple(a for a in range(rank) if a != axis % rank)
    return call("batch_norm_inference", x, scale, offset, mean, variance, axes=axes, epsilon=epsilon)


@op
def layer_normalization(x, gamma=None, beta=None, axis=-1, epsilon=None):
    """(x - mean) / sqrt(variance + epsilon) * gamma + beta over `axis`, of each sample."""
    axes = (axis,) if isinstance(axis, int) else tuple(axis)
    return call("layer_norm", x, gamma, beta, axes=axes, epsilon=1e-3 if epsilon is None else epsilon)


@op
def rms_normalization(x, scale=1, axis=-1, epsilon=None):
    """x / sqrt(mean(x**2) + epsilon) * scale (Zhang & Sennrich, arXiv:1910.07467)."""
    root = call_float("rsqrt", add(mean(square(x), axis=axis, keepdims=True), 1e-6 if epsilon is None else epsilon))
    return multiply(multiply(x, root), scale)


@op
def normalize(x, axis=-1, order=2, epsilon=None):
    """x divided by its norm over `axis`, at least epsilon."""
    from unidl.ops.linalg import norm

    return divide(x, maximum(norm(x, ord=order, axis=axis, keepdims=True), 1e-12 if epsilon is None else epsilon))


# -- losses ----------------------------------------------------------------------------------------

_TINY = 1e-7


@op
def categorical_crossentropy(target, output, from_logits=False, axis=-1):
    """-sum(target * log(p)) over `axis`; probabilities are normalised, then clipped to [1e-7, 1 - 1e-7]."""
    if from_logits:
        if axis in (-1, len(shape_of(output)) - 1):
            return call_promoted("softmax_cross_entropy", target, output)
        return negative(sum(multiply(target, log_softmax(output, axis)), axis=axis))
    p = clip(divide(output, sum(output, axis=axis, keepdims=True)), _TINY, 1 - _TINY)
    return negative(sum(multiply(target, log(p)), axis=axis))


@op
def sparse_categorical_crossentropy(target, output, from_logits=False, axis=-1):
    """-log(p[target]) for integer classes; probabilities are normalised, then clipped to [1e-7, 1 - 1e-7]."""
    rank = len(shape_of(output))
    if len(shape_of(target)) == rank and shape_of(target)[-1] == 1:
        target = squeeze(target, -1)
    if axis not in (-1, rank - 1):
        output = moveaxis(output, axis, -1)
    target = cast(target, "int32")
    if from_logits:
        return call("sparse_softmax_cross_entropy", target, output)
    p = clip(divide(output, sum(output, axis=-1, keepdims=True)), _TINY, 1 - _TINY)
    picked = call("take_along_axis", p, call("expand_dims", target, axis=-1), axis=-1)
    return negative(log(squeeze(picked, -1)))


@op
def binary_crossentropy(target, output, from_logits=False):
    """Elementwise -(t log p + (1 - t) log(1 - p)); probabilities are clipped to [1e-7, 1 - 1e-7]."""
    if from_logits:
        return call_promoted("sigmoid_cross_entropy", target, output)
    p = clip(output, _TINY, 1 - _TINY)
    return negative(add(multiply(target, log(p)), multiply(subtract(1.0, target), log(subtract(1.0, p)))))


# -- attention and the rest ------------------------------------------------------------------------


@op
def dot_product_attention(query, key, value, bias=None, mask=None, scale=None, is_causal=False):
    """softmax(query key^T * scale + bias) value for (batch, length, heads, dim) tensors.

    `mask` is bool, broadcasting to (batch, heads, query length, key length), True where attention may go.
    """
    from unidl.ops.creation import ones_like, tril
    from unidl.ops.elementwise import logical_and

    q, k, v = (swapaxes(x, 1, 2) for x in (query, key, value))
    scale = shape_of(query)[-1] ** -0.5 if scale is None else scale
    if is_causal:
        scores = ones_like(call_promoted("matmul", q, swapaxes(k, -1, -2)))
        causal = cast(tril(scores), "bool")
        mask = causal if mask is None else logical_and(mask, causal)
    if mask is not None:
        blocked = where(mask, 0.0, -1e9)
        bias = blocked if bias is None else add(bias, blocked)
    return swapaxes(attention(q, k, v, bias, scale), 1, 2)


@op
def multi_hot(inputs, num_classes, axis=-1, dtype=None):
    """Integers (..., k) -> (..., num_classes) with a 1 at each of the k classes."""
    return max(one_hot(inputs, num_classes, dtype=dtypes.standardize_dtype(dtype)), axis=-2)


@op
def squareplus(x, b=4):
    """(x + sqrt(x**2 + b)) / 2 (Barron, arXiv:2112.11687)."""
    return divide(add(x, sqrt(add(square(x), float(b)))), 2.0)


@op
def glu(x, axis=-1):
    """First half times the sigmoid of the second (Dauphin et al., arXiv:1612.08083)."""
    first, second = call("split", x, indices_or_sections=2, axis=axis)
    return multiply(first, sigmoid(second))


@op
def threshold(x, threshold, default_value):
    """x above the threshold, else `default_value`."""
    return where(call_promoted("greater", x, threshold), x, default_value)


@op
def hard_shrink(x, threshold=0.5):
    """x where |x| > threshold, else 0."""
    return where(call_promoted("greater", call("abs", x), threshold), x, 0.0)


@op
def soft_shrink(x, threshold=0.5):
    """x moved towards 0 by threshold, 0 where it would cross."""
    shrunk = subtract(x, multiply(call("sign", x), threshold))
    return where(call_promoted("greater", call("abs", x), threshold), shrunk, 0.0)


@op
def tanh_shrink(x):
    """x - tanh(x)."""
    return subtract(x, tanh(x))


@op
def sparse_plus(x):
    """0 below -1, ((x + 1) / 2)**2 within, x above 1."""
    middle = multiply(square(add(x, 1.0)), 0.25)
    return where(call_promoted("less_equal", x, -1), 0.0, where(call_promoted("less", x, 1), middle, x))


@op
def sparse_sigmoid(x):
    """0 below -1, (x + 1) / 2 within, 1 above 1."""
    return multiply(add(clip(x, -1.0, 1.0), 1.0), 0.5)


@op
def sparsemax(x, axis=-1):
    """Projection onto the probability simplex (Martins & Astudillo, arXiv:1602.02068)."""
    from unidl.ops.creation import arange
    from unidl.ops.reductions import cumsum
    from unidl.ops.shaping import flip
    from unidl.ops.indexing import sort

    rank = len(shape_of(x))
    if axis % rank != rank - 1:
        return swapaxes(sparsemax(swapaxes(x, axis, -1), -1), axis, -1)
    n = shape_of(x)[-1]
    descending = flip(sort(x, -1), -1)
    total = cumsum(descending, -1)
    k = cast(add(arange(n), 1), dtypes.floatx())
    inside = call_promoted("greater", add(1.0, multiply(k, descending)), total)
    size = sum(cast(inside, "float32"), axis=-1, keepdims=True)
    tau = divide(subtract(sum(where(inside, descending, 0.0), axis=-1, keepdims=True), 1.0), size)
    return maximum(subtract(x, tau), 0.0)


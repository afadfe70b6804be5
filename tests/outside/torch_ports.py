"""What a torch module is here: a call, and which of its parameters is which weight.

Each entry of `PORTS` takes the module and the arguments of its call. Convolutions and pooling are
channels first as in torch, and inputs without a batch axis get one.
"""

from __future__ import annotations

import numpy as np

from tests.outside import torch_losses, torch_recurrent
from tests.outside.torch_port import Port, Unported, each, same
from unidl import activations, layers, ops

FIRST = {"data_format": "channels_first", "dtype": "float64"}


def activation(function, *attributes):
    """A function of the input and of attributes of the module."""
    return lambda module, args, kwargs: Port(
        lambda x: function(x, *(getattr(module, name) for name in attributes))
    )


def batched(call, rank):
    """`call` for inputs of `rank` axes, and of one less: without the batch."""

    def either(x):
        return call(x) if len(ops.shape(x)) == rank else ops.squeeze(call(ops.expand_dims(x, 0)), 0)

    return either


# -- dense and convolutional -----------------------------------------------------------------------


def linear(module, args, kwargs):
    layer = layers.Dense(module.out_features, use_bias=module.bias is not None, dtype="float64")
    return Port(
        batched(layer, max(2, args[0].ndim)),
        lambda: same(layer, module, {"kernel": ("weight", lambda a: a.T), "bias": "bias"}),
    )


def conv(module, args, kwargs):
    rank = len(module.kernel_size)
    if module.padding_mode != "zeros":
        raise Unported("convolutions pad with zeros only")
    kind = getattr(layers, f"Conv{rank}D")
    layer = kind(
        module.out_channels, module.kernel_size, module.stride,
        "same" if module.padding == "same" else "valid", dilation_rate=module.dilation,
        groups=module.groups, use_bias=module.bias is not None, **FIRST,
    )  # fmt: skip
    amounts = (0,) * rank if isinstance(module.padding, str) else module.padding

    def call(x):
        return layer(
            ops.pad(x, [(0, 0), (0, 0), *((n, n) for n in amounts)]) if any(amounts) else x
        )

    kernel = ("weight", lambda a: np.transpose(a, (*range(2, rank + 2), 1, 0)))
    return Port(
        batched(call, rank + 2), lambda: same(layer, module, {"kernel": kernel, "bias": "bias"})
    )


def conv_transpose(module, args, kwargs):
    """The padding cuts off from the full result."""
    rank = len(module.kernel_size)
    if module.groups > 1:
        raise Unported("transposed convolutions have no groups")
    kind = getattr(layers, f"Conv{rank}DTranspose")
    layer = kind(
        module.out_channels, module.kernel_size, module.stride, "valid",
        output_padding=module.output_padding, dilation_rate=module.dilation,
        use_bias=module.bias is not None, **FIRST,
    )  # fmt: skip

    def call(x):
        return ops.get_item(layer(x), (Ellipsis, *(slice(n, -n or None) for n in module.padding)))

    kernel = ("weight", lambda a: np.transpose(a, (*range(2, rank + 2), 1, 0)))
    return Port(
        batched(call, rank + 2), lambda: same(layer, module, {"kernel": kernel, "bias": "bias"})
    )


# -- pooling and padding ---------------------------------------------------------------------------


def pool(kind, rank):
    def port(module, args, kwargs):
        window = each(module.kernel_size, rank)
        strides, padding = each(module.stride, rank), each(module.padding, rank)
        if getattr(module, "return_indices", False):
            raise Unported("max pooling does not return the positions of the maxima")
        if module.ceil_mode or max(each(getattr(module, "dilation", 1), rank)) > 1:
            raise Unported("pooling has no incomplete windows and no dilation")
        if any(padding) and kind == "Average" and not module.count_include_pad:
            raise Unported("what is padded by hand counts in the mean")
        layer = getattr(layers, f"{kind}Pooling{rank}D")(window, strides, "valid", **FIRST)
        fill = -np.inf if kind == "Max" else 0.0
        divisor = getattr(module, "divisor_override", None)

        def call(x):
            x = (
                ops.pad(x, [(0, 0), (0, 0), *((n, n) for n in padding)], constant_values=fill)
                if any(padding)
                else x
            )
            return ops.multiply(layer(x), float(np.prod(window)) / divisor) if divisor else layer(x)

        return Port(batched(call, rank + 2))

    return port


def adaptive(function, rank):
    def port(module, args, kwargs):
        if getattr(module, "return_indices", False):
            raise Unported("max pooling does not return the positions of the maxima")
        sizes = [
            n or size
            for n, size in zip(each(module.output_size, rank), args[0].shape[-rank:], strict=True)
        ]
        return Port(batched(lambda x: function(x, sizes, "channels_first"), rank + 2))

    return port


def padding(mode):
    def port(module, args, kwargs):
        """torch tells the amounts from the last axis on."""
        amounts = list(zip(module.padding[::2], module.padding[1::2], strict=True))[::-1]
        value = (
            {"constant_values": float(getattr(module, "value", 0))} if mode == "constant" else {}
        )
        return Port(
            lambda x: ops.pad(
                x, [(0, 0)] * (len(ops.shape(x)) - len(amounts)) + amounts, mode, **value
            )
        )

    return port


# -- normalization ---------------------------------------------------------------------------------


def batch_norm(module, args, kwargs):
    layer = layers.BatchNormalization(
        1,
        epsilon=module.eps,
        center=module.bias is not None,
        scale=module.weight is not None,
        dtype="float64",
    )
    return Port(
        lambda x: layer(x, training=True),
        lambda: same(layer, module, {"gamma": "weight", "beta": "bias"}),
    )


def group_norm(module, args, kwargs):
    groups = getattr(module, "num_groups", -1)
    layer = layers.GroupNormalization(
        groups,
        1,
        module.eps,
        center=module.bias is not None,
        scale=module.weight is not None,
        dtype="float64",
    )
    rank = (
        args[0].ndim
        if groups != -1
        else {"InstanceNorm1d": 3, "InstanceNorm2d": 4, "InstanceNorm3d": 5}[type(module).__name__]
    )
    return Port(
        batched(layer, rank), lambda: same(layer, module, {"gamma": "weight", "beta": "bias"})
    )


def layer_norm(module, args, kwargs):
    axes = list(range(-len(module.normalized_shape), 0))
    layer = layers.LayerNormalization(
        axes,
        module.eps,
        center=module.bias is not None,
        scale=module.weight is not None,
        dtype="float64",
    )
    return Port(layer, lambda: same(layer, module, {"gamma": "weight", "beta": "bias"}))


def rms_norm(module, args, kwargs):
    axes = list(range(-len(module.normalized_shape), 0))
    if module.weight is None:
        return Port(lambda x: ops.rms_normalization(x, None, axes, module.eps))
    layer = layers.RMSNormalization(axes, module.eps, dtype="float64")
    return Port(layer, lambda: same(layer, module, {"scale": "weight"}))


# -- the others ------------------------------------------------------------------------------------


def embedding(module, args, kwargs):
    layer = layers.Embedding(module.num_embeddings, module.embedding_dim, dtype="float64")
    return Port(layer, lambda: same(layer, module, {"embeddings": "weight"}))


def prelu(module, args, kwargs):
    """One slope for all, or one for each channel (axis 1)."""
    rank = args[0].ndim
    if rank < 2:
        raise Unported(
            "the slopes of PReLU belong to axes behind the batch, of which there are none"
        )
    many = module.num_parameters > 1
    layer = layers.PReLU(shared_axes=list(range(2 if many else 1, rank)), dtype="float64")
    shape = [-1 if axis == 1 and many else 1 for axis in range(1, rank)]
    return Port(
        layer, lambda: same(layer, module, {"alpha": ("weight", lambda a: a.reshape(shape))})
    )


def softplus(module, args, kwargs):
    if module.threshold < 20:
        raise Unported("softplus has no threshold above which it is x")
    return Port(lambda x: ops.divide(ops.softplus(ops.multiply(x, module.beta)), module.beta))


def multi_head_attention(module, args, kwargs):
    """Kernels (d, heads, d / heads) of the query, key and value are thirds of one matrix."""
    if module.bias_k is not None or module.add_zero_attn:
        raise Unported("attention has no key that is added to those given")
    padded, closed = kwargs.get("key_padding_mask"), kwargs.get("attn_mask")
    if any(mask is not None and mask.is_floating_point() for mask in (padded, closed)):
        raise Unported("masks are bools, not numbers to be added")
    if kwargs.get("need_weights", True) is False or module.in_proj_weight is None:
        raise Unported("query, key and value of different widths")
    d, heads = module.embed_dim, module.num_heads
    layer = layers.MultiHeadAttention(
        heads, d // heads, use_bias=module.in_proj_bias is not None, dtype="float64"
    )
    # torch's masks say what is left out: (t, s) or (n * heads, t, s), and (n, s), or (s,) of one
    # sample.
    left_out = (
        []
        if closed is None
        else [closed.reshape(-1, heads if closed.ndim == 3 else 1, *closed.shape[-2:])]
    )
    left_out += [] if padded is None else [padded.reshape(-1, 1, 1, padded.shape[-1])]
    allowed = ~np.logical_or.reduce(np.broadcast_arrays(*left_out)) if left_out else None

    def call(query, key, value):
        flat = len(ops.shape(query)) == 2
        order = (
            (lambda x: ops.expand_dims(x, 0))
            if flat
            else (lambda x: x if module.batch_first else ops.swapaxes(x, 0, 1))
        )
        y, scores = layer(
            order(query),
            order(value),
            order(key),
            attention_mask=allowed,
            return_attention_scores=True,
        )
        scores = ops.mean(scores, 1)
        if flat:
            return ops.squeeze(y, 0), ops.squeeze(scores, 0)
        return (y if module.batch_first else ops.swapaxes(y, 0, 1)), scores

    def weights():
        found = []
        for i, name in enumerate(("query", "key", "value")):
            part = slice(i * d, (i + 1) * d)
            dense = getattr(layer, f"{name}_dense")
            split = lambda a, part=part: a[part].T.reshape(d, heads, d // heads)  # noqa: E731
            found += same(dense, module, {"kernel": ("in_proj_weight", split)})
            if module.in_proj_bias is not None:
                found += same(
                    dense,
                    module,
                    {"bias": ("in_proj_bias", lambda a, part=part: a[part].reshape(heads, -1))},
                )
        out = {
            "kernel": ("out_proj.weight", lambda a: a.T.reshape(heads, d // heads, d)),
            "bias": "out_proj.bias",
        }
        return found + same(layer.output_dense, module, out)

    return Port(call, weights)


PORTS = {
    "BatchNorm1d": batch_norm,
    "BatchNorm2d": batch_norm,
    "BatchNorm3d": batch_norm,
    "CELU": activation(ops.celu, "alpha"),
    "Conv1d": conv,
    "Conv2d": conv,
    "Conv3d": conv,
    "ConvTranspose1d": conv_transpose,
    "ConvTranspose2d": conv_transpose,
    "ConvTranspose3d": conv_transpose,
    "ELU": activation(ops.elu, "alpha"),
    "Embedding": embedding,
    "GELU": lambda module, args, kwargs: Port(
        lambda x: ops.gelu(x, approximate=module.approximate == "tanh")
    ),
    "GLU": activation(ops.glu, "dim"),
    "GroupNorm": group_norm,
    "Hardshrink": activation(ops.hard_shrink, "lambd"),
    "Hardswish": activation(ops.hard_swish),
    "Hardtanh": activation(ops.clip, "min_val", "max_val"),
    "InstanceNorm1d": group_norm,
    "InstanceNorm2d": group_norm,
    "InstanceNorm3d": group_norm,
    "LayerNorm": layer_norm,
    "LeakyReLU": activation(ops.leaky_relu, "negative_slope"),
    "Linear": linear,
    "LogSigmoid": activation(activations.log_sigmoid),
    "LogSoftmax": activation(ops.log_softmax, "dim"),
    "Mish": activation(ops.mish),
    "MultiheadAttention": multi_head_attention,
    "PReLU": prelu,
    "ReLU": activation(activations.relu),
    "ReLU6": activation(ops.relu6),
    "RMSNorm": rms_norm,
    "SELU": activation(ops.selu),
    "Sigmoid": activation(ops.sigmoid),
    "SiLU": activation(ops.silu),
    "Softmax": activation(ops.softmax, "dim"),
    "Softmax2d": lambda module, args, kwargs: Port(lambda x: ops.softmax(x, -3)),
    "Softmin": lambda module, args, kwargs: Port(
        lambda x: ops.softmax(ops.negative(x), module.dim)
    ),
    "Softplus": softplus,
    "Softshrink": activation(ops.soft_shrink, "lambd"),
    "Softsign": activation(ops.softsign),
    "Tanh": activation(ops.tanh),
    "Tanhshrink": activation(ops.tanh_shrink),
    "Threshold": activation(ops.threshold, "threshold", "value"),
    **{
        f"{kind}Pool{n}d": pool(name, n)
        for kind, name in (("Max", "Max"), ("Avg", "Average"))
        for n in (1, 2, 3)
    },
    **{f"AdaptiveAvgPool{n}d": adaptive(ops.adaptive_average_pool, n) for n in (1, 2, 3)},
    **{f"AdaptiveMaxPool{n}d": adaptive(ops.adaptive_max_pool, n) for n in (1, 2, 3)},
    **{
        f"{kind}Pad{n}d": padding(mode)
        for kind, mode in (
            ("Zero", "constant"),
            ("Constant", "constant"),
            ("Reflection", "reflect"),
            ("Replication", "edge"),
        )
        for n in (1, 2, 3)
    },
    **torch_losses.PORTS,
    **torch_recurrent.PORTS,
}

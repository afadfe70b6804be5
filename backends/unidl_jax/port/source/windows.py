"""Convolutions, pooling, padding and sizes of images: the channels are last in JAX too."""

from __future__ import annotations

from typing import Any

import numpy as np

from unidl import layers
from unidl.ops.convolution import transposed_cut
from unidl.port.errors import Refused
from unidl.port.layers import ConstantPadding
from unidl.port.source.rules import bias_of, one_or_each, unless
from unidl.port.source.windows import masked_mean
from unidl.port.weight_rules import between
from unidl_jax.port.source.rules import (
    RULES,
    activated,
    is_channels_first,
    layer,
    made,
    moved_back,
    with_channels_last,
)

_CONVOLUTIONS = (
    layers.Conv1D, layers.Conv2D, layers.Conv3D, layers.DepthwiseConv1D, layers.DepthwiseConv2D,
    layers.SeparableConv1D, layers.SeparableConv2D,
)  # fmt: skip
_MAX_POOLS = (layers.MaxPooling1D, layers.MaxPooling2D, layers.MaxPooling3D)
_AVERAGE_POOLS = (layers.AveragePooling1D, layers.AveragePooling2D, layers.AveragePooling3D)


def _unless_one(sizes: Any) -> Any:
    return None if max(sizes) == 1 else one_or_each(sizes)


def _padding(m: Any, call: Any) -> Any:
    """As a name, or as pairs that a layer of padding left to this one."""
    left = call.scope.padding.get(id(call.node.inputs[0]))
    return left if left is not None else m.padding.upper()


def _convolution(m: Any, call: Any, before: int, after: int, groups: int, use_bias: bool) -> str:
    """What makes a convolution with the windows of `m`."""
    return made(
        "nnx.Conv", before, after, tuple(m.kernel_size), strides=_unless_one(m.strides),
        padding=unless(_padding(m, call), "SAME"), kernel_dilation=_unless_one(m.dilation_rate),
        feature_group_count=unless(groups, 1), use_bias=unless(use_bias, True),
    )  # fmt: skip


def _finished(m: Any, call: Any, text: str) -> str:
    return activated(m.activation, call, moved_back(m, text))


@layer(layers.Conv1D, layers.Conv2D, layers.Conv3D)
def convolution(m: Any, call: Any) -> str:
    before = m.kernel.shape[-2] * m.groups
    conv = _convolution(m, call, before, m.filters, m.groups, m.use_bias)
    me = call.child(conv, ("kernel", m.kernel), *bias_of(m))
    return _finished(m, call, f"{me}({with_channels_last(m, call)})")


def _depthwise(kernel: Any) -> Any:
    """(*window, channels, multiplier) from (*window, 1, channels * multiplier)."""
    *window, channels, multiplier = kernel.shape
    return between((*window, channels, multiplier), (*window, 1, channels * multiplier))


@layer(layers.DepthwiseConv1D, layers.DepthwiseConv2D)
def depthwise_convolution(m: Any, call: Any) -> str:
    channels = m.kernel.shape[-2]
    conv = _convolution(m, call, channels, channels * m.depth_multiplier, channels, m.use_bias)
    me = call.child(conv, ("kernel", m.kernel, _depthwise(m.kernel)), *bias_of(m))
    return _finished(m, call, f"{me}({with_channels_last(m, call)})")


@layer(layers.SeparableConv1D, layers.SeparableConv2D)
def separable_convolution(m: Any, call: Any) -> str:
    channels = m.depthwise_kernel.shape[-2]
    wide = channels * m.depth_multiplier
    depthwise = _convolution(m, call, channels, wide, channels, False)
    ones = (1,) * (call.rank - 2)
    pointwise = made("nnx.Conv", wide, m.filters, ones, use_bias=None if m.use_bias else False)
    me = call.child(
        f"nnx.Sequential({depthwise}, {pointwise})",
        ("layers.0.kernel", m.depthwise_kernel, _depthwise(m.depthwise_kernel)),
        ("layers.1.kernel", m.pointwise_kernel),
        *([("layers.1.bias", m.bias)] if m.use_bias else []),
    )
    return _finished(m, call, f"{me}({with_channels_last(m, call)})")


@layer(layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose)
def transposed_convolution(m: Any, call: Any) -> str:
    is_plain = m.output_padding is None and max(m.dilation_rate) == 1
    conv = made(
        "nnx.ConvTranspose", m.kernel.shape[-1], m.filters, tuple(m.kernel_size),
        strides=_unless_one(m.strides),
        padding=unless(m.padding.upper(), "SAME") if is_plain else _transposed_padding(m),
        kernel_dilation=_unless_one(m.dilation_rate), use_bias=None if m.use_bias else False,
        transpose_kernel=True,
    )  # fmt: skip
    me = call.child(conv, ("kernel", m.kernel), *bias_of(m))
    return _finished(m, call, f"{me}({with_channels_last(m, call)})")


def _transposed_padding(m: Any) -> tuple:
    """Of the inputs that stand `strides` apart, so that the full result begins and ends where ours
    does."""
    pairs = []
    extra = m.output_padding or (None,) * len(m.strides)
    sizes = zip(m.kernel_size, m.strides, m.dilation_rate, extra, strict=True)
    for k, s, d, more in sizes:
        start, out = transposed_cut(1, k, s, d, m.padding, more)
        pairs.append(((k - 1) * d - start, out - 1 + start))
    return tuple(pairs)


def _pooling(name: str, more: str = "") -> Any:
    def rule(m: Any, call: Any) -> str:
        text = f"nnx.{name}({with_channels_last(m, call)}, {tuple(m.pool_size)}"
        text += f", strides={tuple(m.strides)}"
        padding = _padding(m, call)
        text += "" if padding == "VALID" else f", padding={padding!r}"
        return moved_back(m, f"{text}{more if padding == 'SAME' else ''})")

    return rule


RULES.update(dict.fromkeys(_MAX_POOLS, _pooling("max_pool")))
RULES.update(dict.fromkeys(_AVERAGE_POOLS, _pooling("avg_pool", ", count_include_pad=False")))


def _global(name: str) -> Any:
    def rule(m: Any, call: Any) -> str:
        if call.mask():
            return masked_mean(m, call)
        start = 2 if is_channels_first(m) else 1
        axes = tuple(range(start, start + call.rank - 2))
        where = axes[0] if len(axes) == 1 else axes
        return f"{call.plain()}.{name}(axis={where}{', keepdims=True' if m.keepdims else ''})"

    return rule


for _rank in "123":
    RULES[getattr(layers, f"GlobalAveragePooling{_rank}D")] = _global("mean")
    RULES[getattr(layers, f"GlobalMaxPooling{_rank}D")] = _global("max")


def _adaptive(name: str) -> Any:
    def rule(m: Any, call: Any) -> str:
        x, sizes = with_channels_last(m, call), tuple(m.output_size)
        return moved_back(m, f"{call.helper('adaptive_pool')}({x}, {sizes}, jnp.{name})")

    return rule


for _rank in "123":
    RULES[getattr(layers, f"AdaptiveAveragePooling{_rank}D")] = _adaptive("mean")
    RULES[getattr(layers, f"AdaptiveMaxPooling{_rank}D")] = _adaptive("max")


# Padding and its opposite.


@layer(layers.ZeroPadding1D, layers.ZeroPadding2D, layers.ZeroPadding3D)
def zero_padding(m: Any, call: Any) -> str | None:
    return _padded(m, call, [m.padding] if call.rank == 3 else m.padding, 0.0)


@layer(ConstantPadding)
def constant_padding(m: Any, call: Any) -> str | None:
    return _padded(m, call, m.padding, m.value)


def _padded(m: Any, call: Any, pairs: Any, value: float) -> str | None:
    pairs = tuple((int(a), int(b)) for a, b in pairs)
    if _is_left_to_the_next(m, call, value):
        call.scope.padding[id(call.outputs[0])] = pairs
        call.scope.same_as(call, False, call.plain())
        return None
    around = [(0, 0), *pairs, (0, 0)]
    if is_channels_first(m):
        around = [(0, 0), (0, 0), *pairs]
    fill = f", constant_values={value!r}".replace("inf", "jnp.inf") if value else ""
    return f"jnp.pad({call.plain()}, {tuple(around)}{fill})"


def _is_left_to_the_next(m: Any, call: Any, value: float) -> bool:
    """Whether a convolution or pooling stands behind that can pad by itself."""
    user = call.only_user()
    if user is None or getattr(user.operation, "padding", None) != "valid":
        return False
    kind = type(user.operation)
    if is_channels_first(m) or is_channels_first(user.operation):
        return False
    zero = (*_CONVOLUTIONS, *_AVERAGE_POOLS)
    return (kind in zero and value == 0) or (kind in _MAX_POOLS and value == -np.inf)


@layer(layers.Cropping1D, layers.Cropping2D, layers.Cropping3D)
def cropping(m: Any, call: Any) -> str:
    pairs = [m.cropping] if call.rank == 3 else m.cropping
    cuts = [f"{a or ''}:{-b or ''}" for a, b in pairs]
    before = [":", ":"] if is_channels_first(m) else [":"]
    return f"{call.plain()}[{', '.join([*before, *cuts])}]"


# Other sizes.


@layer(layers.UpSampling1D, layers.UpSampling2D, layers.UpSampling3D)
def up_sampling(m: Any, call: Any) -> str:
    size = (m.size,) if isinstance(m.size, int) else tuple(m.size)
    mode = getattr(m, "interpolation", "nearest")
    if mode != "nearest":
        x = with_channels_last(m, call)
        space = [2, 3] if is_channels_first(m) else [1, 2]
        sizes = [f"{call.plain()}.shape[{a}] * {k}" for a, k in zip(space, size, strict=True)]
        return _resized(m, call, x, sizes, mode, False)
    text, start = call.plain(), 2 if is_channels_first(m) else 1
    for axis, factor in enumerate(size, start):
        text = text if factor == 1 else f"jnp.repeat({text}, {factor}, axis={axis})"
    return text


def _resized(m: Any, call: Any, x: str, sizes: list, mode: str, antialias: bool) -> str:
    name, channels = call.plain(), 1 if is_channels_first(m) else -1
    shape = f"({name}.shape[0], {sizes[0]}, {sizes[1]}, {name}.shape[{channels}])"
    smooth = "" if antialias else ", antialias=False"
    return moved_back(m, f"jax.image.resize({x}, {shape}, {mode!r}{smooth})")


@layer(layers.Resizing)
def resizing(m: Any, call: Any) -> str:
    if m.crop_to_aspect_ratio or m.pad_to_aspect_ratio or call.rank != 4:
        raise Refused("resizing that cuts or pads, or of one image")
    if "float" not in call.node.inputs[0].dtype:
        raise Refused("resizing of integers")
    x = with_channels_last(m, call)
    return _resized(m, call, x, [m.height, m.width], m.interpolation, m.antialias)

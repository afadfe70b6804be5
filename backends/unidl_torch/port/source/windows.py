"""Convolutions, pooling, padding and sizes of images."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from unidl import layers
from unidl.port.errors import Refused
from unidl.port.layers import ConstantPadding
from unidl.port.source.rules import Text, bias_of, called, one_or_each, unless
from unidl.port.source.windows import (
    kernel_first,
    left_to_the_next,
    masked_mean,
    same_pairs,
    window_input,
)
from unidl.port.weight_rules import depthwise
from unidl_torch.port.source.functions import function
from unidl_torch.port.source.rules import RULES, activated, layer


def _padded(
    call: Any, x: str, m: Any, window: Any, strides: Any, dilation: Any, value: float = 0.0
):
    """(`x` padded where it has to be, the padding that the module does itself)."""
    if m.padding == "valid":
        return x, call.scope.padding.get(id(call.node.inputs[0]))
    if m.padding == "causal":
        before = dilation[0] * (window[0] - 1)
        return f"F.pad({x}, ({before}, 0))", None
    pairs = same_pairs(m, call, window, strides, dilation)
    if pairs is None:
        call.helper("same_padding")
        given = f"{tuple(window)}, {tuple(strides)}, {tuple(dilation)}"
        behind = f", {value!r}" if value else ""
        return f"same_padding({x}, {given}{behind})".replace("-inf", "-torch.inf"), None
    if all(a == b for a, b in pairs):
        return x, one_or_each(a for a, _ in pairs) or None
    flat = tuple(n for pair in reversed(pairs) for n in pair)
    behind = ", value=-torch.inf" if value else ""
    return f"F.pad({x}, {flat}{behind})", None


@layer(layers.Conv1D, layers.Conv2D, layers.Conv3D)
def convolution(m: Any, call: Any) -> str:
    made, x = _moved(m, call, m.kernel.shape[-2] * m.groups, m.filters, m.groups, m.use_bias)
    me = call.child(made, ("weight", m.kernel, kernel_first(call.rank - 2)), *bias_of(m))
    return activated(m.activation, call, f"{me}({x})")


def _moved(m: Any, call: Any, before: int, after: int, groups: int, use_bias: bool) -> tuple:
    """(what makes a convolution with the windows of `m`, its input, padded where it has to be)."""
    x = window_input(m, call)
    x, padding = _padded(call, x, m, m.kernel_size, m.strides, m.dilation_rate)
    made = called(
        f"nn.Conv{call.rank - 2}d", before, after, one_or_each(m.kernel_size),
        stride=_unless_one(m.strides), padding=padding, dilation=_unless_one(m.dilation_rate),
        groups=unless(groups, 1), bias=unless(use_bias, True),
    )  # fmt: skip
    return made, x


def _unless_one(sizes: Any) -> Any:
    return None if max(sizes) == 1 else one_or_each(sizes)


@layer(layers.DepthwiseConv1D, layers.DepthwiseConv2D)
def depthwise_convolution(m: Any, call: Any) -> str:
    channels = m.kernel.shape[-2]
    made, x = _moved(m, call, channels, channels * m.depth_multiplier, channels, m.use_bias)
    me = call.child(made, ("weight", m.kernel, depthwise(m.depth_multiplier)), *bias_of(m))
    return activated(m.activation, call, f"{me}({x})")


@layer(layers.SeparableConv1D, layers.SeparableConv2D)
def separable_convolution(m: Any, call: Any) -> str:
    rank, channels = call.rank - 2, m.depthwise_kernel.shape[-2]
    wide = channels * m.depth_multiplier
    first, x = _moved(m, call, channels, wide, channels, False)
    pointwise = called(f"nn.Conv{rank}d", wide, m.filters, 1, bias=None if m.use_bias else False)
    me = call.child(
        f"nn.Sequential({first}, {pointwise})",
        ("0.weight", m.depthwise_kernel, depthwise(m.depth_multiplier)),
        ("1.weight", m.pointwise_kernel, kernel_first(rank)),
        *([("1.bias", m.bias)] if m.use_bias else []),
    )
    return activated(m.activation, call, f"{me}({x})")


@layer(layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose)
def transposed_convolution(m: Any, call: Any) -> str:
    rank = call.rank - 2
    if m.output_padding is not None or max(m.dilation_rate) > 1:
        raise Refused("a transposed convolution with output_padding or dilation")
    made = called(
        f"nn.ConvTranspose{rank}d", m.kernel.shape[-1], m.filters, one_or_each(m.kernel_size),
        stride=_unless_one(m.strides), bias=None if m.use_bias else False,
    )  # fmt: skip
    me = call.child(made, ("weight", m.kernel, kernel_first(rank)), *bias_of(m))
    y = f"{me}({window_input(m, call)})"
    cuts = []
    for k, s in zip(m.kernel_size, m.strides, strict=True):
        if m.padding == "valid":
            extra = max(s - k, 0)  # unidl has these zeros behind
            if extra:
                raise Refused("strides that are larger than the window")
            cuts.append(":")
            continue
        if k < s:
            raise Refused("strides that are larger than the window")
        before = (k - s) // 2
        after = k - s - before
        cuts.append(f"{before or ''}:{-after or ''}")
    if any(c != ":" for c in cuts):
        y += f"[:, :, {', '.join(cuts)}]"
    return activated(m.activation, call, y)


@layer(layers.MaxPooling1D, layers.MaxPooling2D, layers.MaxPooling3D)
def max_pooling(m: Any, call: Any) -> str:
    rank = call.rank - 2
    x = window_input(m, call)
    x, padding = _padded(call, x, m, m.pool_size, m.strides, (1,) * rank, value=-np.inf)
    size, strides = one_or_each(m.pool_size), one_or_each(m.strides)
    more = "" if strides == size else f", stride={strides}"
    more += f", padding={padding}" if padding else ""
    return f"F.max_pool{rank}d({x}, {size}{more})"


@layer(layers.AveragePooling1D, layers.AveragePooling2D, layers.AveragePooling3D)
def average_pooling(m: Any, call: Any) -> str:
    rank = call.rank - 2
    x = window_input(m, call)
    padded, padding = _padded(call, x, m, m.pool_size, m.strides, (1,) * rank)
    if padded.startswith("F.pad("):
        sides = padded.removeprefix(f"F.pad({x}, ").removesuffix(")")
        window = f"{tuple(m.pool_size)}, {tuple(m.strides)}"
        return f"{call.helper('average_pool')}({x}, {window}, {sides})"
    if padded != x:
        raise Refused("average pooling with padding='same' of open sizes")
    size, strides = one_or_each(m.pool_size), one_or_each(m.strides)
    more = "" if strides == size else f", stride={strides}"
    more += f", padding={padding}" if padding else ""
    more += ", count_include_pad=False" if padding and m.padding == "same" else ""
    return f"F.avg_pool{rank}d({x}, {size}{more})"


def _global(name: str) -> Any:
    def rule(m: Any, call: Any) -> str:
        if call.mask():
            return masked_mean(m, call)
        x = window_input(m, call)
        call.first = call.first and m.keepdims
        dims = tuple(range(2, call.rank))
        return f"{x}.{name}(dim={dims}{', keepdim=True' if m.keepdims else ''})"

    return rule


for _rank in "123":
    RULES[getattr(layers, f"GlobalAveragePooling{_rank}D")] = _global("mean")
    RULES[getattr(layers, f"GlobalMaxPooling{_rank}D")] = _global("amax")


@layer(layers.ZeroPadding1D, layers.ZeroPadding2D, layers.ZeroPadding3D)
def zero_padding(m: Any, call: Any) -> str | None:
    pairs = [m.padding] if call.rank == 3 else m.padding
    return _pad(call, window_input(m, call), pairs, 0.0)


def _pad(call: Any, x: str, pairs: Any, value: float) -> str | None:
    if left_to_the_next(call, pairs, value, x):
        return None
    fill = f", value={value!r}".replace("inf", "torch.inf") if value else ""
    return f"F.pad({x}, {_flat(pairs)}{fill})"


def _flat(pairs: Any) -> tuple:
    """Pairs as F.pad takes them: the last axis first."""
    return tuple(int(n) for pair in reversed(list(pairs)) for n in pair)


@layer(ConstantPadding)
def constant_padding(m: Any, call: Any) -> str | None:
    return _pad(call, call.channels_first(), m.padding, m.value)


@layer(layers.Cropping1D, layers.Cropping2D, layers.Cropping3D)
def cropping(m: Any, call: Any) -> str:
    pairs = [m.cropping] if call.rank == 3 else m.cropping
    return f"F.pad({window_input(m, call)}, {tuple(-n for n in _flat(pairs))})"


@layer(layers.UpSampling1D, layers.UpSampling2D, layers.UpSampling3D)
def up_sampling(m: Any, call: Any) -> str:
    mode = getattr(m, "interpolation", "nearest")
    if mode not in ("nearest", "bilinear"):
        raise Refused(f"interpolation={mode!r}")
    size = (m.size,) if isinstance(m.size, int) else m.size
    more = "" if mode == "nearest" else f", mode={mode!r}"
    return f"F.interpolate({window_input(m, call)}, scale_factor={tuple(map(float, size))}{more})"


@layer(layers.Resizing)
def resizing(m: Any, call: Any) -> str:
    unusual = m.crop_to_aspect_ratio or m.pad_to_aspect_ratio or call.rank != 4
    if m.interpolation != "bilinear" or m.antialias or unusual:
        raise Refused("resizing that is not plainly bilinear")
    return f"F.interpolate({window_input(m, call)}, {(m.height, m.width)}, mode='bilinear')"


def _adaptive(name: str) -> Any:
    def rule(m: Any, call: Any) -> str:
        x = window_input(m, call)
        return f"F.adaptive_{name}_pool{call.rank - 2}d({x}, {tuple(m.output_size)})"

    return rule


for _rank in "123":
    RULES[getattr(layers, f"AdaptiveAveragePooling{_rank}D")] = _adaptive("avg")
    RULES[getattr(layers, f"AdaptiveMaxPooling{_rank}D")] = _adaptive("max")


@layer(layers.SpatialDropout1D, layers.SpatialDropout2D, layers.SpatialDropout3D)
def spatial_dropout(m: Any, call: Any) -> str:
    me = call.child(called(f"nn.Dropout{call.rank - 2}d", m.rate))
    return f"{me}({window_input(m, call)})"


@function("conv")
def conv(
    call: Any, x: Any, kernel: Any, strides: Any = 1, padding: str = "valid",
    data_format: Any = None, dilation_rate: Any = 1,
) -> str:  # fmt: skip
    rank = len(x.shape) - 2
    steps, dilation = (
        (n,) * rank if isinstance(n, int) else tuple(n) for n in (strides, dilation_rate)
    )
    m = SimpleNamespace(padding=padding, data_format=data_format or "channels_last")
    text, pads = _padded(call, window_input(m, call), m, kernel.shape[:rank], steps, dilation)
    axes = (rank + 1, rank, *range(rank))
    groups = (x.shape[1] if m.data_format == "channels_first" else x.shape[-1]) // kernel.shape[-2]
    return called(
        f"F.conv{rank}d", Text(text), Text(f"{call.text(kernel)}.permute{axes}"),
        stride=_unless_one(steps), padding=pads, dilation=_unless_one(dilation),
        groups=unless(groups, 1),
    )  # fmt: skip

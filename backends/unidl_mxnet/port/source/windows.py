"""Convolutions, pooling, padding and sizes of images."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from unidl import layers
from unidl.ops.convolution import transposed_cut
from unidl.port.errors import Refused
from unidl.port.layers import ConstantPadding
from unidl.port.source.rules import Text, bias_of, called, one_or_each, unless
from unidl.port.source.windows import (
    kernel_first,
    left_to_the_next,
    masked_mean,
    same_pairs,
    space,
    window_input,
)
from unidl.port.weight_rules import depthwise, flipped, transposed
from unidl_mxnet.port.source.functions import function
from unidl_mxnet.port.source.rules import RULES, activated, argument, layer
from unidl_mxnet.port.source.shaping import padded

_OPEN = "padding='same' with strides, for a size that is open: it depends on it"


def _sizes(sizes: Any) -> Any:
    return one_or_each(int(n) for n in sizes)


def _unless(sizes: Any, default: int) -> Any:
    """None for the default along all axes."""
    sizes = tuple(sizes)
    return None if set(sizes) == {default} else _sizes(sizes)


def _convolved(
    m: Any, call: Any, channels: int, after: int, groups: int, bias: bool | None
) -> tuple:
    """(what makes a convolution with the windows of `m`, its input, padded where it has to be);
    with a `bias` of None it has no activation either."""
    x, padding = window_input(m, call), None
    if m.padding == "causal":
        x = padded(call, x, [(0, 0), (0, 0), (m.dilation_rate[0] * (m.kernel_size[0] - 1), 0)])
    elif m.padding == "valid":
        padding = call.scope.padding.get(id(call.node.inputs[0]))
    else:
        pairs = same_pairs(m, call, m.kernel_size, m.strides, m.dilation_rate)
        if pairs is None:
            raise Refused(_OPEN)
        if all(a == b for a, b in pairs):
            padding = _unless((a for a, _ in pairs), 0)
        else:
            x = padded(call, x, [(0, 0), (0, 0), *pairs])
    made = called(
        f"nn.Conv{call.rank - 2}D", after, _sizes(m.kernel_size), strides=_unless(m.strides, 1),
        padding=padding, dilation=_unless(m.dilation_rate, 1), groups=unless(groups, 1),
        activation=argument(m.activation) if bias is not None else None,
        use_bias=None if bias else False, in_channels=channels,
    )  # fmt: skip
    return made, x


@layer(layers.Conv1D, layers.Conv2D, layers.Conv3D)
def convolution(m: Any, call: Any) -> str:
    made, x = _convolved(m, call, m.kernel.shape[-2] * m.groups, m.filters, m.groups, m.use_bias)
    me = call.child(made, ("weight", m.kernel, kernel_first(call.rank - 2)), *bias_of(m))
    return activated(m.activation, call, f"{me}({x})")


@function("conv")
def conv(
    call: Any, x: Any, kernel: Any, strides: Any = 1, padding: str = "valid",
    data_format: Any = None, dilation_rate: Any = 1,
) -> str:  # fmt: skip
    rank, data_format = len(x.shape) - 2, data_format or "channels_last"
    steps, dilation = (
        (n,) * rank if isinstance(n, int) else tuple(n) for n in (strides, dilation_rate)
    )
    m = SimpleNamespace(data_format=data_format)
    text, size, pads = window_input(m, call), tuple(kernel.shape[:rank]), None
    if padding == "same":
        pairs = same_pairs(m, call, size, steps, dilation)
        if pairs is None:
            raise Refused(_OPEN)
        pads = _unless((a for a, _ in pairs), 0)
        if any(a != b for a, b in pairs):
            text, pads = padded(call, text, [(0, 0), (0, 0), *pairs]), None
    channels = x.shape[1] if data_format == "channels_first" else x.shape[-1]
    axes = (rank + 1, rank, *range(rank))
    return called(
        "F.Convolution", Text(text), Text(f"F.transpose({call.text(kernel)}, axes={axes})"),
        kernel=size, num_filter=kernel.shape[-1], stride=_each(steps, 1), pad=_as_tuple(pads, rank),
        dilate=_each(dilation, 1), num_group=unless(channels // kernel.shape[-2], 1), no_bias=True,
    )  # fmt: skip


def _each(sizes: tuple, default: int) -> Any:
    return None if set(sizes) == {default} else sizes


def _as_tuple(sizes: Any, rank: int) -> Any:
    return (sizes,) * rank if isinstance(sizes, int) else sizes


@layer(layers.DepthwiseConv1D, layers.DepthwiseConv2D)
def depthwise_convolution(m: Any, call: Any) -> str:
    channels = m.kernel.shape[-2]
    made, x = _convolved(m, call, channels, channels * m.depth_multiplier, channels, m.use_bias)
    me = call.child(made, ("weight", m.kernel, depthwise(m.depth_multiplier)), *bias_of(m))
    return activated(m.activation, call, f"{me}({x})")


@layer(layers.SeparableConv1D, layers.SeparableConv2D)
def separable_convolution(m: Any, call: Any) -> str:
    rank, channels = call.rank - 2, m.depthwise_kernel.shape[-2]
    wide = channels * m.depth_multiplier
    first, x = _convolved(m, call, channels, wide, channels, None)
    second = called(
        f"nn.Conv{rank}D", m.filters, 1, activation=argument(m.activation),
        use_bias=None if m.use_bias else False, in_channels=wide,
    )  # fmt: skip
    me = call.child(
        "nn.HybridSequential()",
        ("0.weight", m.depthwise_kernel, depthwise(m.depth_multiplier)),
        ("1.weight", m.pointwise_kernel, kernel_first(rank)),
        *([("1.bias", m.bias)] if m.use_bias else []),
        after=(f"add({first}, {second})",),
    )
    return activated(m.activation, call, f"{me}({x})")


@layer(layers.Conv1DTranspose, layers.Conv2DTranspose)
def transposed_convolution(m: Any, call: Any) -> str:
    padding, extra, cuts = [], [], []
    for start, out, extent, stride in _cuts(m):
        # Gluon takes `start` away on both sides, and up to strides - 1 of it are put back.
        behind = out - extent + 2 * start
        if behind >= stride and behind > 0:
            raise Refused(f"a transposed convolution with padding={m.padding!r} and these windows")
        padding.append(start)
        extra.append(max(behind, 0))
        cuts.append(min(behind, 0))
    made = called(
        f"nn.Conv{call.rank - 2}DTranspose", m.filters, _sizes(m.kernel_size),
        strides=_unless(m.strides, 1), padding=_unless(padding, 0),
        output_padding=_unless(extra, 0), dilation=_unless(m.dilation_rate, 1),
        activation=argument(m.activation), use_bias=None if m.use_bias else False,
        in_channels=m.kernel.shape[-1],
    )  # fmt: skip
    me = call.child(made, ("weight", m.kernel, kernel_first(call.rank - 2)), *bias_of(m))
    y = f"{me}({window_input(m, call)})"
    for axis, cut in enumerate(cuts, 2):
        if cut:
            y = f"F.slice_axis({y}, axis={axis}, begin=0, end={cut})"
    return activated(m.activation, call, y)


def _cuts(m: Any) -> Any:
    """(start, number, extent of the window, stride) along each axis, of an input of one element:
    what is kept of the whole result."""
    extra = m.output_padding or [None] * len(m.strides)
    rows = zip(m.kernel_size, m.strides, m.dilation_rate, extra, strict=True)
    for k, s, d, p in rows:
        yield *transposed_cut(1, k, s, d, m.padding, p), (k - 1) * d + 1, s


@layer(layers.Conv3DTranspose)
def transposed_convolution_3d(m: Any, call: Any) -> str:
    """As a convolution of what has zeros in between: MXNet has no kernel for processors."""
    x, pairs = window_input(m, call), [(0, 0), (0, 0)]
    for axis, (start, out, extent, stride) in enumerate(_cuts(m), 2):
        if stride > 1:
            x = f"{call.helper('spread')}(F, {x}, {axis}, {stride})"
        pairs.append((extent - 1 - start, start + out - 1))
    made = called(
        "nn.Conv3D", m.filters, _sizes(m.kernel_size), dilation=_unless(m.dilation_rate, 1),
        activation=argument(m.activation), use_bias=None if m.use_bias else False,
        in_channels=m.kernel.shape[-1],
    )  # fmt: skip
    rule = transposed(2, 3, 4, 0, 1).then(flipped(0, 1, 2))
    me = call.child(made, ("weight", m.kernel, rule), *bias_of(m))
    return activated(m.activation, call, f"{me}({padded(call, x, pairs)})")


def _pool(m: Any, call: Any, kind: str) -> str:
    rank = call.rank - 2
    x, size, strides = window_input(m, call), m.pool_size, m.strides
    padding, ceil, cut = call.scope.padding.get(id(call.node.inputs[0])), False, (0,) * rank
    if m.padding == "same":
        pairs = same_pairs(m, call, size, strides, (1,) * rank)
        if pairs is None:
            raise Refused(_OPEN)
        padding, ceil, cut = _same_pool(pairs, strides)
        if ceil:
            _check_ceil(m, call, padding)
    made = called(
        f"nn.{kind}Pool{rank}D", _sizes(size), strides=unless(_sizes(strides), _sizes(size)),
        padding=_unless(padding, 0) if isinstance(padding, tuple) else padding or None,
        ceil_mode=ceil or None,
        count_include_pad=False if kind == "Avg" and m.padding == "same" and padding else None,
    )  # fmt: skip
    y = f"{call.child(made)}({x})"
    for axis, n in enumerate(cut, 2):
        if n:
            y = f"F.slice_axis({y}, axis={axis}, begin={n}, end=None)"
    return y


def _same_pool(pairs: Any, strides: Any) -> tuple:
    """(padding, whether a last window may go beyond, how many results are cut before). An odd
    element behind is such a window; with strides of 1 it is one before, whose result is cut."""
    uneven = [a != b for a, b in pairs]
    ones = [u and s == 1 for u, s in zip(uneven, strides, strict=True)]
    padding = tuple(b if one else a for (a, b), one in zip(pairs, ones, strict=True))
    beyond = any(u and not one for u, one in zip(uneven, ones, strict=True))
    return padding, beyond, tuple(int(one) for one in ones)


def _check_ceil(m: Any, call: Any, padding: tuple) -> None:
    for n, k, s, p in zip(space(m, call), m.pool_size, m.strides, padding, strict=True):
        if n is not None and s > 1 and -(-(n + 2 * p - k) // s) + 1 != -(-n // s):
            raise Refused("pooling with padding='same' and these windows")


@layer(layers.MaxPooling1D, layers.MaxPooling2D, layers.MaxPooling3D)
def max_pooling(m: Any, call: Any) -> str:
    return _pool(m, call, "Max")


@layer(layers.AveragePooling1D, layers.AveragePooling2D, layers.AveragePooling3D)
def average_pooling(m: Any, call: Any) -> str:
    return _pool(m, call, "Avg")


def _global(kind: str) -> Any:
    def rule(m: Any, call: Any) -> str:
        if call.mask():
            return masked_mean(m, call, "F")
        x = window_input(m, call)
        if m.keepdims:
            return f"{call.child(f'nn.Global{kind}Pool{call.rank - 2}D()')}({x})"
        call.first = False
        name = {"Avg": "mean", "Max": "max"}[kind]
        axes = tuple(range(2, call.rank))
        return f"F.{name}({x}, axis={axes[0] if len(axes) == 1 else axes})"

    return rule


for _rank in "123":
    RULES[getattr(layers, f"GlobalAveragePooling{_rank}D")] = _global("Avg")
    RULES[getattr(layers, f"GlobalMaxPooling{_rank}D")] = _global("Max")


@layer(layers.ZeroPadding1D, layers.ZeroPadding2D, layers.ZeroPadding3D)
def zero_padding(m: Any, call: Any) -> str | None:
    pairs = [m.padding] if call.rank == 3 else m.padding
    return _pad(call, window_input(m, call), pairs, 0.0)


@layer(ConstantPadding)
def constant_padding(m: Any, call: Any) -> str | None:
    return _pad(call, call.channels_first(), m.padding, m.value)


def _pad(call: Any, x: str, pairs: Any, value: float) -> str | None:
    if left_to_the_next(call, pairs, value, x):
        return None
    return padded(call, x, [(0, 0), (0, 0), *pairs], value)


@layer(layers.Cropping1D, layers.Cropping2D, layers.Cropping3D)
def cropping(m: Any, call: Any) -> str:
    pairs = [m.cropping] if call.rank == 3 else m.cropping
    begin = (None, None, *(int(a) or None for a, _ in pairs))
    end = (None, None, *(-int(b) or None for _, b in pairs))
    return f"F.slice({window_input(m, call)}, begin={begin}, end={end})"


@layer(layers.UpSampling1D, layers.UpSampling2D, layers.UpSampling3D)
def up_sampling(m: Any, call: Any) -> str:
    mode = getattr(m, "interpolation", "nearest")
    size = (m.size,) if isinstance(m.size, int) else tuple(m.size)
    x = window_input(m, call)
    if mode == "bilinear":
        sizes = zip(space(m, call), size, strict=True)
        return _resized(x, [s and s * n for s, n in sizes])
    if mode != "nearest":
        raise Refused(f"interpolation={mode!r}")
    if len(size) == 2 and len(set(size)) == 1:
        return f"F.UpSampling({x}, scale={size[0]}, sample_type='nearest')"
    for axis, n in enumerate(size, 2):
        x = f"F.repeat({x}, repeats={n}, axis={axis})" if n > 1 else x
    return x


def _resized(x: str, sizes: Any) -> str:
    if None in sizes:
        raise Refused("bilinear interpolation of open sizes")
    given = f"height={sizes[0]}, width={sizes[1]}, align_corners=False"
    return f"F.contrib.BilinearResize2D({x}, {given})"


@layer(layers.Resizing)
def resizing(m: Any, call: Any) -> str:
    unusual = m.crop_to_aspect_ratio or m.pad_to_aspect_ratio or call.rank != 4
    if m.interpolation != "bilinear" or m.antialias or unusual:
        raise Refused("resizing that is not plainly bilinear")
    return _resized(window_input(m, call), (m.height, m.width))


def _adaptive(name: str) -> Any:
    def rule(m: Any, call: Any) -> str:
        x, sizes = window_input(m, call), space(m, call)
        if name == "mean" and call.rank == 4:
            return f"F.contrib.AdaptiveAvgPooling2D({x}, output_size={tuple(m.output_size)})"
        for axis, (size, count) in enumerate(zip(sizes, m.output_size, strict=True), 2):
            if size is None:
                raise Refused("adaptive pooling of open sizes")
            x = f"{call.helper('adaptive_pool')}(F, F.{name}, {x}, {axis}, {size}, {count})"
        return x

    return rule


for _rank in "123":
    RULES[getattr(layers, f"AdaptiveAveragePooling{_rank}D")] = _adaptive("mean")
    RULES[getattr(layers, f"AdaptiveMaxPooling{_rank}D")] = _adaptive("max")


@layer(layers.SpatialDropout1D, layers.SpatialDropout2D, layers.SpatialDropout3D)
def spatial_dropout(m: Any, call: Any) -> str:
    x = window_input(m, call)
    return f"{call.child(called('nn.Dropout', m.rate, axes=tuple(range(2, call.rank))))}({x})"

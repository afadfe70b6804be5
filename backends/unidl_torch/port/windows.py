"""Convolutions, pooling and padding."""

from __future__ import annotations

from torch import nn

from unidl.port import windows
from unidl.port.errors import Refused
from unidl.port.laid import Laid
from unidl.port.layers import ConstantPadding
from unidl.port.weight_rules import transposed
from unidl_torch.port.pieces import Piece, piece, rank_of


def _each(value, rank):
    return (value,) * rank if isinstance(value, int) else tuple(value)


def _last(function):
    """A piece without weights, of a function of tensors with the channels last."""
    return Piece(lambda x: Laid(function(x.last()), True))


def _convolved(m, layer, function):
    rank = rank_of(m)
    found = _last(function)
    found.add("weight", lambda: layer.kernel, transposed(*range(2, rank + 2), 1, 0))
    if m.bias is not None:
        found.add("bias", lambda: layer.bias)
    return found


@piece(nn.Conv1d, nn.Conv2d, nn.Conv3d)
def conv(m, name):
    if m.padding_mode != "zeros":
        raise Refused(f"padding_mode={m.padding_mode!r} is not converted, only 'zeros'")
    return _convolved(
        m,
        *windows.convolution(
            m.out_channels, m.kernel_size, m.stride, m.padding, m.dilation, m.groups,
            m.bias is not None, name,
        ),
    )  # fmt: skip


@piece(nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
def conv_transpose(m, name):
    if m.groups != 1:
        raise Refused(f"groups={m.groups} of a transposed convolution, which Keras does not have")
    return _convolved(
        m,
        *windows.transposed_convolution(
            m.out_channels, m.kernel_size, m.stride, m.padding, m.output_padding, m.dilation,
            m.bias is not None, name,
        ),
    )  # fmt: skip


@piece(nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d)
def max_pool(m, name):
    if max(_each(m.dilation, rank_of(m))) > 1:
        raise Refused("dilation of pooling, which Keras does not have")
    if m.return_indices:
        raise Refused("return_indices=True")
    return _pool(m, name, "Max")


@piece(nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d)
def avg_pool(m, name):
    if any(_each(m.padding, rank_of(m))) and not m.count_include_pad:
        raise Refused("count_include_pad=False together with padding")
    if getattr(m, "divisor_override", None):
        raise Refused(f"divisor_override={m.divisor_override}")
    return _pool(m, name, "Average")


def _pool(m, name, kind):
    rank = rank_of(m)
    window = _each(m.kernel_size, rank)
    strides = window if m.stride is None else _each(m.stride, rank)
    padding = _each(m.padding, rank)
    return _last(windows.pooling(kind, window, strides, padding, name, m.ceil_mode))


@piece(nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d)
def adaptive_avg_pool(m, name):
    return _adaptive(m, name, "Average")


@piece(nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d)
def adaptive_max_pool(m, name):
    if m.return_indices:
        raise Refused("return_indices=True")
    return _adaptive(m, name, "Max")


def _adaptive(m, name, kind):
    sizes = _each(m.output_size, rank_of(m))
    if None in sizes:
        raise Refused("an output size of None")
    return _last(windows.pooling_to(kind, sizes, name))


@piece(nn.ZeroPad1d, nn.ZeroPad2d, nn.ZeroPad3d)
def zero_pad(m, name):
    return _last(windows.zeros(_pairs(m.padding), name))


@piece(nn.ConstantPad1d, nn.ConstantPad2d, nn.ConstantPad3d)
def constant_pad(m, name):
    return _last(ConstantPadding(_pairs(m.padding), m.value, name=name))


def _pairs(padding):
    """[(before, after)] of each axis; torch begins with the last."""
    if min(padding) < 0:
        raise Refused(f"padding={padding} crops")
    return [tuple(padding[i : i + 2]) for i in range(len(padding) - 2, -1, -2)]

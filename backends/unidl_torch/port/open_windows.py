"""Windows over images of open size: what is padded is computed when the program runs."""

from __future__ import annotations

import math

import torch
from torch.nn import functional

from unidl.port.errors import Refused
from unidl_torch.conv import _CONV, _MAX_POOL, _weight, channels_last, channels_second, pad_spatial

_SUMS = {2: functional.avg_pool2d, 3: functional.avg_pool3d}
_MODES = {"nearest": "nearest-exact", "bilinear": "bilinear"}


def _is_open(x):
    return any(isinstance(size, torch.SymInt) for size in x.shape[1:-1])


def _with_two_axes(function, x, window, strides, padding, *more):
    """A function of images for one spatial axis."""
    if not isinstance(padding, str):
        padding = ((0, 0), *padding)
    made = function(x.unsqueeze(1), window, (1, *strides), padding, *more)
    return made if made is NotImplemented else made.squeeze(1)


def _padded(x, padding, window, strides, dilation, value=0.0):
    """`x` with its channels second and all padding that its windows see."""
    pairs = padding
    if isinstance(padding, str):
        axes = zip(x.shape[1:-1], window, strides, dilation, strict=True)
        pairs = [_same(*axis) if padding == "same" else (0, 0) for axis in axes]
    x = channels_second(x)
    fixed = all(type(n) is int and n == 0 for pair in pairs for n in pair)
    return x if fixed else pad_spatial(x, pairs, value)


def _same(size, window, stride, dilation):
    """(before, after), see `unidl.backend.contract.conv.same_padding`."""
    reach = (window - 1) * dilation + 1
    if stride == 1:
        total = reach - 1
    else:
        total = torch.sym_max(0, ((size + stride - 1) // stride - 1) * stride + reach - size)
    return total // 2, total - total // 2


def conv(x, kernel, bias, strides, padding, dilation, groups):
    if not _is_open(x):
        return NotImplemented
    if len(strides) == 1:

        def one(x, window, strides, padding):
            return conv(x, window, bias, strides, padding, (1, *dilation), groups)

        return _with_two_axes(one, x, kernel.unsqueeze(0), strides, padding)
    rank = len(strides)
    x = _padded(x, padding, kernel.shape[:rank], strides, dilation)
    return channels_last(_CONV[rank](x, _weight(kernel), bias, strides, 0, dilation, groups))


def max_pool(x, window, strides, padding):
    if not _is_open(x):
        return NotImplemented
    if len(window) == 1:
        return _with_two_axes(max_pool, x, (1, *window), strides, padding)
    lowest = -math.inf if x.is_floating_point() else torch.iinfo(x.dtype).min
    x = _padded(x, padding, window, strides, (1,) * len(window), lowest)
    return channels_last(_MAX_POOL[len(window)](x, window, strides))


def avg_pool(x, window, strides, padding):
    if not _is_open(x):
        return NotImplemented
    if len(window) == 1:
        return _with_two_axes(avg_pool, x, (1, *window), strides, padding)
    sums, ones = _SUMS[len(window)], torch.ones_like(x[:1, ..., :1])
    given = padding, window, strides, (1,) * len(window)
    total = sums(_padded(x, *given), window, strides, divisor_override=1)
    return channels_last(total / sums(_padded(ones, *given), window, strides, divisor_override=1))


def resize(x, size, interpolation, antialias):
    if not _is_open(x):
        return NotImplemented
    if interpolation not in _MODES or (antialias and interpolation == "nearest"):
        raise Refused(f"torch has no {interpolation!r} of this kind for images of open size")
    mode = _MODES[interpolation]
    return channels_last(
        functional.interpolate(channels_second(x), list(size), mode=mode, antialias=antialias)
    )

"""Convolution and pooling.

An (n, h, w, c) tensor permuted to (n, c, h, w) is torch's channels_last memory format: nothing is
copied, and the output comes back in the same format. There is no such format for one spatial axis,
which therefore runs as two.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch.nn import functional

from unidl.backend import contract
from unidl.backend.contract.conv import explicit_padding
from unidl.tracing import KerasTensor, symbolic

_CONV = {2: torch.conv2d, 3: torch.conv3d}
_CONV_TRANSPOSE = {2: torch.conv_transpose2d, 3: torch.conv_transpose3d}
_MAX_POOL = {2: functional.max_pool2d, 3: functional.max_pool3d}
_AVG_POOL = {2: functional.avg_pool2d, 3: functional.avg_pool3d}

# Permutations by rank: made once, since making them takes as long as a permutation.
_CHANNELS_SECOND = {rank: (0, rank - 1, *range(1, rank - 1)) for rank in (3, 4, 5)}
_CHANNELS_LAST = {rank: (0, *range(2, rank), 1) for rank in (3, 4, 5)}
_WEIGHT = {rank: (rank - 1, rank - 2, *range(rank - 2)) for rank in (4, 5)}

# How many answers about sizes and padding are kept. Without them, the smallest convolutions would
# take twice as long.
_KEPT = 4096


def channels_second(x):
    """(n, *spatial, c) -> (n, c, *spatial), a view."""
    return torch.permute(x, _CHANNELS_SECOND[x.ndim])


def channels_last(x):
    """(n, c, *spatial) -> (n, *spatial, c)."""
    return torch.permute(x, _CHANNELS_LAST[x.ndim])


def _weight(kernel):
    """(*spatial, i, o) -> (o, i, *spatial): a view, but where i or o is 1.

    torch takes such a view for channels last and then refuses its own gradient in float64.
    """
    weight = torch.permute(kernel, _WEIGHT[kernel.ndim])
    return weight.contiguous() if 1 in kernel.shape[-2:] else weight


def _writes_beyond(kernel, strides, x):
    """Whether the window is one element and steps are larger.

    Without AVX-512 the float32 kernel of torch 2.13 writes beyond the end of the gradient of such a
    weight, with up to six channels, and kills the process, unless all tensors are channels first.
    """
    return math.prod(kernel.shape[:-2]) == 1 < math.prod(strides) and x.device.type == "cpu"


def pad_spatial(x, pairs, value=0.0):
    """Pad the spatial axes of x (n, c, *spatial)."""
    return functional.pad(x, [width for pair in reversed(pairs) for width in pair], value=value)


@lru_cache(_KEPT)
def _conv_padding(padding, sizes, windows, strides, dilation):
    """(padding of torch's convolution, pairs to pad the spatial axes with before it, if any)."""
    pairs = explicit_padding(padding, sizes, windows, strides, dilation)
    if any(lo != hi for lo, hi in pairs):
        return (0,) * len(pairs), pairs
    return tuple(lo for lo, _ in pairs), None


@lru_cache(_KEPT)
def pooling_arguments(padding, sizes, windows, strides):
    """(pairs of padding, (symmetric padding, ceil_mode) with which torch's pooling sees the same
    windows or None).

    Windows start at -before, whatever comes after the last element: only their number has to be
    right.
    """
    pairs = explicit_padding(padding, sizes, windows, strides)
    before = tuple(pair[0] for pair in pairs)
    if any(b > w // 2 for b, w in zip(before, windows, strict=True)):
        return pairs, None
    wanted = [
        (n + lo + hi - w) // s + 1
        for n, (lo, hi), w, s in zip(sizes, pairs, windows, strides, strict=True)
    ]
    for ceil_mode in (False, True):
        counts = [
            _window_count(*axis, ceil_mode)
            for axis in zip(sizes, before, windows, strides, strict=True)
        ]
        if counts == wanted:
            return pairs, (before, ceil_mode)
    return pairs, None


def _window_count(n, pad, window, stride, ceil_mode):
    free = n + 2 * pad - window
    if not ceil_mode:
        return free // stride + 1
    count = -(-free // stride) + 1
    return (
        count - 1 if (count - 1) * stride >= n + pad else count
    )  # the last window must start inside


class Conv(contract.Conv):
    def conv(self, x, kernel, strides, padding, dilation, groups=1):
        return self.biased_conv(x, kernel, None, strides, padding, dilation, groups)

    def biased_conv(self, x, kernel, bias, strides, padding, dilation, groups=1):
        if 0 in x.shape[1:-1]:
            y = _of_nothing("conv", x, kernel, strides, padding, dilation, groups)
            return y if bias is None else y + bias
        rank = len(strides)
        if rank == 1:
            pairs = explicit_padding(padding, x.shape[1:2], kernel.shape[:1], strides, dilation)
            pairs = ((0, 0), *pairs)
            y = self.biased_conv(
                x.unsqueeze(1),
                kernel.unsqueeze(0),
                bias,
                (1, *strides),
                pairs,
                (1, *dilation),
                groups,
            )
            return y.squeeze(1)
        symmetric, pairs = _conv_padding(
            padding, x.shape[1:-1], kernel.shape[:rank], strides, dilation
        )
        x = channels_second(x) if pairs is None else pad_spatial(channels_second(x), pairs)
        if _writes_beyond(kernel, strides, x):
            if any(symmetric):
                x = pad_spatial(x, [(p, p) for p in symmetric])
                symmetric = (0,) * rank
            places = (slice(None), slice(None), *(slice(None, None, s) for s in strides))
            x = x[places]
            strides = (1,) * rank
        return channels_last(
            _CONV[rank](x, _weight(kernel), bias, strides, symmetric, dilation, groups)
        )

    def conv_transpose(self, x, kernel, strides, dilation, starts, sizes):
        if 0 in x.shape[1:-1]:
            return _of_nothing("conv_transpose", x, kernel, strides, dilation, starts, sizes)
        rank = len(strides)
        if rank == 1:
            y = self.conv_transpose(
                x.unsqueeze(1),
                kernel.unsqueeze(0),
                (1, *strides),
                (1, *dilation),
                (0, *starts),
                (1, *sizes),
            )
            return y.squeeze(1)
        if _writes_beyond(kernel, strides, x):
            return super().conv_transpose(x, kernel, strides, dilation, starts, sizes)
        axes = zip(x.shape[1:-1], kernel.shape, strides, dilation, starts, sizes, strict=False)
        crops, lengthened, pairs = zip(*(_transpose_cut(*axis) for axis in axes), strict=True)
        weight = _weight(kernel)
        y = _CONV_TRANSPOSE[rank](
            channels_second(x), weight, None, strides, crops, lengthened, 1, dilation
        )
        return channels_last(pad_spatial(y, pairs) if any(map(any, pairs)) else y)

    def max_pool(self, x, window, strides, padding):
        if 0 in x.shape[1:-1]:
            return _of_nothing("max_pool", x, window, strides, padding)
        if len(window) == 1:
            return self.max_pool(
                x.unsqueeze(1), (1, *window), (1, *strides), _lift(padding, x, window, strides)
            ).squeeze(1)
        pairs, arguments = pooling_arguments(padding, x.shape[1:-1], window, strides)
        x = channels_second(x)
        if arguments is None:
            lowest = -math.inf if x.is_floating_point() else torch.iinfo(x.dtype).min
            x, arguments = pad_spatial(x, pairs, lowest), (0, False)
        symmetric, ceil_mode = arguments
        return channels_last(_MAX_POOL[len(window)](x, window, strides, symmetric, 1, ceil_mode))

    def avg_pool(self, x, window, strides, padding):
        if 0 in x.shape[1:-1]:
            return _of_nothing("avg_pool", x, window, strides, padding)
        if len(window) == 1:
            return self.avg_pool(
                x.unsqueeze(1), (1, *window), (1, *strides), _lift(padding, x, window, strides)
            ).squeeze(1)
        rank = len(window)
        if (
            rank == 3 and x.dtype in (torch.float16, torch.bfloat16) and x.device.type == "cpu"
        ):  # no kernel
            return self.avg_pool(x.float(), window, strides, padding).to(x.dtype)
        pairs, arguments = pooling_arguments(padding, x.shape[1:-1], window, strides)
        x = channels_second(x)
        if arguments is not None:
            symmetric, ceil_mode = arguments
            return channels_last(
                _AVG_POOL[rank](x, window, strides, symmetric, ceil_mode, count_include_pad=False)
            )
        sums = _AVG_POOL[rank](pad_spatial(x, pairs), window, strides, divisor_override=1)
        real = pad_spatial(torch.ones((1, 1, *x.shape[2:]), dtype=x.dtype, device=x.device), pairs)
        return channels_last(sums / _AVG_POOL[rank](real, window, strides, divisor_override=1))


def _of_nothing(name, x, *args):
    """What `name` makes of an `x` without elements along a spatial axis, which torch's kernels
    refuse: zeros, of the shape that the shape rules give."""

    def spec(value):
        if not isinstance(value, torch.Tensor):
            return value
        return KerasTensor(value.shape, str(value.dtype).removeprefix("torch."))

    return x.new_zeros(getattr(symbolic, name)(spec(x), *map(spec, args)).shape)


def _lift(padding, x, window, strides):
    """The padding of one spatial axis as that of two, the first of size 1."""
    return ((0, 0), *explicit_padding(padding, x.shape[1:-1], window, strides))


def _transpose_cut(n, window, stride, dilation, start, size):
    """(crop, lengthening, (before, after)) of one axis: torch crops both ends by the same amount
    and lengthens the end by less than a stride or a dilation; the rest is zeros to pad, or elements
    to cut where a width is negative."""
    full = (n - 1) * stride + (window - 1) * dilation + 1
    longest = max(stride, dilation) - 1
    crop = start if size - (full - 2 * start) <= longest else 0
    lengthening = min(max(size - (full - 2 * crop), 0), longest)
    return crop, lengthening, (crop - start, start + size - crop - (full - 2 * crop + lengthening))

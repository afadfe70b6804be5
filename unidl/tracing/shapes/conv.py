"""Shape rules of `contract/conv.py`: convolution, pooling and resizing, channels last."""

from __future__ import annotations

from functools import partial

from unidl.backend.contract.conv import INTERPOLATIONS, explicit_padding
from unidl.tracing.keras_tensor import KerasTensor
from unidl.tracing.shapes.arithmetic import agree
from unidl.tracing.shapes.operands import common_dtype
from unidl.tracing.sizes import is_open, opened


class Conv:
    def conv(self, x, kernel, strides, padding, dilation, groups=1):
        _check_ranks("conv", x, kernel, strides)
        channels, (per_group, filters) = x.shape[-1], kernel.shape[-2:]
        if not agree(channels, per_group * groups):
            raise ValueError(
                f"conv: the input {x.shape} has {channels} channels (last axis), but the kernel "
                f"{kernel.shape} takes "
                + (
                    f"{per_group}."
                    if groups == 1
                    else f"{per_group} in each of {groups} groups, {per_group * groups} together."
                )
            )
        if filters % groups:
            raise ValueError(
                f"conv: {filters} filters cannot be shared equally by {groups} groups."
            )
        out = _windows("conv", x, kernel.shape[:-2], strides, padding, dilation)
        return KerasTensor((x.shape[0], *out, filters), common_dtype("conv", x, kernel))

    def depthwise_conv(self, x, kernel, strides, padding, dilation):
        _check_ranks("depthwise_conv", x, kernel, strides)
        channels, multiplier = kernel.shape[-2:]
        if not agree(x.shape[-1], channels):
            raise ValueError(
                f"depthwise_conv: the input {x.shape} has {x.shape[-1]} channels (last axis), "
                f"but the kernel {kernel.shape} takes {channels}."
            )
        out = _windows("depthwise_conv", x, kernel.shape[:-2], strides, padding, dilation)
        return KerasTensor(
            (x.shape[0], *out, channels * multiplier), common_dtype("depthwise_conv", x, kernel)
        )

    def conv_transpose(self, x, kernel, strides, dilation, starts, sizes):
        _check_ranks("conv_transpose", x, kernel, strides)
        filters, channels = kernel.shape[-2:]
        if not agree(x.shape[-1], channels):
            raise ValueError(
                f"conv_transpose: the input {x.shape} has {x.shape[-1]} channels (last axis), but "
                f"the kernel {kernel.shape} takes "
                f"{channels}. Kernels of transposed convolutions are (*window, filters, channels)."
            )
        return KerasTensor((x.shape[0], *sizes, filters), common_dtype("conv_transpose", x, kernel))

    def max_pool(self, x, window, strides, padding):
        return _pool("max_pool", x, window, strides, padding)

    def avg_pool(self, x, window, strides, padding):
        return _pool("average_pool", x, window, strides, padding)

    def resize(self, x, size, interpolation, antialias=False):
        if interpolation not in INTERPOLATIONS:
            raise ValueError(
                f"resize: interpolation must be one of {', '.join(INTERPOLATIONS)}, got "
                f"{interpolation!r}."
            )
        if x.ndim != 4:
            raise ValueError(
                f"resize: expected images (n, height, width, channels), got the shape {x.shape}."
            )
        return KerasTensor((x.shape[0], *size, x.shape[3]), x.dtype)


def _check_ranks(name, x, kernel, strides):
    rank = len(strides)
    if x.ndim != rank + 2 or kernel.ndim != rank + 2:
        raise ValueError(
            f"{name}: for {rank} spatial axes the input must be (n, *spatial, channels) and the "
            f"kernel (*window, ...), {rank + 2} axes each; got {x.shape} and {kernel.shape}."
        )


def _pool(name, x, window, strides, padding):
    if x.ndim != len(window) + 2:
        raise ValueError(
            f"{name}: a window {tuple(window)} needs an input (n, *spatial, channels) of "
            f"{len(window) + 2} axes, got {x.shape}."
        )
    return KerasTensor(
        (x.shape[0], *_windows(name, x, window, strides, padding, (1,) * len(window)), x.shape[-1]),
        x.dtype,
    )


def _windows(name, x, window, strides, padding, dilation):
    """Number of windows along each spatial axis of `x`."""
    out = []
    for axis, (size, k, s, d) in enumerate(
        zip(x.shape[1:-1], window, strides, dilation, strict=True)
    ):
        if min(k, s, d) < 1:
            raise ValueError(
                f"{name}: window, strides and dilation must be at least 1, got {k}, {s} and {d} "
                f"for spatial axis {axis}."
            )
        if is_open(size):
            out.append(opened(partial(_fitting, padding, axis, k, s, d), size))
            continue
        ((before, after),) = explicit_padding(
            padding if isinstance(padding, str) else (padding[axis],), (size,), (k,), (s,), (d,)
        )
        span, room = (k - 1) * d + 1, size + before + after
        # Over nothing go no windows of one element, and none that are padded to the same size.
        over_nothing = size == 0 and (padding == "same" or (room == 0 and span == 1))
        if room < span and not over_nothing:
            raise ValueError(
                f"{name}: the computed output size would be negative: spatial axis {axis} of the "
                f"input {x.shape} has {room} elements "
                f'with padding, but a window covers {span}. Use padding="same", a smaller window, '
                "or a larger input."
            )
        out.append(0 if over_nothing else (room - span) // s + 1)
    return out


def _fitting(padding, axis, k, s, d, size):
    """Number of windows along an open axis, one at least."""
    ((before, after),) = explicit_padding(
        padding if isinstance(padding, str) else (padding[axis],), (size,), (k,), (s,), (d,)
    )
    return max(1, (size + before + after - (k - 1) * d - 1) // s + 1)

"""What rules for convolutions, pooling and padding of several frameworks share."""

from __future__ import annotations

from typing import Any

import numpy as np

from unidl import layers
from unidl.port.errors import Refused
from unidl.port.source.rules import one_or_each
from unidl.port.weight_rules import Rule, transposed

_CONVOLUTIONS = (
    layers.Conv1D, layers.Conv2D, layers.Conv3D, layers.DepthwiseConv1D, layers.DepthwiseConv2D,
    layers.SeparableConv1D, layers.SeparableConv2D,
)  # fmt: skip
_MAX_POOLS = (layers.MaxPooling1D, layers.MaxPooling2D, layers.MaxPooling3D)
_POOLS = (
    *_MAX_POOLS, layers.AveragePooling1D, layers.AveragePooling2D, layers.AveragePooling3D
)  # fmt: skip

Pairs = list[tuple[int, int]]


def data_format(m: Any) -> str:
    return getattr(m, "data_format", "channels_last")


def window_input(m: Any, call: Any) -> str:
    """The input with its channels second."""
    return call.plain() if data_format(m) == "channels_first" else call.channels_first()


def space(m: Any, call: Any) -> tuple:
    """Sizes of the axes between the batch and the channels."""
    return tuple(call.shape[2:] if data_format(m) == "channels_first" else call.shape[1:-1])


def masked_mean(m: Any, call: Any, *before: str) -> str:
    """Global average pooling of the steps that count, by the helper of that name."""
    if m.keepdims or data_format(m) == "channels_first":
        raise Refused("a masked mean with keepdims=True or data_format='channels_first'")
    return f"{call.helper('masked_mean')}({', '.join([*before, call.plain(), call.mask()])})"


def same_pairs(m: Any, call: Any, window: Any, strides: Any, dilation: Any) -> Pairs | None:
    """How padding="same" pads each axis, None where a size is open that it depends on."""
    pairs = []
    for n, k, s, d in zip(space(m, call), window, strides, dilation, strict=True):
        if n is None and s > 1:
            return None
        whole = d * (k - 1)
        total = whole if n is None else max((-(-n // s) - 1) * s + whole + 1 - n, 0)
        pairs.append((total // 2, total - total // 2))
    return pairs


def kernel_first(rank: int) -> Rule:
    """(*window, in, out) from (out, in, *window)."""
    return transposed(*range(2, rank + 2), 1, 0)


def left_to_the_next(call: Any, pairs: Any, value: float, x: str) -> bool:
    """Whether a convolution or pooling stands behind a layer of padding that can pad by itself; it
    finds in `scope.padding` by how much, and `x` as its input."""
    if not _next_pads(call, pairs, value):
        return False
    call.scope.padding[id(call.outputs[0])] = one_or_each(a for a, _ in pairs)
    call.scope.same_as(call, call.first, x)
    return True


def _next_pads(call: Any, pairs: Any, value: float) -> bool:
    user = call.only_user()
    if user is None or getattr(user.operation, "padding", None) != "valid":
        return False
    kind, pads = type(user.operation), [a for a, _ in pairs]
    if any(a != b for a, b in pairs) or user.operation.data_format != data_format(call.layer):
        return False
    if kind in _CONVOLUTIONS:
        return value == 0
    if kind in _POOLS:  # which pad by at most half of their window
        fill = -np.inf if kind in _MAX_POOLS else 0.0
        halves = zip(pads, user.operation.pool_size, strict=True)
        return value == fill and all(2 * p <= k for p, k in halves)
    return False

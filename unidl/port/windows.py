"""Convolutions and pooling with numbers for the padding, as torch, MXNet and ONNX have them.

All functions work on tensors with the channels last.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from unidl import layers
from unidl.port.errors import Refused
from unidl.port.layers import ConstantPadding

Sizes = Sequence[int]


def named(kind: str, rank: int, *arguments: Any, **options: Any) -> Any:
    """The layer `kind` for so many axes between the batch and the channels."""
    return getattr(layers, kind.replace("*", f"{rank}D"))(*arguments, **options)


def _inside(name: str | None, part: str) -> str | None:
    """The name of a layer beside the layer `name`; None where that has none of its own."""
    return None if name is None else f"{name}.{part}"


def _nothing(x: Any) -> Any:
    return x


def require_one_of_both(strides: Sizes, dilation: Sizes) -> None:
    """Refused if a convolution has strides and dilation."""
    if max(strides) > 1 and max(dilation) > 1:
        raise Refused("stride and dilation are both larger than 1, which Keras' layers do not have")


def convolution(
    filters: int, window: Sizes, strides: Sizes, padding: str | Sizes, dilation: Sizes,
    groups: int, use_bias: bool, name: str | None,
) -> tuple[Any, Callable]:  # fmt: skip
    """(the layer, a function that pads and calls it)."""
    require_one_of_both(strides, dilation)
    rank, before = len(window), _nothing
    if not isinstance(padding, str):
        whole = [d * (k - 1) for d, k in zip(dilation, window, strict=True)]
        if max(strides) == 1 and all(2 * p == w for p, w in zip(padding, whole, strict=True)):
            padding = "same" if any(padding) else "valid"
        else:
            before, padding = zeros([(p, p) for p in padding], _inside(name, "padding")), "valid"
    layer = named(
        "Conv*", rank, filters, tuple(window), tuple(strides), padding,
        dilation_rate=tuple(dilation), groups=groups, use_bias=use_bias, name=name,
    )  # fmt: skip
    return layer, lambda x: layer(before(x))


def transposed_convolution(
    filters: int, window: Sizes, strides: Sizes, padding: Sizes, output_padding: Sizes,
    dilation: Sizes, use_bias: bool, name: str | None,
) -> tuple[Any, Callable]:  # fmt: skip
    """(the layer, a function that calls it and cuts off what padding takes away)."""
    require_one_of_both(strides, dilation)
    rank = len(window)
    reach = [d * (k - 1) + 1 for d, k in zip(dilation, window, strict=True)]
    if any(r < s for r, s in zip(reach, strides, strict=True)):
        raise Refused("the window of a transposed convolution is smaller than its stride")
    if any(o > p for o, p in zip(output_padding, padding, strict=True)):
        raise Refused("the padding of the output is larger than that of the input")
    layer = named(
        "Conv*Transpose", rank, filters, tuple(window), tuple(strides), "valid",
        dilation_rate=tuple(dilation), use_bias=use_bias, name=name,
    )  # fmt: skip
    crops = [(p, p - o) for p, o in zip(padding, output_padding, strict=True)]
    after = _nothing
    if any(map(any, crops)):
        after = named(
            "Cropping*", rank, crops[0] if rank == 1 else crops, name=_inside(name, "cropping")
        )
    return layer, lambda x: after(layer(x))


def zeros(pairs: Sequence[tuple[int, int]], name: str | None) -> Callable:
    """A layer of padding with zeros; nothing if there are none."""
    if not any(map(any, pairs)):
        return _nothing
    return named("ZeroPadding*", len(pairs), pairs[0] if len(pairs) == 1 else pairs, name=name)


def pooling(
    kind: str,
    window: Sizes,
    strides: Sizes,
    padding: Sizes,
    name: str | None,
    rounds_up: bool = False,
) -> Callable:
    """Of `kind` "Max" or "Average"; what is padded counts in an average. `rounds_up`: the last
    window may begin inside and end outside."""
    layer = named(f"{kind}Pooling*", len(window), tuple(window), tuple(strides), name=name)
    value = -math.inf if kind == "Max" else 0.0

    def pooled(x: Any) -> Any:
        pairs = [(p, p) for p in padding]
        if rounds_up:
            pairs = _rounded_up(kind, x.shape[1:-1], window, strides, padding)
        if not any(map(any, pairs)):
            return layer(x)
        return layer(ConstantPadding(pairs, value, name=_inside(name, "padding"))(x))

    return pooled


def _rounded_up(
    kind: str, sizes: Any, window: Sizes, strides: Sizes, padding: Sizes
) -> list[tuple[int, int]]:
    if None in sizes:
        raise Refused("pooling that rounds sizes up, over an axis whose size is open")
    found = []
    for n, k, s, p in zip(sizes, window, strides, padding, strict=True):
        more = -(n + 2 * p - k) % s
        begins = n + 2 * p + more - k  # of the last window
        found.append((p, p + (more if begins < n + p else 0)))
        if found[-1] != (p, p) and kind != "Max":
            raise Refused("average pooling that rounds sizes up")
    return found


def pooling_to(kind: str, sizes: Sizes, name: str | None) -> Any:
    """A layer whose outputs have `sizes`; `kind` as in `pooling`."""
    rank = len(sizes)
    if set(sizes) == {1}:
        return named(f"Global{kind}Pooling*", rank, keepdims=True, name=name)
    return named(f"Adaptive{kind}Pooling*", rank, tuple(sizes), name=name)

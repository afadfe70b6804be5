"""Convolutions, pooling and padding, with the channels last."""

from __future__ import annotations

import numpy as np

from unidl.port import windows
from unidl.port.laid import Laid
from unidl.port.layers import ConstantPadding
from unidl.port.onnx.windows import Windows
from unidl.port.onnx_model.call import AsItIsRun, makes
from unidl.port.weight_rules import transposed


def _numbers(call, name, rank):
    return tuple(call[name] or (1,) * rank)


def _pairs(call, x, window):
    """The padding before and behind, for each axis."""
    sizes = x.shape[2:]
    if None in sizes and call["auto_pad"] not in (None, "NOTSET", "VALID"):
        raise AsItIsRun
    return Windows(call.node, [n or 1 for n in sizes], window).pads


def _equal_pads(call, x, window):
    """One number for each axis, None where both sides differ."""
    pairs = _pairs(call, x, window)
    return [a for a, _ in pairs] if all(a == b for a, b in pairs) else None


@makes("Conv")
def convolution(call):
    call.require_own_weights(1, 2)
    x, kernel = call.tensor(), call.inputs[1]
    window, rank = kernel.shape[2:], len(kernel.shape) - 2
    strides, dilation = _numbers(call, "strides", rank), _numbers(call, "dilations", rank)
    windows.require_one_of_both(strides, dilation)
    pads, name = _equal_pads(call, x, window), call.called()
    has_bias = call.input(2) is not None
    if pads is None:
        x = Laid(windows.zeros(_pairs(call, x, window), f"{name}.padding")(x.last()), True)
        pads = (0,) * rank
    layer, function = windows.convolution(
        kernel.shape[0], window, strides, pads, dilation, call["group"], has_bias, name
    )
    return _convolved(call, layer, function, x, rank, has_bias)


@makes("ConvTranspose")
def transposed_convolution(call):
    call.require_own_weights(1, 2)
    if call["group"] != 1 or call["output_shape"] or call["auto_pad"] not in (None, "NOTSET"):
        raise AsItIsRun
    kernel = call.inputs[1]
    rank = len(kernel.shape) - 2
    pads = call["pads"] or [0] * 2 * rank
    if pads[:rank] != pads[rank:]:
        raise AsItIsRun
    strides, window = _numbers(call, "strides", rank), kernel.shape[2:]
    extra = tuple(call["output_padding"] or (0,) * rank)
    dilation = _numbers(call, "dilations", rank)
    reach = [d * (k - 1) + 1 for d, k in zip(dilation, window, strict=True)]
    if any(r < s for r, s in zip(reach, strides, strict=True)) or any(
        e > p for e, p in zip(extra, pads[:rank], strict=True)
    ):
        raise AsItIsRun
    has_bias = call.input(2) is not None
    layer, function = windows.transposed_convolution(
        kernel.shape[1], window, strides, pads[:rank], extra, dilation, has_bias, call.called()
    )
    return _convolved(call, layer, function, call.tensor(), rank, has_bias)


def _convolved(call, layer, function, x, rank, has_bias):
    found = Laid(function(x.last()), True)
    call.weight(1, lambda: layer.kernel, transposed(*range(2, rank + 2), 1, 0))
    if has_bias:
        call.weight(2, lambda: layer.bias)
    return found


@makes("MaxPool", "AveragePool")
def pooling(call):
    window = call["kernel_shape"]
    kind = call.node.operator.removesuffix("Pool")
    x, rank = call.tensor(), len(window)
    pads = _equal_pads(call, x, window)
    counts_all = call["count_include_pad"] or not pads or not any(pads)
    if pads is None or max(_numbers(call, "dilations", rank)) > 1:
        raise AsItIsRun
    if kind == "Average" and (call["ceil_mode"] or not counts_all):
        raise AsItIsRun
    function = windows.pooling(
        kind, window, _numbers(call, "strides", rank), pads, call.called(), bool(call["ceil_mode"])
    )
    return Laid(function(x.last()), True)


@makes("GlobalAveragePool", "GlobalMaxPool")
def global_pooling(call):
    kind = call.node.operator.removeprefix("Global").removesuffix("Pool")
    x = call.tensor()
    if x.rank not in (3, 4, 5):
        raise AsItIsRun
    return Laid(windows.pooling_to(kind, (1,) * (x.rank - 2), call.called())(x.last()), True)


@makes("Pad")
def padding(call):
    """Of the axes between batch and channels, with one number."""
    node, x = call.node, call.tensor()
    amounts = call["pads"] if node.since < 11 else call.constant(1).tolist()
    value = call["value"] if node.since < 11 else call.input(2)
    if call.input(3) is not None or call["mode"] != "constant" or x.rank not in (3, 4, 5):
        raise AsItIsRun
    pairs = list(zip(amounts[: x.rank], amounts[x.rank :], strict=True))
    if any(pairs[0]) or any(pairs[1]) or min(amounts) < 0:
        raise AsItIsRun
    number = 0.0 if value is None else float(np.asarray(value))
    if number == 0.0:
        return Laid(windows.zeros(pairs[2:], call.called())(x.last()), True)
    return Laid(ConstantPadding(pairs[2:], number, name=call.called())(x.last()), True)

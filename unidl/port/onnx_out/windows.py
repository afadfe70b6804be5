"""Writers: convolution, pooling, resizing. ONNX has the channels second."""

from __future__ import annotations

from typing import Any

from unidl.backend.contract.conv import same_padding
from unidl.port.onnx_out.layouts import channels_second
from unidl.port.onnx_out.sizes import sizes_tensor
from unidl.port.onnx_out.table import Laid, writes
from unidl.tracing.sizes import OpenSize


def _padding(x: Any, padding: Any, window: Any, strides: Any, dilation: Any) -> dict[str, Any]:
    rank = len(window)
    if padding == "valid":
        return {}
    if padding == "same":
        # With steps of 1 the padding is the same for all sizes.
        sizes = [window[a] if strides[a] == 1 else x.shape[a + 1] for a in range(rank)]
        if OpenSize in map(type, sizes):
            return {"auto_pad": "SAME_UPPER"}
        padding = [
            same_padding(*axis) for axis in zip(sizes, window, strides, dilation, strict=True)
        ]
    pads = [int(padding[a][side]) for side in (0, 1) for a in range(rank)]
    return {"pads": pads} if any(pads) else {}


def _kernel(to: Any, kernel: Any) -> str:
    """(*window, c, f) -> (f, c, *window)."""
    rank = len(kernel.shape)
    return to(to.transpose(kernel, (rank - 1, rank - 2, *range(rank - 2))))


@writes("conv")
def conv(
    to: Any, spec: Any, x: Any, kernel: Any, strides: Any, padding: Any, dilation: Any,
    groups: int = 1,
) -> Laid:  # fmt: skip
    return _conv(to, x, kernel, None, strides, padding, dilation, groups)


@writes("biased_conv")
def biased_conv(
    to: Any, spec: Any, x: Any, kernel: Any, bias: Any, strides: Any, padding: Any, dilation: Any,
    groups: int = 1,
) -> Laid:  # fmt: skip
    return _conv(to, x, kernel, bias, strides, padding, dilation, groups)


def _conv(
    to: Any, x: Any, kernel: Any, bias: Any, strides: Any, padding: Any, dilation: Any, groups: int
) -> Laid:
    order = channels_second(len(x.shape))
    window = kernel.shape[:-2]
    name = to.node(
        "Conv", to(x, order), _kernel(to, kernel), bias, kernel_shape=list(window),
        strides=list(strides), dilations=list(dilation), group=groups,
        **_padding(x, padding, window, strides, dilation),
    )  # fmt: skip
    return Laid(name, order)


@writes("conv_transpose")
def conv_transpose(
    to: Any, spec: Any, x: Any, kernel: Any, strides: Any, dilation: Any, starts: Any, sizes: Any
) -> Any:
    """ONNX cuts the full result at both ends, too; what is beyond its end are zeros."""
    rank, window = len(strides), kernel.shape[:-2]
    ends = []
    for axis in range(rank):
        full = (x.shape[axis + 1] - 1) * strides[axis] + (window[axis] - 1) * dilation[axis] + 1
        ends.append(full - starts[axis] - sizes[axis])
    if any(type(n) is not int for n in (*starts, *ends)):
        return NotImplemented
    beyond = [max(0, -end) for end in ends]
    if any(n >= max(s, d) for n, s, d in zip(beyond, strides, dilation, strict=True)):
        return NotImplemented
    order = channels_second(rank + 2)
    name = to.node(
        "ConvTranspose", to(x, order), _kernel(to, kernel), kernel_shape=list(window),
        strides=list(strides), dilations=list(dilation), output_padding=beyond,
        pads=[*starts, *(max(0, end) for end in ends)],
    )  # fmt: skip
    return Laid(name, order)


@writes("max_pool")
def max_pool(to: Any, spec: Any, x: Any, window: Any, strides: Any, padding: Any) -> Laid:
    return _pool(to, "MaxPool", x, window, strides, padding)


@writes("avg_pool")
def avg_pool(to: Any, spec: Any, x: Any, window: Any, strides: Any, padding: Any) -> Laid:
    return _pool(to, "AveragePool", x, window, strides, padding)


def _pool(to: Any, operator: str, x: Any, window: Any, strides: Any, padding: Any) -> Laid:
    order = channels_second(len(x.shape))
    name = to.node(
        operator, to(x, order), kernel_shape=list(window), strides=list(strides),
        **_padding(x, padding, window, strides, (1,) * len(window)),
    )  # fmt: skip
    return Laid(name, order)


_MODES: dict[str, dict[str, Any]] = {
    "nearest": {"mode": "nearest", "nearest_mode": "round_prefer_ceil"},
    "bilinear": {"mode": "linear"},
    "bicubic": {"mode": "cubic", "cubic_coeff_a": -0.5, "exclude_outside": 1},
}


@writes("resize")
def resize(
    to: Any, spec: Any, x: Any, size: Any, interpolation: str, antialias: bool = False
) -> Any:
    if interpolation not in _MODES or (antialias and interpolation != "nearest"):
        return NotImplemented
    if interpolation == "bicubic" and OpenSize not in map(type, x.shape[1:3]):
        return NotImplemented  # runtimes have it for some orders of axes and factors alone
    order = channels_second(4)
    name = to(x, order)
    sizes = to.node(
        "Concat", to.node("Shape", name, start=0, end=2), sizes_tensor(to, size), axis=0
    )
    how = {"coordinate_transformation_mode": "half_pixel", **_MODES[interpolation]}
    return Laid(to.node("Resize", name, None, None, sizes, **how), order)

"""Convolution, pooling and resizing in one to three dimensions."""

from __future__ import annotations

import numpy as np

from unidl.conformance.case import Case, normal

INF = np.inf


def _conv(label, x, kernel, strides=None, padding="valid", dilation=None, groups=1, **options):
    ones = (1,) * (len(x) - 2)
    arguments = (strides or ones, padding, dilation or ones, groups)
    return Case(
        "conv",
        label,
        lambda B, x, k: B.conv(x, k, *arguments),
        {"x": normal(*x), "kernel": normal(*kernel)},
        kind="linear",
        **options,
    )


CONV = [
    _conv("1d", (2, 7, 3), (3, 3, 4)),
    _conv("1d same, even kernel", (2, 7, 3), (4, 3, 2), padding="same"),
    _conv("1d same, stride", (2, 8, 3), (3, 3, 2), (2,), "same"),
    _conv("1d causal", (2, 7, 3), (3, 3, 2), None, ((4, 0),), (2,)),
    _conv("1d groups", (2, 7, 4), (3, 2, 6), groups=2),
    _conv("1d window larger than the input, same", (1, 3, 2), (7, 2, 2), padding="same"),
    _conv("2d", (2, 5, 6, 3), (3, 3, 3, 4)),
    _conv("2d same", (2, 5, 6, 3), (3, 3, 3, 4), padding="same"),
    _conv("2d same, even kernel", (2, 5, 6, 3), (2, 4, 3, 4), padding="same"),
    _conv("2d same, stride, even size", (2, 6, 8, 3), (3, 3, 3, 4), (2, 2), "same"),
    _conv("2d same, stride, odd size", (2, 7, 5, 3), (3, 2, 3, 4), (2, 3), "same"),
    _conv("2d same, stride larger than the window", (1, 7, 7, 2), (1, 2, 2, 2), (3, 3), "same"),
    _conv("2d valid, stride leaves a rest", (2, 6, 8, 2), (3, 3, 2, 2), (2, 2)),
    _conv("2d dilation", (2, 7, 8, 2), (3, 2, 2, 3), None, "valid", (2, 3)),
    _conv("2d dilation, same", (2, 7, 8, 2), (3, 2, 2, 3), None, "same", (2, 3)),
    _conv("2d asymmetric padding", (2, 5, 4, 2), (3, 3, 2, 2), (1, 2), ((0, 2), (3, 1))),
    _conv("2d groups", (2, 5, 5, 4), (3, 3, 2, 6), None, "same", groups=2),
    _conv("2d groups and stride", (2, 6, 5, 4), (2, 2, 1, 4), (2, 2), "same", groups=4),
    _conv("2d one by one", (2, 3, 4, 5), (1, 1, 5, 2)),
    _conv("2d one by one, stride", (2, 5, 4, 3), (1, 1, 3, 2), (2, 2)),
    _conv("2d batch of one, one channel", (1, 4, 4, 1), (3, 3, 1, 1)),
    _conv("2d window as large as the input", (2, 4, 3, 2), (4, 3, 2, 3)),
    _conv("2d many channels", (1, 5, 5, 32), (3, 3, 32, 16), padding="same"),
    _conv("2d empty batch", (0, 5, 5, 2), (3, 3, 2, 3), traced=False),
    _conv("3d", (1, 4, 5, 4, 2), (2, 3, 2, 2, 3)),
    _conv("3d same, stride", (1, 4, 5, 6, 2), (3, 2, 3, 2, 3), (2, 2, 2), "same"),
    _conv("3d dilation", (1, 5, 5, 5, 2), (2, 2, 2, 2, 2), None, "valid", (2, 1, 2)),
    _conv(
        "3d groups, asymmetric padding",
        (1, 4, 4, 4, 4),
        (2, 2, 2, 2, 4),
        None,
        ((1, 0), (0, 1), (0, 0)),
        groups=2,
    ),
]


def _biased(label, x, kernel, strides, padding, groups=1, traced=True):
    arguments = (strides, padding, (1,) * len(strides), groups)
    return Case(
        "biased_conv",
        label,
        lambda B, x, k, b: B.biased_conv(x, k, b, *arguments),
        {"x": normal(*x), "kernel": normal(*kernel), "bias": normal(kernel[-1])},
        kind="linear",
        traced=traced,
    )


BIASED = [
    _biased("1d", (2, 7, 3), (3, 3, 4), (1,), "valid"),
    _biased("2d same, stride", (2, 6, 7, 3), (3, 2, 3, 4), (2, 2), "same"),
    _biased("2d groups", (2, 5, 5, 4), (3, 3, 2, 6), (1, 1), "same", groups=2),
    _biased("2d empty batch", (0, 5, 5, 2), (3, 3, 2, 3), (1, 1), "valid", traced=False),
    _biased(
        "3d asymmetric padding",
        (1, 4, 4, 4, 2),
        (2, 2, 2, 2, 3),
        (1, 1, 1),
        ((1, 0), (0, 1), (0, 0)),
    ),
]


def _transpose(label, x, kernel, strides, starts, sizes, dilation=None):
    arguments = (strides, dilation or (1,) * len(strides), starts, sizes)
    return Case(
        "conv_transpose",
        label,
        lambda B, x, k: B.conv_transpose(x, k, *arguments),
        {"x": normal(*x), "kernel": normal(*kernel)},
        kind="linear",
    )


TRANSPOSE = [
    _transpose("1d", (2, 4, 3), (3, 2, 3), (2,), (0,), (9,)),
    _transpose("1d same", (2, 4, 3), (3, 2, 3), (2,), (0,), (8,)),
    _transpose("1d zeros past the end", (2, 4, 3), (3, 2, 3), (2,), (0,), (12,)),
    _transpose("2d", (2, 3, 4, 3), (3, 3, 2, 3), (1, 1), (0, 0), (5, 6)),
    _transpose("2d stride", (2, 3, 4, 3), (3, 2, 2, 3), (2, 3), (0, 0), (7, 11)),
    _transpose("2d same", (2, 3, 4, 3), (3, 3, 2, 3), (2, 2), (0, 0), (6, 8)),
    _transpose("2d cut at the start", (2, 3, 4, 3), (4, 4, 2, 3), (2, 2), (1, 1), (6, 8)),
    _transpose(
        "2d stride larger than the window", (2, 3, 3, 2), (1, 2, 2, 2), (3, 3), (0, 0), (9, 9)
    ),
    _transpose("2d dilation", (2, 3, 3, 2), (3, 2, 2, 2), (1, 1), (0, 0), (7, 5), (2, 2)),
    _transpose("2d dilation, cut", (2, 4, 3, 2), (3, 2, 2, 2), (1, 1), (2, 1), (4, 3), (2, 2)),
    _transpose("2d cut deeper than the window", (2, 5, 4, 2), (2, 2, 3, 2), (2, 2), (3, 4), (4, 3)),
    _transpose("2d one element", (1, 1, 1, 2), (2, 3, 2, 2), (2, 2), (0, 0), (2, 3)),
    _transpose("3d", (1, 2, 3, 2, 2), (2, 3, 2, 3, 2), (2, 1, 2), (0, 0, 0), (4, 5, 4)),
]


def _depthwise(label, x, kernel, strides=None, padding="valid", dilation=None):
    ones = (1,) * (len(x) - 2)
    arguments = (strides or ones, padding, dilation or ones)
    return Case(
        "depthwise_conv",
        label,
        lambda B, x, k: B.depthwise_conv(x, k, *arguments),
        {"x": normal(*x), "kernel": normal(*kernel)},
        kind="linear",
    )


DEPTHWISE = [
    _depthwise("1d", (2, 6, 3), (3, 3, 2)),
    _depthwise("2d", (2, 5, 5, 3), (3, 3, 3, 1), None, "same"),
    _depthwise("2d multiplier", (2, 5, 6, 3), (2, 3, 3, 2), None, "same"),
    _depthwise("2d stride", (2, 6, 6, 3), (3, 3, 3, 2), (2, 2), "same"),
    _depthwise("2d unequal strides", (2, 6, 5, 2), (3, 2, 2, 1), (2, 1), "valid"),
    _depthwise("2d dilation", (2, 7, 7, 2), (3, 3, 2, 2), None, "same", (2, 2)),
    _depthwise("2d asymmetric padding", (2, 5, 5, 2), (3, 3, 2, 1), (2, 2), ((0, 1), (2, 0))),
    _depthwise("3d", (1, 4, 4, 3, 2), (2, 2, 2, 2, 2)),
]

WINDOWS = (
    ("1d", (2, 7, 3), (2,), (2,), "valid"),
    ("1d same", (2, 7, 3), (3,), (2,), "same"),
    ("2d", (2, 6, 5, 3), (2, 2), (2, 2), "valid"),
    ("2d same, uneven padding", (2, 5, 7, 3), (2, 2), (2, 2), "same"),
    ("2d same, overlapping", (2, 5, 6, 2), (3, 3), (1, 1), "same"),
    ("2d same, even window, stride of one", (2, 5, 4, 2), (2, 4), (1, 1), "same"),
    ("2d stride larger than the window", (2, 7, 7, 2), (2, 2), (3, 3), "valid"),
    ("2d same, large window", (1, 4, 5, 2), (4, 3), (3, 2), "same"),
    ("2d asymmetric padding", (2, 5, 5, 2), (3, 3), (2, 2), ((1, 0), (0, 2))),
    ("2d symmetric padding", (2, 5, 5, 2), (3, 3), (2, 2), ((1, 1), (1, 1))),
    ("2d window of one", (2, 3, 3, 2), (1, 1), (1, 1), "valid"),
    ("2d whole image", (2, 4, 3, 2), (4, 3), (1, 1), "valid"),
    ("3d", (1, 4, 5, 4, 2), (2, 2, 2), (2, 2, 2), "valid"),
    ("3d same", (1, 3, 5, 4, 2), (2, 3, 2), (2, 2, 1), "same"),
)


def _pool(name, label, x, window, strides, padding, **options):
    return Case(
        name, label, lambda B, x: getattr(B, name)(x, window, strides, padding), {"x": x}, **options
    )


TIED = np.tile(
    [[1.0, 3.0, 3.0, 0.0], [3.0, 3.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0], [2.0, 2.0, 2.0, 5.0]],
    (1, 1, 1),
)[..., None]
POOL = [_pool("max_pool", label, normal(*x), *rest, kind="exact") for label, x, *rest in WINDOWS]
POOL += [_pool("avg_pool", label, normal(*x), *rest, kind="linear") for label, x, *rest in WINDOWS]
POOL += [
    _pool(
        "max_pool", "first of equals gets the gradient", TIED, (2, 2), (2, 2), "valid", kind="exact"
    ),
    _pool(
        "max_pool", "first of equals, overlapping, same", TIED, (3, 3), (1, 1), "same", kind="exact"
    ),
    _pool("max_pool", "first of equals, 1d", np.ones((1, 6, 1)), (3,), (2,), "same", kind="exact"),
    _pool(
        "max_pool",
        "first of equals, 3d",
        np.ones((1, 4, 4, 4, 1)),
        (2, 2, 2),
        (2, 2, 2),
        "valid",
        kind="exact",
    ),
    _pool(
        "max_pool",
        "all zeros after relu",
        np.zeros((2, 4, 4, 2)),
        (2, 2),
        (2, 2),
        "valid",
        kind="exact",
    ),
    _pool(
        "max_pool",
        "padding loses to negative numbers",
        -1 - np.arange(9.0).reshape(1, 3, 3, 1),
        (2, 2),
        (2, 2),
        "same",
        kind="exact",
    ),
    _pool(
        "max_pool",
        "minus infinity",
        np.full((1, 2, 2, 1), -INF),
        (2, 2),
        (1, 1),
        "same",
        kind="exact",
        gradients=False,
    ),
    _pool(
        "max_pool",
        "empty batch",
        np.zeros((0, 4, 4, 2)),
        (2, 2),
        (2, 2),
        "valid",
        kind="exact",
        traced=False,
    ),
    _pool(
        "avg_pool",
        "empty batch",
        np.zeros((0, 4, 4, 2)),
        (2, 2),
        (2, 2),
        "valid",
        kind="linear",
        traced=False,
    ),
]

SIZES = (
    ("twice", (2, 3, 4, 2), (6, 8)), ("half", (1, 4, 6, 2), (2, 3)), ("odd", (1, 3, 5, 2), (7, 4)),
    ("to one", (1, 4, 4, 1), (1, 1)), ("from one", (1, 1, 2, 2), (3, 5)),
    ("same size", (1, 3, 3, 2), (3, 3)), ("a third", (1, 9, 7, 1), (3, 2)),
)  # fmt: skip
RESIZE = [
    Case(
        "resize",
        f"{interpolation}, {label}",
        lambda B, x, size=size, how=interpolation: B.resize(x, size, how),
        {"x": normal(*x)},
        kind="exact" if interpolation == "nearest" else "noise",
    )
    for interpolation in ("nearest", "bilinear", "bicubic")
    for label, x, size in SIZES
]

CASES = [*CONV, *BIASED, *TRANSPOSE, *DEPTHWISE, *POOL, *RESIZE]

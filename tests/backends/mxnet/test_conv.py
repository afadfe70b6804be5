"""Convolution and pooling against loops in NumPy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tests.backends.mxnet.checks import check
from tests.backends.mxnet.test_nn import native, oracle
from unidl.backend.contract.conv import explicit_padding

rng = np.random.RandomState(6)


def windows(x, window, strides, padding, dilation, value):
    """((position, (n, *window, c) block), ...) of a channels-last array, and the output's spatial
    shape."""
    pairs = explicit_padding(padding, x.shape[1:-1], window, strides, dilation)
    x = np.pad(x, ((0, 0), *pairs, (0, 0)), constant_values=value)
    out = [
        (n - (k - 1) * d - 1) // s + 1
        for n, k, s, d in zip(x.shape[1:-1], window, strides, dilation, strict=True)
    ]
    blocks = []
    for place in itertools.product(*map(range, out)):
        cut = tuple(
            slice(p * s, p * s + (k - 1) * d + 1, d)
            for p, k, s, d in zip(place, window, strides, dilation, strict=True)
        )
        blocks.append((place, x[(slice(None), *cut)]))
    return blocks, out


def conv(strides, padding, dilation, groups=1):
    def reference(x, kernel):
        *window, c, f = kernel.shape
        blocks, out = windows(x, window, strides, padding, dilation, 0)
        y = np.zeros((x.shape[0], *out, f))
        for place, block in blocks:
            for g in range(groups):
                part, mine = (
                    block[..., g * c : (g + 1) * c],
                    slice(g * f // groups, (g + 1) * f // groups),
                )
                y[(slice(None), *place, mine)] = np.tensordot(
                    part, kernel[..., mine], len(window) + 1
                )
        return y

    return reference


def pool(reduce, window, strides, padding):
    def reference(x):
        blocks, out = windows(x, window, strides, padding, (1,) * len(window), np.nan)
        y = np.zeros((x.shape[0], *out, x.shape[-1]))
        for place, block in blocks:
            y[(slice(None), *place)] = reduce(block, axis=tuple(range(1, len(window) + 1)))
        return y

    return reference


CONVS = [
    ((2, 7, 3), (3, 3, 4), (2,), "same", (1,), 1),
    ((2, 7, 4), (3, 2, 4), (1,), ((4, 0),), (2,), 2),
    ((2, 6, 5, 2), (3, 2, 2, 3), (1, 1), "same", (1, 1), 1),
    ((2, 6, 6, 2), (3, 3, 2, 3), (2, 2), "same", (1, 1), 1),
    ((1, 7, 6, 4), (2, 3, 1, 8), (1, 2), "valid", (1, 1), 4),
    ((1, 7, 6, 2), (3, 3, 2, 2), (1, 1), "same", (2, 2), 1),
    ((1, 4, 5, 4, 2), (2, 2, 3, 2, 2), (2, 1, 1), "same", (1, 1, 1), 1),
]


@pytest.mark.slow
@pytest.mark.parametrize(("shape", "kernel", "strides", "padding", "dilation", "groups"), CONVS)
def test_conv(shape, kernel, strides, padding, dilation, groups):
    check(
        native("conv", strides, padding, dilation, groups),
        conv(strides, padding, dilation, groups),
        rng.randn(*shape),
        rng.randn(*kernel),
        gradient_rtol=1e-6,
    )


def test_conv_of_an_empty_batch():
    check(
        native("conv", (1,), "same", (1,)),
        lambda x, k: np.zeros((0, 5, 3)),
        np.zeros((0, 5, 2)),
        rng.randn(3, 2, 3),
    )


def test_conv_of_wrong_shapes(backend):
    x, kernel = backend.asarray(rng.randn(1, 5, 2)), backend.asarray(rng.randn(3, 3, 2))
    with pytest.raises(ValueError, match="channels"):
        backend.conv(x, kernel, (1,), "same", (1,))
    with pytest.raises(ValueError, match="does not fit"):
        backend.conv(x, backend.asarray(rng.randn(7, 2, 2)), (1,), "valid", (1,))


@pytest.mark.slow
@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize(
    ("window", "stride", "padding"),
    [(2, 2, "valid"), (3, 2, "same"), (2, 1, "same"), (3, 1, "same"), (4, 3, "same")],
)
def test_pool(rank, window, stride, padding):
    x = rng.randn(2, *((7, 6) if rank == 2 else (5, 4, 4)[:rank]), 2)
    arguments = (window,) * rank, (stride,) * rank, padding
    dtypes = ("float64", "float32") if rank < 3 else ("float64",)
    check(
        native("max_pool", *arguments),
        pool(np.nanmax, *arguments),
        x,
        gradient_rtol=1e-6,
        dtypes=dtypes,
    )
    check(
        native("avg_pool", *arguments),
        pool(np.nanmean, *arguments),
        x,
        gradient_rtol=1e-6,
        dtypes=dtypes,
    )


def test_first_of_equals_gets_the_gradient_of_max_pooling():
    x = np.array([1.0, 3, 3, 2, 2, 2]).reshape(1, 6, 1)
    check(
        native("max_pool", (3,), (3,), "valid"),
        lambda x: np.array([3.0, 2]).reshape(1, 2, 1),
        x,
        gradient=lambda x: np.array([0.0, 1, 0, 1, 0, 0]).reshape(1, 6, 1),
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spatial", "window", "strides", "dilation", "starts", "sizes"),
    [
        ((4,), (3,), (2,), (1,), (0,), (9,)),
        ((4,), (3,), (2,), (1,), (1,), (8,)),
        ((4, 3), (3, 2), (2, 1), (1, 1), (0, 0), (8, 3)),
        ((3, 3), (2, 3), (1, 1), (2, 2), (1, 1), (3, 5)),
        ((3, 2), (1, 1), (3, 3), (1, 1), (0, 0), (9, 6)),
        ((2, 3, 2), (2, 2, 2), (2, 1, 1), (1, 1, 1), (0, 0, 0), (4, 4, 3)),
    ],
)
def test_conv_transpose(spatial, window, strides, dilation, starts, sizes):
    arguments = strides, dilation, starts, sizes
    x, kernel = rng.randn(2, *spatial, 3), rng.randn(*window, 2, 3)
    check(
        native("conv_transpose", *arguments),
        oracle("conv_transpose", *arguments),
        x,
        kernel,
        gradient_rtol=1e-6,
    )


def test_depthwise():
    x, kernel = rng.randn(2, 5, 5, 3), rng.randn(3, 3, 3, 2)
    check(
        native("depthwise_conv", (1, 1), "same", (1, 1)),
        lambda x, k: conv((1, 1), "same", (1, 1), 3)(x, k.reshape(3, 3, 1, 6)),
        x,
        kernel,
        gradient_rtol=1e-6,
    )


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic"])
def test_resize(interpolation):
    check(
        native("resize", (5, 7), interpolation),
        oracle("resize", (5, 7), interpolation),
        rng.randn(1, 3, 4, 2),
        gradient_rtol=1e-6,
    )

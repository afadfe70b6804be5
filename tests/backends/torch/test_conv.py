"""Convolution and pooling against loops over windows, in 1 to 3 spatial axes, with the gradients by
finite differences."""

import itertools
import subprocess
import sys

import numpy as np
import pytest
import torch

from tests.backends.torch.agreement import assert_same, relative_error
from unidl.backend import Backend
from unidl.backend.contract.conv import explicit_padding

rng = np.random.default_rng(3)


def windows(x, window, strides, padding, dilation, fill):
    """(n, *out, *window, c) from x (n, *spatial, c)."""
    rank = len(window)
    pairs = explicit_padding(padding, x.shape[1:-1], window, strides, dilation)
    padded = np.pad(x, ((0, 0), *pairs, (0, 0)), constant_values=fill)
    extents = [(w - 1) * d + 1 for w, d in zip(window, dilation, strict=True)]
    counts = [
        (n - e) // s + 1 for n, e, s in zip(padded.shape[1:-1], extents, strides, strict=True)
    ]
    out = np.empty((x.shape[0], *counts, *window, x.shape[-1]))
    for at in itertools.product(*map(range, counts)):
        cut = tuple(
            slice(i * s, i * s + e, d)
            for i, s, e, d in zip(at, strides, extents, dilation, strict=True)
        )
        out[(slice(None), *at)] = padded[(slice(None), *cut)]
    assert out.ndim == 2 * rank + 2
    return out


def conv_reference(x, kernel, strides, padding, dilation, groups):
    rank = len(strides)
    parts = []
    for xs, ks in zip(np.split(x, groups, -1), np.split(kernel, groups, -1), strict=True):
        w = windows(xs, kernel.shape[:rank], strides, padding, dilation, 0.0)
        parts.append(np.tensordot(w, ks, rank + 1))
    return np.concatenate(parts, -1)


CONVS = [
    ((2, 9, 4), (3,), 6, (1,), "same", (1,), 1),
    ((2, 9, 4), (4,), 6, (2,), "same", (1,), 2),
    ((2, 9, 4), (3,), 6, (1,), ((4, 0),), (2,), 1),
    ((2, 8, 7, 4), (3, 3), 6, (1, 1), "same", (1, 1), 1),
    ((2, 8, 7, 4), (3, 2), 6, (2, 2), "same", (1, 1), 2),
    ((2, 8, 7, 4), (3, 2), 6, (2, 1), "valid", (1, 1), 1),
    ((2, 8, 7, 4), (3, 2), 6, (1, 1), "same", (2, 3), 1),
    ((1, 4, 5, 6, 2), (2, 3, 2), 3, (1, 2, 1), "same", (1, 1, 1), 1),
]


@pytest.mark.parametrize(
    ("shape", "window", "filters", "strides", "padding", "dilation", "groups"), CONVS
)
def test_conv(backend, shape, window, filters, strides, padding, dilation, groups):
    x, kernel = (
        rng.standard_normal(shape),
        rng.standard_normal((*window, shape[-1] // groups, filters)),
    )
    arguments = (strides, padding, dilation, groups)
    reference = conv_reference(x, kernel, *arguments)
    assert (
        relative_error(
            backend.conv(torch.tensor(x), torch.tensor(kernel), *arguments).numpy(), reference
        )
        < 1e-13
    )
    single = (
        backend.conv(torch.tensor(x).float(), torch.tensor(kernel).float(), *arguments)
        .double()
        .numpy()
    )
    assert relative_error(single, reference) < 1e-5
    leaves = torch.tensor(x, requires_grad=True), torch.tensor(kernel, requires_grad=True)
    assert torch.autograd.gradcheck(lambda *a: backend.conv(*a, *arguments), leaves, fast_mode=True)


def test_depthwise_is_channel_major(backend):
    x, kernel = rng.standard_normal((2, 6, 5, 3)), rng.standard_normal((3, 3, 3, 2))
    found = backend.depthwise_conv(
        torch.tensor(x), torch.tensor(kernel), (1, 1), "same", (1, 1)
    ).numpy()
    w = windows(x, (3, 3), (1, 1), "same", (1, 1), 0.0)
    assert (
        relative_error(found, np.einsum("nhwijc,ijcm->nhwcm", w, kernel).reshape(2, 6, 5, 6))
        < 1e-13
    )


@pytest.mark.parametrize(
    ("shape", "window", "filters", "strides", "padding", "dilation", "groups"), CONVS
)
def test_biased_conv(backend, shape, window, filters, strides, padding, dilation, groups):
    arrays = (
        rng.standard_normal(shape),
        rng.standard_normal((*window, shape[-1] // groups, filters)),
        rng.standard_normal(filters),
    )
    arguments = strides, padding, dilation, groups
    assert_same(
        lambda *a: backend.biased_conv(*a, *arguments),
        lambda *a: Backend.biased_conv(backend, *a, *arguments),
        arrays,
    )


def test_conv_output_is_channels_last_in_memory(backend):
    y = backend.conv(torch.ones(2, 8, 8, 3), torch.ones(3, 3, 3, 4), (1, 1), "same", (1, 1))
    assert y.is_contiguous()


TRANSPOSES = [
    # strides, dilation, starts, sizes: plain, cropped, cropped unevenly, lengthened with zeros,
    # dilated
    ((2, 5, 3), (3,), (2,), (1,), (0,), (11,)),
    ((2, 5, 3), (3,), (2,), (1,), (0,), (10,)),
    ((2, 5, 4, 3), (3, 2), (2, 2), (1, 1), (1, 0), (10, 8)),
    ((2, 5, 4, 3), (3, 2), (2, 3), (1, 1), (0, 0), (14, 13)),
    ((2, 5, 4, 3), (3, 3), (1, 1), (2, 2), (2, 1), (5, 6)),
    ((2, 5, 4, 3), (2, 2), (1, 1), (1, 1), (1, 1), (3, 7)),
    ((1, 3, 3, 2, 2), (2, 3, 2), (2, 1, 2), (1, 1, 1), (0, 1, 0), (6, 3, 4)),
]


@pytest.mark.parametrize(("shape", "window", "strides", "dilation", "starts", "sizes"), TRANSPOSES)
def test_conv_transpose(backend, shape, window, strides, dilation, starts, sizes):
    arrays = [rng.standard_normal(shape), rng.standard_normal((*window, 4, shape[-1]))]
    arguments = (strides, dilation, starts, sizes)
    native = lambda *a: backend.conv_transpose(*a, *arguments)  # noqa: E731
    default = lambda *a: Backend.conv_transpose(backend, *a, *arguments)  # noqa: E731
    assert_same(native, default, arrays)


POOLS = [
    ((2, 9, 3), (2,), (2,), "same"),
    ((2, 9, 3), (3,), (1,), "same"),
    ((2, 8, 7, 3), (2, 2), (2, 2), "valid"),
    ((2, 8, 7, 3), (2, 2), (2, 2), "same"),
    ((2, 8, 7, 3), (2, 2), (1, 1), "same"),
    ((2, 8, 7, 3), (3, 4), (2, 3), "same"),
    ((2, 8, 7, 3), (3, 3), (2, 2), "same"),
    ((2, 5, 7, 3), (1, 2), (3, 4), "same"),
    ((2, 8, 7, 3), (3, 3), (2, 2), ((0, 2), (2, 1))),
    ((1, 5, 4, 6, 2), (2, 3, 2), (2, 2, 1), "same"),
]


@pytest.mark.parametrize(("shape", "window", "strides", "padding"), POOLS)
def test_pooling(backend, shape, window, strides, padding):
    x = rng.standard_normal(shape)
    over = tuple(range(len(window) + 1, 2 * len(window) + 1))
    seen = windows(x, window, strides, padding, (1,) * len(window), np.nan)
    leaf = torch.tensor(x, requires_grad=True)
    for name, reference in (("max_pool", np.nanmax), ("avg_pool", np.nanmean)):
        function = getattr(backend, name)
        assert (
            relative_error(
                function(torch.tensor(x), window, strides, padding).numpy(), reference(seen, over)
            )
            < 1e-14
        )
        assert torch.autograd.gradcheck(
            lambda t, f=function: f(t, window, strides, padding), leaf, fast_mode=True
        )


@pytest.mark.parametrize("window", [(2,), (2, 2), (2, 2, 2)])
@pytest.mark.parametrize("channels", [1, 5, 16])
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_first_of_equals_gets_the_gradient_of_max_pool(backend, window, channels, padding):
    x = torch.zeros(2, *(5 for _ in window), channels, requires_grad=True)
    y = backend.max_pool(x, window, (2,) * len(window), padding)
    (g,) = torch.autograd.grad(y.sum(), x)
    places = range(0, 5, 2) if padding == "same" else range(0, 4, 2)
    assert g.sum() == y.numel()
    assert all(
        (g[(slice(None), *at)] == 1).all() for at in itertools.product(places, repeat=len(window))
    )


def test_max_pool_of_negative_values_ignores_the_padding(backend):
    x = torch.full((1, 3, 3, 1), -5.0)
    assert backend.max_pool(x, (2, 2), (1, 1), "same").unique().tolist() == [-5.0]
    assert backend.max_pool(x.int(), (2, 2), (1, 1), "same").unique().tolist() == [-5]


STRIDED_POINTS = """
import numpy as np, unidl
unidl.set_backend("torch")
for channels in (1, 3, 6):
    for shape, window in ((8, 8), (1, 1)), ((8,), (1,)):
        x = unidl.Variable(np.ones((2, *shape, channels), "float32"))
        kernel = unidl.Variable(np.ones((*window, channels, 4), "float32"))
        for padding in ("valid", "same"):
            def total():
                return unidl.ops.sum(unidl.ops.conv(x, kernel, 2, padding))
            for _ in range(60):
                kept = [unidl.value_and_grad(total, [x, kernel]), bytearray(40)]
print("alive")
"""


def test_windows_of_one_element_with_strides_keep_to_their_memory():
    # The kernel of the framework does not, without AVX-512: the process was killed.
    ran = subprocess.run(
        [sys.executable, "-c", STRIDED_POINTS], capture_output=True, text=True, check=False
    )
    assert ran.stdout.strip() == "alive", ran.stderr[-500:]

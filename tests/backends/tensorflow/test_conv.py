"""Where TensorFlow's CPU kernels have gaps: groups, dilation, three axes in float64, uneven
padding, empty batches."""

import itertools

import numpy as np
import pytest

from tests.backends.tensorflow.checks import check
from unidl.backend.contract.conv import explicit_padding

rng = np.random.default_rng(0)


def windows(x, window, strides, dilation, pairs, fill):
    """(n, *out, *window, c) of a padded copy of x (n, *spatial, c)."""
    rank = len(window)
    x = np.pad(x, ((0, 0), *pairs, (0, 0)), constant_values=fill)
    extents = [(k - 1) * d + 1 for k, d in zip(window, dilation, strict=True)]
    views = np.lib.stride_tricks.sliding_window_view(x, extents, tuple(range(1, rank + 1)))
    picks = (
        slice(None),
        *(slice(None, None, s) for s in strides),
        slice(None),
        *(slice(None, None, d) for d in dilation),
    )
    return np.moveaxis(views[picks], rank + 1, -1)


def conv(x, kernel, strides, padding, dilation, groups):
    rank = len(strides)
    pairs = explicit_padding(padding, x.shape[1:-1], kernel.shape[:rank], strides, dilation)
    cut = windows(x, kernel.shape[:rank], strides, dilation, pairs, 0.0)
    axes = (list(range(rank + 1, 2 * rank + 2)), list(range(rank + 1)))
    parts = zip(np.split(cut, groups, -1), np.split(kernel, groups, -1), strict=True)
    return np.concatenate([np.tensordot(c, k, axes) for c, k in parts], -1)


CASES = [(1, 1, 1), (2, 1, 1), (1, 2, 1), (2, 2, 1), (1, 1, 2), (2, 1, 2), (1, 2, 2)]


@pytest.mark.slow
@pytest.mark.parametrize(("stride", "dilation", "groups"), CASES)
@pytest.mark.parametrize("padding", ["valid", "same", "explicit"])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_conv(rank, padding, stride, dilation, groups):
    strides, dilation = (stride,) * rank, (dilation,) * rank
    padding = ((1, 2), (0, 1), (1, 0))[:rank] if padding == "explicit" else padding
    x, kernel = (
        rng.standard_normal((2, *(5, 4, 4)[:rank], 2)),
        rng.standard_normal((*(2,) * rank, 2 // groups, 2)),
    )
    check(
        lambda b, x, k: b.conv(x, k, strides, padding, dilation, groups), lambda x,
        k: conv(x, k, strides, padding, dilation, groups), x, kernel,
        gradients=None if rank == 1 else lambda w, x,
        k: linear_gradients(w, x, k, strides, padding, dilation, groups),
    )  # fmt: skip


def linear_gradients(weights, x, kernel, *how):
    """Exact, since a convolution is linear in each argument: the response to each unit."""

    def responses(shape, function):
        gradient = np.empty(shape)
        for i in np.ndindex(shape):
            unit = np.zeros(shape)
            unit[i] = 1
            gradient[i] = np.sum(weights * function(unit))
        return gradient

    return [
        responses(x.shape, lambda u: conv(u, kernel, *how)),
        responses(kernel.shape, lambda u: conv(x, u, *how)),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize(("stride", "dilation"), [(1, 1), (2, 1), (1, 2)])
def test_depthwise_conv(rank, stride, dilation):
    strides, dilation = (stride,) * rank, (dilation,) * rank
    x, kernel = (
        rng.standard_normal((1, *(5, 4, 3)[:rank], 2)),
        rng.standard_normal((*(2,) * rank, 2, 2)),
    )
    check(
        lambda b, x, k: b.depthwise_conv(x, k, strides, "same", dilation),
        lambda x, k: conv(x, k.reshape(*k.shape[:rank], 1, 4), strides, "same", dilation, 2),
        x, kernel, dtypes=["float64"] if rank == 3 else ("float64", "float32"),
    )  # fmt: skip


CUTS = [(1, 1, 0, 6), (2, 1, 0, 7), (2, 1, 1, 6), (3, 1, 0, 10), (1, 2, 1, 5), (2, 2, 1, 8)]


@pytest.mark.slow
@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize(("stride", "dilation", "start", "size"), CUTS)
def test_conv_transpose_is_the_adjoint(rank, stride, dilation, start, size):
    """(size, 3 -> full length) by units: row i of the matrix of `conv` is what unit i of space
    becomes."""
    strides, dilations, starts, sizes = ((v,) * rank for v in (stride, dilation, start, size))
    length, k = 3, 2
    full = (length - 1) * stride + (k - 1) * dilation + 1

    def adjoint(x, kernel):
        """sum over windows: each input element adds its kernel at its place of the full result."""
        whole = np.zeros((1, *(max(full, start + size),) * rank, kernel.shape[rank]))
        for place in itertools.product(range(length), repeat=rank):
            at = tuple(
                slice(p * stride, p * stride + (k - 1) * dilation + 1, dilation) for p in place
            )
            whole[(0, *at)] += kernel @ x[(0, *place)]
        return whole[(slice(None), *(slice(start, start + size),) * rank)]

    x, kernel = (
        rng.standard_normal((1, *(length,) * rank, 1)),
        rng.standard_normal((*(k,) * rank, 2, 1)),
    )
    check(
        lambda b, x, k: b.conv_transpose(x, k, strides, dilations, starts, sizes),
        adjoint,
        x,
        kernel,
    )


def pool(x, window, strides, padding, maximum):
    pairs = explicit_padding(padding, x.shape[1:-1], window, strides)
    ones = (1,) * len(window)
    axes = tuple(range(len(window) + 1, 2 * len(window) + 1))
    cut = windows(x, window, strides, ones, pairs, -np.inf if maximum else np.nan)
    return cut.max(axes) if maximum else np.nanmean(cut, axes)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["max_pool", "avg_pool"])
@pytest.mark.parametrize("padding", ["valid", "same", "explicit"])
@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize(("window", "stride"), [(2, 2), (3, 2), (2, 3)])
def test_pool(name, padding, rank, window, stride):
    window, strides = (window,) * rank, (stride,) * rank
    padding = ((1, 0), (0, 1), (1, 1))[:rank] if padding == "explicit" else padding
    x = rng.standard_normal((1, *(5, 4, 5)[:rank], 2))
    check(
        lambda b, x: getattr(b, name)(x, window, strides, padding),
        lambda x: pool(x, window, strides, padding, name == "max_pool"),
        x,
    )


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_empty_batches(rank):
    """oneDNN gives a convolution the wrong shape, and aborts the process in the gradient of a
    pool."""
    ones, twos = (1,) * rank, (2,) * rank
    x, kernel = np.zeros((0, *(5,) * rank, 2)), np.ones((*(3,) * rank, 2, 4))

    def nothing(*shape):
        return lambda *_: np.zeros((0, *(3,) * rank, *shape))

    def zeros(weights, *arrays):
        return [0 * a for a in arrays]

    check(lambda b, x, k: b.conv(x, k, ones, "valid", ones), nothing(4), x, kernel, gradients=zeros)
    check(lambda b, x: b.max_pool(x, twos, twos, "same"), nothing(2), x, gradients=zeros)
    check(lambda b, x: b.avg_pool(x, twos, twos, "same"), nothing(2), x, gradients=zeros)


def test_where_no_kernel_has_groups_they_are_split(tf_backend, monkeypatch):
    import unidl_tensorflow.conv as module

    x, kernel = (
        rng.standard_normal((2, 5, 5, 4)).astype("float32"),
        rng.standard_normal((3, 3, 2, 6)).astype("float32"),
    )
    args = (tf_backend.asarray(x), tf_backend.asarray(kernel), (1, 1), "same", (1, 1), 2)
    native = tf_backend.to_numpy(tf_backend.conv(*args))
    monkeypatch.setattr(module, "has_grouped_gradient", lambda device: False)
    assert np.allclose(native, tf_backend.to_numpy(tf_backend.conv(*args)), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("pairs", list(itertools.product([(0, 0), (2, 1)], repeat=2)))
def test_grouped_conv_trains_in_float32_with_any_padding(pairs):
    x, kernel, how = (
        rng.standard_normal((1, 3, 3, 2)),
        rng.standard_normal((2, 2, 1, 2)),
        ((1, 1), pairs, (1, 1), 2),
    )
    check(
        lambda b, x, k: b.conv(x, k, *how),
        lambda x, k: conv(x, k, *how),
        x,
        kernel,
        dtypes=["float32"],
    )

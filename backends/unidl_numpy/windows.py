"""What convolution and pooling share: padding, the views of an input at each place of a window, and
their adjoints."""

from __future__ import annotations

import itertools

import numpy as np

from unidl.backend.contract.conv import explicit_padding


def pads_of(padding, x, window, strides, dilation=None):
    return explicit_padding(padding, x.shape[1:-1], window, strides, dilation)


def padded(x, pads, value=0):
    """x (n, *spatial, c) with `pads` around the spatial axes."""
    if all(pair == (0, 0) for pair in pads):
        return x
    shape = (
        x.shape[0],
        *[n + before + after for n, (before, after) in zip(x.shape[1:-1], pads, strict=True)],
        x.shape[-1],
    )
    y = np.full(shape, value, x.dtype) if value else np.zeros(shape, x.dtype)
    y[_inside(x.shape, pads)] = x
    return y


def _inside(shape, pads):
    return (
        slice(None),
        *[slice(before, before + n) for n, (before, _) in zip(shape[1:-1], pads, strict=True)],
    )


def unpadded(x, shape, pads):
    """The part of `x` that `padded` took from an array of `shape`."""
    return x if x.shape == shape else x[_inside(shape, pads)]


def output_sizes(spatial, window, strides, dilation):
    return tuple(
        [
            (n - (w - 1) * d - 1) // s + 1
            for n, w, s, d in zip(spatial, window, strides, dilation, strict=True)
        ]
    )


def places(window, strides, dilation, sizes):
    """(place in the window, key of the elements of a padded input that meet it) for each place, in
    order."""
    for place in itertools.product(*[range(w) for w in window]):
        starts = [p * d for p, d in zip(place, dilation, strict=True)]
        yield (
            place,
            (
                slice(None),
                *[
                    slice(a, a + (n - 1) * s + 1, s)
                    for a, n, s in zip(starts, sizes, strides, strict=True)
                ],
            ),
        )

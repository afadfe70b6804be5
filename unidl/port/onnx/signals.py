"""Fourier transforms, framed signals and the matrix of mel bands. The last axis of a signal holds
the real and the imaginary part."""

from __future__ import annotations

import numpy as np

from unidl import ops
from unidl.port.onnx.table import handles
from unidl.port.onnx.values import dtype_of, host, ints


@handles("DFT")
def fourier(node, x, length=None, axis=None):
    """Along `axis`, an attribute before version 20, of signals cut or filled with zeros to
    `length`."""
    axis = node["axis"] if node.since < 20 else -2 if axis is None else ints(axis)[0]
    x = ops.moveaxis(x, axis, -2)  # the parts stay in the last place
    size = ops.shape(x)[-2]
    one_sided = bool(node["onesided"])
    n = (
        ints(length)[0]
        if length is not None
        else 2 * (size - 1)
        if one_sided and node["inverse"]
        else size
    )
    if one_sided and node["inverse"]:
        result = ops.expand_dims(ops.irfft(_parts(x), n), -1)
    else:
        result = _transformed(_of_length(x, n), one_sided, node["inverse"])
    return ops.moveaxis(result, -2, axis)


@handles("STFT")
def short_time_fourier(node, x, step, window=None, length=None):
    """(batch, frames, bins, 2) of pieces of `length` elements, `step` apart, times the window."""
    step = ints(step)[0]
    n = ints(length)[0] if length is not None else ops.shape(window)[0]
    frames = (ops.shape(x)[1] - n) // step + 1
    places = np.arange(frames)[:, None] * step + np.arange(n)
    pieces = ops.take(x, places.astype("int32"), 1)  # (batch, frames, n, parts)
    if window is not None:
        pieces = ops.multiply(pieces, ops.expand_dims(window, -1))
    return _transformed(pieces, bool(node["onesided"]), False)


def _parts(x):
    """The pair (real, imaginary part) of (..., 2)."""
    return tuple(ops.get_item(x, (Ellipsis, i)) for i in (0, 1))


def _of_length(x, n):
    size = ops.shape(x)[-2]
    if n > size:
        return ops.pad(x, [(0, 0)] * (len(ops.shape(x)) - 2) + [(0, n - size), (0, 0)])
    return ops.get_item(x, (Ellipsis, slice(0, n), slice(None)))


def _transformed(x, one_sided, inverse):
    """The transform of (..., n, parts) along n, of its first n // 2 + 1 coefficients alone if
    `one_sided`."""
    if ops.shape(x)[-1] == 1:
        real = ops.get_item(x, (Ellipsis, 0))
        if one_sided:
            return ops.stack(ops.rfft(real), -1)
        x = ops.concatenate([x, ops.zeros_like(x)], -1)
    parts = _parts(x)
    n = ops.shape(x)[-2]
    if inverse:
        # With the parts exchanged, before and after, the transform turns the other way round.
        imaginary, real = (ops.divide(part, n) for part in ops.fft(parts[::-1]))
    else:
        real, imaginary = ops.fft(parts)
    pair = ops.stack([real, imaginary], -1)
    return ops.get_item(pair, (Ellipsis, slice(0, n // 2 + 1), slice(None))) if one_sided else pair


@handles("MelWeightMatrix")
def mel_bands(node, bands, length, rate, low, high):
    """(length // 2 + 1, bands): each band a triangle over the bins of the transform, their corners
    evenly spaced on the mel scale."""
    bands, length, rate, low, high = (host(x).item() for x in (bands, length, rate, low, high))
    mel_low, mel_high = (2595 * np.log10(1 + hertz / 700) for hertz in (low, high))
    mels = mel_low + np.arange(bands + 2) * (mel_high - mel_low) / (bands + 2)
    corners = ((length + 1) * 700 * (10 ** (mels / 2595) - 1) // rate).astype(int)
    left, centre, right = corners[:-2], corners[1:-1], corners[2:]
    bins = np.arange(length // 2 + 1)[:, None]
    rise = np.where(left == centre, bins == centre, (bins - left) / np.maximum(centre - left, 1))
    fall = (right - bins) / np.maximum(right - centre, 1)
    weights = np.where(bins <= centre, rise, fall)
    return ops.convert_to_tensor(np.maximum(weights, 0), dtype_of(node["output_datatype"]))

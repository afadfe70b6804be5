"""Fourier transforms. A complex tensor is a pair (real, imaginary part) of float tensors of one
shape."""

from __future__ import annotations

from typing import Any

import numpy as np

from unidl.backend import dtypes
from unidl.ops.dispatch import call, op, prepare_tensors, promote, run, tensor_of
from unidl.ops.elementwise import divide, multiply
from unidl.ops.patches import extract_sequences
from unidl.ops.repeating import pad
from unidl.ops.shaping import reshape, swapaxes
from unidl.ops.window_functions import window_of
from unidl.typing import DType, Tensor, TensorLike


@op
def fft(x: Any) -> tuple[Tensor, Tensor]:
    """The pair of sums over j of x[j] exp(-2 pi i j k / n) along the last axis, of a pair x.

    Examples:
        >>> real, imag = unidl.ops.fft((np.array([1.0, 0.0]), np.array([0.0, 0.0])))
        >>> real, imag  # complex tensors are pairs
        (array([1., 1.]), array([0., 0.]))
    """
    return _fft("fft", x, False)


@op
def fft2(x: Any) -> tuple[Tensor, Tensor]:
    """`fft` along the last two axes of a pair x.

    Examples:
        >>> real, imag = unidl.ops.fft2((np.ones((2, 2)), np.zeros((2, 2))))
        >>> real
        array([[4., 0.],
               [0., 0.]])
    """
    return _fft2("fft2", x, False)


@op
def ifft2(x: Any) -> tuple[Tensor, Tensor]:
    """The inverse of `fft2`.

    Examples:
        >>> real, imag = unidl.ops.ifft2(unidl.ops.fft2((np.eye(2), np.zeros((2, 2)))))
        >>> real
        array([[1., 0.],
               [0., 1.]])
    """
    return _fft2("ifft2", x, True)


def _fft(name: str, x: TensorLike, inverse: Any) -> Any:
    backend, pair = _pair(name, x)
    return run(backend, "fft", pair, {"inverse": inverse})


def _fft2(name: str, x: TensorLike, inverse: Any) -> Any:
    backend, pair = _pair(name, x)
    if len(backend.shape(pair[0])) < 2:
        raise ValueError(
            f"{name}: at least two axes are required, got the shape "
            f"{tuple(backend.shape(pair[0]))}."
        )
    rows = [swapaxes(part, -1, -2) for part in run(backend, "fft", pair, {"inverse": inverse})]
    return tuple(swapaxes(part, -1, -2) for part in run(backend, "fft", rows, {"inverse": inverse}))


@op
def rfft(x: Any, fft_length: int | None = None) -> tuple[Tensor, Tensor]:
    """The pair of the first n // 2 + 1 coefficients of real x, cut or filled with zeros to n =
    `fft_length` elements.

    Examples:
        >>> real, imag = unidl.ops.rfft([0.0, 1.0, 0.0, -1.0])  # a sine: n // 2 + 1 frequencies
        >>> imag
        array([ 0., -2.,  0.], dtype=float32)
    """
    backend, x = tensor_of(x)
    x = x if dtypes.is_float(backend.dtype(x)) else backend.cast(x, dtypes.floatx())
    return call("rfft", x if fft_length is None else _of_length("rfft", x, fft_length))


@op
def irfft(x: Any, fft_length: int | None = None) -> Tensor:
    """The real tensor of `fft_length` elements, by default 2 (bins - 1), whose `rfft` is the pair x
    (..., bins).

    Examples:
        >>> unidl.ops.irfft(unidl.ops.rfft([1.0, 2.0, 3.0, 4.0]))
        array([1., 2., 3., 4.], dtype=float32)
    """
    backend, pair = _pair("irfft", x)
    n = 2 * (backend.shape(pair[0])[-1] - 1) if fft_length is None else fft_length
    return run(backend, "irfft", [_of_length("irfft", part, n // 2 + 1) for part in pair], {"n": n})


@op
def stft(
    x: Any,
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    window: str | TensorLike = "hann",
    center: bool = True,
) -> Tensor:
    """Short-time Fourier transform of real x (..., n): a pair (..., pieces, fft_length // 2 + 1).

    Args:
        sequence_length: elements of a piece that the window covers.
        sequence_stride: from piece to piece.
        fft_length: elements of a piece, the window being in its middle.
        window: "hann", "hamming", "blackman", "boxcar" (periodic), a tensor (sequence_length,), or
            None for ones.
        center: x is reflected at its ends first, so that piece i is centred at i * sequence_stride.

    Examples:
        >>> real, imag = unidl.ops.stft(np.ones(16), 8, sequence_stride=4, fft_length=8)
        >>> real.shape  # frames, frequencies
        (5, 5)
    """
    backend, x = tensor_of(x)
    dtype = backend.dtype(x)
    if dtype not in ("float32", "float64"):
        raise TypeError(
            f'stft: x must be float32 or float64, got {dtype}. Write ops.cast(x, "float32").'
        )
    if center:
        pads = ((0, 0),) * (len(backend.shape(x)) - 1) + ((fft_length // 2, fft_length // 2),)
        x = pad(x, pads, mode="reflect")
    pieces = extract_sequences(x, fft_length, sequence_stride)
    return call(
        "rfft",
        multiply(pieces, _window("stft", backend, window, sequence_length, fft_length, dtype)),
    )


@op
def istft(
    x: Any,
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    length: int | None = None,
    window: str | TensorLike = "hann",
    center: bool = True,
) -> Tensor:
    """The real tensor (..., n) of which `stft` makes the pair x (..., pieces, bins), cut to
    `length`.

    The pieces are weighted by the window once more, added up, and divided by the sum of the squared
    windows at each place. Without a window they are added up alone.

    Examples:
        >>> x = np.sin(np.arange(16.0))
        >>> spectrum = unidl.ops.stft(x, 8, sequence_stride=4, fft_length=8)
        >>> y = unidl.ops.istft(spectrum, 8, sequence_stride=4, fft_length=8)
        >>> unidl.ops.allclose(x, y, atol=1e-6)
        array(True)
    """
    backend, pair = _pair("istft", x)
    shape, dtype = backend.shape(pair[0]), backend.dtype(pair[0])
    if len(shape) < 2 or shape[-2] is None:
        raise ValueError(
            "istft: expected a pair (..., pieces, bins) with a known number of pieces, got the "
            f"shape {tuple(shape)}."
        )
    pieces = run(
        backend,
        "irfft",
        [_of_length("istft", part, fft_length // 2 + 1) for part in pair],
        {"n": fft_length},
    )
    count = shape[-2]
    total = fft_length + sequence_stride * (count - 1)
    places = (
        (np.arange(count)[:, None] * sequence_stride + np.arange(fft_length))
        .reshape(-1)
        .astype("int32")
    )
    if window is not None:
        weights = _window("istft", backend, window, sequence_length, fft_length, dtype)
        pieces = multiply(pieces, weights)
    added = _added(backend, pieces, places, total)
    if window is not None:
        squares = backend.broadcast_to(multiply(weights, weights), (count, fft_length))
        norm = _added(backend, squares, places, total)
        # Where no window reaches nothing was added either.
        norm = backend.where(backend.greater(norm, 1e-10), norm, backend.full_like(norm, 1))
        added = divide(added, norm)
    start = fft_length // 2 if center else 0
    end = start + length if length is not None else total - start
    return call("getitem", added, key=(Ellipsis, slice(start, end)))


def _added(backend: Any, pieces: Any, places: Any, total: Any) -> Any:
    """Pieces (..., count, n) added up at `places` of (..., total)."""
    batch = tuple(-1 if n is None else n for n in backend.shape(pieces)[:-2])
    columns = swapaxes(reshape(pieces, (-1, len(places))), 0, 1)
    return reshape(
        swapaxes(call("segment_sum", columns, places, count=total), 0, 1), (*batch, total)
    )


def _window(
    name: str, backend: Any, window: Any, length: Any, fft_length: Any, dtype: DType
) -> Any:
    """The window in the middle of `fft_length` elements."""
    if fft_length < length:
        raise ValueError(
            f"{name}: fft_length={fft_length} must be at least sequence_length={length}."
        )
    before = (fft_length - length) // 2
    after = fft_length - length - before
    if window is None:
        return backend.asarray(np.ones(fft_length), dtype)
    if isinstance(window, str):
        return backend.asarray(
            np.pad(window_of(name, window, length, periodic=True), (before, after)), dtype
        )
    window = backend.cast(tensor_of(window)[1], dtype)
    if tuple(backend.shape(window)) != (length,):
        raise ValueError(
            f"{name}: the window must have the shape {(length,)} of sequence_length, got "
            f"{tuple(backend.shape(window))}."
        )
    return pad(window, ((before, after),))


def _pair(name: str, x: TensorLike) -> Any:
    """(backend, [real, imaginary part]) as floats of one dtype and shape."""
    if not isinstance(x, (tuple, list)) or len(x) != 2:
        raise ValueError(
            f"{name}: x must be a pair (real, imaginary part), got something else. For a real "
            "tensor write (x, 0 * x)."
        )
    backend, tensors = prepare_tensors(x)
    pair = promote(backend, tensors, to_floats=True)
    if tuple(backend.shape(pair[0])) != tuple(backend.shape(pair[1])):
        raise ValueError(
            f"{name}: real and imaginary part must have the same shape, got "
            f"{backend.shape(pair[0])} and {backend.shape(pair[1])}."
        )
    return backend, pair


def _of_length(name: str, x: TensorLike, n: Any) -> Any:
    """The last axis cut, or filled with zeros, to n elements."""
    backend, x = tensor_of(x)
    size = backend.shape(x)[-1]
    if size is None or n < 1:
        raise ValueError(
            f"{name}: the last axis must have a known size and the result at least one element, "
            f"got {backend.shape(x)}, {n}."
        )
    if size > n:
        return call("getitem", x, key=(Ellipsis, slice(0, n)))
    return pad(x, ((0, 0),) * (len(backend.shape(x)) - 1) + ((0, n - size),)) if size < n else x

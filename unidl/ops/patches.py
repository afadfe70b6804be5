"""Windows of images and sequences as columns, blocks of pixels as channels, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from unidl.ops.dispatch import call, op, tensor_of
from unidl.ops.joining import stack
from unidl.ops.repeating import pad
from unidl.ops.shaping import reshape, transpose
from unidl.typing import Sizes, Tensor, TensorLike


@op
def extract_sequences(x: TensorLike, sequence_length: int, sequence_stride: int) -> Tensor:
    """Overlapping pieces of the last axis: (..., n) -> (..., 1 + (n - sequence_length) //
    sequence_stride, sequence_length).

    Examples:
        >>> unidl.ops.extract_sequences(np.arange(6.0), 4, 2)
        array([[0., 1., 2., 3.],
               [2., 3., 4., 5.]])
    """
    backend, x = tensor_of(x)
    n = backend.shape(x)[-1]
    if n is None or n < sequence_length:
        raise ValueError(
            f"extract_sequences: the last axis of the shape {tuple(backend.shape(x))} must be at "
            f"least sequence_length={sequence_length}."
        )
    starts = np.arange(0, n - sequence_length + 1, sequence_stride)
    return call("take", x, (starts[:, None] + np.arange(sequence_length)).astype("int32"), axis=-1)


@op
def unfold(
    x: TensorLike, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1
) -> Tensor:
    """Windows as columns, channels first: (n, c, h, w) -> (n, c * kh * kw, windows). All sizes an
    int or a pair.

    Images are padded by zeros, `padding` on each side.

    Examples:
        >>> unidl.ops.unfold(np.ones((1, 3, 8, 8)), kernel_size=2, stride=2).shape
        (1, 12, 16)
    """
    backend, x = tensor_of(x)
    shape = tuple(backend.shape(x))
    if len(shape) != 4:
        raise ValueError(
            f"unfold: expected images (n, channels, height, width), got the shape {shape}."
        )
    kernel, gaps, edges, steps = map(_pair, (kernel_size, dilation, padding, stride))
    counts = _windows("unfold", shape[2:], kernel, gaps, edges, steps)
    x = pad(x, ((0, 0), (0, 0), (edges[0],) * 2, (edges[1],) * 2)) if any(edges) else x
    columns = []
    for i in range(kernel[0]):
        for j in range(kernel[1]):
            rows, cols = (
                slice(a * d, a * d + s * (k - 1) + 1, s)
                for a, d, s, k in zip((i, j), gaps, steps, counts, strict=True)
            )
            columns.append(call("getitem", x, key=(slice(None), slice(None), rows, cols)))
    batch = -1 if shape[0] is None else shape[0]
    return reshape(
        stack(columns, 2), (batch, shape[1] * kernel[0] * kernel[1], counts[0] * counts[1])
    )


@op
def fold(
    x: TensorLike,
    output_size: Sizes,
    kernel_size: Sizes,
    dilation: Sizes = 1,
    padding: Sizes = 0,
    stride: Sizes = 1,
) -> Tensor:
    """The images of which `unfold` gives the columns, overlapping windows added up: (n, c * kh *
    kw, windows) -> (n, c, h, w).

    Examples:
        >>> patches = unidl.ops.unfold(np.ones((1, 1, 3, 3)), kernel_size=2)
        >>> unidl.ops.fold(patches, 3, kernel_size=2)[0, 0]  # overlaps are added
        array([[1., 2., 1.],
               [2., 4., 2.],
               [1., 2., 1.]])
    """
    backend, x = tensor_of(x)
    shape = tuple(backend.shape(x))
    size, kernel, gaps, edges, steps = map(
        _pair, (output_size, kernel_size, dilation, padding, stride)
    )
    counts = _windows("fold", size, kernel, gaps, edges, steps)
    window = kernel[0] * kernel[1]
    if len(shape) != 3 or shape[1] % window or shape[2] != counts[0] * counts[1]:
        raise ValueError(
            f"fold: for windows {kernel} of images {size} columns (n, c * {window}, "
            f"{counts[0] * counts[1]}) are expected, got {shape}."
        )
    channels, batch = shape[1] // window, shape[0]
    # Where in the image each element of a window lies; what lies in the padding belongs nowhere.
    rows, columns = (
        np.arange(k)[:, None] * d + np.arange(c) * s - p
        for k, d, c, s, p in zip(kernel, gaps, counts, steps, edges, strict=True)
    )
    rows, columns = rows[:, None, :, None], columns[None, :, None, :]
    inside = (rows >= 0) & (rows < size[0]) & (columns >= 0) & (columns < size[1])
    places = np.where(inside, rows * size[1] + columns, -1).reshape(-1).astype("int32")
    elements = backend.transpose(
        reshape(x, (-1 if batch is None else batch * channels, window * shape[2])), (1, 0)
    )
    images = backend.transpose(
        call("segment_sum", elements, places, count=size[0] * size[1]), (1, 0)
    )
    return reshape(images, (-1 if batch is None else batch, channels, *size))


def _pair(size: Sizes) -> tuple[int, int]:
    if isinstance(size, int):
        return size, size
    first, second = size
    return first, second


def _windows(
    name: str, sizes: Any, kernel: TensorLike, dilation: Any, padding: Any, stride: Any
) -> Any:
    """How many windows there are along each axis."""
    counts = []
    for n, k, d, p, s in zip(sizes, kernel, dilation, padding, stride, strict=True):
        if n is None or n + 2 * p < (k - 1) * d + 1:
            raise ValueError(
                f"{name}: windows {kernel} with dilation {dilation} and padding {padding} do not "
                f"fit into images {tuple(sizes)}."
            )
        counts.append((n + 2 * p - (k - 1) * d - 1) // s + 1)
    return tuple(counts)


@op
def space_to_depth(
    x: TensorLike, block_size: int, data_format: str | None = "channels_last"
) -> Tensor:
    """(n, h, w, c) -> (n, h / b, w / b, b * b * c): each block of b x b pixels becomes one.

    Examples:
        >>> unidl.ops.space_to_depth(np.arange(4).reshape(1, 2, 2, 1), 2)
        array([[[[0, 1, 2, 3]]]])
    """
    if data_format == "channels_first":
        return transpose(space_to_depth(transpose(x, (0, 2, 3, 1)), block_size), (0, 3, 1, 2))
    n, h, w, c = _shape_or_open(x)
    b = block_size
    x = transpose(reshape(x, (n, h // b, b, w // b, b, c)), (0, 1, 3, 2, 4, 5))
    return reshape(x, (n, h // b, w // b, b * b * c))


@op
def depth_to_space(
    x: TensorLike, block_size: int, data_format: str | None = "channels_last"
) -> Tensor:
    """(n, h, w, b * b * c) -> (n, h * b, w * b, c): each pixel becomes a block of b x b.

    Examples:
        >>> unidl.ops.depth_to_space(np.arange(4).reshape(1, 1, 1, 4), 2)[0, :, :, 0]
        array([[0, 1],
               [2, 3]])
    """
    if data_format == "channels_first":
        return transpose(depth_to_space(transpose(x, (0, 2, 3, 1)), block_size), (0, 3, 1, 2))
    n, h, w, c = _shape_or_open(x)
    b = block_size
    x = transpose(reshape(x, (n, h, w, b, b, c // (b * b))), (0, 1, 3, 2, 4, 5))
    return reshape(x, (n, h * b, w * b, c // (b * b)))


def _shape_or_open(x: TensorLike) -> Any:
    backend, x = tensor_of(x)
    return tuple(-1 if size is None else size for size in backend.shape(x))

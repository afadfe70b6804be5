"""Arithmetic of shapes with open axes."""

from __future__ import annotations


def broadcast_shapes(name, *shapes):
    """NumPy's broadcasting; an open axis beside a size above 1 is taken to fit."""
    result = ()
    for shape in shapes:
        rank = max(len(result), len(shape))
        a, b = (1,) * (rank - len(result)) + tuple(result), (1,) * (rank - len(shape)) + tuple(shape)
        merged = []
        for m, n in zip(a, b, strict=True):
            if m == 1:
                merged.append(n)
            elif n == 1 or n == m or n is None:
                merged.append(m)
            elif m is None:
                merged.append(n)
            else:
                raise ValueError(f"{name}: the shapes {', '.join(map(str, map(tuple, shapes)))} do not broadcast: {m} against {n}.")
        result = tuple(merged)
    return result


def normalize_axes(name, axes, rank, shape):
    """Axes as non-negative ints, checked against the rank."""
    found = []
    for axis in axes:
        if not -rank <= axis < rank:
            raise ValueError(f"{name}: axis {axis} is out of range for shape {tuple(shape)}, which has {rank} axes.")
        found.append(axis % rank)
    if len(set(found)) < len(found):
        raise ValueError(f"{name}: an axis is named twice in {tuple(axes)}.")
    return tuple(found)


def conv_size(name, shape, size, window, stride, dilation, pair):
    """Number of windows along one axis."""
    if size is None:
        return None
    extent = (window - 1) * dilation + 1
    padded = size + sum(pair)
    if size and padded < extent:
        raise ValueError(
            f"{name}: the output would have a negative size: windows of {extent} do not fit an axis of {padded} (padded) in an input of shape "
            f'{tuple(shape)}. Use a smaller window, or padding="same".'
        )
    return max(0, (padded - extent) // stride + 1)

"""Sequences are Python lists of tensors, an empty optional value is None."""

from __future__ import annotations

import numpy as np

from unidl import ops
from unidl.port.onnx.table import handles
from unidl.port.onnx.values import ints


@handles("SequenceEmpty")
def empty(node):
    return []


@handles("SequenceConstruct")
def construct(node, *xs):
    return list(xs)


@handles("SequenceInsert")
def insert(node, sequence, x, place=None):
    place = len(sequence) if place is None else ints(place)[0]
    return [*sequence[:place], x, *sequence[place:]]


@handles("SequenceErase")
def erase(node, sequence, place=None):
    place = (len(sequence) - 1 if place is None else ints(place)[0]) % len(sequence)
    return [*sequence[:place], *sequence[place + 1 :]]


@handles("SequenceAt")
def at(node, sequence, place):
    return sequence[ints(place)[0]]


@handles("SequenceLength")
def length(node, sequence):
    return np.asarray(len(sequence), "int64")


@handles("ConcatFromSequence")
def concatenate(node, sequence):
    return (
        ops.stack(sequence, node["axis"])
        if node["new_axis"]
        else ops.concatenate(sequence, node["axis"])
    )


@handles("SplitToSequence")
def split_to_sequence(node, x, sizes=None):
    """Parts of the given sizes, of one given size, or slices."""
    axis, total = node["axis"], ops.shape(x)[node["axis"]]
    if sizes is None:
        parts = ops.unstack(x, axis=axis)
        return [ops.expand_dims(p, axis) for p in parts] if node["keepdims"] else parts
    scalar, sizes = ops.shape(sizes) == (), ints(sizes)
    if scalar:
        sizes = [min(sizes[0], total - i) for i in range(0, total, sizes[0])]
    return ops.split(x, np.cumsum(sizes)[:-1].tolist(), axis)


@handles("Optional")
def optional(node, x=None):
    return x


@handles("OptionalGetElement")
def element(node, x):
    if x is None:
        raise node.unsupported("the optional value is empty.")
    return x


@handles("OptionalHasElement")
def has_element(node, x=None):
    return np.asarray(x is not None)

"""What reorders, joins, cuts and reduces."""

from __future__ import annotations

import copy

import numpy as np

from unidl import layers, ops
from unidl.port.errors import Refused
from unidl.port.laid import Laid
from unidl.port.onnx.graph import results_of
from unidl.port.onnx.values import axes_of
from unidl.port.onnx_model.call import AsItIsRun, makes


def open_axis(build, name):
    raise Refused(f"{name!r} depends on the size of an open axis. Give sizes: input_shapes=")


@makes("Reshape", "Flatten")
def reshape(call):
    return reshaped(call.build, call.tensor().first(), call.node.outputs[0])


def reshaped(build, x, output):
    """x in the shape that the graph gives to `output`."""
    shape = build.sizes.shape(output)
    if shape.count(None) < 2:
        if None in shape and 0 in shape:
            open_axis(build, output)
        return Laid(ops.reshape(x, [-1 if n is None else n for n in shape]))
    if shape.count(None) == 2 and shape[0] is None and x.shape[0] is None:
        return Laid(layers.Reshape([-1 if n is None else n for n in shape[1:]])(x))
    return open_axis(build, output)


@makes("Transpose")
def transpose(call):
    x = call.tensor()
    axes = tuple(call["perm"] or reversed(range(x.rank)))
    if x.rank > 2 and axes == (0, *range(2, x.rank), 1):
        return Laid(x.last())
    if x.rank > 2 and axes == (0, x.rank - 1, *range(1, x.rank - 1)):
        return Laid(x.first(), True)
    return Laid(ops.transpose(x.first(), axes))


@makes("Concat")
def concatenate(call):
    if not all(isinstance(x, Laid) for x in call.inputs):
        raise AsItIsRun
    first = call.inputs[0]
    if len(call.inputs) == 1:
        return first
    if any(x.channels_last != first.channels_last for x in call.inputs):
        return Laid(layers.Concatenate(call["axis"])([x.first() for x in call.inputs]))
    axis = first.axis(call["axis"])
    return first.like(layers.Concatenate(axis)([x.tensor for x in call.inputs]))


@makes("Split", "Softmax", "LogSoftmax", "Hardmax")
def along_one_axis(call):
    x, node = call.tensor(), call.node
    axis = node["axis"] or 0
    if node.operator != "Split" and node.since < 13:
        if axis % x.rank != x.rank - 1:
            raise AsItIsRun
        axis, node = -1, with_attributes(node, since=13)
    node = with_attributes(node, axis=x.axis(axis))
    return tuple(x.like(y) for y in results_of(node, [x.tensor, *call.inputs[1:]], {}))


_REDUCTIONS = tuple(
    f"Reduce{kind}"
    for kind in ("L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum")
)


@makes(*_REDUCTIONS, "ReduceSumSquare")
def reduction(call):
    x = call.tensor()
    axes = axes_of(call.node, call.inputs)
    if not axes or not x.channels_last:
        raise AsItIsRun
    if not call["keepdims"] and {a % x.rank for a in axes} != set(range(2, x.rank)):
        raise AsItIsRun
    node = with_attributes(call.node, axes=[x.axis(a) for a in axes])
    return Laid(results_of(node, [x.tensor], {})[0], bool(call["keepdims"]))


def with_attributes(node, since=None, **attributes):
    """The same node with other attributes, or of another version."""
    found = copy.copy(node)
    found.since = since or node.since
    found.attributes = {**node.attributes, **attributes}
    return found


@makes("Expand")
def expand(call):
    return expanded(call.build, call.inputs[0], call.node.outputs[0])


def expanded(build, x, output):
    """x in the shape that the graph gives to `output`, by repeating it along axes of size 1."""
    shape = build.sizes.shape(output)
    if isinstance(x, np.ndarray):
        if None not in shape:
            return np.broadcast_to(x, shape)
        given, sizes = x, x.shape
    else:
        given = build.tensor(x).first()
        sizes = tuple(given.shape)
    sizes = (1,) * (len(shape) - len(sizes)) + sizes
    open_ = [a for a, (n, m) in enumerate(zip(shape, sizes, strict=True)) if n is None and m == 1]
    dtype = str(given.dtype)
    add = ops.logical_or if dtype == "bool" else ops.add
    ones = [1 if n is None else n for n in shape]
    y = given if tuple(ones) == sizes else add(given, np.zeros(ones, dtype))
    for axis in open_:
        y = add(y, zeros_along(build, output, axis, len(shape), dtype))
    return Laid(y)


def zeros_along(build, name, axis, rank, dtype):
    """Zeros with the size of an open axis of a value there, and 1 elsewhere."""
    found = build.sizes.axis_like(name, axis)
    if found is None:
        return open_axis(build, name)
    given, place = found
    x = build.input_tensor(given)
    places = tuple(slice(None) if a == place else 0 for a in range(len(x.shape)))
    row = ops.cast(ops.zeros_like(ops.get_item(x, places)), dtype)
    return ops.reshape(row, [-1 if a == axis else 1 for a in range(rank)])

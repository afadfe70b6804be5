"""Operators that compare, choose, multiply matrices, and put elements at other places."""

from __future__ import annotations

from unidl import layers, ops
from unidl.port.errors import Refused
from unidl.port.laid import Laid
from unidl_mxnet.port.operators import HANDLERS, elementwise, of_two, operator, with_number

# MXNet has no booleans: what compares has the dtype of its inputs.
_COMPARING = {
    "equal": (ops.equal, "_equal"), "not_equal": (ops.not_equal, "_not_equal"),
    "greater": (ops.greater, "_greater"), "greater_equal": (ops.greater_equal, "_greater_equal"),
    "lesser": (ops.less, "_lesser"), "lesser_equal": (ops.less_equal, "_lesser_equal"),
}  # fmt: skip
_LOGICAL = {"and": ops.logical_and, "or": ops.logical_or, "xor": ops.logical_xor}


def _as_numbers(function):
    return lambda a, b: ops.cast(function(a, b), a.dtype)


def _of_booleans(function):
    return lambda a, b: ops.cast(function(ops.not_equal(a, 0), ops.not_equal(b, 0)), a.dtype)


for _name, (_function, _short) in _COMPARING.items():
    _made = _as_numbers(_function)
    HANDLERS |= dict.fromkeys((f"broadcast_{_name}", _short), of_two(_made))
    HANDLERS[f"{_short}_scalar"] = with_number(_made)
for _name, _function in _LOGICAL.items():
    _made = of_two(_of_booleans(_function))
    HANDLERS |= dict.fromkeys((f"broadcast_logical_{_name}", f"_logical_{_name}"), _made)
HANDLERS |= dict.fromkeys(("_power", "broadcast_power"), of_two(ops.power))
HANDLERS["_rpower_scalar"] = with_number(lambda x, n: ops.power(n, x))


@operator("logical_not")
def logical_not(call):
    return elementwise(call, lambda x: ops.cast(ops.equal(x, 0), x.dtype))


@operator("where")
def where(call):
    condition, a, b = (x.first() for x in call.tensors())
    return Laid(ops.where(ops.not_equal(condition, 0), a, b))


@operator("Cast", "cast")
def cast(call):
    """The floats of a model are of one dtype, which its weights tell."""
    x, dtype = call.tensor(), call.get("dtype")
    if "float" in dtype and "float" in x.tensor.dtype:
        return x
    return x.like(ops.cast(x.tensor, call.float_dtype if "float" in dtype else dtype))


@operator("dot")
def dot(call):
    if call.get("transpose_a", False) or call.get("transpose_b", False):
        raise Refused("a dot with a transpose")
    a, b = (x.first() for x in call.tensors())
    if len(b.shape) != 2:
        raise Refused("a dot whose second tensor has more than two axes")
    return Laid(ops.matmul(a, b))


@operator("batch_dot", "_linalg_gemm2")
def batch_dot(call):
    a, b = (x.first() for x in call.tensors())
    a = ops.swapaxes(a, -1, -2) if call.get("transpose_a", False) else a
    b = ops.swapaxes(b, -1, -2) if call.get("transpose_b", False) else b
    product = ops.matmul(a, b)
    factor = call.get("alpha", 1.0)
    return Laid(product if factor == 1 else product * factor)


@operator("slice_axis")
def slice_axis(call):
    x = call.tensor()
    place = slice(call.get("begin", 0), call.get("end"))
    return _sliced(x, {x.axis(call.get("axis")): place})


@operator("slice", "crop")
def slice_(call):
    x = call.tensor()
    bounds = [call.get(name) for name in ("begin", "end", "step")]
    bounds = [b if isinstance(b, tuple) else (b,) for b in bounds]
    places = {}
    for axis in range(len(bounds[0])):
        start, stop, step = (b[axis] if axis < len(b) else None for b in bounds)
        if (step or 1) < 0:
            raise Refused("a slice with a negative step")
        places[x.axis(axis)] = slice(start, stop, step)
    return _sliced(x, places)


def _sliced(x, places):
    """`places`: {axis as it lies: slice}."""
    places = {
        a: s for a, s in places.items() if (s.start or 0, s.stop, s.step or 1) != (0, None, 1)
    }
    if 0 in places and x.shape[0] is None:
        raise Refused("a slice of the batch")
    if not places:
        return x
    whole = [places.get(axis, slice(None)) for axis in range(max(places) + 1)]
    return x.like(ops.get_item(x.tensor, tuple(whole)))


@operator("squeeze")
def squeeze(call):
    x, axis = call.tensor().first(), call.get("axis")
    if axis is None:
        raise Refused("a squeeze of all axes of one element, which may be the batch")
    return Laid(ops.squeeze(x, axis))


@operator("stack")
def stack(call):
    axis = call.get("axis", 0)
    if axis == 0:
        raise Refused("a stack along the first axis, which is the batch")
    return Laid(ops.stack([x.first() for x in call.tensors()], axis))


@operator("repeat")
def repeat(call):
    if call.get("axis") is None:
        raise Refused("elements of all samples, repeated")
    x = call.tensor()
    return x.like(ops.repeat(x.tensor, call.get("repeats"), x.axis(call.get("axis"))))


@operator("reverse", "flip")
def reverse(call):
    x, axes = call.tensor(), call.get("axis")
    axes = axes if isinstance(axes, tuple) else (axes,)
    return x.like(ops.flip(x.tensor, tuple(x.axis(a) for a in axes)))


@operator("broadcast_axis", "broadcast_axes")
def broadcast_axis(call):
    x = call.tensor().first()
    axes, sizes = (v if isinstance(v, tuple) else (v,) for v in map(call.get, ("axis", "size")))
    for axis, size in zip(axes, sizes, strict=True):
        x = ops.repeat(x, size, axis)
    return Laid(x)


@operator("broadcast_like")
def broadcast_like(call):
    x, other = (x.first() for x in call.tensors())
    return Laid(ops.add(x, ops.cast(ops.zeros_like(other), x.dtype)))


@operator("reshape_like")
def reshape_like(call):
    x, other = (x.first() for x in call.tensors())
    if None in other.shape[1:]:
        raise Refused("a reshape to several open sizes")
    return Laid(ops.reshape(x, (-1, *other.shape[1:])))


@operator("_contrib_arange_like")
def arange_like(call):
    """0, 1 ... along an axis, as a row of its own."""
    x, axis = call.tensor(), call.get("axis")
    plain = call.get("start", 0) == 0 and call.get("step", 1) == 1 and call.get("repeat", 1) == 1
    if axis in (None, 0) or not plain:
        raise Refused("numbers that count anything but the elements along an axis")
    if x.shape[axis] is None:
        raise Refused("numbers that count the elements along an axis of open size")
    return call.fixed(range(x.shape[axis]))


@operator("_contrib_AdaptiveAvgPooling2D")
def adaptive_average(call):
    layer = layers.AdaptiveAveragePooling2D(call.get("output_size", 1), name=call.name)
    return Laid(layer(call.tensor().last()), True)

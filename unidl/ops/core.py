"""Conversion, dtypes, shapes."""

from __future__ import annotations

import builtins
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from unidl.backend import dtypes, registry
from unidl.backend.variable import Variable
from unidl.ops.dispatch import NUMBERS, backend_of, call, convert, op, owner_of, tensor_of
from unidl.tracing.shapes.arithmetic import one_int
from unidl.tracing.sizes import is_open
from unidl.typing import DType, Tensor, TensorLike


@op
def convert_to_tensor(
    x: TensorLike,
    dtype: DType | None = None,
    sparse: bool | None = None,
    ragged: bool | None = None,
) -> Tensor:
    """Native tensor of a number, nested list, array, Variable or native tensor.

    Without `dtype` Python floats become `floatx`, ints int32, and arrays keep their dtype. A tensor
    stays with its own backend; host data go to the active one.

    Examples:
        >>> unidl.ops.convert_to_tensor([1, 2])
        array([1, 2], dtype=int32)
        >>> unidl.ops.convert_to_tensor([1.0, 2.0])  # numbers of Python become `floatx`
        array([1., 2.], dtype=float32)
        >>> unidl.ops.convert_to_tensor([1, 2], dtype="float64")
        array([1., 2.])
    """
    if sparse or ragged:
        raise ValueError(
            "convert_to_tensor: sparse and ragged tensors are not supported. Leave out `sparse` "
            "and `ragged`."
        )
    dtype = None if dtype is None else dtypes.standardize_dtype(dtype)
    backend = backend_of((x,))
    if owner_of(x) is None and not isinstance(x, np.generic):
        # Host data take their dtype at once: a list of large ints never passes through int32.
        return backend.asarray(x, dtype)
    tensor = convert(backend, x)
    if type(tensor) in NUMBERS:
        return backend.asarray(tensor, dtype)
    return (
        tensor if dtype is None or backend.dtype(tensor) == dtype else backend.cast(tensor, dtype)
    )


def array(x: TensorLike, dtype: DType | None = None) -> Tensor:
    """`convert_to_tensor`.

    Examples:
        >>> unidl.ops.array([[1, 2], [3, 4]], dtype="float32")
        array([[1., 2.],
               [3., 4.]], dtype=float32)
    """
    return convert_to_tensor(x, dtype)


def convert_to_numpy(x: TensorLike) -> np.ndarray:
    """Host copy as `np.ndarray` of a tensor of any backend, a Variable, array, list or number.

    Examples:
        >>> type(unidl.ops.convert_to_numpy(unidl.ops.ones((2,)))).__name__
        'ndarray'
    """
    if isinstance(x, Variable):
        return x.numpy()
    owner = owner_of(x)
    return np.array(x) if owner is None else owner.to_numpy(x)


def is_tensor(x: TensorLike) -> bool:
    """Whether `x` is a native tensor of some backend, or a symbolic one.

    Examples:
        >>> unidl.ops.is_tensor(unidl.ops.ones((2,))), unidl.ops.is_tensor([1.0])
        (True, False)
    """
    if isinstance(x, (np.ndarray, Variable)):
        return isinstance(x, np.ndarray)
    owner = owner_of(x)
    return owner is not None and owner.is_tensor(x)


def shape(x: TensorLike) -> tuple[Any, ...]:
    """Shape as a tuple of ints; None for an open axis of a symbolic tensor.

    Examples:
        >>> unidl.ops.shape(unidl.ops.ones((2, 3)))
        (2, 3)
        >>> unidl.ops.shape(unidl.Input((3,)))
        (None, 3)
    """
    if isinstance(x, (Variable, np.ndarray)):
        return tuple(x.shape)
    owner = owner_of(x)
    return np.shape(x) if owner is None else tuple(owner.shape(x))


_shape_of = shape  # where an argument has its name


def ndim(x: TensorLike) -> int:
    """Number of axes.

    Examples:
        >>> unidl.ops.ndim(np.ones((2, 3)))
        2
    """
    return len(shape(x))


def size(x: TensorLike) -> Any:
    """Number of elements, None with an open axis.

    Examples:
        >>> unidl.ops.size(np.ones((2, 3)))
        6
    """
    sizes = shape(x)
    known = [n for n in sizes if n is not None]
    return math.prod(known) if len(known) == len(sizes) else None


def dtype(x: TensorLike) -> str:
    """Name of x's dtype, e.g. "float32".

    Examples:
        >>> unidl.ops.dtype(unidl.ops.ones((2,))), unidl.ops.dtype(np.array([1, 2], "int8"))
        ('float32', 'int8')
    """
    if isinstance(x, Variable):
        return x.dtype
    backend, x = tensor_of(x)
    return backend.dtype(x)


@op
def cast(x: TensorLike, dtype: DType) -> Tensor:
    """`x` in `dtype`: floats lose their fraction on the way to integers, bools are 0 and 1.

    Examples:
        >>> unidl.ops.cast([0.0, 1.7, -1.7], "int32")  # towards 0
        array([ 0,  1, -1], dtype=int32)
    """
    wanted = dtypes.standardize_dtype(dtype)
    backend, x = tensor_of(x)
    return x if backend.dtype(x) == wanted else backend.cast(x, wanted)


@op
def saturate_cast(x: TensorLike, dtype: DType) -> Tensor:
    """`x` in `dtype`; what lies outside of an integer dtype's range becomes its nearest number.

    Examples:
        >>> unidl.ops.saturate_cast([-5, 100, 300], "uint8")
        array([  0, 100, 255], dtype=uint8)
    """
    dtype = dtypes.standardize_dtype(dtype)
    backend, x = tensor_of(x)
    own = backend.dtype(x)
    if dtypes.is_integer(dtype) and own != "bool":
        low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
        if dtypes.is_integer(own):
            low, high = max(low, np.iinfo(own).min), min(high, np.iinfo(own).max)
        else:
            # A float beside the bound may lie above it: 2**31 - 1 is 2**31 in float32, whose
            # neighbour below is the bound.
            high = _largest_at_most(high, own)
        x = call("clip", x, low=low, high=high)
    return backend.cast(x, dtype)


def _largest_at_most(bound: Any, dtype: DType) -> Any:
    """The largest integer up to `bound` that a float `dtype` holds."""
    digits = {"float16": 11, "bfloat16": 8, "float32": 24, "float64": 53}[dtype]
    excess = max(0, bound.bit_length() - digits)
    return bound >> excess << excess


@op
def stop_gradient(variable: Any) -> Tensor:
    """The same values, through which no gradient flows.

    Examples:
        >>> unidl.grad(lambda x: x * unidl.ops.stop_gradient(x))(3.0)  # 6 without
        array(3., dtype=float32)
    """
    return call("stop_gradient", variable)


@op
def copy(x: TensorLike) -> Tensor:
    """The same values in memory of its own; gradients pass.

    Examples:
        >>> x = unidl.ops.ones((2,))
        >>> y = unidl.ops.copy(x)
        >>> y is x, unidl.ops.all(unidl.ops.equal(x, y))
        (False, array(True))
    """
    backend, x = tensor_of(x)
    # Not the contract's function, whose gradient is not defined.
    return backend.multiply(x, 1) if dtypes.is_float(backend.dtype(x)) else backend.copy(x)


def device_scope(device_name: str) -> Any:
    """`with device_scope("gpu:0"):` puts new tensors there.

    Examples:
        >>> with unidl.ops.device_scope("cpu"):
        ...     x = unidl.ops.ones((2, 3))
        >>> x.shape
        (2, 3)
    """
    return registry.device(device_name)


# -- blocks by position ----------------------------------------------------------------------------


@op
def slice(inputs: TensorLike, start_indices: Any, shape: Sequence[int]) -> Tensor:
    """The block of `shape` that begins at `start_indices` (ints); a size of -1 reaches to the
    end.

    Examples:
        >>> x = np.arange(12).reshape(3, 4)
        >>> unidl.ops.slice(x, (1, 1), (2, 3))  # where it begins, how much
        array([[ 5,  6,  7],
               [ 9, 10, 11]])
    """
    whole = _shape_of(inputs)
    starts = [one_int("slice", "a start", s) for s in start_indices]
    sizes = [one_int("slice", "a size", n) for n in shape]
    fits = len(starts) == len(sizes) == len(whole) and all(
        is_open(most) or (n >= -1 and 0 <= a <= (most if n == -1 else most - n))
        for a, n, most in zip(starts, sizes, whole, strict=True)
    )
    if not fits:
        raise ValueError(
            f"slice: a block {tuple(sizes)} starting at {tuple(starts)} is not inside the shape "
            f"{whole}. Give a start and a size for each axis; a size of -1 reaches to the end."
        )
    return call(
        "getitem",
        inputs,
        key=tuple(
            builtins.slice(a, None if n == -1 else a + n)
            for a, n in zip(starts, sizes, strict=True)
        ),
    )


@op
def slice_update(inputs: TensorLike, start_indices: Any, updates: TensorLike) -> Tensor:
    """Copy of `inputs` with the block that begins at `start_indices` (ints) replaced by
    `updates`.

    Examples:
        >>> unidl.ops.slice_update(np.zeros((2, 4)), (0, 1), np.ones((2, 2)))
        array([[0., 1., 1., 0.],
               [0., 1., 1., 0.]])
    """
    backend = backend_of((inputs, updates))
    inputs, updates = (backend.asarray(convert(backend, x)) for x in (inputs, updates))
    starts, sizes, block = (
        [one_int("slice_update", "a start", s) for s in start_indices],
        backend.shape(inputs),
        backend.shape(updates),
    )
    fits = len(starts) == len(sizes) == len(block) and all(
        0 <= a <= n - b for a, n, b in zip(starts, sizes, block, strict=True)
    )
    if not fits:
        raise ValueError(
            f"slice_update: a block {block} starting at {tuple(starts)} does not fit into the "
            f"shape {sizes}."
        )
    inside = np.zeros(sizes, bool)
    inside[tuple(builtins.slice(a, a + n) for a, n in zip(starts, block, strict=True))] = True
    pads = tuple((a, n - a - b) for a, n, b in zip(starts, sizes, block, strict=True))
    padded = backend.pad(backend.cast(updates, backend.dtype(inputs)), pads)
    return backend.where(backend.asarray(inside), padded, inputs)

"""New tensors, on the active backend and the current device; those like another tensor, on that
tensor's backend."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from unidl.backend import dtypes, registry
from unidl.backend.host_data import fitted
from unidl.ops.core import cast
from unidl.ops.dispatch import (
    NUMBERS,
    call,
    call_promoted,
    known_sizes,
    maker_for,
    names_itself,
    op,
    run,
    tensor_of,
)
from unidl.ops.elementwise import power
from unidl.ops.spacing import between, is_number
from unidl.tracing import graph, symbolic
from unidl.typing import DType, Shape, Tensor, TensorLike


def zeros(shape: int | Shape, dtype: DType | None = None) -> Tensor:
    """Zeros of `shape`, in `dtype` or `floatx`.

    Examples:
        >>> unidl.ops.empty((2, 3)).shape
        (2, 3)
    """
    return full(shape, 0, dtype)


def ones(shape: int | Shape, dtype: DType | None = None) -> Tensor:
    """Ones of `shape`, in `dtype` or `floatx`.

    Examples:
        >>> unidl.ops.ones((2, 3))
        array([[1., 1., 1.],
               [1., 1., 1.]], dtype=float32)
        >>> unidl.ops.ones(2, dtype="bool")
        array([ True,  True])
    """
    return full(shape, 1, dtype)


empty = zeros


@names_itself
def full(shape: int | Shape, fill_value: TensorLike, dtype: DType | None = None) -> Tensor:
    """Tensor of `shape` in `dtype` or `floatx`, filled with a number, or with a tensor that
    broadcasts to it.

    Examples:
        >>> unidl.ops.full((2, 2), 7.0)
        array([[7., 7.],
               [7., 7.]], dtype=float32)
    """
    given = known_sizes(shape)
    if hasattr(given, "__index__") and not getattr(given, "ndim", 0):
        given = (given,)
    shape = tuple([n if isinstance(n, int) or n is None else int(n) for n in given])
    dtype = dtypes.standardize_dtype(dtype)
    if type(fill_value) in NUMBERS:
        return run(_maker(shape), "full", [shape, fitted(fill_value, dtype), dtype], {})
    backend, value = tensor_of(fill_value)
    return call("broadcast_to", backend.cast(value, dtype), shape=shape)


def _maker(shape: Any) -> Any:
    """The backend that makes a tensor of `shape`. An open axis exists only while shapes are
    inferred."""
    backend = maker_for(shape)
    if backend is symbolic and graph.recording():
        raise ValueError(
            f"A tensor of shape {shape} cannot be created before the size of the open axis is "
            "known. Take the shape from a tensor: zeros_like(x), ones_like(x), full_like(x, value)."
        )
    return backend


@op
def full_like(x: TensorLike, fill_value: TensorLike, dtype: DType | None = None) -> Tensor:
    """Tensor of x's shape and, unless given, dtype, filled with `fill_value`.

    Examples:
        >>> unidl.ops.full_like(np.array([1, 2, 3], "int32"), 9)
        array([9, 9, 9], dtype=int32)
    """
    dtype = None if dtype is None else dtypes.standardize_dtype(dtype)
    if type(fill_value) in NUMBERS:
        backend, x = tensor_of(x)
        value = fitted(fill_value, dtype or backend.dtype(x))
        return call("full_like", x, value=value, dtype=dtype)
    backend, x = tensor_of(x)
    zeros = backend.full_like(x, 0, dtype)
    return call_promoted("add", zeros, backend.cast(tensor_of(fill_value)[1], backend.dtype(zeros)))


@op
def zeros_like(x: TensorLike, dtype: DType | None = None) -> Tensor:
    """Zeros of x's shape and, unless given, dtype.

    Examples:
        >>> unidl.ops.empty_like(np.ones((2, 3))).shape
        (2, 3)
    """
    return call(
        "full_like", x, value=0, dtype=None if dtype is None else dtypes.standardize_dtype(dtype)
    )


@op
def ones_like(x: TensorLike, dtype: DType | None = None) -> Tensor:
    """Ones of x's shape and, unless given, dtype.

    Examples:
        >>> unidl.ops.ones_like(np.array([[5, 6]], "int32"))
        array([[1, 1]], dtype=int32)
    """
    return call(
        "full_like", x, value=1, dtype=None if dtype is None else dtypes.standardize_dtype(dtype)
    )


empty_like = zeros_like


@names_itself
def arange(
    start: TensorLike,
    stop: TensorLike | None = None,
    step: TensorLike | None = None,
    dtype: DType | None = None,
) -> Tensor:
    """Numbers from `start` (0 if only one is given) up to but without `stop`; int32 for ints,
    `floatx` if one is a float.

    Examples:
        >>> unidl.ops.arange(4)
        array([0, 1, 2, 3], dtype=int32)
        >>> unidl.ops.arange(1.0, 2.0, 0.25)
        array([1.  , 1.25, 1.5 , 1.75], dtype=float32)
    """
    start, stop = (0, start) if stop is None else (start, stop)
    start, stop, step = (
        x.item() if hasattr(x, "item") else x for x in (start, stop, 1 if step is None else step)
    )
    # As many numbers as an open axis has: a symbol, where shapes are inferred.
    backend = maker_for((stop,))
    if dtype is None:
        dtype = (
            dtypes.floatx() if any(isinstance(x, float) for x in (start, stop, step)) else "int32"
        )
    dtype = dtypes.standardize_dtype(dtype)
    if not all(-math.inf < x < math.inf for x in (start, stop, step)):
        raise ValueError(
            f"arange: start, stop and step must be finite, got {start}, {stop} and {step}."
        )
    if step and backend is not symbolic and (stop - start) * step <= 0:
        start = stop = 0  # nothing, which some frameworks refuse to make
        step = 1
    if dtypes.is_integer(dtype) and type(start) is type(stop) is type(step) is int and step:
        numbers = range(start, stop, step)
        if numbers:
            fitted(numbers[0], dtype)
            fitted(numbers[-1], dtype)
    return run(backend, "arange", [start, stop, step, dtype], {})


def eye(N: int, M: int | None = None, k: int = 0, dtype: DType | None = None) -> Tensor:
    """(N, M) with ones on the k-th diagonal, square by default.

    Examples:
        >>> unidl.ops.eye(2)
        array([[1., 0.],
               [0., 1.]], dtype=float32)
        >>> unidl.ops.eye(2, 3, k=1)
        array([[0., 1., 0.],
               [0., 0., 1.]], dtype=float32)
    """
    return run(
        _maker((N, N if M is None else M)),
        "eye",
        [N, N if M is None else M, k, dtypes.standardize_dtype(dtype)],
        {},
    )


def identity(n: int, dtype: DType | None = None) -> Tensor:
    """(n, n) with ones on the diagonal.

    Examples:
        >>> unidl.ops.identity(2, dtype="int32")
        array([[1, 0],
               [0, 1]], dtype=int32)
    """
    return eye(n, dtype=dtype)


# -- constants that NumPy computes in float64 on the host ------------------------------------------


def tri(N: int, M: int | None = None, k: int = 0, dtype: DType | None = None) -> Tensor:
    """(N, M) with ones on and below the k-th diagonal.

    Examples:
        >>> unidl.ops.tri(3)
        array([[1., 0., 0.],
               [1., 1., 0.],
               [1., 1., 1.]], dtype=float32)
    """
    return _constant(np.tri(N, M, k), dtype)


@op
def linspace(
    start: TensorLike,
    stop: TensorLike,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: DType | None = None,
    axis: int = 0,
) -> Any:
    """`num` evenly spaced numbers from `start` to `stop` (numbers or tensors), the last included if
    `endpoint`.

    With `retstep` also the distance between neighbours. Tensors get gradients.

    Examples:
        >>> unidl.ops.linspace(0.0, 1.0, 5)
        array([0.  , 0.25, 0.5 , 0.75, 1.  ], dtype=float32)
        >>> unidl.ops.linspace(0.0, 1.0, 5, endpoint=False)
        array([0. , 0.2, 0.4, 0.6, 0.8], dtype=float32)
    """
    if not (is_number(start) and is_number(stop)):
        values, step = between(start, stop, num, endpoint, axis)
        values = values if dtype is None else cast(values, dtype)
        return (values, step) if retstep else values
    values, step = np.linspace(start, stop, num, endpoint, retstep=True, axis=axis)
    values = _constant(values, dtype)
    return (values, step) if retstep else values


@op
def logspace(
    start: TensorLike,
    stop: TensorLike,
    num: int = 50,
    endpoint: bool = True,
    base: TensorLike = 10,
    dtype: DType | None = None,
    axis: int = 0,
) -> Tensor:
    """`base` to the power of `linspace(start, stop)`.

    Examples:
        >>> unidl.ops.logspace(0.0, 3.0, 4)
        array([   1.,   10.,  100., 1000.], dtype=float32)
    """
    if not all(map(is_number, (start, stop, base))):
        values = power(base, linspace(start, stop, num, endpoint, axis=axis))
        return values if dtype is None else cast(values, dtype)
    return _constant(np.logspace(start, stop, num, endpoint, base=base, axis=axis), dtype)


def geomspace(
    start: TensorLike,
    stop: TensorLike,
    num: int = 50,
    endpoint: bool = True,
    dtype: DType | None = None,
    axis: int = 0,
) -> Tensor:
    """`num` numbers from `start` to `stop` with a constant ratio between neighbours.

    Examples:
        >>> unidl.ops.geomspace(1.0, 16.0, 5)
        array([ 1.,  2.,  4.,  8., 16.], dtype=float32)
    """
    return _constant(np.geomspace(_host(start), _host(stop), num, endpoint, axis=axis), dtype)


def bartlett(x: int) -> Tensor:
    """Triangular window of `x` points.

    Examples:
        >>> unidl.ops.bartlett(5)
        array([0. , 0.5, 1. , 0.5, 0. ], dtype=float32)
    """
    return _constant(np.bartlett(int(x)), None)


def hamming(x: int) -> Tensor:
    """Hamming's window of `x` points, 0.54 - 0.46 cos.

    Examples:
        >>> unidl.ops.hamming(5)
        array([0.08, 0.54, 1.  , 0.54, 0.08], dtype=float32)
    """
    return _constant(np.hamming(int(x)), None)


def hanning(x: int) -> Tensor:
    """Hann's window of `x` points, 0.5 - 0.5 cos.

    Examples:
        >>> unidl.ops.hanning(5)
        array([0. , 0.5, 1. , 0.5, 0. ], dtype=float32)
    """
    return _constant(np.hanning(int(x)), None)


def blackman(x: int) -> Tensor:
    """Blackman's window of `x` points, 0.42 - 0.5 cos + 0.08 cos of twice the angle.

    Examples:
        >>> unidl.ops.blackman(5)
        array([-0.  ,  0.34,  1.  ,  0.34, -0.  ], dtype=float32)
    """
    return _constant(np.blackman(int(x)), None)


def kaiser(x: int, beta: float) -> Tensor:
    """Kaiser's window of `x` points with the shape parameter `beta`.

    Examples:
        >>> unidl.ops.kaiser(5, 14.0)
        array([0.    , 0.1649, 1.    , 0.1649, 0.    ], dtype=float32)
    """
    return _constant(np.kaiser(int(x), beta), None)


def _constant(values: TensorLike, dtype: DType) -> Any:
    return registry.get_backend().asarray(np.asarray(values), dtypes.standardize_dtype(dtype))


def _host(x: TensorLike) -> Any:
    """A number or array of numbers as float64."""
    if is_number(x):
        return x
    backend, x = tensor_of(x)
    return backend.to_numpy(x)

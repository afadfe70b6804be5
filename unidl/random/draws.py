"""Random tensors of the active backend. `seed`: see `seed_generator.draw_key`."""

from __future__ import annotations

import math
from typing import Any

from unidl.backend import dtypes, registry
from unidl.ops.dispatch import backend_of, convert
from unidl.random.seed_generator import draw_key, draw_keys
from unidl.tracing import KerasTensor, graph
from unidl.tracing.rows import current_rows
from unidl.tracing.sizes import has_open
from unidl.typing import DType, SeedLike, Shape, Tensor, TensorLike

# Bits of a uniform number, all of which the dtype can tell apart.
_DIGITS = {"float16": 11, "bfloat16": 8, "float32": 24, "float64": 24}


def uniform(
    shape: Shape,
    minval: float = 0.0,
    maxval: float = 1.0,
    dtype: DType | None = None,
    seed: SeedLike | None = None,
) -> Tensor:
    """Float tensor of `shape`, evenly distributed over [minval, maxval).

    Examples:
        >>> unidl.random.uniform((3,), seed=1)
        array([0.1894, 0.2478, 0.5352], dtype=float32)
        >>> unidl.random.uniform((2, 2), minval=-1.0, maxval=1.0).shape
        (2, 2)
    """
    dtype = float_dtype("uniform", dtype)
    if has_open(shape):
        return _symbol("uniform", shape, dtype)
    backend = registry.get_backend()
    with backend.scope():
        u = drawn(backend, seed, shape, lambda key, shape: _uniform(backend, key, shape, dtype))
        return (
            u
            if (minval, maxval) == (0, 1)
            else backend.add(backend.multiply(u, float(maxval - minval)), float(minval))
        )


def normal(
    shape: Shape,
    mean: float = 0.0,
    stddev: float = 1.0,
    dtype: DType | None = None,
    seed: SeedLike | None = None,
) -> Tensor:
    """Float tensor of `shape`, normally distributed.

    Examples:
        >>> unidl.random.normal((3,), seed=1)  # an int: always the same numbers
        array([-0.3472, -0.0194,  1.2353], dtype=float32)
        >>> unidl.random.normal((2, 3), mean=5.0, stddev=0.1).shape
        (2, 3)
    """
    dtype = float_dtype("normal", dtype)
    if has_open(shape):
        return _symbol("normal", shape, dtype)
    backend = registry.get_backend()
    with backend.scope():
        z = backend.normal_of(
            drawn(backend, seed, shape, lambda key, s: backend.uniform(key, s, _wide(dtype)), 2)
        )
        return backend.cast(_scaled(backend, z, mean, stddev), dtype)


def truncated_normal(
    shape: Shape,
    mean: float = 0.0,
    stddev: float = 1.0,
    dtype: DType | None = None,
    seed: SeedLike | None = None,
) -> Tensor:
    """Like `normal`, given that the number is at most two standard deviations from the mean.

    Examples:
        >>> x = unidl.random.truncated_normal((10000,), seed=1)
        >>> round(float(unidl.ops.max(x)), 1)
        2.0
    """
    dtype = float_dtype("truncated_normal", dtype)
    if has_open(shape):
        return _symbol("truncated_normal", shape, dtype)
    backend = registry.get_backend()
    with backend.scope():
        # The inverse of the distribution function: no rejection, one word for each number.
        u = drawn(backend, seed, shape, lambda key, s: backend.uniform(key, s, _wide(dtype)))
        inside = backend.multiply(
            backend.subtract(backend.multiply(u, 2.0), 1.0), math.erf(math.sqrt(2.0))
        )
        z = backend.multiply(backend.erfinv(inside), math.sqrt(2.0))
        return backend.cast(_scaled(backend, z, mean, stddev), dtype)


def randint(
    shape: Shape,
    minval: int,
    maxval: int,
    dtype: DType | None = "int32",
    seed: SeedLike | None = None,
) -> Tensor:
    """Integer tensor of `shape`, evenly distributed over [minval, maxval); both Python ints, at
    most 2**31 apart.

    Examples:
        >>> unidl.random.randint((8,), 0, 3, seed=1)  # without 3
        array([1, 0, 1, 0, 2, 1, 0, 2], dtype=int32)
    """
    dtype = dtypes.standardize_dtype(dtype)
    if not dtypes.is_integer(dtype):
        raise ValueError(f'randint: dtype must be an integer dtype such as "int32", got {dtype!r}.')
    n = int(maxval) - int(minval)
    if not 0 < n <= 2**31:
        raise ValueError(
            f"randint: expected minval < maxval <= minval + 2**31, got {minval} and {maxval}."
        )
    if has_open(shape):
        return _symbol("randint", shape, dtype)
    backend = registry.get_backend()
    with backend.scope():
        # A word of 64 bits modulo n, so that no number is favoured by more than n / 2**64. By
        # Horner's rule in steps of 16 bits no product passes 2**48: some frameworks compute `mod`
        # of int64 in float64.
        words = backend.cast(drawn(backend, seed, shape, backend.random_bits, parts=2), "int64")
        high, low = (backend.getitem(words, (i,)) for i in range(2))
        offset = backend.mod(high, n)
        for part in (backend.right_shift(low, 16), backend.mod(low, 2**16)):
            offset = backend.mod(backend.add(backend.multiply(offset, 2**16), part), n)
        return backend.cast(backend.add(offset, int(minval)), dtype)


def bernoulli(
    shape: Shape, p: TensorLike = 0.5, dtype: DType | None = None, seed: SeedLike | None = None
) -> Tensor:
    """Ones with probability `p` and zeros, in `dtype` (`floatx` by default, "bool" too).

    Examples:
        >>> unidl.random.bernoulli((6,), p=0.7, seed=1)
        array([0., 0., 1., 1., 0., 1.], dtype=float32)
    """
    if not 0 <= p <= 1:
        raise ValueError(f"bernoulli: p must be a probability, got {p}.")
    dtype = dtypes.standardize_dtype(dtype)
    if has_open(shape):
        return _symbol("bernoulli", shape, dtype)
    backend = registry.get_backend()
    with backend.scope():
        kept = drawn(backend, seed, shape, lambda key, s: _at_least(backend, key, s, 1 - p))
        return backend.cast(kept, dtype)


def categorical(
    logits: TensorLike,
    num_samples: int,
    dtype: DType | None = "int32",
    seed: SeedLike | None = None,
) -> Tensor:
    """logits (n, classes), unnormalized log-probabilities -> (n, num_samples) class indices.

    Examples:
        >>> unidl.random.categorical(np.log([[0.9, 0.1]]), 8, seed=1)
        array([[0, 0, 1, 0, 0, 0, 0, 0]], dtype=int32)
    """
    backend = backend_of([logits])
    with backend.scope():
        logits = backend.asarray(convert(backend, logits))
        if len(backend.shape(logits)) != 2:
            raise ValueError(
                "categorical: logits must have the shape (n, classes), got "
                f"{tuple(backend.shape(logits))}."
            )
        n, classes = backend.shape(logits)
        kind = backend.dtype(logits)
        # The largest of the logits with Gumbel noise (Gumbel 1954); the middles of 2**23 steps keep
        # both logarithms finite.
        bits = drawn(backend, seed, (n, num_samples, classes), backend.random_bits)
        words = backend.cast(backend.right_shift(bits, 9), _wide(kind))
        u = backend.multiply(backend.add(words, 0.5), 2.0**-23)
        noise = backend.negative(backend.log(backend.negative(backend.log(u))))
        scores = backend.add(backend.expand_dims(backend.cast(logits, _wide(kind)), 1), noise)
        return backend.cast(backend.argmax(scores, -1), dtypes.standardize_dtype(dtype))


def dropout(
    inputs: TensorLike, rate: float, noise_shape: Shape | None = None, seed: SeedLike | None = None
) -> Tensor:
    """`inputs` with a share `rate` of the elements set to 0 and the others divided by 1 - rate.

    `noise_shape` has inputs' rank: along an axis of size 1 elements share their fate, None stands
    for the size in `inputs`.

    Examples:
        >>> unidl.random.dropout(np.ones(6), rate=0.5, seed=1)  # what stays is doubled
        array([0., 0., 2., 0., 0., 2.])
    """
    if not 0 <= rate <= 1:
        raise ValueError(f"dropout: rate must be in [0, 1], got {rate}.")
    backend = backend_of([inputs])
    with backend.scope():
        x = convert(backend, inputs)
        if rate == 0:
            return x
        if rate == 1:
            return backend.full_like(x, 0)
        noise = None if noise_shape is None else tuple(noise_shape)
        sizes = tuple(backend.shape(x))
        if noise is not None:
            sizes = tuple(s if n is None else n for n, s in zip(noise, sizes, strict=True))
        return drawn(backend, seed, sizes, lambda key, _: backend.dropout(x, key, rate, noise))


def shuffle(x: Any, axis: int = 0, seed: SeedLike | None = None) -> Tensor:
    """`x` with its slices along `axis` in random order.

    Examples:
        >>> unidl.random.shuffle(np.array([[1, 2], [3, 4], [5, 6]]), seed=3)  # along axis 0
        array([[3, 4],
               [5, 6],
               [1, 2]])
    """
    backend, key = backend_of([x]), draw_key(seed)
    with backend.scope():
        x = convert(backend, x)
        order = backend.argsort(backend.random_bits(key, (backend.shape(x)[axis],)), 0)
        return backend.take(x, order, axis)


def drawn(backend: Any, seed: SeedLike, shape: Any, draw: Any, parts: int | None = None) -> Any:
    """draw(key, shape), with `parts` draw(key, (parts, *shape)), in each process for its rows."""
    shape, rows = tuple(shape), current_rows()
    # The axis of the batch is told by its size: a draw for a batch begins with it.
    if rows is None or not shape or shape[0] != rows.size:
        return draw(draw_key(seed), shape if parts is None else (parts, *shape))
    keys = draw_keys(seed, math.prod(shape[1:]), parts or 1)
    if parts is None:
        return draw(keys[0], shape)
    return backend.stack([draw(key, shape) for key in keys], 0)


def float_dtype(function: str, dtype: DType | None) -> Tensor:
    """Name of the float dtype asked for, `floatx` for None; a ValueError names `function`."""
    dtype = dtypes.standardize_dtype(dtype)
    if not dtypes.is_float(dtype):
        raise ValueError(
            f'{function}: dtype must be a float dtype such as "float32", got {dtype!r}.'
        )
    return dtype


def _symbol(function: Any, shape: Any, dtype: DType) -> Any:
    """What a draw gives where an axis is open: in a layer's symbolic call only the shape is asked
    for, and no key is used up."""
    if graph.recording():
        raise ValueError(
            f"{function}: the shape {tuple(shape)} has an open axis. Draw inside the call() of a "
            "layer, where every axis has a size."
        )
    return KerasTensor(shape, dtype)


def _wide(dtype: DType) -> Any:
    """The dtype to compute in: numbers of half precision come from float32."""
    return "float32" if dtype in ("float16", "bfloat16") else dtype


def _uniform(backend: Any, key: Any, shape: Any, dtype: DType) -> Any:
    if _wide(dtype) == dtype:
        return backend.uniform(key, shape, dtype)
    words = backend.right_shift(backend.random_bits(key, shape), 32 - _DIGITS[dtype])
    return backend.multiply(backend.cast(words, dtype), 2.0 ** -_DIGITS[dtype])


def _at_least(backend: Any, key: Any, shape: Any, rate: Any) -> Any:
    if rate in (0, 1):
        return backend.full(shape, rate == 0, "bool")
    return backend.keep_mask(key, shape, rate)


def _scaled(backend: Any, z: Any, mean: TensorLike, stddev: Any) -> Any:
    if stddev != 1:
        z = backend.multiply(z, float(stddev))
    return z if mean == 0 else backend.add(z, float(mean))

"""New tensors, on the active backend."""

from __future__ import annotations

from unidl.backend import dtypes, registry
from unidl.ops.dispatch import call, op


def zeros(shape, dtype=None):
    """Tensor of zeros."""
    return full(shape, 0, dtype or dtypes.floatx())


def ones(shape, dtype=None):
    """Tensor of ones."""
    return full(shape, 1, dtype or dtypes.floatx())


def full(shape, fill_value, dtype=None):
    """Tensor filled with the number `fill_value`; its dtype follows the number unless given."""
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    return registry.get_backend().full(shape, fill_value, dtypes.standardize_dtype(dtype or type(fill_value)))


@op
def zeros_like(x, dtype=None):
    """Zeros of the shape (and dtype) of `x`."""
    return call("full_like", x, value=0, dtype=dtype and dtypes.standardize_dtype(dtype))


@op
def ones_like(x, dtype=None):
    """Ones of the shape (and dtype) of `x`."""
    return call("full_like", x, value=1, dtype=dtype and dtypes.standardize_dtype(dtype))


@op
def full_like(x, fill_value, dtype=None):
    """`fill_value` in the shape (and dtype) of `x`."""
    return call("full_like", x, value=fill_value, dtype=dtype and dtypes.standardize_dtype(dtype))


def arange(start, stop=None, step=1, dtype=None):
    """Evenly spaced numbers in [start, stop), or [0, start)."""
    if stop is None:
        start, stop = 0, start
    if dtype is None:
        dtype = "int32" if all(isinstance(v, int) for v in (start, stop, step)) else dtypes.floatx()
    return registry.get_backend().arange(start, stop, step, dtypes.standardize_dtype(dtype))


def eye(N, M=None, k=0, dtype=None):
    """(N, M) with ones on the k-th diagonal."""
    return registry.get_backend().eye(N, N if M is None else M, k, dtypes.standardize_dtype(dtype))


def identity(n, dtype=None):
    """(n, n) identity matrix."""
    return eye(n, dtype=dtype)


def linspace(start, stop, num=50, endpoint=True, dtype=None):
    """`num` evenly spaced numbers from `start` to `stop`, Python numbers."""
    import numpy as np

    return registry.get_backend().asarray(np.linspace(start, stop, num, endpoint=endpoint), dtypes.standardize_dtype(dtype))


@op
def tril(x, k=0):
    """`x` with zeros above the k-th diagonal of its last two axes."""
    return _triangle(x, lambda backend, rows, cols: backend.greater_equal(backend.add(rows, k), cols))


@op
def triu(x, k=0):
    """`x` with zeros below the k-th diagonal of its last two axes."""
    return _triangle(x, lambda backend, rows, cols: backend.less_equal(backend.add(rows, k), cols))


def _triangle(x, keep):
    from unidl.ops.dispatch import prepare

    backend, (x,) = prepare((x,))
    n, m = backend.shape(x)[-2:]
    rows = backend.reshape(backend.arange(0, n, 1, "int32"), (n, 1))
    mask = keep(backend, rows, backend.arange(0, m, 1, "int32"))
    return backend.where(mask, x, backend.full_like(x, 0))

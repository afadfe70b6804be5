"""Variable: a named tensor that lives on a backend, is assigned to, and can move to another backend."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np

from unidl.backend import dtypes, registry

_autocast: ContextVar[str | None] = ContextVar("unidl_autocast", default=None)
_recorded_part: ContextVar[str | None] = ContextVar("unidl_recorded_part", default=None)


class Variable:
    """A value that layers, optimizers and metrics own.

    Args:
        initializer: the value (number, nested list, array or native tensor), or a callable `(shape, dtype=...)`.
        shape: needed with a callable.
        dtype: name of the dtype; by default that of the value, `floatx` for Python floats and callables.
        trainable: whether optimizers update it.
        name: its own name; `path` is the full name, set by the layer that owns it.
        backend: name of the backend that holds it, the active one by default.
        kernel_of: the function of the contract whose kernel it is ("conv", "lstm"): a backend may order the memory as that function
            reads it. Shape and axes are the same in any order.
    """

    def __init__(
        self,
        initializer,
        shape=None,
        dtype=None,
        trainable=True,
        name=None,
        backend=None,
        kernel_of=None,
    ):
        self.backend = registry.get_backend(backend)
        self.kernel_of = kernel_of
        if callable(initializer):
            if shape is None:
                raise ValueError(
                    "Variable: an initializer that is a function needs `shape`, e.g. Variable(init, shape=(3, 4))."
                )
            self.dtype = dtypes.standardize_dtype(dtype)
            initializer = initializer(tuple(shape), dtype=self.dtype)
        else:
            value = initializer.numpy() if isinstance(initializer, Variable) else initializer
            owner = registry.owner_of_type(type(value))
            initializer = self.backend.asarray(
                value if owner in (None, self.backend) else owner.to_numpy(value)
            )
            self.dtype = (
                dtypes.standardize_dtype(dtype) if dtype else self.backend.dtype(initializer)
            )
        with self.backend.scope():
            self._hold(
                self.backend, self.backend.cast(self.backend.asarray(initializer), self.dtype)
            )
            self.shape = self.backend.shape(self.value)
        if shape is not None and tuple(shape) != self.shape:
            raise ValueError(
                f"Variable {name!r}: the value has shape {self.shape}, expected {tuple(shape)}."
            )
        self.trainable = trainable
        self.autocast = True
        self.name = name or "variable"
        self.path = self.name
        self.regularizer = None
        self.constraint = None

    @property
    def value(self):
        """The native tensor, float weights in the dtype of `autocasting` if there is one. Treat it as read-only."""
        value = self.backend.read(self._store)
        dtype = self.value_dtype
        return value if dtype == self.dtype else self.backend.cast(value, dtype)

    @property
    def value_dtype(self):
        """Dtype of `value`."""
        wanted = _autocast.get()
        return (
            self.dtype
            if wanted is None or not self.autocast or not dtypes.is_float(self.dtype)
            else wanted
        )

    @property
    def ndim(self):
        return len(self.shape)

    def numpy(self) -> np.ndarray:
        """A host copy."""
        return self.backend.to_numpy(self.backend.read(self._store))

    def assign(self, value):
        """Set the value from a number, array, Variable or native tensor of the same shape; it is copied."""
        if isinstance(value, Variable):
            value = value.value
        owner = registry.owner_of_type(type(value))
        if owner not in (None, self.backend):
            value = owner.to_numpy(value)
        value = self.backend.asarray(value, self.dtype)
        self._check_shape(self.backend.shape(value))
        self.replace(self.backend.copy(value))
        return self

    def assign_add(self, value):
        return self.assign(
            self.backend.add(
                self.backend.read(self._store), self.backend.asarray(value, self.dtype)
            )
        )

    def assign_sub(self, value):
        return self.assign(
            self.backend.subtract(
                self.backend.read(self._store), self.backend.asarray(value, self.dtype)
            )
        )

    def replace(self, value):
        """`assign` for a native tensor of the right shape and dtype that nobody else will change: no check, no copy."""
        part = _recorded_part.get()
        if part is not None:
            raise RuntimeError(
                f"Variable {self.path!r} is assigned in {part} of a compiled function, which may run or not. Return the value from it and "
                "assign that afterwards, or compile(run_eagerly=True)."
            )
        if value is not self._store:
            self._store = self.backend.write(self._store, value)

    def _hold(self, backend, value):
        """From now on live on `backend`, in a storage of its own with native or host `value`; inside the backend's scope."""
        store = backend.store(value)
        self.backend, self._store = (
            backend,
            store if self.kernel_of is None else backend.lay_out(store, self.kernel_of),
        )

    def _check_shape(self, shape):
        if tuple(shape) != tuple(self.shape):
            raise ValueError(
                f"Variable {self.path!r} has shape {tuple(self.shape)}; cannot assign a value of shape {tuple(shape)} to it."
            )

    def to(self, backend):
        """Move to another backend, in place; returns the Variable."""
        target = registry.get_backend(backend)
        if target is not self.backend:
            value = self.numpy()
            with target.scope():
                self._hold(target, target.asarray(value, self.dtype))
        return self

    def __array__(self, dtype=None, copy=None):
        return self.numpy() if dtype is None else self.numpy().astype(dtype)

    def __repr__(self):
        return f"<Variable path={self.path}, shape={tuple(self.shape)}, dtype={self.dtype}, backend={self.backend.name}>"


@contextmanager
def autocasting(dtype):
    """Inside a `with` block float Variables whose `autocast` is True read as `dtype`; None reads them as they are."""
    token = _autocast.set(dtype)
    try:
        yield
    finally:
        _autocast.reset(token)


def autocast_dtype():
    """What the innermost `autocasting` said."""
    return _autocast.get()


@contextmanager
def unassignable(part):
    """Inside a `with` block Variables cannot be assigned, since `part` ("a branch", "a loop") of a compiled function is recorded."""
    token = _recorded_part.set(part)
    try:
        yield
    finally:
        _recorded_part.reset(token)


@contextmanager
def rebound(variables, stores):
    """Let `variables` hold other stores (leaves of a tape, tracers) inside a `with` block; yields them.

    Afterwards each variable has its old store again. What was assigned inside is the adapter's to read before the end.
    """
    before = [v._store for v in variables]
    for variable, store in zip(variables, stores, strict=True):
        variable._store = store
    try:
        yield stores
    finally:
        for variable, store in zip(variables, before, strict=True):
            variable._store = store

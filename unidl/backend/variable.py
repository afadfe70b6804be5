"""Variable: a named tensor that lives on a backend, is assigned to, and can move to another
backend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from unidl.backend import dtypes, registry
from unidl.backend.callers import advice_for, layer_in_call
from unidl.backend.errors import ArgumentError
from unidl.backend.frame import changed, current
from unidl.typing import DType, HasOperators, Shape, Tensor, TensorLike

if TYPE_CHECKING:
    from unidl.backend.contract import Backend


class Variable(HasOperators):
    """A value that layers, optimizers and metrics own.

    Args:
        initializer: the value (number, nested list, array or native tensor), or a callable `(shape,
            dtype=...)`.
        shape: needed with a callable.
        dtype: name of the dtype; by default that of the value, `floatx` for Python floats and
            callables.
        trainable: whether optimizers update it.
        name: its own name; `path` is the full name, set by the layer that owns it.
        backend: name of the backend that holds it, the active one by default.
        kernel_of: the function of the contract whose kernel it is ("conv", "lstm"): a backend may
            order the memory as that function reads it. Shape and axes are the same in any order.

    Examples:
        >>> w = unidl.Variable([1.0, 2.0], name="w")
        >>> w = w.assign_add([10.0, 10.0])  # the same Variable
        >>> w.numpy(), w.shape, w.dtype
        (array([11., 12.], dtype=float32), (2,), 'float32')
        >>> unidl.Variable(unidl.initializers.Ones(), shape=(2,)).numpy()
        array([1., 1.], dtype=float32)
    """

    shape: tuple[int, ...]
    split: Any = None  # how it is split over processes, a `unidl.distribution.splits.Split`
    _store: Any
    _part: Variable | None = None  # what this process holds of a split one, in the place of a store

    def __init__(
        self,
        initializer: Any,
        shape: Shape | None = None,
        dtype: DType | None = None,
        trainable: bool = True,
        name: str | None = None,
        backend: str | Backend | None = None,
        kernel_of: str | None = None,
    ) -> None:
        self._backend = backend = registry.get_backend(backend)
        self.kernel_of = kernel_of
        self.name = self.path = name or "variable"
        owner = layer_in_call()
        if owner is not None:
            raise ValueError(advice_for(owner, f"the Variable {self.name!r}"))
        if callable(initializer):
            if shape is None:
                raise ValueError(
                    "Variable: an initializer function needs `shape`, e.g. Variable(init, "
                    "shape=(3, 4))."
                )
            self.dtype = dtypes.standardize_dtype(dtype)
            initializer = initializer(tuple(shape), dtype=self.dtype)
        else:
            value = initializer.numpy() if isinstance(initializer, Variable) else initializer
            initializer = self._native(value, dtype and dtypes.standardize_dtype(dtype))
            self.dtype = (
                dtypes.standardize_dtype(dtype) if dtype else self.backend.dtype(initializer)
            )
        with backend.scope():
            self.hold(
                self.backend, self.backend.cast(self.backend.asarray(initializer), self.dtype)
            )
            self.shape = self.backend.shape(self.value)
        if shape is not None and tuple(shape) != self.shape:
            raise ValueError(
                f"Variable {name!r}: the value has shape {self.shape}, expected {tuple(shape)}."
            )
        self.trainable = trainable
        self.autocast = True
        self.regularizer: Any = None
        self.constraint: Any = None

    @property
    def backend(self) -> Backend:
        """The backend that holds it; while a step is captured, the tracer that stands for that
        backend."""
        tracer = current().tracer
        return self._backend if tracer is None or tracer.stands_for is not self._backend else tracer

    @property
    def value(self) -> Tensor:
        """The native tensor, float weights in the dtype of `autocasting` if there is one.

        Treat it as read-only.
        """
        frame = current()
        stand_ins = frame.stand_ins
        value = self.own_value() if stand_ins is None else stand_ins[self]
        if frame.autocast is None or (dtype := self.value_dtype) == self.dtype:
            return value
        return self.backend.cast(value, dtype)

    def read(self) -> tuple[Backend, Tensor]:
        """(backend, value), by one look at the frame where nothing stands in."""
        frame = current()
        if frame.stand_ins is frame.tracer is frame.autocast is self._part is None:
            backend = self._backend
            return backend, backend.read(self._store)
        return self.backend, self.value

    @property
    def value_dtype(self) -> str:
        """Dtype of `value`."""
        wanted = current().autocast
        if wanted is None or not self.autocast or not dtypes.is_float(self.dtype):
            return self.dtype
        return wanted

    @property
    def uncast(self) -> Tensor:
        """`value` in the Variable's own dtype."""
        stand_ins = current().stand_ins
        return self.own_value() if stand_ins is None else stand_ins[self]

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            # A framework that asks a Variable for what its own ones have, to differentiate it.
            raise AttributeError(
                f"A Variable has no attribute {name!r}. Its native tensor is variable.value; for "
                "gradients write unidl.value_and_grad(function, variables)."
            )

    def own_value(self) -> Tensor:
        """The native tensor in its store, whatever stands in for it."""
        if self._part is not None:
            return self._backend.whole(self._part.own_value(), self.split)
        return self._backend.read(self._store)

    @property
    def held(self) -> Variable:
        """The Variable with what this process holds: of a split one its part, else itself."""
        return self if self._part is None else self._part

    def put_together(self) -> Tensor:
        """The whole of a split one, from what stands for the parts. All processes ask for it."""
        return self.backend.whole(self.held.uncast, self.split)

    def hold_part(self, split: Any) -> None:
        """From now on hold only this process' part, as `split` says."""
        with self._backend.scope():
            part = Variable(
                self._backend.own_part(self.own_value(), split),
                trainable=self.trainable,
                name=self.name,
                backend=self._backend,
                kernel_of=self.kernel_of,
            )
        part.path, part.autocast = self.path, self.autocast
        self.split, self._part, self._store = split, part, None

    def own_numpy(self) -> np.ndarray:
        """A host copy of what is in its store, whatever stands in for it."""
        return self._backend.to_numpy(self.own_value())

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def numpy(self) -> np.ndarray:
        """A host copy. Of one that is split over processes all ask for it, each for the whole."""
        return self.backend.to_numpy(self.uncast)

    def assign(self, value: TensorLike) -> Variable:
        """Set the value from a number, array, Variable or native tensor of the same shape; it is
        copied."""
        value = self._native(value, self.dtype)
        self._check_shape(self.backend.shape(value))
        # In a scope the value stays a function of what it was computed from.
        self.replace(value if current().stateless is not None else self.backend.copy(value))
        return self

    def assign_add(self, value: TensorLike) -> Variable:
        return self.assign(self.backend.add(self.uncast, self._native(value, self.dtype)))

    def assign_sub(self, value: TensorLike) -> Variable:
        return self.assign(self.backend.subtract(self.uncast, self._native(value, self.dtype)))

    def _native(self, value: TensorLike, dtype: str | None) -> Tensor:
        """A number, array, Variable or tensor of any backend as a tensor of the own one."""
        if isinstance(value, Variable):
            value = value.value
        owner = registry.owner_of_type(type(value))
        if owner not in (None, self.backend):
            value = owner.to_numpy(value)
        try:
            return self.backend.asarray(value, dtype)
        except ArgumentError as error:
            error.function = f"Variable {self.path!r}"
            raise

    def replace(self, value: TensorLike) -> None:
        """`assign` for a native tensor of the right shape and dtype that nobody else will change.

        No check, no copy.
        """
        frame = current()
        if frame.branch is not None:
            raise RuntimeError(
                f"Variable {self.path!r} is assigned in {frame.branch} of a compiled function, "
                "which may or may not run. Return the value from it and assign it afterwards, or "
                "compile(run_eagerly=True)."
            )
        self._put(frame.stand_ins, value)

    def _put(self, stand_ins: Any, value: Tensor) -> None:
        if self._part is not None and not (stand_ins is not None and stand_ins.has(self)):
            self._part._put(stand_ins, self.backend.own_part(value, self.split))
        elif stand_ins is not None:
            stand_ins.assign(self, value)
        elif value is not self._store:
            self._store = self._backend.write(self._store, value)

    def hold(self, backend: Any, value: TensorLike) -> None:
        """From now on live on `backend`, in a storage of its own with native or host `value`.

        Called inside the backend's scope.
        """
        store = backend.store(value)
        if self.kernel_of is not None:
            store = backend.lay_out(store, self.kernel_of)
        self._backend, self._store = backend, store
        if self.split is not None:
            self._part = self.split = None

    def _check_shape(self, shape: Any) -> None:
        if tuple(shape) != tuple(self.shape):
            raise ValueError(
                f"Variable {self.path!r} has shape {tuple(self.shape)}; cannot assign a value of "
                f"shape {tuple(shape)} to it."
            )

    def to(self, backend: str | Backend) -> Variable:
        """Move to another backend, in place; returns the Variable."""
        target = registry.get_backend(backend)
        if target is not self.backend:
            value = self.numpy()
            with target.scope():
                self.hold(target, target.asarray(value, self.dtype))
        return self

    def __getstate__(self) -> Any:
        apart = ("_backend", "_store", "_part", "split")
        state = {name: x for name, x in vars(self).items() if name not in apart}
        return state | {"backend": self._backend.name, "value": self.numpy()}

    def __setstate__(self, state: Any) -> None:
        state = dict(state)
        backend, value = registry.get_backend(state.pop("backend")), state.pop("value")
        vars(self).update(state)
        with backend.scope():
            self.hold(backend, backend.asarray(value, self.dtype))

    def __array__(self, dtype: DType | None = None, copy: bool | None = None) -> np.ndarray:
        return self.numpy() if dtype is None else self.numpy().astype(dtype)

    def __float__(self) -> float:
        return float(self._alone())

    def __int__(self) -> int:
        return int(self._alone())

    def __bool__(self) -> bool:
        raise TypeError(
            f"Variable {self.path!r} is neither true nor false. Write `variable is not None` to "
            "ask whether there is one, bool(variable.numpy()) for its value."
        )

    def _alone(self) -> Tensor:
        if self.shape != ():
            raise TypeError(
                f"Variable {self.path!r} has shape {tuple(self.shape)}, but a single Python number "
                "is needed. Take one element, variable[0], or reduce it: ops.mean(variable)."
            )
        return self.value

    def __repr__(self) -> str:
        return (
            f"<Variable path={self.path}, shape={tuple(self.shape)}, dtype={self.dtype}, "
            f"backend={self.backend.name}>"
        )


def autocasting(dtype: str | None) -> Any:
    """A context in which float Variables whose `autocast` is True read as `dtype`; None: as they
    are."""
    return changed(autocast=dtype)


def unassignable(branch: Any) -> Any:
    """A context in which Variables cannot be assigned, since `branch` ("a branch", "a loop") of a
    compiled function is recorded."""
    return changed(branch=branch)


def stores_of(variables: Any) -> list:
    """What the Variables hold, for a compiled function to read: their stores, or what stands in."""
    stand_ins = current().stand_ins
    if stand_ins is None:
        return [v._store if v._part is None else v.own_value() for v in variables]
    return [
        stand_ins[v] if stand_ins.stands_for(v) or v._part is not None else v._store
        for v in variables
    ]


def commit(variables: Any, values: Any) -> None:
    """Put what a step computed into place, one native value for each Variable."""
    stand_ins = current().stand_ins
    for variable, value in zip(variables, values, strict=True):
        if stand_ins is not None or variable._part is not None:
            variable._put(stand_ins, value)
        elif value is not variable._store:
            variable._store = variable._backend.write(variable._store, value)


def put_store(variable: Variable, store: Any) -> None:
    """Let a Variable hold another store of its backend: the adapter's way to keep a value
    elsewhere."""
    variable._store = store

"""A number that an optimizer keeps on the host: its iteration count, its learning rate."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from unidl import ops
from unidl.backend import registry
from unidl.backend.dtypes import floatx
from unidl.backend.host_held import HostHeld
from unidl.backend.registry import owner_of_type
from unidl.backend.variable import Variable
from unidl.typing import HasArithmetic, Tensor


class HostVariable(HasArithmetic, HostHeld):
    """A scalar with a Variable's manners. It never lives on a device, so reading it waits for
    nothing.

    Args:
        value: a number.
        dtype: name of the dtype it is rounded to.
        name: shown in texts.
        check: `check(value)` returns the value that is assigned, or raises.
        owner: name of the optimizer that has it, for `path`.

    Examples:
        >>> unidl.optimizers.Adam(0.01).learning_rate
        <HostVariable learning_rate=0.01>
        >>> optimizer = unidl.optimizers.Adam(0.01)
        >>> optimizer.learning_rate = 0.005
        >>> float(optimizer.learning_rate)
        0.005
    """

    shape: tuple[int, ...] = ()
    ndim = 0
    trainable = False

    def __init__(
        self,
        value: Any,
        dtype: str,
        name: str,
        check: Callable[[Any], Any] | None = None,
        owner: str | None = None,
    ) -> None:
        self.dtype, self.name = dtype, name
        self.path = name if owner is None else f"{owner}/{name}"
        self._check = check
        self.assign(value)

    def assign(self, value: Any) -> HostVariable:
        """Set the value from a number, an array of one element, a Variable or a native tensor."""
        value = on_host(value)
        value = np.asarray(value if self._check is None else self._check(value))
        if value.size != 1:
            raise ValueError(
                f"{self.name} is a single number; cannot assign an array of shape {value.shape} to "
                "it."
            )
        self.value = value.astype(self.dtype).item()
        return self

    @property
    def value(self) -> Any:
        """The number, a Python int or float; a tensor in a function that is being compiled."""
        return self.state

    @value.setter
    def value(self, value: Any) -> None:
        self.state = value

    def own_state(self) -> Any:
        return self._own

    def set_own_state(self, state: Any) -> None:
        self._own = state

    def state_from(self, value: Any) -> Any:
        return np.asarray(value).astype(self.dtype).item()

    def as_tensor(self, state: Any) -> Tensor:
        """In 32 bits, or for a float in `floatx`: what all devices have."""
        if not isinstance(state, int | float):
            return state
        backend = registry.get_backend()
        with backend.scope():
            return backend.asarray(np.array(state, "int32" if "int" in self.dtype else floatx()))

    def assign_add(self, value: Any) -> HostVariable:
        return self.assign(self.value + value)

    def assign_sub(self, value: Any) -> HostVariable:
        return self.assign(self.value - value)

    def numpy(self) -> np.ndarray:
        return np.array(self.value, dtype=self.dtype)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.value, dtype=dtype or self.dtype)

    def __float__(self) -> float:
        return float(self.value)

    def __int__(self) -> int:
        return int(self.value)

    def __index__(self) -> int:
        if "int" not in self.dtype:
            raise TypeError(f"{self.name} is a float and cannot be used as an index.")
        return self.value

    def __bool__(self) -> bool:
        return bool(self.value)

    __hash__ = object.__hash__

    def __format__(self, spec: str) -> str:
        return format(self.value, spec)

    def __repr__(self) -> str:
        return f"<HostVariable {self.name}={self.value}>"


class VariableOnHost(HostVariable):
    """A Variable of the user's as such a scalar: whoever changes one of the two changes both.

    Reading it reads the Variable, and so waits for its device.
    """

    def __init__(
        self, variable: Variable, name: str, check: Callable[[Any], Any], owner: str
    ) -> None:
        self._variable = variable
        super().__init__(variable, "float64", name, check, owner)

    def own_state(self) -> float:
        return self._variable.own_numpy().astype(self.dtype).item()

    def set_own_state(self, state: float) -> None:
        self._variable.assign(np.full(self._variable.shape, state))


def on_host(value: Any) -> Any:
    """What a Variable or a native tensor holds as an array; all else as it is."""
    if isinstance(value, HostVariable):
        return value.value
    if isinstance(value, Variable) or owner_of_type(type(value)) is not None:
        return ops.convert_to_numpy(value)
    return value.numpy() if hasattr(value, "numpy") else value


_BINARY = {
    name: getattr(operator, name)
    for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow")
} | {"divmod": divmod}
_COMPARISONS = ("eq", "ne", "lt", "le", "gt", "ge")
_UNARY = ("neg", "pos", "abs")
_OTHERS = {name: getattr(operator, name) for name in (*_COMPARISONS, *_UNARY)} | {"round": round}


def _bind_operators() -> None:
    """Give `HostVariable` the operators of the number that it holds: `1 - learning_rate` is one."""
    for name, function in (_BINARY | _OTHERS).items():
        setattr(HostVariable, f"__{name}__", _forward(function))
    for name, function in _BINARY.items():
        setattr(HostVariable, f"__r{name}__", _reflected(function))


def _forward(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, *others: function(self.value, *map(_number, others))


def _reflected(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, other: function(other, self.value)


def _number(x: Any) -> Any:
    return x.value if isinstance(x, HostVariable) else x


_bind_operators()

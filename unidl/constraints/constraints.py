"""Projections that are applied to weights after every step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from unidl import ops
from unidl.typing import Axis, Config, Tensor, TensorLike
from unidl.utils.constructors import Constructed, made_from
from unidl.utils.rules import AXIS, NOT_NEGATIVE, SHARE
from unidl.utils.watched import Watched

if TYPE_CHECKING:
    from typing_extensions import Self

EPSILON = 1e-7


class Constraint(Watched, Constructed):
    """Subclass it: `__call__(self, w)` returns the projected weight, `get_config` the constructor's
    arguments.

    Examples:
        >>> class Rounded(unidl.constraints.Constraint):
        ...     def __call__(self, w):
        ...         return unidl.ops.round(w)
        >>> Rounded()([0.4, 0.6])
        array([0., 1.], dtype=float32)
    """

    def __call__(self, w: TensorLike) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} must implement __call__(self, w).")

    def get_config(self) -> Config:
        return {}

    @classmethod
    def from_config(cls, config: Any) -> Self:
        return cls(**made_from(cls, config))


def _norms(w: Any, axis: Any) -> Any:
    return ops.sqrt(ops.sum(ops.square(w), axis=axis, keepdims=True))


class MaxNorm(Constraint):
    """The norm along `axis` is at most `max_value`.

    Examples:
        >>> unidl.constraints.MaxNorm(2.0)([[3.0, 0.3], [4.0, 0.4]])  # columns
        array([[1.2, 0.3],
               [1.6, 0.4]], dtype=float32)
    """

    _rules: ClassVar = {"max_value": NOT_NEGATIVE, "axis": AXIS}

    def __init__(self, max_value: float = 2, axis: Axis = 0) -> None:
        self.max_value, self.axis = max_value, axis

    def __call__(self, w: TensorLike) -> Tensor:
        norms = _norms(w, self.axis)
        return ops.multiply(
            w, ops.divide(ops.clip(norms, 0.0, self.max_value), ops.add(norms, EPSILON))
        )

    def get_config(self) -> Config:
        return {"max_value": self.max_value, "axis": self.axis}


class NonNeg(Constraint):
    """No element is negative.

    Examples:
        >>> unidl.constraints.NonNeg()([-1.0, 2.0])
        array([0., 2.], dtype=float32)
    """

    def __call__(self, w: TensorLike) -> Tensor:
        return ops.maximum(w, 0)


class UnitNorm(Constraint):
    """The norm along `axis` is 1.

    Examples:
        >>> unidl.constraints.UnitNorm()([[3.0, 0.3], [4.0, 0.4]])
        array([[0.6, 0.6],
               [0.8, 0.8]], dtype=float32)
    """

    _rules: ClassVar = {"axis": AXIS}

    def __init__(self, axis: Axis = 0) -> None:
        self.axis = axis

    def __call__(self, w: TensorLike) -> Tensor:
        return ops.divide(w, ops.add(_norms(w, self.axis), EPSILON))

    def get_config(self) -> Config:
        return {"axis": self.axis}


class MinMaxNorm(Constraint):
    """The norm along `axis` is brought towards [min_value, max_value], the share `rate` of the way
    in each step.

    Examples:
        >>> unidl.constraints.MinMaxNorm(1.0, 2.0)([[3.0, 0.3], [4.0, 0.4]])
        array([[1.2, 0.6],
               [1.6, 0.8]], dtype=float32)
    """

    _rules: ClassVar = {
        "min_value": NOT_NEGATIVE,
        "max_value": NOT_NEGATIVE,
        "rate": SHARE,
        "axis": AXIS,
    }

    def __init__(
        self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: Axis = 0
    ) -> None:
        if min_value > max_value:
            raise ValueError(
                f"{type(self).__name__}: min_value must not be above max_value, got {min_value} "
                f"and {max_value}."
            )
        self.min_value, self.max_value, self.rate, self.axis = min_value, max_value, rate, axis

    def __call__(self, w: TensorLike) -> Tensor:
        norms = _norms(w, self.axis)
        target = ops.multiply(ops.clip(norms, self.min_value, self.max_value), self.rate)
        desired = ops.add(target, ops.multiply(norms, 1 - self.rate))
        return ops.multiply(w, ops.divide(desired, ops.add(norms, EPSILON)))

    def get_config(self) -> Config:
        return {name: getattr(self, name) for name in ("min_value", "max_value", "rate", "axis")}

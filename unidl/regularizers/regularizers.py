"""Penalties on weights or outputs, added to the loss."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

from unidl import ops
from unidl.typing import Config, Tensor, TensorLike
from unidl.utils.constructors import Constructed, made_from
from unidl.utils.rules import one_of
from unidl.utils.watched import Watched

if TYPE_CHECKING:
    from typing_extensions import Self


class Regularizer(Watched, Constructed):
    """Subclass it: `__call__(self, x)` returns a scalar tensor, `get_config` the constructor's
    arguments.

    Examples:
        >>> class Cubic(unidl.regularizers.Regularizer):
        ...     def __call__(self, x):
        ...         return 0.1 * unidl.ops.sum(unidl.ops.abs(x) ** 3)
        >>> layer = unidl.layers.Dense(1, kernel_initializer="ones", kernel_regularizer=Cubic())
        >>> layer.build((None, 3))
        >>> round(float(layer.losses[0]), 4)
        0.3
    """

    def __call__(self, x: TensorLike) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} must implement __call__(self, x).")

    def _essentials(self) -> dict[str, Any]:
        return {name: vars(self)[name] for name in ("l1", "l2", "factor") if name in vars(self)}

    def get_config(self) -> Config:
        raise NotImplementedError(f"{type(self).__name__} must implement get_config() to be saved.")

    @classmethod
    def from_config(cls, config: Any) -> Self:
        return cls(**made_from(cls, config))


def _factor(regularizer: Any, name: str, value: Any) -> Any:
    if (
        isinstance(value, bool)
        or not isinstance(value, (int, float))
        or not math.isfinite(value)
        or value < 0
    ):
        raise ValueError(
            f"{type(regularizer).__name__}: {name} must be a number of 0 or more, got {value!r}."
        )
    return float(value)


class L1L2(Regularizer):
    """l1 * sum(|x|) + l2 * sum(x**2).

    Examples:
        >>> unidl.regularizers.L1L2(l1=0.1, l2=0.01)([1.0, -2.0])
        array(0.35, dtype=float32)
        >>> unidl.regularizers.L1L2()([1.0, -2.0])  # both are 0 by default
        array(0., dtype=float32)
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1 = _factor(self, "l1", 0.0 if l1 is None else l1)
        self.l2 = _factor(self, "l2", 0.0 if l2 is None else l2)

    def __call__(self, x: TensorLike) -> Tensor:
        # A factor of 0 costs nothing, but where both are 0 the penalty is a scalar of x's dtype all
        # the same.
        penalty = (
            None if self.l1 == 0 and self.l2 != 0 else ops.multiply(ops.sum(ops.abs(x)), self.l1)
        )
        if self.l2 == 0:
            return penalty
        square = ops.multiply(ops.sum(ops.square(x)), self.l2)
        return square if penalty is None else ops.add(penalty, square)

    def get_config(self) -> Config:
        return {"l1": self.l1, "l2": self.l2}


class L1(Regularizer):
    """l1 * sum(|x|).

    Examples:
        >>> unidl.regularizers.L1(0.1)([1.0, -2.0])
        array(0.3, dtype=float32)
    """

    def __init__(self, l1: float = 0.01) -> None:
        self.l1 = _factor(self, "l1", 0.01 if l1 is None else l1)

    def __call__(self, x: TensorLike) -> Tensor:
        return ops.multiply(ops.sum(ops.abs(x)), self.l1)

    def get_config(self) -> Config:
        return {"l1": self.l1}


class L2(Regularizer):
    """l2 * sum(x**2).

    Examples:
        >>> unidl.regularizers.L2(0.1)([1.0, -2.0])
        array(0.5, dtype=float32)
        >>> layer = unidl.layers.Dense(1, kernel_initializer="ones", kernel_regularizer="l2")
        >>> layer.build((None, 3))
        >>> layer.losses  # 0.01 * 3
        [array(0.03, dtype=float32)]
    """

    def __init__(self, l2: float = 0.01) -> None:
        self.l2 = _factor(self, "l2", 0.01 if l2 is None else l2)

    def __call__(self, x: TensorLike) -> Tensor:
        return ops.multiply(ops.sum(ops.square(x)), self.l2)

    def get_config(self) -> Config:
        return {"l2": self.l2}


class OrthogonalRegularizer(Regularizer):
    """factor times the mean of |cosine| between the rows (or `mode="columns"`) of a matrix (n,
    m).

    Examples:
        >>> unidl.regularizers.OrthogonalRegularizer(0.1)(np.array([[1.0, 0.0], [0.0, 1.0]]))
        array(0.)
        >>> unidl.regularizers.OrthogonalRegularizer(0.1)(np.array([[1.0, 0.0], [1.0, 0.0]]))
        array(0.1)
    """

    _rules: ClassVar = {"mode": one_of(("rows", "columns"))}

    def __init__(self, factor: float = 0.01, mode: str = "rows") -> None:
        self.factor = _factor(self, "factor", factor)
        self.mode = mode

    def __call__(self, x: TensorLike) -> Tensor:
        if len(x.shape) != 2:
            raise ValueError(
                "OrthogonalRegularizer: it needs matrices (n, m), got a weight of shape "
                f"{tuple(x.shape)}."
            )
        rows = x if self.mode == "rows" else ops.transpose(x)
        size, _ = tuple(rows.shape)
        length = ops.sqrt(ops.maximum(ops.sum(ops.square(rows), axis=1, keepdims=True), 1e-12))
        rows = ops.divide(rows, length)
        cosines = ops.abs(ops.matmul(rows, ops.transpose(rows)))
        others = ops.multiply(
            cosines, ops.subtract(1.0, ops.cast(ops.eye(size), ops.dtype(cosines)))
        )
        return ops.multiply(ops.sum(others), self.factor / (size * (size - 1.0)))

    def get_config(self) -> Config:
        return {"factor": self.factor, "mode": self.mode}

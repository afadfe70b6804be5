"""KerasTensor: a tensor of which only shape and dtype are known."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, NoReturn

from unidl.backend import dtypes
from unidl.typing import Axis, DType, Shape

if TYPE_CHECKING:
    import numpy as np

_names = itertools.count()


class NoValue(TypeError):
    """A symbolic tensor was asked for its value.

    Attributes:
        what: that asked, "float()".
        instead: a sentence that says what to write.
        of_framework: whether a framework's own tensors may know a way without values, as NumPy's
            functions do on arrays.
    """

    def __init__(self, what: str, instead: str, of_framework: bool = False) -> None:
        self.what, self.instead, self.of_framework = what, instead, of_framework
        self.reason = (
            f"A KerasTensor has a shape and a dtype but no value yet, so {what} cannot use it."
        )
        advice = " Or put it into the call() of a custom Layer." if of_framework else ""
        super().__init__(f"{self.reason} {instead}{advice}")

    def within(self, who: str) -> TypeError:
        """The same where `who` is the function, a layer's call() or a loss, that met the tensor."""
        return TypeError(
            f"{who}: {self.what} needs the value of a tensor, but the function runs only once, on "
            f"tensors that have a shape but no value yet, and is then compiled. {self.instead}"
        )


_CHOOSE = (
    "Choose with ops.where(condition, a, b) or ops.cond, repeat with ops.while_loop, and combine "
    "conditions with ops.logical_and, ops.logical_or and ops.logical_not."
)
_COMPUTE = "Use the tensor itself with unidl.ops: ops.cast(x, dtype) changes its dtype."
_WITH_OPS = "Write the computation with unidl.ops."


def not_by_numpy(_: Any, name: str) -> NoReturn:
    """The error on a function of NumPy, called `name` there."""
    from unidl import ops

    instead = f"Write ops.{name} instead." if name in ops.__all__ else _WITH_OPS
    raise NoValue(f"NumPy's function np.{name}", instead, of_framework=True)


class KerasTensor:
    """Symbolic tensor: what `Input` returns and what layers and `unidl.ops` return when called on
    one.

    Args:
        shape: tuple of ints and Nones (an axis of any size).
        dtype: name of the dtype.
        name: shown in summaries.

    Attributes:
        history: (node, index): the node of the graph that made it and the place among its outputs;
            None for a tensor that only carries a shape.

    Examples:
        >>> x = unidl.Input((4,))
        >>> y = unidl.ops.reshape(x * 2, (-1, 2, 2))
        >>> type(y).__name__, y.shape, y.dtype
        ('KerasTensor', (None, 2, 2), 'float32')
    """

    def __init__(self, shape: Shape, dtype: DType = "float32", name: str | None = None) -> None:
        self.shape: tuple[Any, ...] = tuple(shape)
        self.dtype = dtypes.standardize_dtype(dtype)
        self.name = name or f"keras_tensor_{next(_names)}"
        self.history = None

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def reshape(self, newshape: Shape) -> KerasTensor:
        """`ops.reshape` of it."""
        from unidl import ops

        return ops.reshape(self, newshape)

    def squeeze(self, axis: Axis | None = None) -> KerasTensor:
        """`ops.squeeze` of it."""
        from unidl import ops

        return ops.squeeze(self, axis)

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"history": None}  # which the copy of its node writes anew

    def __len__(self) -> int:
        raise NoValue("len()", _WITH_OPS, of_framework=True)

    def __bool__(self) -> bool:
        raise NoValue("a Python condition (if, while, and, or, not, assert)", _CHOOSE)

    def __iter__(self) -> NoReturn:
        raise NoValue("a Python loop", _WITH_OPS, of_framework=True)

    def __array__(self, dtype: DType | None = None, copy: Any = None) -> np.ndarray:
        raise NoValue("a NumPy function", _WITH_OPS, of_framework=True)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function.__name__ in ("shape", "ndim"):
            return getattr(self, function.__name__)
        not_by_numpy(self, function.__name__)

    def __float__(self) -> float:
        raise NoValue("float()", _COMPUTE)

    def __int__(self) -> int:
        raise NoValue("int()", _COMPUTE)

    def __repr__(self) -> str:
        return f"<KerasTensor shape={self.shape}, dtype={self.dtype}, name={self.name}>"

    __hash__ = object.__hash__


def is_keras_tensor(x: Any) -> bool:
    """Whether `x` is a symbolic tensor.

    Examples:
        >>> unidl.backend.is_keras_tensor(unidl.Input((2,))), unidl.backend.is_keras_tensor([1.0])
        (True, False)
    """
    return isinstance(x, KerasTensor)

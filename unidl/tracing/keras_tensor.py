"""KerasTensor: a tensor of which only shape and dtype are known."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, NoReturn

from unidl.backend import dtypes
from unidl.typing import DType, Shape

if TYPE_CHECKING:
    import numpy as np

_names = itertools.count()


class NoValue(TypeError):
    """A symbolic tensor was asked for its value; `reason` is the message without the advice, for
    who knows better."""

    def __init__(self, what: Any) -> None:
        self.reason = (
            f"A KerasTensor has a shape and a dtype but no value yet, so {what} cannot use it."
        )
        super().__init__(
            f"{self.reason} Write the computation with unidl.ops, or put it into the call() of a "
            "Layer of your own."
        )


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
    """

    def __init__(self, shape: Shape, dtype: DType = "float32", name: str | None = None) -> None:
        self.shape: tuple[Any, ...] = tuple(shape)
        self.dtype = dtypes.standardize_dtype(dtype)
        self.name = name or f"keras_tensor_{next(_names)}"
        self.history = None

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"history": None}  # which the copy of its node writes anew

    def __len__(self) -> int:
        raise NoValue("len()")

    def __bool__(self) -> bool:
        raise NoValue("a Python condition")

    def __iter__(self) -> NoReturn:
        raise NoValue("a Python loop")

    def __array__(self, dtype: DType | None = None, copy: Any = None) -> np.ndarray:
        raise NoValue("a NumPy function")

    def __float__(self) -> float:
        raise NoValue("float()")

    def __repr__(self) -> str:
        return f"<KerasTensor shape={self.shape}, dtype={self.dtype}, name={self.name}>"

    __hash__ = object.__hash__


def is_keras_tensor(x: Any) -> bool:
    """Whether `x` is a symbolic tensor."""
    return isinstance(x, KerasTensor)

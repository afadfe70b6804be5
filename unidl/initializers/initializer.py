"""The base class of initializers."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from unidl.backend import dtypes
from unidl.saving.serialization import deserialize_keras_object
from unidl.typing import Config, DType, TensorLike
from unidl.utils.constructors import Constructed, made_from
from unidl.utils.naming import is_of_unidl

if TYPE_CHECKING:
    from typing_extensions import Self


class Initializer(Constructed):
    """Makes the first value of a weight: `initializer(shape, dtype=None) -> np.ndarray`, on the
    host, for every backend the same.

    Subclasses implement `__call__`, and `get_config` if they have arguments.

    Examples:
        >>> class Ramp(unidl.initializers.Initializer):
        ...     def __call__(self, shape, dtype=None):
        ...         return unidl.ops.reshape(unidl.ops.arange(np.prod(shape), dtype=dtype), shape)
        >>> layer = unidl.layers.Dense(2, kernel_initializer=Ramp())
        >>> layer.build((None, 2))
        >>> layer.kernel.numpy()
        array([[0., 1.],
               [2., 3.]], dtype=float32)
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__call__" in vars(cls) and is_of_unidl(cls):
            cls.__call__ = _of_a_shape(cls.__call__)  # type: ignore[method-assign]

    def __call__(self, shape: Sequence[int], dtype: DType | None = None) -> np.ndarray:
        raise NotImplementedError(
            f"{type(self).__name__} must implement __call__(self, shape, dtype=None)."
        )

    def get_config(self) -> Config:
        return {}

    @classmethod
    def from_config(cls, config: Any) -> Self:
        given = made_from(cls, config)
        return cls(**{key: deserialize_keras_object(value) for key, value in given.items()})

    def clone(self) -> Any:
        return type(self).from_config(self.get_config())


def _of_a_shape(call: Any) -> Any:
    """`call` that tells a shape that is none."""

    @functools.wraps(call)
    def called(self: Any, shape: Any, *args: Any, **kwargs: Any) -> Any:
        sizes = tuple(shape) if isinstance(shape, Iterable) else (None,)
        if not all(hasattr(size, "__index__") and size >= 0 for size in sizes):
            raise ValueError(
                f"{type(self).__name__}: the shape must be a tuple of non-negative integers, got "
                f"{shape!r}."
            )
        return call(self, sizes, *args, **kwargs)

    return called


def host_array(values: TensorLike, dtype: DType | None) -> np.ndarray:
    """`values` in `dtype`, where NumPy has it: bfloat16 stays float32, and the Variable rounds
    it."""
    return np.asarray(values, dtype=host_dtype(dtype))


def host_dtype(dtype: DType | None) -> str:
    """`dtype`, where NumPy has it."""
    name = dtypes.standardize_dtype(dtype)
    return "float32" if name == "bfloat16" else name

"""What stands for the functions of torch and the methods of its tensors: the tables, and what the
handlers in them share.

A handler takes `Laid` tensors, arrays of NumPy where a tensor depends on no input, and everything
else as the user's code gives it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from unidl.port.errors import Refused
from unidl.port.laid import Laid

FUNCTIONS: dict[Callable, Callable] = {}
METHODS: dict[str, Callable] = {}
SEE_RESULT: set[Callable] = set()
SEE_FIXED: set[Callable] = set()

# What only reads sizes, types and settings.
AS_THEY_ARE = {
    getattr(torch.Tensor, name)
    for name in (
        "dim", "is_floating_point", "is_complex", "is_contiguous", "get_device", "stride",
        "data_ptr", "requires_grad_", "element_size", "ndimension", "__hash__", "__repr__",
        "_is_view", "storage_offset", "untyped_storage",
    )
} | {torch.is_tensor, torch.is_floating_point, torch.is_complex, torch.is_grad_enabled}  # fmt: skip

# What code follows that depends on the values of a tensor.
READ_VALUES = {
    "item", "tolist", "__bool__", "__int__", "__float__", "__index__", "__len__", "__iter__",
    "numpy", "equal", "allclose", "is_nonzero", "__contains__", "nonzero", "__array__",
}  # fmt: skip


# What makes a tensor of numbers of its own, in the dtype of another.
MAKE_NEW = {"new_zeros", "new_ones", "new_full", "new_empty", "new_tensor"}


def function(*targets: Callable, methods: tuple[str, ...] = ()) -> Callable:
    """Register what stands for these functions of torch, and for methods and attributes of these
    names."""

    def register(handler: Callable) -> Callable:
        FUNCTIONS.update(dict.fromkeys(targets, handler))
        METHODS.update(dict.fromkeys(methods, handler))
        return handler

    return register


def sees_result(handler: Callable) -> Callable:
    """Gives the handler the keyword `result`, the sizes of what torch returns for the example."""
    SEE_RESULT.add(handler)
    return handler


def sees_fixed(handler: Callable) -> Callable:
    """Gives the handler the keyword `fixed`, a function that makes a weight which is not trained of
    an array."""
    SEE_FIXED.add(handler)
    return handler


def value(x: Any) -> Any:
    """A tensor in the original's order of axes; numbers as they are."""
    return x.first() if isinstance(x, Laid) else x


def laid(x: Any) -> Laid:
    if not isinstance(x, Laid):
        raise Refused(f"it takes {type(x).__name__} where a tensor of the model is needed")
    return x


def listed(arguments: tuple) -> tuple:
    """Sizes given one by one or as one sequence."""
    one = len(arguments) == 1 and isinstance(arguments[0], (tuple, list))
    return tuple(arguments[0]) if one else arguments


def in_last(array: np.ndarray) -> np.ndarray:
    """An array with its second axis at the end."""
    return np.moveaxis(array, 1, -1)

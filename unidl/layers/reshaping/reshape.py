"""Other shapes and orders of the same elements."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from unidl import ops
from unidl.layers.base.input_spec import InputSpec
from unidl.layers.base.layer import Layer
from unidl.layers.base.options import LayerOptions
from unidl.layers.base.validate import data_format as check_data_format
from unidl.layers.base.validate import positive_int
from unidl.typing import TensorLike

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Flatten(Layer):
    """Flattens all axes except the batch axis: (n, ...) -> (n, k).

    Args:
        data_format: "channels_first" inputs are flattened as if they were channels_last.

    Examples:
        >>> unidl.layers.Flatten()(np.ones((2, 3, 4, 5))).shape
        (2, 60)
        >>> unidl.layers.Flatten()(np.ones((2,))).shape  # an axis is added
        (2, 1)
    """

    def __init__(self, data_format: str | None = None, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        self.data_format = check_data_format(self, data_format)
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs: TensorLike) -> Any:
        shape = ops.shape(inputs)
        if self.data_format == "channels_first" and len(shape) > 2:
            inputs = ops.transpose(inputs, (0, *range(2, len(shape)), 1))
        inner = shape[1:]
        if 0 in inner:  # of nothing, -1 could be any number
            return ops.reshape(inputs, (shape[0], 0))
        return ops.reshape(
            inputs, (-1, math.prod(inner)) if None not in inner else (shape[0] or -1, -1)
        )


class Reshape(Layer):
    """(n, ...) -> (n, *target_shape).

    Args:
        target_shape: without the batch axis; one size may be -1, and is then inferred.

    Examples:
        >>> unidl.layers.Reshape((3, 4))(np.ones((2, 12))).shape
        (2, 3, 4)
        >>> unidl.layers.Reshape((-1, 2))(np.ones((2, 12))).shape
        (2, 6, 2)
    """

    def __init__(self, target_shape: Sequence[int], **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        self.target_shape = tuple(target_shape)
        if self.target_shape.count(-1) > 1 or any(s < -1 for s in self.target_shape):
            raise ValueError(
                "Reshape: target_shape must contain sizes and at most one -1, got "
                f"{self.target_shape}."
            )

    def build(self, input_shape: Any) -> None:
        # Solved here, once, so that the open batch axis can be the one -1 of the call.
        inner = input_shape[1:]
        self._solved = self.target_shape
        if None in inner:
            return
        total, known = math.prod(inner), math.prod(s for s in self.target_shape if s != -1)
        if (-1 in self.target_shape and (known == 0 or total % known)) or (
            -1 not in self.target_shape and known != total
        ):
            raise ValueError(
                f"{self._who()}: cannot reshape {tuple(inner)} ({total} elements per sample) to "
                f"{self.target_shape}."
            )
        self._solved = tuple(total // known if s == -1 else s for s in self.target_shape)

    def call(self, inputs: TensorLike) -> Any:
        # The -1 is taken, or, of nothing, could be any number.
        known = -1 in self._solved or 0 in self._solved
        batch = ops.shape(inputs)[0] if known else -1
        return ops.reshape(inputs, (batch, *self._solved))


class Permute(Layer):
    """The axes after the batch in another order: output axis i + 1 is input axis dims[i].

    Args:
        dims: the numbers 1, 2, ... in the new order.

    Examples:
        >>> unidl.layers.Permute((2, 1))(np.ones((10, 3, 5))).shape  # axis 0, the batch, stays
        (10, 5, 3)
    """

    def __init__(self, dims: Sequence[int], **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(
                f"Permute: dims must be a permutation of 1 to the number of dims, got {dims}. The "
                "batch axis is not included."
            )
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)

    def call(self, inputs: TensorLike) -> Any:
        return ops.transpose(inputs, (0, *self.dims))


class RepeatVector(Layer):
    """Repeats each vector `n` times: (batch, features) -> (batch, n, features).

    Args:
        n: how often.

    Examples:
        >>> unidl.layers.RepeatVector(3)(np.array([[1.0, 2.0]]))
        array([[[1., 2.],
                [1., 2.],
                [1., 2.]]], dtype=float32)
    """

    def __init__(self, n: int, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        self.n = positive_int(self, "n", n)
        self.input_spec = InputSpec(ndim=2)

    def call(self, inputs: TensorLike) -> Any:
        return ops.repeat(ops.expand_dims(inputs, 1), self.n, axis=1)

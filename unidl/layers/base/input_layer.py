"""Input: where a functional graph, or a Sequential, begins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from unidl.backend import dtypes
from unidl.layers.base.layer import Layer
from unidl.tracing import KerasTensor, graph
from unidl.typing import Config, DType, Shape
from unidl.utils.arguments import public_function


class InputLayer(Layer):
    """Holds the symbolic tensor that `Input` returns.

    Args:
        shape: without the batch axis, None for open axes.
        batch_size: of the batch axis, open by default.
        batch_shape: both in one, instead of the two above.
        dtype: of the data.
        input_tensor: a symbolic tensor whose shape and dtype are taken, instead of all the above.
        name: also the key under which data is given in a dict.
        sparse, ragged: not offered; must be False or None.
        optional: None may be given in place of the tensor, which layers then get.

    Examples:
        >>> model = unidl.Sequential([unidl.layers.InputLayer(shape=(4,)), unidl.layers.Dense(2)])
        >>> model.output_shape
        (None, 2)
    """

    def __init__(
        self,
        shape: Shape | None = None,
        batch_size: int | None = None,
        dtype: DType | None = None,
        sparse: bool | None = None,
        ragged: bool | None = None,
        batch_shape: Shape | None = None,
        input_tensor: Any = None,
        optional: bool = False,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if sparse or ragged:
            raise ValueError(
                "Input: sparse and ragged inputs are not supported. Give dense tensors, padded to "
                "the same length."
            )
        if input_tensor is not None:
            if not isinstance(input_tensor, KerasTensor):
                raise TypeError(
                    f"Input: the tensor must be a KerasTensor, got {type(input_tensor).__name__}."
                )
            shape, batch_shape, dtype = None, input_tensor.shape, dtype or input_tensor.dtype
        if shape is not None and batch_shape is not None:
            raise ValueError(
                "Input: give either shape= (without the batch axis) or batch_shape=, not both."
            )
        if shape is None and batch_shape is None:
            raise ValueError(
                "Input: give the shape of one sample, e.g. Input(shape=(28, 28, 1)); for one "
                "number per sample: shape=(1,)."
            )
        if batch_size is not None and not isinstance(batch_size, int):
            raise ValueError(f"Input: batch_size must be an integer or None, got {batch_size!r}.")
        super().__init__(name=name, **kwargs)
        self.batch_shape = (
            tuple(batch_shape) if batch_shape is not None else (batch_size, *_as_shape(shape))
        )
        for size in self.batch_shape:
            if size is not None and (not isinstance(size, int) or size < 0):
                raise ValueError(
                    f"Input {self.name!r}: a shape consists of non-negative ints and None, got "
                    f"{self.batch_shape}."
                )
        self.optional = bool(optional)
        self._input_dtype = dtypes.standardize_dtype(dtype)
        self.built = True
        tensor = KerasTensor(self.batch_shape, self._input_dtype, name=self.name)
        self._inbound.append(graph.Node(self, (), {}, [], [tensor]))

    @property
    def dtype(self) -> str:
        return self._input_dtype

    def call(self) -> Any:
        return self.output

    def get_config(self) -> Config:
        return {
            "batch_shape": self.batch_shape, "dtype": self._input_dtype, "name": self.name,
            "sparse": False, "ragged": False, "optional": self.optional,
        }  # fmt: skip


def _as_shape(shape: Any) -> Any:
    if isinstance(shape, int):
        return (shape,)
    if not isinstance(shape, Iterable) or isinstance(shape, Mapping):
        raise TypeError(
            f"Input: the shape is a tuple of sizes, such as (28, 28, 1), got {shape!r} of type "
            f"{type(shape).__name__}."
        )
    return tuple(shape)


@public_function
def Input(
    shape: Shape | None = None,
    batch_size: int | None = None,
    dtype: DType | None = None,
    sparse: bool | None = None,
    ragged: bool | None = None,
    batch_shape: Shape | None = None,
    name: str | None = None,
    tensor: Any = None,
    optional: bool = False,
) -> KerasTensor:
    """A symbolic tensor for the functional API: `x = Input(shape=(28, 28, 1))`.

    Args:
        shape: without the batch axis, None for open axes.
        batch_size: of the batch axis, open by default.
        dtype: of the data, `floatx` by default.
        sparse, ragged: not offered; must be False or None.
        batch_shape: the whole shape, instead of the first two.
        name: also the key under which data is given in a dict.
        tensor: a symbolic tensor whose shape and dtype are taken, instead of all the above.
        optional: None may be given in place of the tensor, which layers then get.

    Examples:
        >>> x = unidl.Input(shape=(28, 28, 1))
        >>> x.shape, x.dtype
        ((None, 28, 28, 1), 'float32')
        >>> model = unidl.Model(x, unidl.layers.Flatten()(x))
        >>> model.output_shape
        (None, 784)
    """
    return InputLayer(
        shape, batch_size, dtype, sparse, ragged, batch_shape, tensor, optional, name
    ).output

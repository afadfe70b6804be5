"""Layers that other frameworks have and Keras has not, for models that are brought in."""

from __future__ import annotations

from typing import Any

import numpy as np

from unidl import ops
from unidl.layers import Embedding, Layer

__all__ = ["Constant", "ConstantPadding", "EmbeddingWithPadding", "Fixed"]


class ConstantPadding(Layer):
    """Pads the axes between the batch and the channels with one value.

    Args:
        padding: a pair (before, after) for each of these axes.
        value: a number; -inf before a maximum.

    Input: (batch, *space, channels). Output: the same, with longer axes.
    """

    def __init__(self, padding: Any, value: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.padding = [tuple(pair) for pair in padding]
        self.value = float(value)

    def call(self, inputs: Any) -> Any:
        return ops.pad(inputs, [(0, 0), *self.padding, (0, 0)], constant_values=self.value)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "padding": self.padding, "value": self.value}


class Constant(Layer):
    """A weight by itself, such as a parameter that a model's own code uses. It returns its weight
    whatever comes in.

    Args:
        shape: of the weight.
        weight_dtype: of the weight.
    """

    def __init__(self, shape: Any, weight_dtype: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.shape, self.weight_dtype = tuple(shape), weight_dtype

    def build(self, input_shape: Any) -> None:
        self.value = self.add_weight(
            self.shape, "zeros", self.weight_dtype, trainable=self.trainable, name="value"
        )

    def call(self, inputs: Any) -> Any:
        return self.value

    def get_config(self) -> dict[str, Any]:
        found = {"shape": self.shape, "weight_dtype": self.weight_dtype}
        return {**super().get_config(), **found}


class Fixed(Layer):
    """Numbers that a model's own code makes without its inputs, as a weight that is not trained. It
    returns them whatever comes in.

    Args:
        values: an array, or nested lists of numbers.
        values_dtype: their dtype; by default the array's.
    """

    def __init__(self, values: Any, values_dtype: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.values = np.asarray(values, values_dtype)

    def build(self, input_shape: Any) -> None:
        dtype = str(self.values.dtype)
        self.value = self.add_weight(
            self.values.shape, "zeros", dtype, trainable=False, name="value"
        )
        self.value.assign(self.values)

    def call(self, inputs: Any) -> Any:
        return self.value

    def get_config(self) -> dict[str, Any]:
        found = {"values": self.values.tolist(), "values_dtype": str(self.values.dtype)}
        return {**super().get_config(), **found}


class EmbeddingWithPadding(Embedding):
    """An embedding of which one row is not trained: the word that fills sequences up.

    Args:
        padding: the number of that row. The others are those of `Embedding`.
    """

    def __init__(self, *args: Any, padding: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.padding = padding

    def call(self, inputs: Any) -> Any:
        found = ops.take(self.embeddings, inputs, axis=0)
        is_padding = ops.expand_dims(ops.equal(inputs, self.padding), -1)
        return ops.where(is_padding, ops.stop_gradient(found), found)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "padding": self.padding}

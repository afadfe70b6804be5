"""Embedding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from unidl import constraints, initializers, ops, regularizers
from unidl.backend.errors import OutOfRangeError
from unidl.backend.host_data import from_host
from unidl.layers.base.layer import Layer
from unidl.layers.base.options import EmbeddingOptions
from unidl.layers.base.validate import not_offered, positive_int
from unidl.ops import fused
from unidl.ops.dispatch import owner_of
from unidl.ops.index_checks import outside, values_now
from unidl.typing import (
    ConstraintLike,
    InitializerLike,
    RegularizerLike,
    Tensor,
    TensorLike,
    any_arguments,
)

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Embedding(Layer):
    """Integers to rows of a table: (n, ...) -> (n, ..., output_dim).

    Args:
        input_dim: number of rows; indices are in [0, input_dim).
        output_dim: size of a row.
        embeddings_initializer: initializer of the table: a name, config or object.
        embeddings_regularizer: penalty on the table, added to the loss.
        embeddings_constraint: constraint on the table, applied after each update.
        mask_zero: index 0 is padding: steps that contain it are masked for the following layers.
        weights: list of one array, the initial table.
        lora_rank, lora_alpha, quantization_config: not supported; must be None.

    Weights: embeddings (input_dim, output_dim).

    Examples:
        >>> table = np.array([[0.0, 0.0], [1.0, 2.0], [3.0, 4.0]])
        >>> layer = unidl.layers.Embedding(3, 2, weights=[table], mask_zero=True)
        >>> layer(np.array([[2, 1, 0]]))
        array([[[3., 4.],
                [1., 2.],
                [0., 0.]]], dtype=float32)
        >>> layer.compute_mask(np.array([[2, 1, 0]]))
        array([[ True,  True, False]])
    """

    _config_omits = frozenset({"weights", "lora_rank", "lora_alpha"})
    _lists_activity_regularizer = True

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: InitializerLike = "uniform",
        embeddings_regularizer: RegularizerLike | None = None,
        embeddings_constraint: ConstraintLike | None = None,
        mask_zero: bool = False,
        weights: Any = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        quantization_config: Any = None,
        **kwargs: Unpack[EmbeddingOptions],
    ) -> None:
        if "input_length" in kwargs:
            kwargs["input_shape"] = (kwargs.pop("input_length"),)
        super().__init__(**kwargs)
        not_offered(
            self,
            lora_rank=lora_rank,
            lora_alpha=lora_alpha,
            quantization_config=quantization_config,
        )
        self.input_dim = positive_int(self, "input_dim", input_dim)
        self.output_dim = positive_int(self, "output_dim", output_dim)
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        self.mask_zero = mask_zero
        self.supports_masking = mask_zero
        self._makes_mask = mask_zero
        self.autocast = False
        self._initial = weights

    def build(self, input_shape: Any = None) -> None:
        # The rows are cast to the compute dtype, not the table.
        self.embeddings = self.add_own_weight(
            "embeddings", (self.input_dim, self.output_dim), autocast=False
        )
        if self._initial is not None:
            self.embeddings.assign(
                self._initial[0] if isinstance(self._initial, list | tuple) else self._initial
            )

    def _convert(self, value: Any) -> Any:
        # Before their cast to int32, in which large numbers and NaN would be others.
        if owner_of(value) is None and not isinstance(value, str | dict | None):
            self.check_indices(from_host(value)[0], "the input")
        return super()._convert(value)

    def _computes_with(self, value: Any) -> bool:
        return type(value) is not np.ndarray and super()._computes_with(value)

    def check_indices(self, values: TensorLike, source: Any) -> None:
        """Raise ValueError if the array `values`, of which `source` tells the origin, holds an
        index without a row."""
        bad = outside(values, 0, self.input_dim)
        if bad is not None:
            raise OutOfRangeError(
                f"{self._who()}: {source} contains the index {bad}, but indices must lie in [0, "
                f"{self.input_dim}). Raise input_dim, or map the index to a known one."
            )

    def _check_values(self, indices: Tensor) -> None:
        """The same for a tensor, if it has a value: in eager calls."""
        extremes = values_now(indices)
        if extremes is not None:
            self.check_indices(extremes, "the input")

    def call(self, inputs: TensorLike) -> Any:
        indices = inputs if ops.dtype(inputs) in ("int32", "int64") else ops.cast(inputs, "int32")
        self._check_values(indices)
        return ops.cast(fused.embedding(self.embeddings, indices), self.compute_dtype)

    @any_arguments
    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return ops.not_equal(inputs, 0) if self.mask_zero else None

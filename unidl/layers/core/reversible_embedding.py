"""ReversibleEmbedding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unidl import ops
from unidl.layers.base.options import EmbeddingOptions
from unidl.layers.core.embedding import Embedding
from unidl.typing import ConstraintLike, DType, InitializerLike, RegularizerLike, TensorLike

if TYPE_CHECKING:
    from typing_extensions import Unpack


class ReversibleEmbedding(Embedding):
    """An `Embedding` that also projects back: with `reverse=True` (n, ..., output_dim) -> (n, ...,
    input_dim), the inputs times the transposed table (Press & Wolf, arXiv:1608.05859).

    Args:
        input_dim: number of rows; indices are in [0, input_dim).
        output_dim: size of a row.
        tie_weights: whether the projection uses the table; otherwise it has its own weight.
        embeddings_initializer: initializer of the table: a name, config or object.
        embeddings_regularizer: penalty on the table, added to the loss.
        embeddings_constraint: constraint on the table, applied after each update.
        mask_zero: index 0 is padding: steps that contain it are masked for the following layers.
        reverse_dtype: in which the projection is computed, the compute dtype by default.
        logit_soft_cap: a number c; the projection y becomes c * tanh(y / c).

    Weights: embeddings (input_dim, output_dim); without `tie_weights` reverse_embeddings
    (output_dim, input_dim).

    Examples:
        >>> layer = unidl.layers.ReversibleEmbedding(input_dim=50, output_dim=8)
        >>> x = layer(np.array([[3, 1, 4]]))
        >>> x.shape
        (1, 3, 8)
        >>> layer(x, reverse=True).shape
        (1, 3, 50)
        >>> len(layer.weights)  # both ways by one table
        1
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        tie_weights: bool = True,
        embeddings_initializer: InitializerLike = "uniform",
        embeddings_regularizer: RegularizerLike | None = None,
        embeddings_constraint: ConstraintLike | None = None,
        mask_zero: bool = False,
        reverse_dtype: DType | None = None,
        logit_soft_cap: float | None = None,
        **kwargs: Unpack[EmbeddingOptions],
    ) -> None:
        super().__init__(
            input_dim,
            output_dim,
            embeddings_initializer,
            embeddings_regularizer,
            embeddings_constraint,
            mask_zero,
            **kwargs,
        )
        self.tie_weights, self.reverse_dtype, self.logit_soft_cap = (
            tie_weights,
            reverse_dtype,
            logit_soft_cap,
        )
        self._reversed = False

    def build(self, input_shape: Any = None) -> None:
        super().build(input_shape)
        if not self.tie_weights:
            self.reverse_embeddings = self.add_weight(
                (self.output_dim, self.input_dim),
                self.embeddings_initializer,
                autocast=False,
                name="reverse_embeddings",
            )

    def check_indices(self, values: TensorLike, source: Any) -> None:
        if values.dtype.kind != "f":  # vectors to project back are no indices
            super().check_indices(values, source)

    def call(self, inputs: TensorLike, reverse: bool = False) -> Any:
        self._reversed = reverse
        if not reverse:
            return super().call(inputs)
        kernel = ops.transpose(self.embeddings) if self.tie_weights else self.reverse_embeddings
        dtype = self.reverse_dtype or self.compute_dtype
        logits = ops.matmul(ops.cast(inputs, dtype), ops.cast(kernel, dtype))
        cap = self.logit_soft_cap
        return logits if cap is None else ops.multiply(ops.tanh(ops.divide(logits, cap)), cap)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return None if self._reversed else super().compute_mask(inputs, mask)

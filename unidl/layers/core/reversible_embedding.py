"""ReversibleEmbedding."""

from unidl import ops
from unidl.layers.core.embedding import Embedding


class ReversibleEmbedding(Embedding):
    """An `Embedding` that also projects back: with `reverse=True` (n, ..., output_dim) -> (n, ..., input_dim), the inputs times the
    transposed table (Press & Wolf, arXiv:1608.05859).

    Args:
        input_dim, output_dim, embeddings_initializer, embeddings_regularizer, embeddings_constraint, mask_zero: see `Embedding`.
        tie_weights: whether the projection uses the table; else it has a weight of its own.
        reverse_dtype: in which the projection is computed, the compute dtype by default.
        logit_soft_cap: a number c; the projection y becomes c * tanh(y / c).

    Weights: embeddings (input_dim, output_dim); without `tie_weights` reverse_embeddings (output_dim, input_dim).
    """

    def __init__(
        self,
        input_dim,
        output_dim,
        tie_weights=True,
        embeddings_initializer="uniform",
        embeddings_regularizer=None,
        embeddings_constraint=None,
        mask_zero=False,
        reverse_dtype=None,
        logit_soft_cap=None,
        **kwargs,
    ):
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

    def build(self, input_shape):
        super().build(input_shape)
        if not self.tie_weights:
            self.reverse_embeddings = self.add_weight(
                (self.output_dim, self.input_dim),
                self.embeddings_initializer,
                autocast=False,
                name="reverse_embeddings",
            )

    def check_indices(self, values, source):
        if values.dtype.kind != "f":  # vectors to project back are no indices
            super().check_indices(values, source)

    def call(self, inputs, reverse=False):
        self._reversed = reverse
        if not reverse:
            return super().call(inputs)
        kernel = ops.transpose(self.embeddings) if self.tie_weights else self.reverse_embeddings
        dtype = self.reverse_dtype or self.compute_dtype
        logits = ops.matmul(ops.cast(inputs, dtype), ops.cast(kernel, dtype))
        cap = self.logit_soft_cap
        return logits if cap is None else ops.multiply(ops.tanh(ops.divide(logits, cap)), cap)

    def compute_mask(self, inputs, previous_mask):
        return None if self._reversed else super().compute_mask(inputs, previous_mask)

"""Grouped-query attention."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unidl.layers.attention.multi_head_attention import MultiHeadAttention
from unidl.layers.base.options import PlainLayerOptions
from unidl.layers.base.validate import positive_int
from unidl.typing import ConstraintLike, InitializerLike, RegularizerLike, SeedLike

if TYPE_CHECKING:
    from typing_extensions import Unpack


class GroupQueryAttention(MultiHeadAttention):
    """`MultiHeadAttention` in which several query heads share one key and value head (Ainslie et
    al., arXiv:2305.13245).

    query (n, t, d), value (n, s, e), key (n, s, f), which is the value by default -> (n, t, d).

    Args:
        head_dim: size of a head.
        num_query_heads, num_key_value_heads: numbers of heads, the first a multiple of the second.
        dropout: fraction of the attention weights dropped in training.
        use_bias: of the projections.
        sliding_window: a position attends only to positions less than this many steps away.
        flash_attention: True requires the backend's attention kernel; by default it is used if
            possible.
        kernel_initializer, bias_initializer: initializers of the projections' weights.
        kernel_regularizer, bias_regularizer: penalties on these weights, added to the loss.
        activity_regularizer: penalty on the outputs, added to the loss.
        kernel_constraint, bias_constraint: constraints on these weights, applied after each update.
        use_gate: multiply the heads by sigmoid(projected query) before the last projection.
        seed: of the dropout.

    A call takes the arguments of `MultiHeadAttention`.

    Weights: of query_dense, key_dense, (gate_dense,) value_dense, output_dense: kernel (d, heads,
    head_dim) and bias (heads, head_dim); of the last one kernel (heads, head_dim, d) and bias (d,).

    Examples:
        >>> layer = unidl.layers.GroupQueryAttention(8, num_query_heads=4, num_key_value_heads=2)
        >>> x = np.ones((1, 5, 16))
        >>> layer(x, x).shape
        (1, 5, 16)
        >>> [tuple(w.shape) for w in layer.weights if "kernel" in w.name]
        [(16, 4, 8), (16, 2, 8), (16, 2, 8), (4, 8, 16)]
    """

    _named_after = "GroupedQueryAttention"  # Keras exports that class under this one's name
    _groups_in_files = {
        f"{name}_dense": f"_{name}_dense" for name in ("query", "key", "gate", "value", "output")
    }
    _config_omits = frozenset(
        {"flash_attention", "num_heads", "key_dim", "value_dim", "output_shape", "attention_axes"}
    )

    def __init__(
        self,
        head_dim: int,
        num_query_heads: int,
        num_key_value_heads: int,
        dropout: float = 0.0,
        use_bias: bool = True,
        sliding_window: int | None = None,
        flash_attention: bool | None = None,
        kernel_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: RegularizerLike | None = None,
        bias_regularizer: RegularizerLike | None = None,
        activity_regularizer: RegularizerLike | None = None,
        kernel_constraint: ConstraintLike | None = None,
        bias_constraint: ConstraintLike | None = None,
        use_gate: bool = False,
        seed: SeedLike | None = None,
        **kwargs: Unpack[PlainLayerOptions],
    ) -> None:
        self.head_dim = positive_int(self, "head_dim", head_dim)
        self.num_query_heads = positive_int(self, "num_query_heads", num_query_heads)
        self.num_key_value_heads = positive_int(self, "num_key_value_heads", num_key_value_heads)
        if num_query_heads % num_key_value_heads:
            raise ValueError(
                "GroupQueryAttention: num_query_heads must be a multiple of num_key_value_heads, "
                f"got {num_query_heads} and "
                f"{num_key_value_heads}."
            )
        super().__init__(
            num_query_heads, head_dim, dropout=dropout, use_bias=use_bias,
            sliding_window=sliding_window, flash_attention=flash_attention,
            kernel_initializer=kernel_initializer, bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer, bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer, kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint, use_gate=use_gate, seed=seed, **kwargs,
        )  # fmt: skip
        self._shared_by = num_query_heads // num_key_value_heads

    def build(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> None:
        if len(query_shape) != 3:
            raise ValueError(
                f"{self._who()}: expected tensors (batch, time, features), got a query of shape "
                f"{query_shape}."
            )
        super().build(query_shape, value_shape, key_shape)

"""Multi-head attention."""

from __future__ import annotations

import math
import string
from typing import TYPE_CHECKING, Any

from unidl import config, constraints, initializers, ops, random, regularizers
from unidl.layers.attention import attention_masks
from unidl.layers.base.layer import Layer
from unidl.layers.base.options import PlainLayerOptions
from unidl.layers.base.validate import positive_int, unit_interval
from unidl.layers.core.activation_layers import masked_softmax, require_broadcast
from unidl.layers.core.einsum_dense import EinsumDense
from unidl.ops import fused
from unidl.saving.object_registration import serialize_keras_object
from unidl.typing import (
    Axis,
    Config,
    ConstraintLike,
    InitializerLike,
    RegularizerLike,
    SeedLike,
    TensorLike,
)

if TYPE_CHECKING:
    from typing_extensions import Unpack


class MultiHeadAttention(Layer):
    """Attention with several parallel heads (Vaswani et al., arXiv:1706.03762).

    query (n, t, d), value (n, s, e), key (n, s, f), which is the value by default -> (n, t, d).
    Each is projected for each head, softmax(query @ key^T / sqrt(key_dim)) @ value is taken head by
    head, and the heads are projected together.

    Args:
        num_heads, key_dim, value_dim: number of heads, their size for query and key, and for value
            (`key_dim` by default).
        dropout: fraction of the attention weights dropped in training.
        use_bias: of the projections.
        output_shape: size, or sizes, of the output's last axes; by default that of the query.
        attention_axes: axes over which attention runs; by default all between batch and features.
        sliding_window: a position attends only to positions less than this many steps away.
        flash_attention: True requires the backend's attention kernel; by default it is used if
            possible.
        kernel_initializer, bias_initializer: initializers of the projections' weights.
        kernel_regularizer, bias_regularizer: penalties on these weights, added to the loss.
        activity_regularizer: penalty on the outputs, added to the loss.
        kernel_constraint, bias_constraint: constraints on these weights, applied after each update.
        use_gate: multiply the heads by sigmoid(projected query) before the last projection.
        seed: of the dropout.

    In a call: `query_mask` (n, t), `value_mask` and `key_mask` (n, s) and `attention_mask` (n, t,
    s) or (n, heads, t, s), True where attention is allowed, and `use_causal_mask` are combined with
    "and"; `return_attention_scores` gives (output, weights (n, heads, t, s)). If a query may attend
    to nothing, its weights are all equal, or all zero with dropout or returned scores, as in Keras.

    Weights: of query_dense, key_dense, (gate_dense,) value_dense, output_dense: kernel (d, heads,
    size) and bias (heads, size); of the last one kernel (heads, value_dim, d) and bias (d,).

    Examples:
        >>> layer = unidl.layers.MultiHeadAttention(num_heads=2, key_dim=4)
        >>> x = np.ones((1, 3, 8))
        >>> output, weights = layer(x, x, use_causal_mask=True, return_attention_scores=True)
        >>> output.shape, weights.shape
        ((1, 3, 8), (1, 2, 3, 3))
        >>> weights[0, 0]  # no step looks ahead
        array([[1.    , 0.    , 0.    ],
               [0.5   , 0.5   , 0.    ],
               [0.3333, 0.3333, 0.3333]], dtype=float32)
    """

    _config_omits = frozenset({"flash_attention"})
    _lists_activity_regularizer = True
    _shape_by_call = True
    _shared_by = 1  # how many heads of the query use one head of key and value

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        output_shape: Any = None,
        attention_axes: Axis | None = None,
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
        super().__init__(**kwargs)
        self.num_heads, self.key_dim = (
            positive_int(self, "num_heads", num_heads),
            positive_int(self, "key_dim", key_dim),
        )
        self.value_dim = (
            self.key_dim if value_dim is None else positive_int(self, "value_dim", value_dim)
        )
        self.dropout = unit_interval(self, "dropout", dropout)
        self.use_bias, self.use_gate = use_bias, use_gate
        self.output_shape = (
            (output_shape,)
            if isinstance(output_shape, int)
            else None
            if output_shape is None
            else tuple(output_shape)
        )
        self.attention_axes: Any = (
            (attention_axes,)
            if isinstance(attention_axes, int)
            else None
            if attention_axes is None
            else tuple(attention_axes)
        )
        self.sliding_window = (
            None if sliding_window is None else positive_int(self, "sliding_window", sliding_window)
        )
        self.flash_attention = flash_attention
        self._by_kernel = flash_attention or config.is_flash_attention_enabled()
        self.kernel_initializer, self.bias_initializer = (
            initializers.get(kernel_initializer),
            initializers.get(bias_initializer),
        )
        self.kernel_regularizer, self.bias_regularizer = (
            regularizers.get(kernel_regularizer),
            regularizers.get(bias_regularizer),
        )
        self.kernel_constraint, self.bias_constraint = (
            constraints.get(kernel_constraint),
            constraints.get(bias_constraint),
        )
        # It holds for the output of each projection, as in Keras, and not for that of the whole.
        self._activity_regularizer = regularizers.get(activity_regularizer)
        self.seed = seed
        self.seed_generator = random.SeedGenerator(seed)
        self.supports_masking = True

    # -- building ----------------------------------------------------------------------------------

    def build(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> None:
        key_shape = value_shape if key_shape is None else key_shape
        if value_shape[1:-1] != key_shape[1:-1]:
            raise ValueError(
                f"{self._who()}: value and key may differ only in their last axis, got shapes "
                f"{value_shape} and {key_shape}."
            )
        if len({len(s) for s in (query_shape, value_shape, key_shape)}) > 1 or len(query_shape) < 3:
            raise ValueError(
                f"{self._who()}: query, value and key must have the same rank, at least 3 (batch, "
                f"time, features), got shapes {query_shape}, {value_shape}, {key_shape}."
            )
        rank = len(query_shape)
        axes = (
            range(1, rank - 1)
            if self.attention_axes is None
            else (a % rank for a in self.attention_axes)
        )
        self.attention_axes = tuple(axes)
        self.query_dense = self._project("query", query_shape, self.key_dim)
        self.key_dense = self._project("key", key_shape, self.key_dim, shared_by=self._shared_by)
        if self.use_gate:
            self.gate_dense = self._project(
                "gate", query_shape, self.value_dim, activation="sigmoid"
            )
        self.value_dense = self._project(
            "value", value_shape, self.value_dim, shared_by=self._shared_by
        )
        letters = string.ascii_lowercase
        outer, out = (
            letters[: rank - 1],
            letters[rank + 1 : rank + 1 + len(self.output_shape or (1,))],
        )
        heads = letters[rank - 1 : rank + 1]
        self.output_dense = self._dense(
            "attention_output",
            f"{outer}{heads},{heads}{out}->{outer}{out}",
            (*[None] * (rank - 2), *(self.output_shape or query_shape[-1:])),
            out,
        )
        self.output_dense.build_inside(
            self, input_shape=(*query_shape[:-1], self.num_heads, self.value_dim)
        )
        self._equations = self._attention_equations(rank + 1)
        if self.flash_attention and self._obstacle() is not None:
            raise ValueError(
                f"{self._who()}: flash_attention=True is not possible here: {self._obstacle()}. "
                "Leave flash_attention=None."
            )

    def _project(
        self, name: str, shape: Any, size: Any, activation: Any = None, shared_by: Any = 1
    ) -> Any:
        """The dense layer (..., features) -> (..., heads, size), with one head for `shared_by` of
        the query's."""
        outer, features, heads = string.ascii_lowercase[: len(shape) - 1], "x", "yz"
        layer = self._dense(
            name,
            f"{outer}{features},{features}{heads}->{outer}{heads}",
            (*[None] * (len(shape) - 2), self.num_heads // shared_by, size),
            heads,
            activation,
        )
        layer.build_inside(self, input_shape=shape)
        return layer

    def _dense(
        self, name: str, equation: Any, shape: Any, bias_axes: Any, activation: Any = None
    ) -> Any:
        layer = EinsumDense(
            equation,
            output_shape=shape,
            activation=activation,
            bias_axes=bias_axes if self.use_bias else None,
            kernel_initializer=_copied(self.kernel_initializer),
            bias_initializer=_copied(self.bias_initializer),
            kernel_regularizer=self.kernel_regularizer,
            bias_regularizer=self.bias_regularizer,
            activity_regularizer=self._activity_regularizer,
            kernel_constraint=self.kernel_constraint,
            bias_constraint=self.bias_constraint,
            dtype=self.dtype_policy,
            name=name,
        )
        layer.ends_masks = True
        return layer

    def _attention_equations(self, rank: Any) -> Any:
        """Einsums (key, query -> scores) and (scores, value -> heads) for projected tensors of
        `rank` axes."""
        letters = string.ascii_letters
        query = letters[:rank]
        key = "".join(
            letters[rank + i] if i in self.attention_axes else c for i, c in enumerate(query)
        )
        shared = "".join(c for i, c in enumerate(query[:-1]) if i not in self.attention_axes)
        scores = (
            shared
            + "".join(query[i] for i in self.attention_axes)
            + "".join(key[i] for i in self.attention_axes)
        )
        return f"{key},{query}->{scores}", f"{scores},{key}->{query}"

    # -- calling -----------------------------------------------------------------------------------

    def call(
        self,
        query: TensorLike,
        value: TensorLike,
        key: TensorLike | None = None,
        query_mask: TensorLike | None = None,
        value_mask: TensorLike | None = None,
        key_mask: TensorLike | None = None,
        attention_mask: TensorLike | None = None,
        return_attention_scores: bool = False,
        training: bool | None = None,
        use_causal_mask: bool = False,
    ) -> Any:
        key = value if key is None else key
        given = (
            None if query_mask is None else ops.expand_dims(query_mask, -1),
            None if value_mask is None else ops.expand_dims(value_mask, -2),
            None if key_mask is None else ops.expand_dims(key_mask, -2),
            None
            if self.sliding_window is None
            else attention_masks.window(query, value, self.sliding_window),
            attention_mask,
        )
        rank = len(ops.shape(query)) + len(self.attention_axes)
        masks = [self._for_all_heads(m, rank) for m in given if m is not None]
        some_blind = bool(masks)  # under a causal mask alone every query sees the first key
        if use_causal_mask:
            masks.append(self._for_all_heads(attention_masks.causal(query, value), rank))
        for mask in masks:
            self._require_fit(
                tuple(ops.shape(mask)), tuple(ops.shape(query)), tuple(ops.shape(value))
            )
        keep = attention_masks.both(*masks)
        q, k, v = self.query_dense(query), self.key_dense(key), self.value_dense(value)
        if self._why_composed(training, return_attention_scores) is None:
            heads, scores = self._run_kernel(q, k, v, keep, some_blind), None
        else:
            heads, scores = self._run_composed(q, k, v, keep, training)
        if self.use_gate:
            heads = ops.multiply(heads, self.gate_dense(query))
        output = self.output_dense(heads)
        return (output, scores) if return_attention_scores else output

    def _for_all_heads(self, mask: TensorLike, rank: Any) -> Any:
        """A mask of the scores' `rank`, with axes of size 1 before the attended ones where it lacks
        some."""
        lacking = rank - len(ops.shape(mask))
        place = len(ops.shape(mask)) - 2 * len(self.attention_axes)
        return ops.expand_dims(mask, tuple(range(place, place + lacking))) if lacking > 0 else mask

    def _require_fit(self, mask: TensorLike, query: TensorLike, value: Any) -> None:
        """ValueError for a mask, of that shape, which does not broadcast to the scores."""
        axes = self.attention_axes
        batch = tuple(n for a, n in enumerate(query[:-1]) if a not in axes)
        attended = (*(query[a] for a in axes), *(value[a] for a in axes))
        advice = (
            f"attention_mask=mask with a mask of shape {(query[0], *attended)}, True where a query "
            "may attend to a key."
        )
        if len(axes) > 1:
            advice += (
                " Masks with one time axis (query_mask, value_mask, key_mask, use_causal_mask, or "
                f"the mask from an Embedding or Masking layer) do not say which of the {len(axes)} "
                "attention axes they mean: leave them out."
            )
        require_broadcast(
            mask, (*batch, self.num_heads, *attended), self._who(), "the scores", advice
        )

    def _run_kernel(self, q: Any, k: Any, v: TensorLike, keep: Any, some_blind: Any) -> Any:
        """Heads (n, t, heads, value_dim) by the backend's attention; `some_blind`: there may be
        queries that see nothing."""
        q, k, v = (ops.transpose(x, (0, 2, 1, 3)) for x in (q, k, v))
        bias = seen = None
        if keep is not None:
            if not some_blind:
                hidden = ops.logical_not(keep)
            else:
                # A query that sees nothing gets the mean of all values, and no gradient: equal
                # scores, that are constants.
                hidden, seen = fused.hidden_keys(keep)
                q = ops.where(seen, q, ops.zeros_like(q))
            large = 0.7 * (65500.0 if self.compute_dtype == "float16" else 3.38953e38)
            bias = ops.multiply(ops.cast(hidden, self.compute_dtype), -large)
        attention = fused.attention if self._shared_by == 1 else fused.grouped_attention
        heads = attention(q, k, v, bias, scale=1 / math.sqrt(self.key_dim))
        if seen is not None and self.dropout:
            heads = ops.where(seen, heads, ops.zeros_like(heads))
        return ops.transpose(heads, (0, 2, 1, 3))

    def _run_composed(self, q: Any, k: Any, v: TensorLike, keep: Any, training: Any) -> Any:
        """(heads, attention weights) for any axes."""
        to_scores, to_heads = self._equations
        if self._shared_by > 1:
            k, v = (ops.repeat(x, self._shared_by, axis=-2) for x in (k, v))
        scores = ops.einsum(to_scores, k, ops.multiply(q, 1 / math.sqrt(self.key_dim)))
        weights = masked_softmax(scores, keep, tuple(range(-len(self.attention_axes), 0)))
        dropped = (
            random.dropout(weights, self.dropout, seed=self.seed_generator)
            if training and self.dropout
            else weights
        )
        return ops.einsum(to_heads, dropped, v), weights

    def _why_composed(self, training: Any, with_scores: Any) -> str | None:
        """Why the attention kernel cannot be used; None if it can."""
        if with_scores:
            if self.flash_attention:
                raise ValueError(
                    f"{self._who()}: flash_attention=True cannot return the scores. Leave "
                    "flash_attention=None, or return_attention_scores=False."
                )
            return "the scores are requested"
        if self._by_kernel is False:
            return "config.disable_flash_attention()"
        if self.attention_axes != (1,) or len(self._equations[0].partition(",")[0]) != 4:
            return f"attention_axes={self.attention_axes}"
        return "dropout" if training and self.dropout else None

    def _obstacle(self) -> Any:
        """Why the kernel cannot serve all calls, training too."""
        if "attention" not in self.backend.kernels:
            return f"the backend {self.backend.name!r} has no attention kernel"
        return self._why_composed(training=True, with_scores=False)

    def kernel_description(self) -> str | None:
        reason = self._why_composed(training=True, with_scores=False) if self.built else None
        return (
            self.backend.kernels.get("attention", "composed of primitives")
            if reason is None
            else f"composed of primitives: {reason}"
        )

    def compute_output_shape(
        self, query_shape: Any, value_shape: Any = None, key_shape: Any = None
    ) -> Any:
        """Shape of the output alone, which the query's decides."""
        return (*query_shape[:-1], *(self.output_shape or query_shape[-1:]))

    def get_config(self) -> Config:
        return super().get_config() | {
            "activity_regularizer": serialize_keras_object(self._activity_regularizer)
        }


def _copied(initializer: Any) -> Any:
    """One that draws anew: an initializer with a stream of its own would give all projections the
    same numbers."""
    return (
        type(initializer).from_config(initializer.get_config())
        if hasattr(initializer, "get_config")
        else initializer
    )

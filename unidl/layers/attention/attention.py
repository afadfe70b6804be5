"""Attention by products or by a sum of query and key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unidl import ops, random
from unidl.layers.attention import attention_masks
from unidl.layers.base.layer import Layer
from unidl.layers.base.options import LayerOptions
from unidl.layers.base.validate import one_of, unit_interval
from unidl.ops import fused
from unidl.typing import SeedLike, TensorLike

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Attention(Layer):
    """softmax(scores) @ value (Luong et al., arXiv:1508.04025): inputs [query (n, t, d), value (n,
    s, v)(, key (n, s, d))] -> (n, t, v).

    scores (n, t, s) = query @ key^T. Without a key, the value is also the key. Where the value's
    mask is False, 1e9 is subtracted from the score; where the query's mask is False, the output is
    zero.

    Args:
        use_scale: multiply the scores by a weight.
        score_mode: "dot", or "concat": sum(tanh(query + key)) times a weight.
        dropout: fraction of the attention weights dropped in training.
        seed: of the dropout.

    In a call: `return_attention_scores` gives (output, weights (n, t, s)), `use_causal_mask` hides
    later keys, `mask` is [query_mask (n, t), value_mask (n, s)].

    Weights: scale () with `use_scale`, concat_score_weight () with "concat".

    Examples:
        >>> query, value = np.zeros((1, 1, 2)), np.array([[[1.0, 0.0], [3.0, 4.0]]])
        >>> unidl.layers.Attention()([query, value])  # equal scores: the mean of the values
        array([[[2., 2.]]], dtype=float32)
        >>> layer = unidl.layers.Attention()
        >>> output, weights = layer([query, value], return_attention_scores=True)
        >>> weights
        array([[[0.5, 0.5]]], dtype=float32)
    """

    def __init__(
        self,
        use_scale: bool = False,
        score_mode: str = "dot",
        dropout: float = 0.0,
        seed: SeedLike | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.use_scale = use_scale
        self.score_mode = one_of(self, "score_mode", score_mode, ("dot", "concat"))
        self.dropout = unit_interval(self, "dropout", dropout)
        self.seed = seed
        self.seed_generator = random.SeedGenerator(seed)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        self._check_inputs(input_shape)
        self.scale = self.add_weight((), "ones", name="scale") if self.use_scale else None
        self.concat_score_weight = (
            self.add_weight((), "ones", name="concat_score_weight")
            if self.score_mode == "concat"
            else None
        )

    def _check_inputs(self, given: Any) -> None:
        if (
            not isinstance(given, list)
            or len(given) not in (2, 3)
            or not all(isinstance(s, tuple) for s in given)
        ):
            raise ValueError(
                f"{self._who()}: expected a list of two or three tensors. Write: layer([query, "
                "value]) or layer([query, value, key])."
            )

    def call(
        self,
        inputs: TensorLike,
        mask: TensorLike | None = None,
        training: bool | None = False,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        query, value, key = inputs if len(inputs) == 3 else (*inputs, inputs[1])
        query_mask, value_mask = self._two_masks(mask)
        keep = None if value_mask is None else ops.expand_dims(value_mask, -2)
        if use_causal_mask:
            keep = attention_masks.both(keep, attention_masks.causal(query, key))
        bias = None if keep is None else self._bias(keep)
        scores = None
        if self._why_composed(training, return_attention_scores) is None:
            output = fused.attention(
                query if self.scale is None else ops.multiply(query, self.scale), key, value, bias
            )
        else:
            scores = self._scores(query, key)
            scores = ops.softmax(scores if bias is None else ops.add(scores, bias), axis=-1)
            if training and self.dropout:
                scores = random.dropout(scores, self.dropout, seed=self.seed_generator)
            output = ops.matmul(scores, value)
        if query_mask is not None:
            output = ops.where(ops.expand_dims(query_mask, -1), output, ops.zeros_like(output))
        return (output, scores) if return_attention_scores else output

    def _two_masks(self, mask: TensorLike) -> Any:
        if mask is None:
            return None, None
        if not isinstance(mask, list | tuple) or len(mask) not in (2, 3):
            raise ValueError(
                f"{self._who()}: mask must be a list with one mask for each input. Write: "
                "layer([query, value], mask=[query_mask, value_mask])."
            )
        return tuple(m if m is None else ops.cast(m, "bool") for m in mask[:2])

    def _bias(self, keep: Any) -> Any:
        """Added to the scores: Keras' large number, but nothing in a row without any key, which
        keeps its scores."""
        large = 65504.0 if self.compute_dtype == "float16" else 1e9
        hidden, _ = fused.hidden_keys(keep)
        return ops.multiply(ops.cast(hidden, self.compute_dtype), -large)

    def _scores(self, query: TensorLike, key: Any) -> Any:
        """(n, t, d), (n, s, d) -> (n, t, s)."""
        if self.score_mode == "dot":
            scores = ops.matmul(query, ops.swapaxes(key, -1, -2))
            return scores if self.scale is None else ops.multiply(scores, self.scale)
        total = ops.add(ops.expand_dims(query, -2), ops.expand_dims(key, -3))
        total = total if self.scale is None else ops.multiply(total, self.scale)
        return ops.multiply(ops.sum(ops.tanh(total), axis=-1), self.concat_score_weight)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return mask[0] if mask else None

    def _why_composed(self, training: Any, with_scores: Any) -> str | None:
        """Why the attention kernel cannot be used; None if it can."""
        if self.score_mode != "dot":
            return f"score_mode={self.score_mode!r}"
        if with_scores:
            return "the scores are requested"
        return "dropout" if training and self.dropout else None

    def kernel_description(self) -> str | None:
        reason = self._why_composed(training=True, with_scores=False)
        return (
            self.backend.kernels.get("attention", "composed of primitives")
            if reason is None
            else f"composed of primitives: {reason}"
        )


class AdditiveAttention(Attention):
    """Attention with scores sum(scale * tanh(query + key)) (Bahdanau et al., arXiv:1409.0473); else
    as `Attention`.

    Weights: scale (d,) with `use_scale`.

    Args:
        use_scale: multiply by a weight before the sum.
        dropout: fraction of the attention weights dropped in training.

    Examples:
        >>> query, value = np.ones((1, 3, 4)), np.ones((1, 5, 4))
        >>> layer = unidl.layers.AdditiveAttention()
        >>> layer([query, value]).shape
        (1, 3, 4)
        >>> layer.scale.shape
        (4,)
    """

    _config_omits = frozenset({"score_mode"})

    def __init__(
        self, use_scale: bool = True, dropout: float = 0.0, **kwargs: Unpack[LayerOptions]
    ) -> None:
        super().__init__(use_scale, "concat", dropout, **kwargs)

    def build(self, input_shape: Any) -> None:
        self._check_inputs(input_shape)
        self.scale = (
            self.add_weight((input_shape[0][-1],), "glorot_uniform", name="scale")
            if self.use_scale
            else None
        )

    def _scores(self, query: TensorLike, key: Any) -> Any:
        total = ops.tanh(ops.add(ops.expand_dims(query, -2), ops.expand_dims(key, -3)))
        return ops.sum(total if self.scale is None else ops.multiply(total, self.scale), axis=-1)

    def _why_composed(self, training: Any, with_scores: Any) -> str:
        return "additive scores"

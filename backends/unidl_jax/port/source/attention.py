"""Attention of several heads."""

from __future__ import annotations

from typing import Any

from unidl import layers
from unidl.port.errors import Refused
from unidl.port.source.attention import kept
from unidl.port.source.rules import Text, unless
from unidl_jax.port.source.rules import layer, made


@layer(layers.MultiHeadAttention)
def multi_head_attention(m: Any, call: Any) -> str:
    given = dict(zip(("query", "value", "key"), call.node.args, strict=False)) | call.node.kwargs
    tensors = {n: given.pop(n) for n in ("query", "value", "key") if given.get(n) is not None}
    causal = given.pop("use_causal_mask", False)
    given.pop("training", None)
    masks = {n: given.pop(n) for n in call.masks()}
    unusual = [name for name, v in given.items() if v is not None and v is not False]
    if unusual or m.use_gate or m._shared_by != 1 or len(m.attention_axes) != 1 or call.rank != 3:
        raise Refused("attention with scores, a gate, shared heads or over several axes")
    if m.sliding_window is not None or (m.output_shape is not None and len(m.output_shape) > 1):
        raise Refused("attention within a sliding window, or with an output of several axes")
    query, value = tensors["query"], tensors["value"]
    key = tensors.get("key", value)
    if m.key_dim != m.value_dim or key.shape[-1] != value.shape[-1]:
        raise Refused("keys and values of different sizes, which nnx.MultiHeadAttention lacks")
    size, out = query.shape[-1], call.outputs[0].shape[-1]
    module = made(
        "nnx.MultiHeadAttention", m.num_heads, size,
        qkv_features=unless(m.num_heads * m.key_dim, size), out_features=unless(out, size),
        in_kv_features=unless(value.shape[-1], size), dropout_rate=unless(m.dropout, 0.0),
        broadcast_dropout=False if m.dropout else None,
        deterministic=False if m.dropout else None, use_bias=unless(m.use_bias, True),
        decode=False,
        attention_fn=Text(call.helper("zeros_where_blind")) if masks and m.dropout else None,
    )  # fmt: skip
    parts = {"query": m.query_dense, "key": m.key_dense, "value": m.value_dense,
             "out": m.output_dense}  # fmt: skip
    weights = [(f"{name}.kernel", part.kernel) for name, part in parts.items()]
    weights += [(f"{name}.bias", p.bias) for name, p in parts.items() if p.bias is not None]
    me = call.child(module, *weights)
    names = [call.text(t) for t in (query, key, value)]
    if names[2] == names[1]:
        del names[2:]
    kept_ = _kept(call, masks)
    if causal and names[0] == names[1]:
        kept_.append(f"nnx.make_causal_mask({names[0]}[..., 0])")
    elif causal:
        kept_.append(f"jnp.tri({names[0]}.shape[1], {names[1]}.shape[1], dtype=bool)[None, None]")
    mask = kept_[0] if len(kept_) == 1 else f"nnx.combine_masks({', '.join(kept_)})"
    if len(kept_) > 1:
        mask = call.scope.line("keep", mask, "(batch, 1, query, key)")
    if len(names) == 2 and names[0] == names[1]:
        del names[1:]
    return f"{me}({', '.join(names)}{f', mask={mask}' if kept_ else ''})"


def _kept(call: Any, masks: dict[str, Any]) -> list[str]:
    """Masks (batch, 1, t or 1, s or 1), all of which have to be True."""
    both = [call.text(masks[n]) for n in ("query_mask", "value_mask") if n in masks]
    if len(both) == 2 and masks.get("key_mask", masks["value_mask"]) is masks["value_mask"]:
        rest = {n: m for n, m in masks.items() if n == "attention_mask"}
        made = [f"nnx.make_attention_mask({', '.join(both)}, dtype=bool)"]
        return made + kept(call, rest, "", "", "{}[:, None]")
    patterns = "{}[:, None, :, None]", "{}[:, None, None, :]", "{}[:, None]"
    return kept(call, masks, *patterns)

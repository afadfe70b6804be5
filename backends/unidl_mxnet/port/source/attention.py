"""Attention of several heads."""

from __future__ import annotations

from typing import Any

from unidl import layers
from unidl.port.errors import Refused
from unidl.port.source.attention import Heads, heads_of, kept, require_queries
from unidl.port.source.rules import called
from unidl_mxnet.port.source.rules import layer


@layer(layers.MultiHeadAttention)
def multi_head_attention(m: Any, call: Any) -> str | None:
    found = heads_of(m, call)
    uses = [n for n in call.scope.block.nodes if n.operation is m]
    if len({bool(n.kwargs.get("use_causal_mask")) for n in uses}) > 1:
        raise Refused("an attention that is causal at one place and not at another")
    call.helper("MultiHeadAttention")
    kind = call.helper("MaskedMultiHeadAttention") if found.masks else "MultiHeadAttention"
    made = called(
        kind, m.num_heads, m.key_dim, m.value_dim, *found.sizes,
        use_bias=None if m.use_bias else False, dropout=m.dropout or None,
        causal=found.causal or None,
    )  # fmt: skip
    keep = [_kept(call, found)] if found.masks else []
    return f"{call.child(made, *found.weights)}({', '.join([*keep, *found.names])})"


def _kept(call: Any, found: Heads) -> str:
    """A line that says which keys each query may attend to."""
    of_query, of_key = "F.expand_dims({}, axis=2)", "F.expand_dims({}, axis=1)"
    if found.causal:
        require_queries(found.masks)
    text, *others = kept(call, found.masks, of_query, of_key)
    for other in others:
        text = f"F.broadcast_mul({text}, {other})"
    return call.scope.line("keep", text, "(batch, query, key)")

"""Attention of several heads."""

from __future__ import annotations

from typing import Any

from unidl import layers
from unidl.port.source.attention import heads_of
from unidl.port.source.rules import called
from unidl_torch.port.source.rules import layer


@layer(layers.MultiHeadAttention)
def multi_head_attention(m: Any, call: Any) -> str | None:
    found = heads_of(m, call)
    made = called(
        call.helper("MultiHeadAttention"), m.num_heads, m.key_dim, m.value_dim, *found.sizes,
        bias=None if m.use_bias else False, dropout=m.dropout or None,
    )  # fmt: skip
    me = call.child(made, *found.weights)
    return f"{me}({', '.join(found.names)}{', causal=True' if found.causal else ''})"

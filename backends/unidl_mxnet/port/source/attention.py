"""Attention of several heads."""

from __future__ import annotations

from typing import Any

from unidl import layers
from unidl.port.errors import Refused
from unidl.port.source.attention import heads_of
from unidl.port.source.rules import called
from unidl_mxnet.port.source.rules import layer


@layer(layers.MultiHeadAttention)
def multi_head_attention(m: Any, call: Any) -> str | None:
    found = heads_of(m, call)
    uses = [n for n in call.scope.block.nodes if n.operation is m]
    if len({bool(n.kwargs.get("use_causal_mask")) for n in uses}) > 1:
        raise Refused("an attention that is causal at one place and not at another")
    made = called(
        call.helper("MultiHeadAttention"), m.num_heads, m.key_dim, m.value_dim, *found.sizes,
        use_bias=None if m.use_bias else False, dropout=m.dropout or None,
        causal=found.causal or None,
    )  # fmt: skip
    return f"{call.child(made, *found.weights)}({', '.join(found.names)})"

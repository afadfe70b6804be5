"""Attention of several heads."""

from __future__ import annotations

from typing import Any

from unidl import layers
from unidl.port.source.attention import Heads, heads_of, kept, require_queries
from unidl.port.source.rules import called
from unidl_torch.port.source.rules import layer


@layer(layers.MultiHeadAttention)
def multi_head_attention(m: Any, call: Any) -> str | None:
    found = heads_of(m, call)
    call.helper("MultiHeadAttention")
    kind = call.helper("MaskedMultiHeadAttention") if found.masks else "MultiHeadAttention"
    made = called(
        kind, m.num_heads, m.key_dim, m.value_dim, *found.sizes,
        bias=None if m.use_bias else False, dropout=m.dropout or None,
    )  # fmt: skip
    keep = _kept(call, found) if found.masks else ""
    me = call.child(made, *found.weights)
    if keep:
        return f"{me}({', '.join([keep, *found.names])})"
    return f"{me}({', '.join(found.names)}{', causal=True' if found.causal else ''})"


def _kept(call: Any, found: Heads) -> str:
    """A line that says which keys each query may attend to."""
    text = " & ".join(kept(call, found.masks, "{}[:, :, None]", "{}[:, None, :]"))
    if found.causal:
        require_queries(found.masks)
        text = f"({text}).tril()" if " & " in text else f"{text}.tril()"
    return call.scope.line("keep", text, "(batch, query, key)")

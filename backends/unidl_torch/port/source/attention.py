"""Attention of several heads."""

from __future__ import annotations

from typing import Any

import numpy as np

from unidl import layers
from unidl.port.errors import Refused
from unidl.port.weight_rules import between, transposed
from unidl_torch.port.source.rules import called, layer


@layer(layers.MultiHeadAttention)
def multi_head_attention(m: Any, call: Any) -> str | None:
    given = dict(zip(("query", "value", "key"), call.node.args, strict=False)) | call.node.kwargs
    tensors = {n: given.pop(n) for n in ("query", "value", "key") if given.get(n) is not None}
    causal = given.pop("use_causal_mask", False)
    given.pop("training", None)
    unusual = [name for name, v in given.items() if v is not None and v is not False]
    if unusual or m.use_gate or m._shared_by != 1 or len(m.attention_axes) != 1 or call.rank != 3:
        raise Refused("attention with masks, a gate, shared heads or over several axes")
    if m.sliding_window is not None or (m.output_shape is not None and len(m.output_shape) > 1):
        raise Refused("attention within a sliding window, or with an output of several axes")
    call.helper("MultiHeadAttention")
    sizes = [t.shape[-1] for t in (tensors["query"], tensors.get("key", tensors["value"]),
                                   tensors["value"])]  # fmt: skip
    out = call.outputs[0].shape[-1]
    made = called(
        "MultiHeadAttention", m.num_heads, m.key_dim, m.value_dim, *sizes, out,
        bias=None if m.use_bias else False, dropout=m.dropout or None,
    )  # fmt: skip
    weights: list[tuple] = []
    for name in ("query", "key", "value"):
        weights += _projection(name, getattr(m, f"{name}_dense"), 1)
    weights += _projection("output", m.output_dense, 2)
    me = call.child(made, *weights)
    places = {id(t): i for i, t in reversed([*enumerate(call.node.inputs)])}
    names = [call.plain(places[id(t)]) for t in tensors.values()]
    return f"{me}({', '.join(names)}{', causal=True' if causal else ''})"


def _projection(name: str, dense: Any, inputs: int) -> list[tuple]:
    """The weights of a linear module from (in, heads, size), or from (heads, size, out)."""
    shape = tuple(dense.kernel.shape)
    flat = (int(np.prod(shape[:inputs])), int(np.prod(shape[inputs:])))
    rule = transposed(1, 0).then(between(shape, flat))
    found: list[tuple] = [(f"{name}.weight", dense.kernel, rule)]
    if dense.bias is not None:
        whole = tuple(dense.bias.shape)
        count = int(np.prod(whole))
        found.append((f"{name}.bias", dense.bias, between(whole, (count,))))
    return found

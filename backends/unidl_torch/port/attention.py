"""Attention, and the blocks of a transformer that torch has as modules."""

from __future__ import annotations

import numpy as np
import torch.nn.functional as F
from torch import nn

from unidl import layers, ops
from unidl.port.errors import Refused
from unidl.port.laid import Laid
from unidl.port.weight_rules import reshaped, transposed
from unidl_torch.port.pieces import MAKERS, LookInside, Piece, piece

ACTIVATIONS = {F.relu: "relu", F.gelu: "gelu", F.silu: "silu"}


@piece(nn.MultiheadAttention)
def attention(m, name):
    if m.bias_k is not None or m.add_zero_attn:
        raise Refused("add_bias_kv or add_zero_attn")
    width, heads, size = m.embed_dim, m.num_heads, m.head_dim
    has_bias = m.out_proj.bias is not None
    layer = layers.MultiHeadAttention(heads, size, use_bias=has_bias, dropout=m.dropout, name=name)
    found = Piece(lambda *inputs, **options: _attended(m, layer, *inputs, **options))
    found.takes_arrays = True

    def split(shape):  # of a projection's kernel, transposed
        return (shape[0], heads, size)

    into = transposed(1, 0).then(reshaped(split, lambda shape: (shape[0], width)))
    bias = reshaped(lambda shape: (heads, size), lambda shape: (width,))
    for i, part in enumerate(("query", "key", "value")):
        dense = f"{part}_dense"
        names, block = ("in_proj_weight", (i, 3))
        if not m._qkv_same_embed_dim:
            names, block = f"{part[0]}_proj_weight", (0, 1)
        found.add(names, lambda d=dense: getattr(layer, d).kernel, into, block)
        if has_bias:
            found.add("in_proj_bias", lambda d=dense: getattr(layer, d).bias, bias, (i, 3))
    out = transposed(1, 0).then(
        reshaped(lambda shape: (heads, size, width), lambda shape: (width, width))
    )
    found.add("out_proj.weight", lambda: layer.output_dense.kernel, out)
    if has_bias:
        found.add("out_proj.bias", lambda: layer.output_dense.bias)
    return found


def _attended(
    m, layer, query, key, value, key_padding_mask=None, need_weights=True, attn_mask=None,
    average_attn_weights=True, is_causal=False,
):  # fmt: skip
    """(outputs, a function that gives the weights if somebody wants them)."""
    tensors = [x.first() for x in (query, key, value)]
    if any(len(x.shape) != 3 for x in tensors):
        raise Refused("inputs without a batch")
    if not m.batch_first:
        tensors = [ops.transpose(x, (1, 0, 2)) for x in tensors]
    q, k, v = tensors
    masks = _masks(attn_mask, key_padding_mask, m.num_heads)
    y = layer(q, v, k, **masks)

    def weights():
        _, scores = layer(q, v, k, return_attention_scores=True, **masks)
        return Laid(ops.mean(scores, axis=1) if average_attn_weights else scores)

    output = Laid(y if m.batch_first else ops.transpose(y, (1, 0, 2)))
    return output, weights if need_weights else None


def _masks(scores, keys, heads):
    """Arguments of the layer: torch's masks say what is left out, or are added to the scores."""
    found = None
    if scores is not None:
        found = _seen(scores)
        if len(found.shape) != 2:
            raise Refused("a mask for each head")
        if keys is None and _is_causal(found):
            return {"use_causal_mask": True}
        found = ops.expand_dims(found, 0)
    if keys is not None:
        keys = ops.expand_dims(_seen(keys), 1)
        found = keys if found is None else ops.logical_and(found, keys)
    return {} if found is None else {"attention_mask": found}


def _is_causal(mask):
    if not isinstance(mask, np.ndarray) or mask.shape[0] != mask.shape[1]:
        return False
    return bool((mask == np.tril(np.ones_like(mask))).all())


def _seen(mask):
    """Where a mask lets something through."""
    tensor = mask.first() if isinstance(mask, Laid) else mask
    if str(tensor.dtype) == "bool":
        return ops.logical_not(tensor) if isinstance(mask, Laid) else ~tensor
    if isinstance(mask, Laid) or not np.isin(tensor, (0.0, -np.inf)).all():
        raise Refused("a mask of numbers that are added to the scores; write a mask of booleans")
    return tensor == 0


@piece(nn.TransformerEncoderLayer)
def encoder_layer(m, name):
    if m.activation not in ACTIVATIONS and type(m.activation) not in MAKERS:
        raise Refused(f"activation={m.activation!r}")
    found = Piece(lambda x, *masks, **options: _encoded(m, parts, x, *masks, **options))
    parts = {}
    for part in ("self_attn", "linear1", "linear2", "norm1", "norm2"):
        module = getattr(m, part)
        parts[part] = MAKERS[type(module)](module, f"{name}.{part}")
        found.take_over(parts[part], part)
    for part in ("dropout", "dropout1", "dropout2"):
        parts[part] = MAKERS[nn.Dropout](getattr(m, part), f"{name}.{part}")
    if m.activation in ACTIVATIONS:
        function = layers.Activation(ACTIVATIONS[m.activation], name=f"{name}.activation")
        parts["activation"] = Piece(lambda x: Laid(function(x.first())))
    else:
        parts["activation"] = MAKERS[type(m.activation)](m.activation, f"{name}.activation")
    return found


def _encoded(m, parts, x, src_mask=None, src_key_padding_mask=None, is_causal=False):
    if src_mask is not None or src_key_padding_mask is not None:
        raise LookInside("a mask is given")

    def through(x, *names):
        for each in names:
            x = parts[each].apply(x)
        return x

    def attended(x):
        return through(parts["self_attn"].apply(x, x, x)[0], "dropout1")

    def plus(a, b):
        return Laid(a.first() + b.first())

    mixed = ("linear1", "activation", "dropout", "linear2", "dropout2")
    if m.norm_first:
        x = plus(x, attended(through(x, "norm1")))
        return plus(x, through(x, "norm2", *mixed))
    x = through(plus(x, attended(x)), "norm1")
    return through(plus(x, through(x, *mixed)), "norm2")


@piece(nn.TransformerEncoder)
def encoder(m, name):
    found = Piece(lambda x, mask=None, **options: _all(pieces, x, {"mask": mask, **options}))
    pieces = []
    modules = [(f"layers.{i}", layer) for i, layer in enumerate(m.layers)]
    modules += [] if m.norm is None else [("norm", m.norm)]
    for path, module in modules:
        maker = MAKERS.get(type(module))
        if maker is None:
            raise Refused(f"{type(module).__name__} at {path} has no counterpart")
        pieces.append(maker(module, f"{name}.{path}"))
        found.take_over(pieces[-1], path)
    return found


def _all(pieces, x, options):
    if any(value is not None and value is not False for value in options.values()):
        raise LookInside("a mask is given")
    for each in pieces:
        x = each.apply(x)
    return x

"""Attention with a cache of keys and values, grouped heads, masks and windows."""

from __future__ import annotations

import math

import numpy as np

from unidl import ops
from unidl.port.onnx.table import handles
from unidl.port.onnx.values import dtype_of, ints


@handles("Attention")
def attention(node, q, k, v, mask=None, past_k=None, past_v=None, lengths=None):
    """(y, keys, values, scores): (n, heads, t, d) or (n, t, heads * d); keys and values with what
    came before them."""
    flat = len(ops.shape(q)) == 3
    if flat:
        heads, fewer = node["q_num_heads"], node["kv_num_heads"]
        q, k, v = (_apart(x, count) for x, count in ((q, heads), (k, fewer), (v, fewer)))
    if past_k is not None:
        k, v = ops.concatenate([past_k, k], 2), ops.concatenate([past_v, v], 2)
    present = k, v
    bias, allowed = _masks(node, ops.shape(q)[2], ops.shape(k)[2], mask, past_k, lengths)
    scale = node["scale"] or 1 / math.sqrt(ops.shape(q)[-1])
    if len(node.outputs) > 3:
        y, scores = _explained(node, q, k, v, bias, allowed, scale)
    else:
        y, scores = _fused(node, q, k, v, bias, allowed, scale), None
    y = ops.reshape(ops.swapaxes(y, 1, 2), (*[ops.shape(y)[i] for i in (0, 2)], -1)) if flat else y
    return y, *present, scores


def _apart(x, heads):
    n, t, width = ops.shape(x)
    return ops.swapaxes(ops.reshape(x, (n, t, heads, width // heads)), 1, 2)


def _masks(node, t, s, mask, past_k, lengths):
    """(bias, allowed): what is added to the scores, and where there may be attention at all; None
    for nothing and everywhere."""
    allowed = _reach(
        node,
        t,
        s,
        0 if past_k is None else ops.shape(past_k)[2],
        None if lengths is None else ints(lengths),
    )
    if mask is None:
        return None, allowed
    is_bool, missing = ops.dtype(mask) == "bool", s - ops.shape(mask)[-1]
    if missing:
        widths = [(0, 0)] * (len(ops.shape(mask)) - 1) + [(0, missing)]
        mask = ops.pad(mask, widths, constant_values=False if is_bool else -math.inf)
    # Minus infinity closes a place, and of a row of nothing else softmax would make NaN.
    opened = mask if is_bool else ops.greater(mask, -math.inf)
    allowed = opened if allowed is None else ops.logical_and(opened, allowed)
    return None if is_bool else ops.where(opened, mask, ops.zeros_like(mask)), allowed


def _reach(node, t, s, before, lengths):
    """Bool (t, s) or (n, 1, t, s) on the host: which keys a query may see by causality, windows and
    lengths; None for all."""
    offset = (
        np.full((), before) if lengths is None else (np.asarray(lengths) - t).reshape(-1, 1, 1, 1)
    )
    distance = np.arange(t)[:, None] + offset - np.arange(s)
    limits = []
    if node["is_causal"]:
        limits.append(distance >= 0)
    # Versions before 25 have no windows, and -1 is none.
    for name, away in (("left_window_size", distance), ("right_window_size", -distance)):
        if node[name] is not None and node[name] >= 0:
            limits.append(away <= node[name])
    if lengths is not None:
        limits.append(np.arange(s) < np.asarray(lengths).reshape(-1, 1, 1, 1))
    return np.logical_and.reduce(np.broadcast_arrays(*limits)) if limits else None


def _fused(node, q, k, v, bias, allowed, scale):
    dtype = ops.dtype(q)
    if node["softmax_precision"]:
        wide = dtype_of(node["softmax_precision"])
        q, k, v, bias = (x if x is None else ops.cast(x, wide) for x in (q, k, v, bias))
    q, k, v = (ops.swapaxes(x, 1, 2) for x in (q, k, v))
    y = ops.dot_product_attention(
        q, k, v, bias, allowed, scale, attn_logits_soft_cap=node["softcap"] or None
    )
    return _empty_rows(ops.cast(ops.swapaxes(y, 1, 2), dtype), allowed)


def _empty_rows(y, allowed):
    """Zeros where a query may see nothing."""
    return (
        y
        if allowed is None
        else ops.where(ops.any(allowed, -1, keepdims=True), y, ops.zeros_like(y))
    )


def _explained(node, q, k, v, bias, allowed, scale):
    """The same step by step, with the scores as they are after the step number
    `qk_matmul_output_mode`."""
    repeats = ops.shape(q)[1] // ops.shape(k)[1]
    k, v = (ops.repeat(x, repeats, 1) for x in (k, v))
    root = math.sqrt(scale)
    scores = [ops.matmul(ops.multiply(q, root), ops.swapaxes(ops.multiply(k, root), -1, -2))]
    cap = node["softcap"]
    scores.append(ops.multiply(ops.tanh(ops.divide(scores[0], cap)), cap) if cap else scores[0])
    biased = scores[1] if bias is None else ops.add(scores[1], bias)
    scores.append(
        biased if allowed is None else ops.where(allowed, biased, ops.full_like(biased, -math.inf))
    )
    closed = (
        biased
        if allowed is None
        else ops.where(allowed, biased, ops.full_like(biased, np.finfo(ops.dtype(q)).min))
    )
    wide = dtype_of(node["softmax_precision"]) if node["softmax_precision"] else ops.dtype(q)
    scores.append(
        _empty_rows(ops.cast(ops.softmax(ops.cast(closed, wide), -1), ops.dtype(q)), allowed)
    )
    return ops.matmul(scores[3], v), scores[node["qk_matmul_output_mode"]]

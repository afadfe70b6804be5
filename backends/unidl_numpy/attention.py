"""Scaled dot-product attention, scores kept for the backward."""

from __future__ import annotations

import numpy as np

from unidl_numpy.sums import unbroadcast
from unidl_numpy.tape import primitive


def _t(x):
    return np.swapaxes(x, -1, -2)


@primitive(4)
def attention(query, key, value, bias=None, scale=1.0):
    scale = query.dtype.type(scale)
    scaled = query * scale
    p = scaled @ _t(key)
    if bias is not None:
        p = p + bias
    if p.size:  # without keys there are no weights, and their sum of values is zero
        p -= p.max(-1, keepdims=True)
    np.exp(p, out=p)
    p /= p.sum(-1, keepdims=True)
    y = p @ value

    def backward(g, needs):
        dp = g @ _t(value)
        dp -= (dp * p).sum(-1, keepdims=True)
        dp *= p
        return (
            unbroadcast((dp @ key) * scale, query.shape) if needs[0] else None,
            unbroadcast(_t(dp) @ scaled, key.shape) if needs[1] else None,
            unbroadcast(_t(p) @ g, value.shape) if needs[2] else None,
            unbroadcast(dp, bias.shape) if needs[3] else None,
        )

    return y, backward

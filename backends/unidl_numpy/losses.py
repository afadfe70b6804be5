"""Cross-entropies from logits."""

from __future__ import annotations

import numpy as np

from unidl_numpy.logistic import sigmoid
from unidl_numpy.sums import unbroadcast
from unidl_numpy.tape import primitive


def _log_softmax(logits):
    """(log p, p) over the last axis."""
    log_p = logits - logits.max(-1, keepdims=True)
    p = np.exp(log_p)
    size = p.sum(-1, keepdims=True)
    log_p -= np.log(size)
    p /= size
    return log_p, p


def sparse_softmax_cross_entropy(labels, logits):
    return _sparse(logits, labels)


@primitive
def _sparse(logits, labels):
    log_p, p = _log_softmax(logits)
    k = logits.shape[-1]
    flat = np.asarray(labels).reshape(-1)
    rows = np.arange(flat.size)
    y = -log_p.reshape(-1, k)[rows, flat].reshape(logits.shape[:-1])

    def backward(g):
        d = p.copy().reshape(-1, k)
        d[rows, flat] -= 1
        d *= g.reshape(-1, 1)
        return d.reshape(logits.shape)

    return y, (backward,)


@primitive(2)
def softmax_cross_entropy(labels, logits):
    log_p, p = _log_softmax(logits)
    return -(labels * log_p).sum(-1), (
        lambda g: unbroadcast(-g[..., None] * log_p, labels.shape),
        lambda g: unbroadcast(
            g[..., None] * (p * labels.sum(-1, keepdims=True) - labels), logits.shape
        ),
    )


@primitive(2)
def sigmoid_cross_entropy(labels, logits):
    y = (
        np.maximum(logits, logits.dtype.type(0))
        + np.log1p(np.exp(-np.abs(logits)))
        - labels * logits
    )
    return y, (
        lambda g: unbroadcast(-g * logits, labels.shape),
        lambda g: unbroadcast(g * (sigmoid(logits) - labels), logits.shape),
    )

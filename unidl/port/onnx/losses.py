"""Losses of classes: scores (n, c, ...), classes (n, ...)."""

from __future__ import annotations

from unidl import ops
from unidl.port.onnx.table import handles
from unidl.port.onnx.values import as_


@handles("NegativeLogLikelihoodLoss")
def negative_log_likelihood(node, log_p, target, weight=None):
    """-weight[class] * log_p[class]; the mean is divided by the sum of the weights, samples of
    `ignore_index` count nothing."""
    ignored = node["ignore_index"]
    kept = ops.ones_like(target, "bool") if ignored is None else ops.not_equal(target, ignored)
    classes = ops.where(kept, target, ops.zeros_like(target))
    chosen = ops.squeeze(ops.take_along_axis(log_p, ops.expand_dims(classes, 1), 1), 1)
    weights = as_(kept, log_p)
    if weight is not None:
        weights = ops.multiply(weights, ops.take(weight, classes, 0))
    loss = ops.negative(ops.multiply(chosen, weights))
    if node["reduction"] == "none":
        return loss
    return (
        ops.sum(loss) if node["reduction"] == "sum" else ops.divide(ops.sum(loss), ops.sum(weights))
    )


@handles("SoftmaxCrossEntropyLoss")
def softmax_cross_entropy(node, scores, target, weight=None):
    """(loss, log-probabilities)."""
    log_p = ops.log_softmax(scores, 1)
    return negative_log_likelihood(node, log_p, target, weight), log_p

"""Activation functions."""

from __future__ import annotations

import math

from unidl import ops
from unidl.port.onnx.table import handles, plain
from unidl.port.onnx.values import as_, host

plain({
    "HardSwish": ops.hard_swish, "Mish": ops.mish, "Relu": ops.relu, "Sigmoid": ops.sigmoid,
    "Softplus": ops.softplus, "Softsign": ops.softsign,
})  # fmt: skip


@handles("Elu")
def elu(node, x):
    return ops.elu(x, node["alpha"])


@handles("Celu")
def celu(node, x):
    return ops.celu(x, node["alpha"])


@handles("Selu")
def selu(node, x):
    return ops.multiply(ops.elu(x, node["alpha"]), node["gamma"])


@handles("LeakyRelu")
def leaky_relu(node, x):
    return ops.leaky_relu(x, node["alpha"])


@handles("PRelu")
def prelu(node, x, slope):
    return ops.where(ops.less(x, 0), ops.multiply(x, slope), x)


@handles("ThresholdedRelu")
def thresholded_relu(node, x):
    return ops.threshold(x, node["alpha"], 0.0)


@handles("HardSigmoid")
def hard_sigmoid(node, x):
    return ops.clip(ops.add(ops.multiply(x, node["alpha"]), node["beta"]), 0.0, 1.0)


@handles("Gelu")
def gelu(node, x):
    return ops.gelu(x, approximate=node["approximate"] == "tanh")


@handles("Swish")
def swish(node, x):
    return ops.multiply(x, ops.sigmoid(ops.multiply(x, node["alpha"])))


@handles("Shrink")
def shrink(node, x):
    """x moved towards 0 by `bias`, and 0 where it is no farther than `lambd` from it."""
    moved = ops.subtract(x, ops.multiply(ops.sign(x), as_(node["bias"], x)))
    return ops.where(ops.greater(ops.abs(x), as_(node["lambd"], x)), moved, ops.zeros_like(x))


@handles("Softmax")
def softmax(node, x):
    return _along(node, x, ops.softmax)


@handles("LogSoftmax")
def log_softmax(node, x):
    return _along(node, x, ops.log_softmax)


@handles("Hardmax")
def hardmax(node, x):
    def largest(x, axis):
        classes = ops.shape(x)[axis]
        return ops.one_hot(
            ops.argmax(x, axis),
            classes,
            axis % len(ops.shape(x)) if axis >= 0 else axis,
            ops.dtype(x),
        )

    return _along(node, x, largest)


def _along(node, x, function):
    """Along `axis`; before version 13 over all axes from there on."""
    if node.since >= 13:
        return function(x, axis=node["axis"])
    shape = ops.shape(x)
    axis = node["axis"] % len(shape)
    return ops.reshape(function(ops.reshape(x, (math.prod(shape[:axis]), -1)), axis=-1), shape)


@handles("Dropout")
def dropout(node, x, ratio=None, training=None):
    """What is trained elsewhere drops nothing; a graph that asks for training mode with a ratio is
    refused."""
    asked = node.since >= 12 and training is not None and bool(host(training))
    if asked and (ratio is None or float(host(ratio)) > 0):
        raise node.unsupported(
            "training mode draws random numbers that no two frameworks share. Export the model for "
            "inference."
        )
    return x, ops.ones_like(x, "bool")

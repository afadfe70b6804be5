"""Normalizations. Channels are axis 1."""

from __future__ import annotations

from unidl import ops
from unidl.ops import fused
from unidl.port.onnx.table import handles
from unidl.port.onnx.values import as_


@handles("BatchNormalization")
def batch_normalization(node, x, scale, bias, mean, var):
    """By given moments; in training mode by the batch's, which also move the given ones."""
    if node.since < 14 and len(node.outputs) > 1:
        raise node.unsupported(
            "the training mode of versions before 14 is not supported. Export the model for "
            "inference."
        )
    if not node["training_mode"]:
        return ops.batch_normalization(x, mean, var, 1, bias, scale, node["epsilon"])
    axes = (0, *range(2, len(ops.shape(x))))
    y, own_mean, own_var = fused.batch_norm_training(x, scale, bias, axes, node["epsilon"])

    def moved(old, new):
        return ops.add(ops.multiply(old, node["momentum"]), ops.multiply(new, 1 - node["momentum"]))

    return y, moved(mean, own_mean), moved(var, own_var)


@handles("InstanceNormalization")
def instance_normalization(node, x, scale, bias):
    spatial = tuple(range(2, len(ops.shape(x))))
    y = fused.layer_norm(x, None, None, spatial, node["epsilon"])
    return ops.add(ops.multiply(y, _channels(scale, x)), _channels(bias, x))


@handles("GroupNormalization")
def group_normalization(node, x, scale, bias):
    """scale and bias for each group before version 21, for each channel since."""
    n, c, *spatial = ops.shape(x)
    groups = node["num_groups"]
    split = ops.reshape(x, (n, groups, c // groups, *spatial))
    y = ops.reshape(
        fused.layer_norm(split, None, None, tuple(range(2, len(spatial) + 3)), node["epsilon"]),
        ops.shape(x),
    )
    if node.since < 21:
        scale, bias = (ops.repeat(p, c // groups, 0) for p in (scale, bias))
    return ops.add(ops.multiply(y, _channels(scale, x)), _channels(bias, x))


def _channels(parameter, x):
    return ops.reshape(parameter, (-1, *[1] * (len(ops.shape(x)) - 2)))


@handles("LayerNormalization")
def layer_normalization(node, x, scale, bias=None):
    """(y, mean, 1 / standard deviation), over `axis` and all after it."""
    axes = _from(node["axis"], x)
    y = fused.layer_norm(x, scale, bias, axes, node["epsilon"])
    if not any(node.outputs[1:]):
        return y
    mean, var = ops.moments(x, axes, keepdims=True)
    return y, mean, ops.rsqrt(ops.add(var, as_(node["epsilon"], var)))


@handles("RMSNormalization")
def rms_normalization(node, x, scale):
    """Over `axis` and all after it."""
    return ops.rms_normalization(x, scale, _from(node["axis"], x), node["epsilon"])


def _from(axis, x):
    rank = len(ops.shape(x))
    return tuple(range(axis % rank, rank))


@handles("LpNormalization")
def lp_normalization(node, x):
    """Zeros stay zeros."""
    axis = node["axis"]
    if node["p"] == 1:
        norm = ops.sum(ops.abs(x), axis, keepdims=True)
    else:
        norm = ops.sqrt(ops.sum(ops.square(x), axis, keepdims=True))
    return ops.divide_no_nan(x, norm)


@handles("MeanVarianceNormalization")
def mean_variance_normalization(node, x):
    """(x - mean) / (standard deviation + 1e-9) over `axes`."""
    mean, var = ops.moments(x, tuple(node["axes"]), keepdims=True)
    return ops.divide(ops.subtract(x, mean), ops.add(ops.sqrt(var), 1e-9))


@handles("LRN")
def local_response_normalization(node, x):
    """x / (bias + alpha / size * sum of squares of `size` neighbouring channels) ** beta."""
    size, channels = node["size"], ops.shape(x)[1]
    before = (size - 1) // 2
    widths = [(0, 0), (before, size - 1 - before), *[(0, 0)] * (len(ops.shape(x)) - 2)]
    squares = ops.pad(ops.square(x), widths)
    total = sum(ops.get_item(squares, (slice(None), slice(i, i + channels))) for i in range(size))
    return ops.divide(
        x, ops.power(ops.add(ops.multiply(total, node["alpha"] / size), node["bias"]), node["beta"])
    )

"""Normalization."""

from __future__ import annotations

from typing import Any

import numpy as np

from unidl import layers, ops
from unidl.port.errors import Refused
from unidl.port.source.checks import axes_of, require_last_axis
from unidl.port.source.rules import called, unless
from unidl.port.weight_rules import between
from unidl_mxnet.port.source.rules import layer


@layer(layers.BatchNormalization)
def batch_normalization(m: Any, call: Any) -> str:
    if m.renorm:
        raise Refused("renorm=True")
    axis = m.axis % call.rank
    if axis == call.rank - 1 and call.rank > 2:
        x, axis = call.channels_first(), 1
    else:
        x = call.plain()
    channels = m.moving_mean.shape[0]
    made = called(
        "nn.BatchNorm", axis=unless(axis, 1), in_channels=channels, epsilon=unless(m.epsilon, 1e-5),
        momentum=unless(m.momentum, 0.9), center=unless(m.center, True),
        scale=unless(m.scale, True),
        # As in Keras, what is frozen does not learn from its batches either.
        use_global_stats=True if not m.trainable else None,
    )  # fmt: skip
    ones = np.ones(channels, m.moving_mean.dtype)
    me = call.child(
        made,
        ("gamma", m.gamma if m.scale else ones),
        ("beta", m.beta if m.center else 0 * ones),
        ("running_mean", m.moving_mean),
        ("running_var", m.moving_variance),
    )
    return f"{me}({x})"


@layer(layers.LayerNormalization)
def layer_normalization(m: Any, call: Any) -> str:
    axes = axes_of(m, call.rank)
    if m.rms_scaling or axes != list(range(axes[0], call.rank)) or axes[0] == 0:
        raise Refused("layer normalization along other axes than the last ones")
    shape = tuple(call.shape[axes[0] :])
    if None in shape:
        raise Refused("layer normalization along an open axis")
    size = int(np.prod(shape))
    made = called(
        "nn.LayerNorm", epsilon=unless(m.epsilon, 1e-5), center=unless(m.center, True),
        scale=unless(m.scale, True), in_channels=size,
    )  # fmt: skip
    weights: list[tuple] = []
    for name, given, value in (
        ("gamma", m.gamma if m.scale else None, 1.0),
        ("beta", m.beta if m.center else None, 0.0),
    ):
        if given is None:
            weights.append((name, np.full(size, value, "float32")))
        else:
            weights.append((name, given, between(tuple(given.shape), (size,))))
    me, x = call.child(made, *weights), call.plain()
    if len(axes) == 1:
        return f"{me}({x})"
    flat = f"F.reshape({x}, shape={(*[0] * axes[0], -1)})"
    return f"F.reshape_like({me}({flat}), {x})"


@layer(layers.GroupNormalization)
def group_normalization(m: Any, call: Any) -> str:
    if m.axis % call.rank != call.rank - 1:
        raise Refused("group normalization with another axis than the last")
    channels = call.shape[-1]
    x = call.channels_first() if call.rank > 2 else call.plain()
    made = called(
        call.helper("GroupNorm"), channels if m.groups == -1 else m.groups, channels, m.epsilon,
        scale=unless(m.scale, True), center=unless(m.center, True),
    )  # fmt: skip
    weights = [("gamma", m.gamma)] if m.scale else []
    weights += [("beta", m.beta)] if m.center else []
    return f"{call.child(made, *weights)}({x})"


@layer(layers.RMSNormalization)
def rms_normalization(m: Any, call: Any) -> str:
    require_last_axis(axes_of(m, call.rank), call.rank)
    made = called(call.helper("RMSNorm"), call.shape[-1], m.epsilon)
    return f"{call.child(made, ('scale', m.scale))}({call.plain()})"


@layer(layers.Normalization)
def normalization(m: Any, call: Any) -> str:
    shape = tuple(ops.shape(m.mean))
    made = called(call.helper("Normalization"), shape or (1,), invert=True if m.invert else None)
    if m.input_mean is None:
        rule = between(tuple(m.adapt_mean.shape), shape or (1,))
        me = call.child(made, ("mean", m.adapt_mean, rule), ("variance", m.adapt_variance, rule))
    else:
        moments = [np.asarray(ops.convert_to_numpy(v)) for v in (m.mean, m.variance)]
        me = call.child(made, *zip(("mean", "variance"), moments, strict=True))
    return f"{me}({call.plain()})"

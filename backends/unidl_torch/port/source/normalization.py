"""Normalization and rescaling."""

from __future__ import annotations

from typing import Any

import numpy as np

from unidl import layers, ops
from unidl.port.errors import Refused
from unidl.port.source.checks import axes_of, require_last_axis
from unidl.port.source.rules import called, one_or_each, unless
from unidl.port.weight_rules import between
from unidl_torch.port.source.rules import layer


@layer(layers.BatchNormalization)
def batch_normalization(m: Any, call: Any) -> str:
    if m.renorm:
        raise Refused("renorm=True")
    axis = m.axis % call.rank
    if axis == call.rank - 1:
        x = call.channels_first() if call.rank > 2 else call.plain()
    elif axis == 1:
        x = call.plain()
    else:
        raise Refused(f"batch normalization along axis {m.axis}")
    if call.rank > 5:
        raise Refused("batch normalization of more than five axes")
    rank = max(call.rank - 2, 1)
    channels = m.moving_mean.shape[0]
    affine = m.center or m.scale
    made = called(
        f"nn.BatchNorm{rank}d", channels, eps=unless(m.epsilon, 1e-5),
        momentum=unless(round(1 - m.momentum, 12), 0.1), affine=None if affine else False,
    )  # fmt: skip
    weights = [("running_mean", m.moving_mean), ("running_var", m.moving_variance)]
    weights += [("weight", m.gamma)] if m.scale else []
    weights += [("bias", m.beta)] if m.center else []
    after = []
    for name, is_there, value in (("weight", m.scale, np.ones), ("bias", m.center, np.zeros)):
        if affine and not is_there:
            weights.append((name, value(channels, "float32")))
            after.append(f"{name}.requires_grad_(False)")
    me = call.child(made, *weights, after=tuple(after))
    if not m.trainable:  # as in Keras, it does not learn from its batches either
        given = [f"{me}.{n}" for n in ("running_mean", "running_var", "weight", "bias")]
        return f"F.batch_norm({x}, {', '.join(given)}, eps={me}.eps)"
    call.warn("torch multiplies the moving variance of a batch by n / (n - 1)")
    return f"{me}({x})"


@layer(layers.LayerNormalization)
def layer_normalization(m: Any, call: Any) -> str:
    axes = axes_of(m, call.rank)
    if m.rms_scaling or axes != list(range(axes[0], call.rank)):
        raise Refused("layer normalization along other axes than the last ones")
    shape = tuple(call.shape[axes[0] :])
    made = called(
        "nn.LayerNorm", one_or_each(shape) if len(shape) == 1 else shape,
        eps=unless(m.epsilon, 1e-5), elementwise_affine=None if m.scale else False,
        bias=None if m.center or not m.scale else False,
    )  # fmt: skip
    if m.center and not m.scale:
        raise Refused("layer normalization with a center and without a scale")
    kept = between((int(np.prod(shape)),), shape) if len(shape) > 1 else None
    weights: list[tuple] = [("weight", m.gamma)] if m.scale else []
    weights += [("bias", m.beta)] if m.center else []
    if kept is not None and m.scale and len(m.gamma.shape) == 1:
        weights = [(*w, kept) for w in weights]
    return f"{call.child(made, *weights)}({call.plain()})"


@layer(layers.GroupNormalization)
def group_normalization(m: Any, call: Any) -> str:
    if m.axis % call.rank != call.rank - 1 or m.scale != m.center:
        raise Refused("group normalization with another axis, or with a scale or center alone")
    x = call.channels_first() if call.rank > 2 else call.plain()
    made = called(
        "nn.GroupNorm", m.groups, call.shape[-1], eps=unless(m.epsilon, 1e-5),
        affine=None if m.scale else False,
    )  # fmt: skip
    weights = [("weight", m.gamma), ("bias", m.beta)] if m.scale else []
    return f"{call.child(made, *weights)}({x})"


@layer(layers.RMSNormalization)
def rms_normalization(m: Any, call: Any) -> str:
    require_last_axis(axes_of(m, call.rank), call.rank)
    made = called("nn.RMSNorm", call.shape[-1], eps=m.epsilon)
    return f"{call.child(made, ('weight', m.scale))}({call.plain()})"


@layer(layers.Normalization)
def normalization(m: Any, call: Any) -> str:
    call.helper("Normalization")
    shape = tuple(ops.shape(m.mean))
    made = called("Normalization", *shape)
    if m.input_mean is None:
        rule = between(tuple(m.adapt_mean.shape), shape)
        me = call.child(made, ("mean", m.adapt_mean, rule), ("variance", m.adapt_variance, rule))
    else:
        moments = [np.asarray(ops.convert_to_numpy(v)) for v in (m.mean, m.variance)]
        me = call.child(made, *zip(("mean", "variance"), moments, strict=True))
    x = call.plain()
    return f"{x} * {me}.deviation() + {me}.mean" if m.invert else f"{me}({x})"


@layer(layers.Rescaling)
def rescaling(m: Any, call: Any) -> str:
    scale, offset = (v if np.ndim(v) == 0 else np.asarray(v) for v in (m.scale, m.offset))
    x = call.plain() if np.ndim(scale) or np.ndim(offset) else call.either()
    scaled = f"{x} * {call.text(scale)}"
    return scaled if np.ndim(offset) == 0 and not offset else f"{scaled} + {call.text(offset)}"

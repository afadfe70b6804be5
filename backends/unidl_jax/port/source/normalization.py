"""Normalization and rescaling."""

from __future__ import annotations

from typing import Any

import numpy as np

from unidl import layers, ops
from unidl.port.errors import Refused
from unidl.port.source.rules import unless
from unidl.port.weight_rules import between
from unidl_jax.port.source.rules import layer, made

# Flax subtracts squares by default, which costs digits.
_EXACT = {"use_fast_variance": False}


def _affine(m: Any) -> tuple[dict, list]:
    """(options, weights) of a scale and a center that may be there."""
    options = {"use_bias": None if m.center else False, "use_scale": None if m.scale else False}
    weights = [("scale", m.gamma)] if m.scale else []
    weights += [("bias", m.beta)] if m.center else []
    return options, weights


def _axes(m: Any, call: Any) -> list[int]:
    given = m.axis if isinstance(m.axis, list | tuple) else [m.axis]
    return sorted(a % call.rank for a in given)


def _where(axes: list[int], call: Any) -> Any:
    """None for the last axis alone, which need not be written."""
    if axes == [call.rank - 1]:
        return None
    return axes[0] if len(axes) == 1 else tuple(axes)


@layer(layers.BatchNormalization)
def batch_normalization(m: Any, call: Any) -> str:
    if m.renorm:
        raise Refused("renorm=True")
    options, weights = _affine(m)
    axis = m.axis % call.rank
    module = made(
        "nnx.BatchNorm", m.moving_mean.shape[0], axis=None if axis == call.rank - 1 else axis,
        momentum=unless(m.momentum, 0.99), epsilon=unless(m.epsilon, 1e-5), **options, **_EXACT,
    )  # fmt: skip
    me = call.child(module, ("mean", m.moving_mean), ("var", m.moving_variance), *weights)
    # As in Keras, one that is not trained does not learn from its batches either.
    frozen = "" if m.trainable else ", use_running_average=True"
    return f"{me}({call.plain()}{frozen})"


@layer(layers.LayerNormalization)
def layer_normalization(m: Any, call: Any) -> str:
    if m.rms_scaling:
        raise Refused("rms_scaling=True")
    axes = _axes(m, call)
    sizes = tuple(call.shape[a] for a in axes)
    if None in sizes:
        raise Refused("layer normalization along an axis of open size")
    count, where = int(np.prod(sizes)), _where(axes, call)
    options, weights = _affine(m)
    module = made(
        "nnx.LayerNorm", count, epsilon=unless(m.epsilon, 1e-6), **options, reduction_axes=where,
        feature_axes=where, **_EXACT,
    )  # fmt: skip
    flat = [(name, v, between(tuple(v.shape), (count,))) for name, v in weights]
    return f"{call.child(module, *flat)}({call.plain()})"


@layer(layers.GroupNormalization)
def group_normalization(m: Any, call: Any) -> str:
    if m.axis % call.rank != call.rank - 1:
        raise Refused("group normalization along another axis than the last")
    options, weights = _affine(m)
    groups = call.shape[-1] if m.groups == -1 else m.groups
    module = made(
        "nnx.GroupNorm", call.shape[-1], groups, epsilon=unless(m.epsilon, 1e-6), **options,
        **_EXACT,
    )  # fmt: skip
    return f"{call.child(module, *weights)}({call.plain()})"


@layer(layers.RMSNormalization)
def rms_normalization(m: Any, call: Any) -> str:
    axes = _axes(m, call)
    sizes = tuple(call.shape[a] for a in axes)
    if None in sizes:
        raise Refused("RMS normalization along an axis of open size")
    count, where = int(np.prod(sizes)), _where(axes, call)
    module = made(
        "nnx.RMSNorm", count, epsilon=unless(m.epsilon, 1e-6), reduction_axes=where,
        feature_axes=where,
    )  # fmt: skip
    weight = ("scale", m.scale, between(tuple(m.scale.shape), (count,)))
    return f"{call.child(module, weight)}({call.plain()})"


@layer(layers.Normalization)
def normalization(m: Any, call: Any) -> str:
    shape = tuple(ops.shape(m.mean))
    module = made(call.helper("Normalization"), *shape)
    if m.input_mean is None:
        rule = between(tuple(m.adapt_mean.shape), shape)
        me = call.child(module, ("mean", m.adapt_mean, rule), ("variance", m.adapt_variance, rule))
    else:
        moments = [np.asarray(ops.convert_to_numpy(v)) for v in (m.mean, m.variance)]
        me = call.child(module, *zip(("mean", "variance"), moments, strict=True))
    x = call.plain()
    return f"{x} * {me}.deviation() + {me}.mean[...]" if m.invert else f"{me}({x})"


@layer(layers.Rescaling)
def rescaling(m: Any, call: Any) -> str:
    scale, offset = (v if np.ndim(v) == 0 else np.asarray(v) for v in (m.scale, m.offset))
    scaled = f"{call.plain()} * {call.text(scale)}"
    return scaled if np.ndim(offset) == 0 and not offset else f"{scaled} + {call.text(offset)}"

"""Convolutions of one channel for each group, which Keras has as layers of their own."""

from __future__ import annotations

from typing import Any

from unidl import layers
from unidl.port.weight_rules import Rule, between

_DEPTHWISE = {
    layers.Conv1D: layers.DepthwiseConv1D,
    layers.Conv2D: layers.DepthwiseConv2D,
}
_OTHERWISE = {
    "kernel_initializer": "depthwise_initializer",
    "kernel_regularizer": "depthwise_regularizer",
    "kernel_constraint": "depthwise_constraint",
}


def as_depthwise(layer: Any) -> tuple[Any, Rule] | None:
    """(the same convolution as a depthwise layer, the rule of its kernel), None where it is none.

    Keras on TensorFlow compiles every convolution of groups with XLA, for each shape anew.
    """
    cls = _DEPTHWISE.get(type(layer))
    if cls is None or layer.groups == 1 or layer.kernel.shape[-2] != 1:
        return None
    looks_at_axes = layer.kernel_regularizer or layer.kernel_constraint
    if looks_at_axes or layer.padding == "causal" or len({*layer.strides}) > 1:
        return None
    multiplier = layer.filters // layer.groups
    config = {_OTHERWISE.get(key, key): value for key, value in layer.get_config().items()}
    del config["filters"], config["groups"]
    made = cls.from_config({**config, "depth_multiplier": multiplier})
    shape = tuple(layer.kernel.shape)
    return made, between(shape, (*shape[:-2], layer.groups, multiplier))

"""Normalizations with their weights."""

from __future__ import annotations

from unidl import layers
from unidl.port.laid import Laid
from unidl.port.onnx_model.call import AsItIsRun, makes


@makes("BatchNormalization")
def batch_normalization(call):
    """In training by the moments of the batch, as the network was trained before it was written."""
    call.require_own_weights(1, 2, 3, 4)
    if call["training_mode"] or call["spatial"] == 0:
        raise AsItIsRun
    layer = layers.BatchNormalization(
        momentum=call["momentum"], epsilon=call["epsilon"], name=call.called()
    )
    x = call.tensor()
    found = Laid(layer(x.last()), x.rank > 2)
    call.build.normalizing.add(call.node.outputs[0])
    for i, name in enumerate(("gamma", "beta", "moving_mean", "moving_variance"), 1):
        call.weight(i, lambda name=name: getattr(layer, name))
    return found


@makes("LayerNormalization")
def layer_normalization(call):
    call.require_own_weights(1, 2)
    x = call.tensor()
    axes = tuple(range(call["axis"] % x.rank, x.rank))
    sizes = tuple(x.shape[a] for a in axes)
    if call.input(1) is None or any(
        w is not None and w.shape != sizes for w in (call.input(1), call.input(2))
    ):
        raise AsItIsRun
    layer = layers.LayerNormalization(
        axis=list(axes), epsilon=call["epsilon"], center=call.input(2) is not None,
        name=call.called(),
    )  # fmt: skip
    return _normalized(call, layer, Laid(layer(x.first())))


@makes("RMSNormalization")
def rms_normalization(call):
    call.require_own_weights(1)
    x = call.tensor()
    axes = tuple(range(call["axis"] % x.rank, x.rank))
    if call.inputs[1].shape != tuple(x.shape[a] for a in axes) or len(axes) > 1:
        raise AsItIsRun
    layer = layers.RMSNormalization(axes[0], epsilon=call["epsilon"], name=call.called())
    found = Laid(layer(x.first()))
    call.weight(1, lambda: layer.scale)
    return found


@makes("InstanceNormalization")
def instance_normalization(call):
    return _grouped(call, -1)


@makes("GroupNormalization")
def group_normalization(call):
    if call.node.since < 21:  # one scale for each group
        raise AsItIsRun
    return _grouped(call, call["num_groups"])


def _grouped(call, groups):
    call.require_own_weights(1, 2)
    layer = layers.GroupNormalization(groups, epsilon=call["epsilon"], name=call.called())
    return _normalized(call, layer, Laid(layer(call.tensor().last()), True))


def _normalized(call, layer, found):
    call.weight(1, lambda: layer.gamma)
    call.weight(2, lambda: layer.beta)
    return found

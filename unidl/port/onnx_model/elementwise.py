"""What looks at each element by itself: tensors stay in the order in which they lie."""

from __future__ import annotations

import numpy as np

from unidl import layers
from unidl.port.laid import Laid
from unidl.port.onnx.graph import results_of
from unidl.port.onnx_model.call import AsItIsRun, Parameter, makes
from unidl.port.weight_rules import Rule

_ONE = (
    "Abs", "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Cast", "Ceil", "Celu", "Clip", "Cos",
    "Cosh", "Elu", "Erf", "Exp", "Floor", "Gelu", "HardSigmoid", "HardSwish", "IsInf", "IsNaN",
    "LeakyRelu", "Log", "Mish", "Neg", "Not", "Reciprocal", "Relu", "Round", "Selu", "Shrink",
    "Sigmoid", "Sign", "Sin", "Sinh", "Softplus", "Softsign", "Sqrt", "Swish", "Tan", "Tanh",
    "ThresholdedRelu",
)  # fmt: skip
_SEVERAL = (
    "Add", "And", "Div", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Max", "Mean",
    "Min", "Mod", "Mul", "Or", "Pow", "Sub", "Sum", "Where", "Xor",
)  # fmt: skip


@makes(*_ONE)
def of_one(call):
    x = call.tensor()
    return x.like(results_of(call.node, [x.tensor, *call.inputs[1:]], {})[0])


@makes("Identity")
def identity(call):
    return call.tensor()


@makes(*_SEVERAL)
def of_several(call):
    """Tensors of other ranks and weights are laid as those with the channels last."""
    tensors = [x for x in call.inputs if isinstance(x, Laid)]
    if not any(x.channels_last for x in tensors):
        raise AsItIsRun
    rank = max(x.rank for x in tensors)
    if any(len(np.shape(x)) > rank for x in call.inputs if not isinstance(x, Laid)):
        raise AsItIsRun
    if any(x.rank not in (0, rank) for x in tensors):
        raise AsItIsRun
    given = [_last(call, x, rank) for x in call.inputs]
    return Laid(results_of(call.node, given, {})[0], True)


def _last(call, x, rank):
    """An input with the channels last."""
    if isinstance(x, Laid):
        return x.last() if x.rank else x.tensor
    if isinstance(x, Parameter) and call.build.uses[x.name] > 1:
        raise AsItIsRun
    shape = np.shape(x)
    if not shape:
        return x
    whole = (1,) * (rank - len(shape)) + shape
    moved = (whole[0], *whole[2:], whole[1])
    if isinstance(x, np.ndarray):
        return np.moveaxis(x.reshape(whole), 1, -1)
    rule = Rule(
        lambda v: np.moveaxis(v.reshape(whole), 1, -1),
        lambda v: np.moveaxis(v, -1, 1).reshape(shape),
    )
    return call.build.loose_weight(x, moved, rule).tensor


@makes("Dropout")
def dropout(call):
    """In training it drops what the file says, even if that was written for inference."""
    node = call.node
    ratio = node["ratio"] if node.since < 12 else call.input(1)
    ratio = 0.5 if ratio is None else float(np.asarray(ratio))
    x = call.tensor()
    return x.like(layers.Dropout(ratio, name=call.called())(x.tensor))


@makes("PRelu")
def prelu(call):
    call.require_own_weights(1)
    x, slope = call.tensor(), call.inputs[1]
    if isinstance(slope, np.ndarray) or x.rank < 2:
        raise AsItIsRun
    whole = (1,) * (x.rank - len(slope.shape)) + slope.shape
    channels = x.shape[1]
    if whole[0] != 1 or any(n != 1 for n in whole[2:]) or whole[1] not in (1, channels):
        raise AsItIsRun
    shared = range(1, x.rank - 1) if whole[1] > 1 else range(1, x.rank)
    layer = layers.PReLU(shared_axes=list(shared) or None, name=call.called())
    found = Laid(layer(x.last()), True)
    flat = Rule(lambda v: v.reshape(layer.alpha.shape), lambda v: v.reshape(slope.shape))
    call.weight(1, lambda: layer.alpha, flat)
    return found

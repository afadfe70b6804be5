"""Products with a matrix of weights, and lookups in one."""

from __future__ import annotations

import math

import numpy as np

from unidl import layers
from unidl.port.laid import Laid
from unidl.port.onnx_model.call import AsItIsRun, Parameter, makes
from unidl.port.weight_rules import Rule, same, transposed


@makes("Gemm")
def gemm(call):
    """x @ W + b."""
    bias = call.input(2)
    call.require_own_weights(1, 2)
    if call["transA"] or call["alpha"] != 1 or (bias is not None and call["beta"] != 1):
        raise AsItIsRun
    kernel = call.inputs[1]
    units = kernel.shape[0 if call["transB"] else 1]
    if bias is not None and math.prod(bias.shape) != units:
        raise AsItIsRun
    rule = transposed(1, 0) if call["transB"] else same
    flat = Rule(lambda v: v.reshape(units), lambda v: v.reshape(bias.shape))
    return _dense(call, units, rule, bias, flat)


@makes("MatMul")
def matmul(call):
    """With the bias that the next node adds."""
    call.require_own_weights(1)
    kernel = call.inputs[1]
    if kernel is None or len(kernel.shape) != 2 or call.tensor().rank < 2:
        raise AsItIsRun
    return _dense(call, kernel.shape[1], same, _added_next(call, kernel.shape[1]), same)


def _added_next(call, units):
    """The weight that the only node behind adds; that node is done with then."""
    (output,) = call.node.outputs
    build = call.build
    following = build.users.get(output, [])
    if build.uses[output] != 1 or not following or following[0].operator != "Add":
        return None
    (other,) = (name for name in following[0].inputs if name != output)
    bias = build.values.get(other)
    if not call.is_own(bias) or bias.shape != (units,):
        return None
    build.merged[following[0].outputs[0]] = output
    return bias


def _dense(call, units, rule, bias, bias_rule):
    layer = layers.Dense(units, use_bias=bias is not None, name=call.called())
    found = Laid(layer(call.tensor().first()))
    call.weight(1, lambda: layer.kernel, rule)
    if bias is not None:
        call.build.bind(bias.name, lambda: layer.bias, bias_rule)
    return found


@makes("Gather")
def embedding(call):
    table, places = call.inputs
    if not isinstance(table, Parameter) or not call.is_own(table) or call["axis"]:
        raise AsItIsRun
    if len(table.shape) != 2 or not isinstance(places, Laid):
        raise AsItIsRun
    if np.dtype(places.tensor.dtype).kind not in "iu":
        raise AsItIsRun
    layer = layers.Embedding(*table.shape, name=call.called())
    found = Laid(layer(places.first()))
    call.weight(0, lambda: layer.embeddings)
    return found

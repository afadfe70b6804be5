"""Dense layers, embeddings, activations, changes of shape and what joins tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from unidl import activations, layers
from unidl.port.errors import Refused
from unidl.port.layers import Constant
from unidl.port.source import rules
from unidl.port.source.checks import require_plain_relu
from unidl.port.source.rules import bias_of, called
from unidl.port.weight_rules import between, transposed
from unidl_mxnet.port.source.functions import FUNCTIONS
from unidl_mxnet.port.source.rules import activated, argument, layer
from unidl_mxnet.port.source.shaping import permuted, reshaped

# Dense layers and embeddings.


@layer(layers.Dense)
def dense(m: Any, call: Any) -> str:
    size, units = m.kernel.shape
    made = called(
        "nn.Dense", units, activation=argument(m.activation), in_units=size,
        use_bias=None if m.use_bias else False, flatten=False if call.rank > 2 else None,
    )  # fmt: skip
    me = call.child(made, ("weight", m.kernel, transposed(1, 0)), *bias_of(m))
    return activated(m.activation, call, f"{me}({call.plain()})")


@layer(layers.Embedding)
def embedding(m: Any, call: Any) -> str:
    me = call.child(called("nn.Embedding", *m.embeddings.shape), ("weight", m.embeddings))
    return f"{me}({call.plain()})"


@layer(layers.Masking)
def masking(m: Any, call: Any) -> str:
    return f"F.broadcast_mul({call.plain()}, F.expand_dims({call.own_mask()}, axis=-1))"


# Activations.


@layer(layers.Activation)
def activation(m: Any, call: Any) -> str:
    along = m.activation in (activations.softmax, activations.log_softmax, activations.glu)
    x = call.plain() if along else call.either()
    return rules.activated(m.activation, call, x, FUNCTIONS)


@layer(layers.ReLU)
def relu(m: Any, call: Any) -> str:
    require_plain_relu(m)
    if m.negative_slope:
        return leaky_relu(m, call)
    x = call.either()
    if m.max_value is None:
        return f"F.relu({x})"
    return FUNCTIONS["clip"](call, call.node.inputs[0], 0, m.max_value)


@layer(layers.LeakyReLU)
def leaky_relu(m: Any, call: Any) -> str:
    return f"{call.child(called('nn.LeakyReLU', float(m.negative_slope)))}({call.either()})"


@layer(layers.ELU)
def elu(m: Any, call: Any) -> str:
    return f"{call.child(called('nn.ELU', float(m.alpha)))}({call.either()})"


@layer(layers.PReLU)
def prelu(m: Any, call: Any) -> str:
    ours = tuple(m.alpha.shape)
    shape, x = (1, *ours), ""
    if call.rank > 2 and set(ours[:-1]) == {1}:  # a slope for each channel
        shape, x = (1, ours[-1], *ours[:-1]), call.channels_first()
    made = f"{call.helper('PReLU')}({shape})"
    me = call.child(made, ("alpha", m.alpha, between(ours, shape)))
    return f"{me}({x or call.plain()})"


@layer(layers.Softmax)
def softmax(m: Any, call: Any) -> str:
    return FUNCTIONS["softmax"](call, call.node.inputs[0], m.axis)


@layer(layers.Dropout)
def dropout(m: Any, call: Any) -> str:
    axes = None
    if m.noise_shape is not None:
        if any(n not in (None, 1) for n in m.noise_shape):
            raise Refused("a noise_shape with sizes; write 1 and None")
        axes = tuple(i for i, n in enumerate(m.noise_shape) if n == 1) or None
    me = call.child(called("nn.Dropout", m.rate, axes=axes))
    return f"{me}({call.plain() if axes else call.either()})"


@layer(layers.Identity)
def identity(m: Any, call: Any) -> str:
    return call.either()


# Shapes.


@layer(layers.Flatten)
def flatten(m: Any, call: Any) -> str:
    if m.data_format == "channels_first" and call.rank > 2:
        raise Refused("data_format='channels_first'")
    if call.rank == 1:
        return f"F.expand_dims({call.plain()}, axis=1)"
    return f"F.flatten({call.plain()})"


@layer(layers.Reshape)
def reshape(m: Any, call: Any) -> str:
    sizes = call.outputs[0].shape[1:]
    if sizes.count(None) > 1:
        raise Refused("a reshape to several open sizes")
    if None in sizes:  # 0 is the batch, as it is
        return reshaped(call.plain(), (0, *(-1 if s is None else s for s in sizes)))
    return reshaped(call.plain(), (-1, *sizes))


@layer(layers.Permute)
def permute(m: Any, call: Any) -> str | None:
    return permuted(call, (0, *m.dims))


@layer(layers.RepeatVector)
def repeat_vector(m: Any, call: Any) -> str:
    return f"F.repeat(F.expand_dims({call.plain()}, axis=1), repeats={m.n}, axis=1)"


# Several inputs, or none.


@layer(layers.Concatenate)
def concatenate(m: Any, call: Any) -> str:
    return FUNCTIONS["concatenate"](call, call.node.inputs, m.axis)


@layer(Constant)
def constant(m: Any, call: Any) -> str:
    return call.scope.own_weight(m.value)


@layer(layers.Rescaling)
def rescaling(m: Any, call: Any) -> str:
    scale, offset = (v if np.ndim(v) == 0 else np.asarray(v) for v in (m.scale, m.offset))
    x = call.plain() if np.ndim(scale) or np.ndim(offset) else call.either()
    if np.ndim(scale):
        scaled = f"F.broadcast_mul({x}, {call.text(scale)})"
    else:
        scaled = f"{x} * {call.text(scale)}"
    if np.ndim(offset):
        return f"F.broadcast_add({scaled}, {call.text(offset)})"
    return f"{scaled} + {call.text(offset)}" if offset else scaled

"""Dense layers, embeddings, activations, changes of shape and what joins tensors."""

from __future__ import annotations

from typing import Any

from unidl import activations, layers
from unidl.port.errors import Refused
from unidl.port.layers import Constant
from unidl.port.source.checks import require_plain_relu
from unidl.port.source.rules import bias_of, called, reshape_text
from unidl.port.weight_rules import transposed
from unidl_torch.port.source.functions import FUNCTIONS, concatenated, permuted
from unidl_torch.port.source.rules import activated, layer

# Dense layers and embeddings.


@layer(layers.Dense)
def dense(m: Any, call: Any) -> str:
    made = called("nn.Linear", *m.kernel.shape, bias=None if m.use_bias else False)
    me = call.child(made, ("weight", m.kernel, transposed(1, 0)), *bias_of(m))
    return activated(m.activation, call, f"{me}({call.plain()})")


@layer(layers.Embedding)
def embedding(m: Any, call: Any) -> str:
    me = call.child(called("nn.Embedding", *m.embeddings.shape), ("weight", m.embeddings))
    return f"{me}({call.plain()})"


# Activations.


@layer(layers.Activation)
def activation(m: Any, call: Any) -> str:
    return activated(m.activation, call, _as_needed(m.activation, call))


def _as_needed(function: Any, call: Any) -> str:
    """Along an axis: with the axes as in unidl."""
    along = function in (activations.softmax, activations.log_softmax, activations.glu)
    return call.plain() if along else call.either()


@layer(layers.ReLU)
def relu(m: Any, call: Any) -> str:
    require_plain_relu(m)
    x = call.either()
    if m.negative_slope:
        return f"F.leaky_relu({x}, {float(m.negative_slope)!r})"
    return f"F.relu({x})" if m.max_value is None else f"torch.clamp({x}, 0, {m.max_value!r})"


@layer(layers.LeakyReLU)
def leaky_relu(m: Any, call: Any) -> str:
    return f"F.leaky_relu({call.either()}, {float(m.negative_slope)!r})"


@layer(layers.ELU)
def elu(m: Any, call: Any) -> str:
    return f"F.elu({call.either()}, {float(m.alpha)!r})"


@layer(layers.Softmax)
def softmax(m: Any, call: Any) -> str:
    return FUNCTIONS["softmax"](call, call.node.inputs[0], m.axis)


@layer(layers.Dropout)
def dropout(m: Any, call: Any) -> str:
    if m.noise_shape is not None:
        call.helper("Dropout")
        me = call.child(called("Dropout", m.rate, tuple(m.noise_shape)))
        return f"{me}({call.plain()})"
    return f"{call.child(called('nn.Dropout', m.rate))}({call.either()})"


@layer(layers.Identity)
def identity(m: Any, call: Any) -> str:
    return call.either()


@layer(layers.Masking)
def masking(m: Any, call: Any) -> str:
    return f"torch.where({call.own_mask()}.unsqueeze(-1), {call.plain()}, 0.0)"


# Shapes.


@layer(layers.Flatten)
def flatten(m: Any, call: Any) -> str:
    if m.data_format == "channels_first" and call.rank > 2:
        raise Refused("data_format='channels_first'")
    return f"{call.plain()}.flatten(1)" if call.rank > 1 else f"{call.plain()}.unsqueeze(1)"


layer(layers.Reshape)(reshape_text)


@layer(layers.Permute)
def permute(m: Any, call: Any) -> str | None:
    return permuted(call, (0, *m.dims))


@layer(layers.RepeatVector)
def repeat_vector(m: Any, call: Any) -> str:
    return f"{call.plain()}.unsqueeze(1).expand(-1, {m.n}, -1)"


# Several inputs, or none.


@layer(layers.Concatenate)
def concatenate(m: Any, call: Any) -> str:
    return concatenated(call, call.node.inputs, m.axis)


@layer(Constant)
def constant(m: Any, call: Any) -> str:
    return call.scope.own_weight(m.value)

"""Dense layers, embeddings, activations, dropout, changes of shape and what joins tensors."""

from __future__ import annotations

from typing import Any

from unidl import layers
from unidl.port.errors import Refused
from unidl.port.layers import Constant
from unidl.port.source.checks import require_plain_relu
from unidl.port.source.rules import bias_of, reshape_text
from unidl_jax.port.source.functions import FUNCTIONS
from unidl_jax.port.source.rules import (
    RULES,
    activated,
    is_channels_first,
    layer,
    made,
    with_channels_last,
)

# Dense layers and embeddings.


@layer(layers.Dense)
def dense(m: Any, call: Any) -> str:
    linear = made("nnx.Linear", *m.kernel.shape, use_bias=None if m.use_bias else False)
    me = call.child(linear, ("kernel", m.kernel), *bias_of(m))
    return activated(m.activation, call, f"{me}({call.plain()})")


@layer(layers.EinsumDense)
def einsum_dense(m: Any, call: Any) -> str:
    equation = m.equation.replace(" ", "")
    bias = None
    if m.bias is not None:
        bias = tuple(m.bias.shape)
        kernel, out = equation.partition(",")[2].split("->")
        if "." in equation or any(s == 1 or c not in kernel for s, c in _spanned(bias, out)):
            raise Refused("a bias along other axes than the kernel's, which nnx.Einsum lacks")
    einsum = made("nnx.Einsum", equation, tuple(m.kernel.shape), bias)
    found = [("kernel", m.kernel)] + ([("bias", m.bias)] if m.bias is not None else [])
    return activated(m.activation, call, f"{call.child(einsum, *found)}({call.plain()})")


def _spanned(bias: tuple, out: str) -> Any:
    """(size, letter) of the axes of a bias."""
    return zip(bias, out[len(out) - len(bias) :], strict=True)


@layer(layers.Embedding)
def embedding(m: Any, call: Any) -> str:
    me = call.child(made("nnx.Embed", *m.embeddings.shape), ("embedding", m.embeddings))
    x = call.plain()
    return f"{me}({x}.astype(int))" if "int" not in call.node.inputs[0].dtype else f"{me}({x})"


@layer(layers.Masking)
def masking(m: Any, call: Any) -> str:
    return f"jnp.where({call.own_mask()}[..., None], {call.plain()}, 0.0)"


# Activations.


@layer(layers.Activation)
def activation(m: Any, call: Any) -> str:
    return activated(m.activation, call, call.plain())


@layer(layers.ReLU)
def relu(m: Any, call: Any) -> str:
    require_plain_relu(m)
    x = call.plain()
    if m.negative_slope:
        return f"jax.nn.leaky_relu({x}, {float(m.negative_slope)!r})"
    return f"jax.nn.relu({x})" if m.max_value is None else f"jnp.clip({x}, 0, {m.max_value!r})"


@layer(layers.LeakyReLU)
def leaky_relu(m: Any, call: Any) -> str:
    return f"jax.nn.leaky_relu({call.plain()}, {float(m.negative_slope)!r})"


@layer(layers.ELU)
def elu(m: Any, call: Any) -> str:
    return f"jax.nn.elu({call.plain()}, {float(m.alpha)!r})"


@layer(layers.Softmax)
def softmax(m: Any, call: Any) -> str:
    return FUNCTIONS["softmax"](call, call.node.inputs[0], m.axis)


# Dropout and noise.


@layer(layers.Dropout)
def dropout(m: Any, call: Any) -> str:
    return _dropout(m, call, m.noise_shape or ())


def _dropout(m: Any, call: Any, noise_shape: tuple) -> str:
    shared = []
    for axis, (n, size) in enumerate(zip(noise_shape, call.shape, strict=False)):
        if n not in (None, 1, size):
            raise Refused(f"noise_shape={noise_shape}")
        if n == 1:
            shared.append(axis)
    module = made("nnx.Dropout", m.rate, broadcast_dims=tuple(shared) or None)
    return f"{call.child(module)}({call.plain()})"


@layer(layers.SpatialDropout1D, layers.SpatialDropout2D, layers.SpatialDropout3D)
def spatial_dropout(m: Any, call: Any) -> str:
    return _dropout(m, call, m._noise)


def _noise(name: str, strength: str) -> Any:
    def rule(m: Any, call: Any) -> str:
        if getattr(m, "noise_shape", None) is not None:
            raise Refused("noise_shape")
        return f"{call.child(made(call.helper(name), getattr(m, strength)))}({call.plain()})"

    return rule


RULES[layers.GaussianNoise] = _noise("GaussianNoise", "stddev")
RULES[layers.GaussianDropout] = _noise("GaussianDropout", "rate")
RULES[layers.AlphaDropout] = _noise("AlphaDropout", "rate")


@layer(layers.Identity)
def identity(m: Any, call: Any) -> str:
    return call.plain()


# Shapes.


@layer(layers.Flatten)
def flatten(m: Any, call: Any) -> str:
    if call.rank == 1:
        return f"{call.plain()}[:, None]"
    x = with_channels_last(m, call) if is_channels_first(m) and call.rank > 2 else call.plain()
    return f"{x}.reshape({call.plain()}.shape[0], -1)"


layer(layers.Reshape)(reshape_text)


@layer(layers.Permute)
def permute(m: Any, call: Any) -> str:
    return f"{call.plain()}.transpose(0, {', '.join(map(str, m.dims))})"


@layer(layers.RepeatVector)
def repeat_vector(m: Any, call: Any) -> str:
    return f"jnp.repeat({call.plain()}[:, None], {m.n}, axis=1)"


# Several inputs, or none.


@layer(layers.Concatenate)
def concatenate(m: Any, call: Any) -> str:
    names = [call.plain(i) for i in range(len(call.node.inputs))]
    return f"jnp.concatenate([{', '.join(names)}], axis={m.axis})"


@layer(Constant)
def constant(m: Any, call: Any) -> str:
    return call.scope.own_weight(m.value)

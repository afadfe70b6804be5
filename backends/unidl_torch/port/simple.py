"""Activations, dropout and changes of shape."""

from __future__ import annotations

import math

from torch import nn

from unidl import layers, ops
from unidl.port.errors import Refused
from unidl.port.laid import Laid
from unidl.port.weight_rules import reshaped
from unidl.port.windows import named
from unidl_torch.port.pieces import LookInside, Piece, piece, piece_named, rank_of


def _elementwise(layer):
    return Piece(lambda x: x.like(layer(x.tensor)))


def _activation(kind, function):
    @piece(kind)
    def maker(m, name):
        return _elementwise(layers.Activation(function(m), name=name))


def _plain(name):
    return lambda m: name


for _kind, _name in {
    nn.Sigmoid: "sigmoid",
    nn.Tanh: "tanh",
    nn.SiLU: "silu",
    nn.SELU: "selu",
    nn.ReLU6: "relu6",
    nn.Hardswish: "hard_swish",
    nn.Hardsigmoid: "hard_sigmoid",
    nn.Softsign: "softsign",
    nn.LogSigmoid: "log_sigmoid",
    nn.Mish: "mish",
    nn.Tanhshrink: "tanh_shrink",
}.items():
    _activation(_kind, _plain(_name))


@piece(nn.ReLU)
def relu(m, name):
    return _elementwise(layers.ReLU(name=name))


@piece(nn.LeakyReLU)
def leaky_relu(m, name):
    return _elementwise(layers.LeakyReLU(m.negative_slope, name=name))


@piece(nn.ELU)
def elu(m, name):
    return _elementwise(layers.ELU(m.alpha, name=name))


@piece(nn.GELU)
def gelu(m, name):
    approximate = m.approximate == "tanh"
    return Piece(lambda x: x.like(ops.gelu(x.tensor, approximate=approximate)))


@piece(nn.Softplus)
def softplus(m, name):
    if m.beta != 1 or m.threshold < 20:
        raise LookInside(f"beta={m.beta}, threshold={m.threshold}")
    return _elementwise(layers.Activation("softplus", name=name))


@piece(nn.Softmax, nn.LogSoftmax)
def softmax(m, name):
    if m.dim is None:
        raise Refused("dim=None; write which axis")
    function = ops.softmax if isinstance(m, nn.Softmax) else ops.log_softmax
    return Piece(lambda x: x.like(function(x.tensor, axis=x.axis(m.dim))))


@piece(nn.PReLU)
def prelu(m, name):
    made = {}

    def apply(x):
        tensor = x.last()
        if not made:
            shared = range(1, x.rank - 1) if m.num_parameters > 1 else range(1, x.rank)
            made["layer"] = layers.PReLU(shared_axes=list(shared) or None, name=name)
        return Laid(made["layer"](tensor), True)

    found = Piece(apply)
    found.add(
        "weight",
        lambda: made["layer"].alpha,
        reshaped(lambda shape: made["layer"].alpha.shape, lambda shape: (m.num_parameters,)),
    )
    return found


@piece(nn.Identity)
def identity(m, name):
    return Piece(lambda x: x)


@piece(nn.Dropout)
def dropout(m, name):
    return _elementwise(layers.Dropout(m.p, name=name))


@piece(nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)
def spatial_dropout(m, name):
    layer = named("SpatialDropout*", rank_of(m), m.p, name=name)
    return Piece(lambda x: Laid(layer(x.last()), True))


@piece_named(
    "torchvision.ops.stochastic_depth.StochasticDepth",
    "timm.layers.drop.DropPath",
)
def stochastic_depth(m, name):
    """Whole samples are dropped."""
    rate = m.p if hasattr(m, "p") else m.drop_prob
    if getattr(m, "mode", "row") != "row" or not getattr(m, "scale_by_keep", True):
        raise Refused("only whole samples are dropped, and the others scaled up")

    made = {}

    def apply(x):
        if not made:
            shape = (None, *[1] * (x.rank - 1))
            made["layer"] = layers.Dropout(rate or 0.0, noise_shape=shape, name=name)
        return x.like(made["layer"](x.tensor))

    return Piece(apply)


@piece(nn.Flatten)
def flatten(m, name):
    return Piece(lambda x: flattened(x, m.start_dim, m.end_dim))


def flattened(x, start, end):
    """Axes `start` to `end` of the original as one."""
    start, end = start % x.rank, end % x.rank
    if start == 0:
        raise Refused("it flattens the batch")
    if start == 1 and end == x.rank - 1:
        return Laid(layers.Flatten()(x.first()))
    shape = x.shape
    if None in shape[1:]:
        raise Refused(f"the sizes of {shape} are open")
    size = math.prod(shape[start : end + 1])
    return Laid(ops.reshape(x.first(), (-1, *shape[1:start], size, *shape[end + 1 :])))


@piece(nn.Unflatten)
def unflatten(m, name):
    def apply(x):
        axis = m.dim % x.rank
        shape = [*x.shape[1:axis], *m.unflattened_size, *x.shape[axis + 1 :]]
        return Laid(layers.Reshape(shape, name=name)(x.first()))

    return Piece(apply)


@piece(nn.Upsample, nn.UpsamplingNearest2d)
def upsample(m, name):
    factor = m.scale_factor
    factors = factor if isinstance(factor, tuple) else (factor,) * 2
    if m.mode != "nearest" or m.size is not None or any(f != int(f) for f in factors):
        raise Refused("only mode='nearest' with whole scale factors is converted")
    layer = layers.UpSampling2D(tuple(map(int, factors)), name=name)

    def apply(x):
        if x.rank != 4:
            raise Refused("only images are converted")
        return Laid(layer(x.last()), True)

    return Piece(apply)

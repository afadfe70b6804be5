"""Dense layers, embeddings and normalization."""

from __future__ import annotations

import numpy as np
from torch import nn

from unidl import layers
from unidl.port.errors import Refused
from unidl.port.laid import Laid
from unidl.port.layers import EmbeddingWithPadding
from unidl.port.weight_rules import transposed
from unidl_torch.port.pieces import LookInside, Piece, piece, rank_of


@piece(nn.Linear)
def linear(m, name):
    layer = layers.Dense(m.out_features, use_bias=m.bias is not None, name=name)
    found = Piece(lambda x: Laid(layer(x.first())))
    found.add("weight", lambda: layer.kernel, transposed(1, 0))
    if m.bias is not None:
        found.add("bias", lambda: layer.bias)
    return found


@piece(nn.Embedding)
def embedding(m, name):
    if m.max_norm is not None:
        raise Refused(f"max_norm={m.max_norm}, which changes the weights in the forward pass")
    if m.sparse:
        raise Refused("sparse=True")
    sizes = m.num_embeddings, m.embedding_dim
    if m.padding_idx is None:
        layer = layers.Embedding(*sizes, name=name)
    else:
        layer = EmbeddingWithPadding(*sizes, padding=m.padding_idx, name=name)
    found = Piece(lambda x: Laid(layer(x.first())))
    found.add("weight", lambda: layer.embeddings)
    return found


@piece(nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
def batch_norm(m, name):
    if m.momentum is None:
        raise Refused("momentum=None, an average over all batches")
    if not m.track_running_stats:
        raise Refused("track_running_stats=False")
    layer = layers.BatchNormalization(
        momentum=1 - m.momentum, epsilon=m.eps, center=_has_bias(m), scale=m.affine, name=name
    )
    found = Piece(lambda x: Laid(layer(x.last()), True))
    if m.affine:
        found.add("weight", lambda: layer.gamma)
    if _has_bias(m):
        found.add("bias", lambda: layer.beta)
    found.add("running_mean", lambda: layer.moving_mean)
    found.add("running_var", lambda: layer.moving_variance)
    found.warnings.append(
        f"{name}: the moving variance is that of each batch, which torch multiplies by n / (n - 1)"
    )
    return found


@piece(nn.LayerNorm)
def layer_norm(m, name):
    axes = [-i for i in range(len(m.normalized_shape), 0, -1)]
    has_bias = m.elementwise_affine and m.bias is not None
    layer = layers.LayerNormalization(
        axis=axes, epsilon=m.eps, center=has_bias, scale=m.elementwise_affine, name=name
    )
    return _normalized(layer, lambda x: Laid(layer(x.first())), m.elementwise_affine, has_bias)


@piece(nn.RMSNorm)
def rms_norm(m, name):
    if len(m.normalized_shape) != 1 or not m.elementwise_affine:
        raise LookInside("a normalization that is no layer here")
    epsilon = np.finfo("float32").eps if m.eps is None else m.eps
    layer = layers.RMSNormalization(epsilon=float(epsilon), name=name)
    found = Piece(lambda x: Laid(layer(x.first())))
    found.add("weight", lambda: layer.scale)
    return found


@piece(nn.GroupNorm)
def group_norm(m, name):
    layer = layers.GroupNormalization(
        m.num_groups, epsilon=m.eps, center=_has_bias(m), scale=m.affine, name=name
    )
    return _normalized(layer, lambda x: Laid(layer(x.last()), True), m.affine, _has_bias(m))


@piece(nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)
def instance_norm(m, name):
    if m.track_running_stats:
        raise Refused("track_running_stats=True of an instance normalization")
    layer = layers.GroupNormalization(
        -1, epsilon=m.eps, center=_has_bias(m), scale=m.affine, name=name
    )

    def apply(x):
        if x.rank != rank_of(m) + 2:
            raise Refused("inputs without a batch")
        return Laid(layer(x.last()), True)

    return _normalized(layer, apply, m.affine, _has_bias(m))


def _has_bias(m):
    return m.affine and m.bias is not None


def _normalized(layer, apply, has_scale, has_bias):
    found = Piece(apply)
    if has_scale:
        found.add("weight", lambda: layer.gamma)
    if has_bias:
        found.add("bias", lambda: layer.beta)
    return found

"""Batch and layer normalization, the moments in two passes, the backward in closed form."""

from __future__ import annotations

import math

import numpy as np

from unidl_numpy.sums import total, unbroadcast
from unidl_numpy.tape import primitive


def _normalized(x, axes, epsilon):
    """(x - mean) / sqrt(var + epsilon) over `axes`, 1 / that root, mean and var; the last three
    with kept axes."""
    count = x.dtype.type(math.prod(x.shape[a] for a in axes))
    mean = total(x, axes, keepdims=True) / count
    centred = x - mean
    var = total(centred * centred, axes, keepdims=True) / count
    inverse = 1 / np.sqrt(var + x.dtype.type(epsilon))
    centred *= inverse
    return centred, inverse, mean, var


def _for_x(g, normal, inverse, axes):
    """Gradient through the normalization, moments included."""
    count = g.dtype.type(math.prod(g.shape[a] for a in axes))
    dx = normal * (total(g * normal, axes, keepdims=True) / -count)
    dx += g
    dx -= total(g, axes, keepdims=True) / count
    dx *= inverse
    return dx


@primitive(3)
def batch_norm_training(x, gamma, beta, axes, epsilon):
    axes = tuple([a % x.ndim for a in axes])
    (axis,) = set(range(x.ndim)) - set(axes)
    along = tuple([-1 if a == axis else 1 for a in range(x.ndim)])
    normal, inverse, mean, var = _normalized(x, axes, epsilon)
    y = normal if gamma is None else normal * gamma.reshape(along)
    if beta is not None:
        y = y + beta.reshape(along)

    def backward(gs, needs):
        g, g_mean, g_var = gs
        dx = dgamma = dbeta = None
        if g is not None:
            if needs[1]:
                dgamma = total(g * normal, axes)
            if needs[2]:
                dbeta = total(g, axes)
            if needs[0]:
                dx = _for_x(g if gamma is None else g * gamma.reshape(along), normal, inverse, axes)
        if needs[0] and (g_mean is not None or g_var is not None):
            count = x.dtype.type(x.size // x.shape[axis])
            dx = np.zeros_like(x) if dx is None else dx
            if g_mean is not None:
                dx += g_mean.reshape(along) / count
            if g_var is not None:
                dx += normal / inverse * (g_var.reshape(along) * (2 / count))
        return dx, dgamma, dbeta

    return (y, mean.reshape(-1), var.reshape(-1)), backward


@primitive(3)
def layer_norm(x, gamma, beta, axes, epsilon):
    axes = tuple([a % x.ndim for a in axes])
    normal, inverse, _, _ = _normalized(x, axes, epsilon)
    y = normal if gamma is None else normal * gamma
    if beta is not None:
        y = y + beta

    def backward(g, needs):
        return (
            _for_x(g if gamma is None else g * gamma, normal, inverse, axes) if needs[0] else None,
            unbroadcast(g * normal, gamma.shape) if needs[1] else None,
            unbroadcast(g, beta.shape) if needs[2] else None,
        )

    return y, backward

"""Activation functions, forward and backward in few passes."""

from __future__ import annotations

import math

import numpy as np

from unidl_numpy.error_function import erf
from unidl_numpy.logistic import sigmoid
from unidl_numpy.tape import primitive


@primitive
def relu(x):
    y = np.maximum(x, x.dtype.type(0))
    return y, (lambda g: g * (y > 0),)


@primitive
def relu6(x):
    y = np.clip(x, x.dtype.type(0), x.dtype.type(6))
    return y, (lambda g: g * ((y > 0) & (y < 6)),)


@primitive
def leaky_relu(x, negative_slope):
    slope, one = x.dtype.type(negative_slope), x.dtype.type(1)
    factor = np.where(x > 0, one, slope)
    return x * factor, (lambda g: g * factor,)


@primitive
def elu(x, alpha):
    alpha = x.dtype.type(alpha)
    y = np.where(x > 0, x, alpha * np.expm1(np.minimum(x, x.dtype.type(0))))
    return y, (lambda g: g * np.where(x > 0, x.dtype.type(1), y + alpha),)


@primitive
def softplus(x):
    y = np.maximum(x, x.dtype.type(0)) + np.log1p(np.exp(-np.abs(x)))
    return y, (lambda g: g * sigmoid(x),)


@primitive
def silu(x):
    s = sigmoid(x)
    y = x * s
    return y, (lambda g: g * (s + y * (1 - s)),)


@primitive
def gelu(x, approximate):
    if approximate:
        scale, cubic = x.dtype.type(math.sqrt(2 / math.pi)), x.dtype.type(0.044715)
        t = np.tanh(scale * (x + cubic * (x * x * x)))
        phi = 0.5 * (1 + t)

        def slope():
            return phi + x * (0.5 * (1 - t * t)) * scale * (1 + 3 * cubic * (x * x))
    else:
        phi = 0.5 * (1 + erf(x * x.dtype.type(math.sqrt(0.5))))

        def slope():
            return phi + x * (np.exp(-0.5 * (x * x)) * x.dtype.type(1 / math.sqrt(2 * math.pi)))

    return x * phi, (lambda g: g * slope(),)


@primitive
def softmax(x, axis=-1):
    y = x - np.max(x, axis, keepdims=True) if x.size else x.copy()
    y = np.exp(y, out=y) if y.ndim else np.exp(y)
    y /= y.sum(axis, keepdims=True)
    return y, (lambda g: y * (g - (g * y).sum(axis, keepdims=True)),)


@primitive
def log_softmax(x, axis=-1):
    y = x - np.max(x, axis, keepdims=True) if x.size else x.copy()
    y -= np.log(np.exp(y).sum(axis, keepdims=True))
    return y, (lambda g: g - np.exp(y) * g.sum(axis, keepdims=True),)

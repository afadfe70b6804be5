"""Functions that modules stand for, with weights of the user's own or none."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from unidl import layers, ops
from unidl.port import windows
from unidl.port.errors import Refused
from unidl.port.laid import Laid
from unidl_torch.port.function_table import function, laid, sees_fixed, value
from unidl_torch.port.pieces import MAKERS


def _like_module(kind, *targets):
    """A function of torch.nn.functional with the arguments of a module's constructor."""

    @function(*targets)
    def handler(x, *arguments, training=True, inplace=False, **options):
        return MAKERS[kind](kind(*arguments, **options), None).apply(x)


_WINDOWED = {
    "MaxPool": "max_pool", "AvgPool": "avg_pool", "AdaptiveAvgPool": "adaptive_avg_pool",
    "AdaptiveMaxPool": "adaptive_max_pool", "Dropout": "dropout",
}  # fmt: skip
for _name, _called in _WINDOWED.items():
    for _end in ("1d", "2d", "3d"):
        _targets = (getattr(place, _called + _end, None) for place in (F, torch))
        _like_module(getattr(nn, _name + _end), *filter(None, _targets))

_like_module(nn.Dropout, F.dropout, torch.dropout)


@function(F.linear)
def linear(x, weight, bias=None):
    found = ops.matmul(value(x), ops.transpose(value(weight), (1, 0)))
    return Laid(found if bias is None else ops.add(found, value(bias)))


@function(F.embedding)
def embedding(
    input, weight, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False,
    sparse=False,
):  # fmt: skip
    if max_norm is not None:
        raise Refused(f"max_norm={max_norm}, which changes the weights in the forward pass")
    words = value(input)
    found = ops.take(value(weight), words, axis=0)
    if padding_idx is not None:
        row = padding_idx % value(weight).shape[0]
        is_padding = ops.expand_dims(ops.equal(words, row), -1)
        found = ops.where(is_padding, ops.stop_gradient(found), found)
    return Laid(found)


def _conv(rank):
    def handler(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
        def each(n):
            return tuple(n) if isinstance(n, (tuple, list)) else (n,) * rank

        kernel = ops.transpose(value(weight), (*range(2, rank + 2), 1, 0))
        windows.require_one_of_both(each(stride), each(dilation))
        x, how = laid(input).last(), padding
        if not isinstance(padding, str):
            x, how = windows.zeros([(p, p) for p in each(padding)], None)(x), "valid"
        found = ops.conv(x, kernel, each(stride), how, dilation_rate=each(dilation))
        return Laid(found if bias is None else ops.add(found, value(bias)), True)

    return handler


for _rank, _target in enumerate((F.conv1d, F.conv2d, F.conv3d), 1):
    function(_target)(_conv(_rank))


@function(F.layer_norm, torch.layer_norm)
def layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-5, cudnn_enable=True):
    axes = tuple(range(-len(normalized_shape), 0))
    x = value(input)
    mean = ops.mean(x, axis=axes, keepdims=True)
    scaled = (x - mean) * ops.rsqrt(ops.var(x, axis=axes, keepdims=True) + eps)
    return Laid(_scaled(scaled, weight, bias))


@function(F.rms_norm)
def rms_norm(input, normalized_shape, weight=None, eps=None):
    axes = tuple(range(-len(normalized_shape), 0))
    x = value(input)
    eps = np.finfo(str(x.dtype)).eps if eps is None else eps
    found = x * ops.rsqrt(ops.mean(ops.square(x), axis=axes, keepdims=True) + float(eps))
    return Laid(_scaled(found, weight, None))


def _scaled(x, weight, bias):
    x = x if weight is None else ops.multiply(x, value(weight))
    return x if bias is None else ops.add(x, value(bias))


@function(F.group_norm, torch.group_norm)
def group_norm(input, num_groups, weight=None, bias=None, eps=1e-5, cudnn_enabled=True):
    layer = layers.GroupNormalization(num_groups, epsilon=eps, center=False, scale=False)
    return Laid(_scaled(layer(laid(input).last()), weight, bias), True)


@function(F.batch_norm, torch.batch_norm)
def batch_norm(
    input, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1,
    eps=1e-5,
):  # fmt: skip
    if training or running_mean is None:
        raise Refused("batch_norm in training, as a function; a module keeps the averages")
    x = laid(input).last()
    found = (x - value(running_mean)) * ops.rsqrt(value(running_var) + eps)
    return Laid(_scaled(found, weight, bias), True)


@function(F.scaled_dot_product_attention)
def scaled_dot_product_attention(
    query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None,
    enable_gqa=False,
):  # fmt: skip
    q, k, v = (x.first() for x in (query, key, value))
    if enable_gqa and q.shape[1] != k.shape[1]:
        k, v = (ops.repeat(x, q.shape[1] // x.shape[1], axis=1) for x in (k, v))
    axes = (*range(len(k.shape) - 2), len(k.shape) - 1, len(k.shape) - 2)
    size = q.shape[-1]
    scores = ops.matmul(q, ops.transpose(k, axes)) * (size**-0.5 if scale is None else scale)
    if is_causal:
        scores = _hidden(scores, np.tril(np.ones((q.shape[-2], k.shape[-2]), bool)))
    if attn_mask is not None:
        mask = attn_mask.first() if isinstance(attn_mask, Laid) else attn_mask
        is_choice = str(mask.dtype) == "bool"
        scores = _hidden(scores, mask) if is_choice else ops.add(scores, mask)
    weights = ops.softmax(scores, axis=-1)
    if dropout_p:
        weights = layers.Dropout(dropout_p)(weights)
    return Laid(ops.matmul(weights, v))


def _hidden(scores, mask):
    """Scores where the mask says False do not count."""
    return ops.where(mask, scores, -math.inf)


@function(F.pad, torch._C._nn.pad)
def pad(input, pad, mode="constant", value=None):
    if mode not in ("constant", "reflect", "replicate", "circular"):
        raise Refused(f"mode={mode!r} of padding")
    pairs = [tuple(pad[i : i + 2]) for i in range(len(pad) - 2, -1, -2)]
    pairs = [(0, 0)] * (input.rank - len(pairs)) + pairs
    if not any(map(any, pairs)):
        return input
    x = input.first()
    if any(min(pair) < 0 for pair in pairs):
        x = x[tuple(slice(-min(a, 0), min(b, 0) or None) for a, b in pairs)]
        pairs = [(max(a, 0), max(b, 0)) for a, b in pairs]
    if mode == "constant":
        return Laid(ops.pad(x, pairs, constant_values=value or 0.0))
    if mode == "circular":
        return Laid(_around(x, pairs))
    return Laid(ops.pad(x, pairs, mode={"reflect": "reflect", "replicate": "edge"}[mode]))


def _around(x, pairs):
    """The end of each axis before its start, and the start behind its end."""
    for axis, (before, after) in enumerate(pairs):
        whole = (slice(None),) * axis
        end, start = (*whole, slice(-before, None)), (*whole, slice(after))
        parts = [*([x[end]] if before else []), x, *([x[start]] if after else [])]
        x = ops.concatenate(parts, axis=axis) if len(parts) > 1 else x
    return x


@function(F.local_response_norm)
def local_response_norm(input, size, alpha=1e-4, beta=0.75, k=1.0):
    if input.rank < 3:
        raise Refused("inputs without a batch")
    x = input.last()
    channels, aside = x.shape[-1], [(0, 0)] * (input.rank - 1)
    squares = ops.pad(ops.square(x), [*aside, (size // 2, (size - 1) // 2)])
    total = sum(squares[..., i : i + channels] for i in range(size))
    return Laid(x / (total * (alpha / size) + k) ** beta, True)


def _lp_pool(target, average, rank):
    @function(target)
    def handler(input, norm_type, kernel_size, stride=None, ceil_mode=False):
        """Averages of powers, times as many as a window has."""
        if input.rank != rank + 2:
            raise Refused("inputs without a batch")
        window = (kernel_size,) * rank if isinstance(kernel_size, int) else tuple(kernel_size)
        pool = MAKERS[average](average(window, stride or window, 0, ceil_mode), None)
        found = pool.apply(Laid(input.last() ** norm_type, True)).last()
        found = ops.sign(found) * ops.relu(ops.abs(found)) * math.prod(window)
        return Laid(found ** (1.0 / norm_type), True)


for _rank, _kind in enumerate((nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d), 1):
    _lp_pool(getattr(F, f"lp_pool{_rank}d"), _kind, _rank)


@function(F.interpolate)
@sees_fixed
def interpolate(
    input, size=None, scale_factor=None, mode="nearest", align_corners=None,
    recompute_scale_factor=None, antialias=False, *, fixed,
):  # fmt: skip
    x = input.last()
    along = "bilinear" if mode in ("linear", "bilinear", "trilinear") else mode
    for i in range(input.rank - 2):
        count = x.shape[i + 1]
        options = {"mode": along}
        if along in ("bilinear", "bicubic"):
            options |= {"align_corners": bool(align_corners), "antialias": antialias}
        if size is not None:
            options["size"] = (_at(size, i), 1)
            if count == _at(size, i):
                continue
            times = _at(size, i) / count
        else:
            times = float(_at(scale_factor, i))
            options["scale_factor"] = (times, 1.0)
            options["recompute_scale_factor"] = recompute_scale_factor
        if mode == "nearest" and times == int(times):
            x = ops.repeat(x, int(times), axis=i + 1)
        else:
            matrix = _interpolation(count, options).astype(str(x.dtype))
            x = _along(x, i + 1, fixed(matrix).first())
    return Laid(x, True)


def _at(given, i):
    return given[i] if isinstance(given, (tuple, list)) else given


def _interpolation(count, options):
    """The matrix (count, new count) of what torch does along one axis: all modes treat axes one
    after the other."""
    every = torch.eye(count, dtype=torch.float64).reshape(count, 1, count, 1)
    with torch._C.DisableTorchFunction():
        return F.interpolate(every, **options)[:, 0, :, 0].numpy()


def _along(x, axis, matrix):
    axes = [a for a in range(len(x.shape)) if a != axis]
    moved = ops.matmul(ops.transpose(x, (*axes, axis)), matrix)
    back = list(range(len(x.shape) - 1))
    back.insert(axis, len(x.shape) - 1)
    return ops.transpose(moved, back)


@function(F.pixel_shuffle)
def pixel_shuffle(input, upscale_factor):
    r, (_, channels, height, width) = upscale_factor, input.shape
    x = ops.reshape(input.first(), (-1, channels // r**2, r, r, height, width))
    x = ops.transpose(x, (0, 1, 4, 2, 5, 3))
    return Laid(ops.reshape(x, (-1, channels // r**2, height * r, width * r)))


@function(F.prelu, torch.prelu)
def prelu(input, weight):
    x = laid(input).last()
    return Laid(ops.maximum(x, 0) + value(weight) * ops.minimum(x, 0), True)


@function(F.glu)
def glu(input, dim=-1):
    a, b = ops.split(input.tensor, 2, axis=input.axis(dim))
    return input.like(a * ops.sigmoid(b))


def _affine(x, weight, bias):
    return linear(x, weight, bias).first()


@function(torch.rnn_tanh_cell)
def rnn_tanh_cell(x, h, w_ih, w_hh, b_ih=None, b_hh=None):
    return Laid(ops.tanh(_affine(x, w_ih, b_ih) + _affine(h, w_hh, b_hh)))


@function(torch.rnn_relu_cell)
def rnn_relu_cell(x, h, w_ih, w_hh, b_ih=None, b_hh=None):
    return Laid(ops.relu(_affine(x, w_ih, b_ih) + _affine(h, w_hh, b_hh)))


@function(torch.lstm_cell)
def lstm_cell(x, state, w_ih, w_hh, b_ih=None, b_hh=None):
    h, c = state
    i, f, g, o = ops.split(_affine(x, w_ih, b_ih) + _affine(h, w_hh, b_hh), 4, axis=-1)
    c = ops.sigmoid(f) * value(c) + ops.sigmoid(i) * ops.tanh(g)
    return Laid(ops.sigmoid(o) * ops.tanh(c)), Laid(c)


@function(torch.gru_cell)
def gru_cell(x, h, w_ih, w_hh, b_ih=None, b_hh=None):
    r, z, n = ops.split(_affine(x, w_ih, b_ih), 3, axis=-1)
    r_h, z_h, n_h = ops.split(_affine(h, w_hh, b_hh), 3, axis=-1)
    n = ops.tanh(n + ops.sigmoid(r + r_h) * n_h)
    return Laid(n + ops.sigmoid(z + z_h) * (value(h) - n))


@function(F.celu, torch.celu)
def celu(input, alpha=1.0, inplace=False):
    return input.like(ops.celu(input.tensor, alpha))


@function(F.softshrink, torch._C._nn.softshrink)
def softshrink(input, lambd=0.5):
    return input.like(ops.soft_shrink(input.tensor, lambd))


@function(F.hardshrink, torch.hardshrink)
def hardshrink(input, lambd=0.5):
    return input.like(ops.hard_shrink(input.tensor, lambd))


@function(F.threshold, torch.threshold)
def threshold(input, threshold, value, inplace=False):
    return input.like(ops.threshold(input.tensor, threshold, value))


@function(F.softmin)
def softmin(input, dim=None, _stacklevel=3, dtype=None):
    return input.like(ops.softmax(-input.tensor, axis=input.axis(dim)))


@function(F.bilinear, torch.bilinear)
def bilinear(a, b, weight, bias=None):
    found = ops.einsum("...i,oij,...j->...o", value(a), value(weight), value(b))
    return Laid(found if bias is None else found + value(bias))


@function(F.one_hot)
def one_hot(tensor, num_classes=-1):
    if num_classes < 0:
        raise Refused("one_hot without num_classes, which depends on values")
    return Laid(ops.one_hot(tensor.first(), num_classes))


def _noise(x):
    """Numbers of a normal distribution, in training alone."""
    return x.like(layers.GaussianNoise(1.0)(ops.zeros_like(x.tensor)))


@function(torch.randn_like)
def randn_like(x, **_):
    return _noise(x)

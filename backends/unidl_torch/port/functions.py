"""Functions and methods of tensors in the code of a user's own `forward`."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn

from unidl import ops
from unidl.port.errors import Refused
from unidl.port.laid import Laid
from unidl_torch.port.pieces import MAKERS
from unidl_torch.port.simple import flattened

FUNCTIONS: dict[Callable, Callable] = {}
METHODS: dict[str, Callable] = {}


def function(*targets, methods=()):
    """Register what stands for these functions of torch, and for methods of these names."""

    def register(handler):
        FUNCTIONS.update(dict.fromkeys(targets, handler))
        METHODS.update(dict.fromkeys(methods, handler))
        return handler

    return register


def value(x):
    """A tensor in the original's order of axes; numbers as they are."""
    return x.first() if isinstance(x, Laid) else x


def _elementwise(of_unidl, *targets, methods=()):
    @function(*targets, methods=methods)
    def handler(*inputs, **options):
        options.pop("inplace", None)
        if options:
            raise Refused(f"the argument {next(iter(options))}")
        tensors = [x for x in inputs if isinstance(x, Laid)]
        alike = all(x.rank == tensors[0].rank for x in tensors)
        # A number or a tensor of the same rank is broadcast in any order of axes.
        if alike and any(x.channels_last for x in tensors):
            found = of_unidl(*(x.last() if isinstance(x, Laid) else x for x in inputs))
            return Laid(found, True)
        return Laid(of_unidl(*map(value, inputs)))


_elementwise(
    operator.add, operator.add, operator.iadd, torch.add, methods=("add", "add_", "__add__")
)
_elementwise(operator.sub, operator.sub, operator.isub, torch.sub, methods=("sub", "sub_"))
_elementwise(operator.mul, operator.mul, operator.imul, torch.mul, methods=("mul", "mul_"))
_elementwise(operator.truediv, operator.truediv, torch.div, methods=("div", "div_"))
_elementwise(operator.pow, operator.pow, torch.pow, methods=("pow",))
_elementwise(operator.neg, operator.neg, torch.neg, methods=("neg",))
_elementwise(ops.exp, torch.exp, methods=("exp",))
_elementwise(ops.log, torch.log, methods=("log",))
_elementwise(ops.sqrt, torch.sqrt, methods=("sqrt",))
_elementwise(ops.rsqrt, torch.rsqrt, methods=("rsqrt",))
_elementwise(ops.abs, torch.abs, operator.abs, methods=("abs",))
_elementwise(ops.sin, torch.sin, methods=("sin",))
_elementwise(ops.cos, torch.cos, methods=("cos",))
_elementwise(ops.tanh, torch.tanh, F.tanh, methods=("tanh",))
_elementwise(ops.sigmoid, torch.sigmoid, F.sigmoid, methods=("sigmoid",))
_elementwise(ops.relu, torch.relu, F.relu, methods=("relu", "relu_"))
_elementwise(ops.relu6, F.relu6)
_elementwise(ops.silu, F.silu)
_elementwise(ops.mish, F.mish)
_elementwise(ops.softsign, F.softsign)
_elementwise(ops.log_sigmoid, F.logsigmoid)
_elementwise(ops.hard_silu, F.hardswish)
_elementwise(ops.hard_sigmoid, F.hardsigmoid)
_elementwise(ops.maximum, torch.maximum)
_elementwise(ops.minimum, torch.minimum)


@function(F.gelu)
def gelu(x, approximate="none"):
    return x.like(ops.gelu(x.tensor, approximate=approximate == "tanh"))


@function(F.leaky_relu)
def leaky_relu(x, negative_slope=0.01, inplace=False):
    return x.like(ops.leaky_relu(x.tensor, negative_slope))


@function(F.softmax, torch.softmax, methods=("softmax",))
def softmax(x, dim=None, **_):
    return x.like(ops.softmax(x.tensor, axis=x.axis(dim)))


@function(F.log_softmax, torch.log_softmax, methods=("log_softmax",))
def log_softmax(x, dim=None, **_):
    return x.like(ops.log_softmax(x.tensor, axis=x.axis(dim)))


@function(torch.flatten, methods=("flatten",))
def flatten(x, start_dim=0, end_dim=-1):
    return flattened(x, start_dim, end_dim)


@function(torch.cat, torch.concat)
def cat(tensors, dim=0, axis=None):
    dim = dim if axis is None else axis
    first = tensors[0]
    if all(x.channels_last == first.channels_last for x in tensors):
        return first.like(ops.concatenate([x.tensor for x in tensors], axis=first.axis(dim)))
    return Laid(ops.concatenate([x.first() for x in tensors], axis=dim))


@function(torch.stack)
def stack(tensors, dim=0):
    return Laid(ops.stack([value(x) for x in tensors], axis=dim))


@function(torch.matmul, operator.matmul, torch.bmm, methods=("matmul", "bmm", "__matmul__"))
def matmul(a, b):
    return Laid(ops.matmul(value(a), value(b)))


@function(torch.einsum)
def einsum(equation, *tensors):
    return Laid(ops.einsum(equation, *map(value, tensors)))


def _reduction(of_unidl, target, name):
    @function(target, methods=(name,))
    def handler(x, dim=None, keepdim=False, **_):
        if dim is None:
            raise Refused(f"{name} over all axes, the batch among them")
        axes = tuple(dim) if isinstance(dim, (tuple, list)) else (dim,)
        if not keepdim:
            return Laid(of_unidl(x.first(), axis=axes))
        return x.like(of_unidl(x.tensor, axis=tuple(x.axis(a) for a in axes), keepdims=True))


_reduction(ops.mean, torch.mean, "mean")
_reduction(ops.sum, torch.sum, "sum")
_reduction(ops.max, torch.amax, "amax")
_reduction(ops.min, torch.amin, "amin")


@function(torch.reshape, methods=("view", "reshape"))
def reshape(x, *shape):
    shape = shape[0] if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape
    if not shape or (shape[0] not in (None, -1) and x.shape[0] is None):
        raise Refused(f"a reshape to {tuple(shape)}, which fixes the size of the batch")
    rest = list(shape[1:])
    known = x.shape[0] is None and None not in x.shape[1:] and -1 not in rest
    if shape[0] == -1 and known and math.prod(rest) != math.prod(x.shape[1:]):
        raise Refused(f"a reshape of {x.shape} to {tuple(shape)} moves the batch")
    return Laid(ops.reshape(x.first(), (-1, *rest) if -1 not in rest else _filled(x, rest)))


def _filled(x, rest):
    """`rest` with a number for -1, so that the batch may be the open one."""
    known = math.prod(n for n in rest if n != -1)
    return (-1, *(math.prod(x.shape[1:]) // known if n == -1 else n for n in rest))


@function(torch.permute, methods=("permute",))
def permute(x, *dims):
    dims = dims[0] if len(dims) == 1 and isinstance(dims[0], (tuple, list)) else dims
    return Laid(ops.transpose(x.first(), tuple(d % x.rank for d in dims)))


@function(torch.transpose, methods=("transpose",))
def transpose(x, dim0, dim1):
    axes = list(range(x.rank))
    axes[dim0], axes[dim1] = axes[dim1], axes[dim0]
    return Laid(ops.transpose(x.first(), axes))


@function(torch.unsqueeze, methods=("unsqueeze",))
def unsqueeze(x, dim):
    return Laid(ops.expand_dims(x.first(), dim))


@function(torch.squeeze, methods=("squeeze",))
def squeeze(x, dim=None):
    if dim is None:
        raise Refused("squeeze of every axis of size 1, which may be the batch; name the axis")
    return Laid(ops.squeeze(x.first(), dim))


@function(torch.chunk, methods=("chunk",))
def chunk(x, chunks, dim=0):
    axis = x.axis(dim)
    size = x.tensor.shape[axis]
    if size % chunks:
        raise Refused(f"{size} rows in {chunks} chunks that are not equal")
    return tuple(x.like(part) for part in ops.split(x.tensor, chunks, axis=axis))


@function(operator.getitem)
def getitem(x, index):
    return Laid(x.first()[index]) if isinstance(x, Laid) else x[index]


@function(getattr)
def attribute(x, name):
    if name == "shape":
        return x.shape
    if name == "T" and x.rank == 2:
        return Laid(ops.transpose(x.first(), (1, 0)))
    raise Refused(f"the attribute {name} of a tensor")


@function(methods=("size",))
def size(x, dim=None):
    return x.shape if dim is None else x.shape[dim]


@function(methods=("contiguous", "clone"))
def unchanged(x, **_):
    return x


def _like_module(kind, *targets):
    """A function of torch.nn.functional with the arguments of a module's constructor."""

    @function(*targets)
    def handler(x, *arguments, training=True, inplace=False, **options):
        return MAKERS[kind](kind(*arguments, **options), None).apply(x)


_like_module(nn.MaxPool2d, F.max_pool2d)
_like_module(nn.AvgPool2d, F.avg_pool2d)
_like_module(nn.AdaptiveAvgPool2d, F.adaptive_avg_pool2d)
_like_module(nn.Dropout, F.dropout)
_like_module(nn.ELU, F.elu)
_like_module(nn.Softplus, F.softplus)

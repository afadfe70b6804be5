"""Arithmetic, comparisons, reductions and products in the code of a user's own `forward`."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from unidl import ops
from unidl.port.errors import Refused
from unidl.port.laid import Laid
from unidl_torch.port.function_table import function, in_last, laid, value


def _elementwise(of_unidl, *targets, methods=()):
    @function(*targets, methods=methods)
    def handler(*inputs, **options):
        options.pop("inplace", None)
        if any(given is not None for given in options.values()):
            raise Refused(f"the argument {next(iter(options))}")
        return elementwise(of_unidl, *inputs)


def elementwise(of_unidl, *inputs):
    """A function of elements, on tensors in any order of axes if all have it."""
    tensors = [x for x in inputs if isinstance(x, Laid)]
    arrays = [x for x in inputs if isinstance(x, np.ndarray) and x.ndim]
    rank = tensors[0].rank
    # A number or a tensor of the same rank is broadcast in any order of axes.
    alike = all(x.rank == rank for x in tensors) and all(x.ndim == rank for x in arrays)
    if alike and any(x.channels_last for x in tensors):
        return Laid(of_unidl(*map(_last, inputs)), True)
    return Laid(of_unidl(*(_number(value(x)) for x in inputs)))


def _last(x):
    if isinstance(x, Laid):
        return x.last()
    return in_last(x) if isinstance(x, np.ndarray) and x.ndim else _number(x)


def _number(x):
    """Arrays without axes as Python's numbers, which leave dtypes as they are."""
    return x.item() if isinstance(x, np.ndarray) and not x.ndim else x


for _names, _function in {
    ("mul", "multiply"): ops.multiply,
    ("exp",): ops.exp,
    ("expm1",): ops.expm1,
    ("log",): ops.log,
    ("log1p",): ops.log1p,
    ("log2",): ops.log2,
    ("sqrt",): ops.sqrt,
    ("rsqrt",): ops.rsqrt,
    ("square",): ops.square,
    ("reciprocal",): ops.reciprocal,
    ("abs",): ops.abs,
    ("sin",): ops.sin,
    ("cos",): ops.cos,
    ("tan",): ops.tan,
    ("atan",): ops.arctan,
    ("erf",): ops.erf,
    ("tanh",): ops.tanh,
    ("sigmoid",): ops.sigmoid,
    ("relu",): ops.relu,
    ("neg", "negative"): ops.negative,
    ("pow",): ops.power,
    ("sign",): ops.sign,
    ("floor",): ops.floor,
    ("ceil",): ops.ceil,
    ("round",): ops.round,
    ("maximum",): ops.maximum,
    ("minimum",): ops.minimum,
    ("eq",): ops.equal,
    ("ne",): ops.not_equal,
    ("gt",): ops.greater,
    ("ge",): ops.greater_equal,
    ("lt",): ops.less,
    ("le",): ops.less_equal,
    ("logical_and", "bitwise_and"): ops.logical_and,
    ("logical_or", "bitwise_or"): ops.logical_or,
    ("logical_not", "bitwise_not"): ops.logical_not,
    ("remainder",): ops.mod,
    ("floor_divide",): ops.floor_divide,
    ("isnan",): ops.isnan,
    ("isfinite",): ops.isfinite,
}.items():
    _targets = [getattr(torch, name) for name in _names]
    _also = [f"{name}_" for name in _names] + [f"__{name}__" for name in _names]
    _elementwise(_function, *_targets, methods=(*_names, *_also))

for _names, _function in {
    ("__rsub__",): lambda a, b: b - a,
    ("__rdiv__", "__rtruediv__"): lambda a, b: b / a,
    ("__rpow__",): lambda a, b: ops.power(b, a),
    ("__rmul__",): ops.multiply,
    ("__radd__",): ops.add,
    ("__and__",): ops.logical_and,
    ("__or__",): ops.logical_or,
    ("__invert__",): ops.logical_not,
    ("__mod__",): ops.mod,
    ("__floordiv__",): ops.floor_divide,
}.items():
    _elementwise(_function, methods=_names)

_elementwise(ops.tanh, F.tanh)
_elementwise(ops.sigmoid, F.sigmoid)
_elementwise(ops.relu, F.relu, torch.relu_)
_elementwise(ops.relu6, F.relu6)
_elementwise(ops.silu, F.silu)
_elementwise(ops.mish, F.mish)
_elementwise(ops.softsign, F.softsign)
_elementwise(ops.log_sigmoid, F.logsigmoid)
_elementwise(ops.hard_silu, F.hardswish)
_elementwise(ops.hard_sigmoid, F.hardsigmoid)
_elementwise(ops.selu, F.selu, torch.selu)


@function(torch.add, methods=("add", "add_"))
def add(a, b, *, alpha=1):
    return elementwise(ops.add, a, b if alpha == 1 else _times(b, alpha))


@function(torch.sub, torch.subtract, methods=("sub", "sub_", "subtract"))
def subtract(a, b, *, alpha=1):
    return elementwise(ops.subtract, a, b if alpha == 1 else _times(b, alpha))


def _times(x, number):
    return x.like(x.tensor * number) if isinstance(x, Laid) else x * number


@function(torch.rsub)
def rsub(a, b, *, alpha=1):
    return subtract(b, a, alpha=alpha)


@function(
    torch.div, torch.divide, torch.true_divide, methods=("div", "div_", "divide", "true_divide")
)
def divide(a, b, *, rounding_mode=None):
    function = {None: ops.divide, "floor": ops.floor_divide}.get(rounding_mode)
    if function is None:
        raise Refused(f"rounding_mode={rounding_mode!r}")
    return elementwise(function, a, b)


@function(torch.addcmul)
def addcmul(x, a, b, *, value=1):
    return add(x, elementwise(ops.multiply, a, b), alpha=value)


@function(torch.where, methods=("where",))
def where(condition, x, y):
    return elementwise(ops.where, condition, x, y)


@function(torch.masked_fill, methods=("masked_fill", "masked_fill_"))
def masked_fill(x, mask, number):
    return elementwise(lambda x, m, n: ops.where(m, n, x), x, mask, number)


@function(torch.clamp, torch.clip, methods=("clamp", "clip", "clamp_"))
def clamp(x, min=None, max=None):
    def clipped(x, *limits):
        x = x if low is None else ops.maximum(x, limits[0])
        return x if high is None else ops.minimum(x, limits[-1])

    low, high = min, max
    return elementwise(clipped, x, *(limit for limit in (low, high) if limit is not None))


@function(F.gelu)
def gelu(x, approximate="none"):
    return x.like(ops.gelu(x.tensor, approximate=approximate == "tanh"))


@function(F.leaky_relu)
def leaky_relu(x, negative_slope=0.01, inplace=False):
    return x.like(ops.leaky_relu(x.tensor, negative_slope))


@function(F.elu)
def elu(x, alpha=1.0, inplace=False):
    return x.like(ops.elu(x.tensor, alpha))


@function(F.softplus)
def softplus(x, beta=1, threshold=20):
    found = ops.softplus(x.tensor * beta) / beta if beta != 1 else ops.softplus(x.tensor)
    if threshold < 20:  # from there on log(1 + exp(x)) is x but for rounding
        found = ops.where(x.tensor * beta > threshold, x.tensor, found)
    return x.like(found)


@function(F.hardtanh)
def hardtanh(x, min_val=-1.0, max_val=1.0, inplace=False):
    return x.like(ops.clip(x.tensor, min_val, max_val))


@function(F.softmax, torch.softmax, methods=("softmax",))
def softmax(x, dim=None, _stacklevel=3, dtype=None):
    return x.like(ops.softmax(x.tensor, axis=x.axis(dim)))


@function(F.log_softmax, torch.log_softmax, methods=("log_softmax",))
def log_softmax(x, dim=None, _stacklevel=3, dtype=None):
    return x.like(ops.log_softmax(x.tensor, axis=x.axis(dim)))


@function(F.normalize)
def normalize(x, p=2.0, dim=1, eps=1e-12, out=None):
    length = ops.norm(x.tensor, ord=p, axis=x.axis(dim), keepdims=True)
    return x.like(x.tensor / ops.maximum(length, eps))


@function(torch.matmul, torch.bmm, methods=("matmul", "bmm", "__matmul__", "__rmatmul__"))
def matmul(a, b):
    return Laid(ops.matmul(value(a), value(b)))


@function(torch.baddbmm, torch.addmm)
def addmm(x, a, b, *, beta=1, alpha=1):
    return Laid(beta * value(x) + alpha * ops.matmul(value(a), value(b)))


@function(torch.einsum)
def einsum(equation, *tensors):
    tensors = tensors[0] if isinstance(tensors[0], (tuple, list)) else tensors
    return Laid(ops.einsum(equation, *map(value, tensors)))


@function(torch.outer)
def outer(a, b):
    return Laid(ops.expand_dims(value(a), 1) * value(b))


def _reduction(of_unidl, target, name):
    @function(target, methods=(name,))
    def handler(x, dim=None, keepdim=False, *, dtype=None):
        if dim is None:
            if x.shape[0] is None:
                raise Refused(f"{name} over all axes, the batch among them")
            dim = range(x.rank)
        axes = tuple(dim) if isinstance(dim, (tuple, list, range)) else (dim,)
        if not keepdim:
            return Laid(of_unidl(x.first(), axis=axes))
        return x.like(of_unidl(x.tensor, axis=tuple(x.axis(a) for a in axes), keepdims=True))


_reduction(ops.mean, torch.mean, "mean")
_reduction(ops.sum, torch.sum, "sum")
_reduction(ops.max, torch.amax, "amax")
_reduction(ops.min, torch.amin, "amin")
_reduction(ops.any, torch.any, "any")
_reduction(ops.all, torch.all, "all")
_reduction(ops.logsumexp, torch.logsumexp, "logsumexp")


@function(torch.max, methods=("max",))
def maximum_along(x, dim=None, keepdim=False):
    if not isinstance(dim, int):
        return elementwise(ops.maximum, x, dim)
    return _with_places(x, dim, keepdim, ops.max, ops.argmax)


@function(torch.min, methods=("min",))
def minimum_along(x, dim=None, keepdim=False):
    if not isinstance(dim, int):
        return elementwise(ops.minimum, x, dim)
    return _with_places(x, dim, keepdim, ops.min, ops.argmin)


def _with_places(x, dim, keepdim, function, places):
    return (
        Laid(function(x.first(), axis=dim, keepdims=keepdim)),
        lambda: Laid(places(x.first(), axis=dim, keepdims=keepdim)),
    )


@function(torch.argmax, methods=("argmax",))
def argmax(x, dim=None, keepdim=False):
    if dim is None:
        raise Refused("argmax over all axes, the batch among them")
    return Laid(ops.argmax(x.first(), axis=dim, keepdims=keepdim))


def _spread(of_unidl, target, name):
    @function(target, methods=(name,))
    def handler(x, dim=None, unbiased=True, keepdim=False, *, correction=None):
        if dim is None:
            raise Refused(f"{name} over all axes, the batch among them")
        axes = tuple(dim) if isinstance(dim, (tuple, list)) else (dim,)
        count = int(np.prod([x.shape[a] for a in axes]))
        less = correction if correction is not None else int(unbiased)
        variance = ops.var(x.first(), axis=axes, keepdims=keepdim) * (count / (count - less))
        return Laid(of_unidl(variance))


_spread(lambda v: v, torch.var, "var")
_spread(ops.sqrt, torch.std, "std")


@function(torch.cumsum, methods=("cumsum",))
def cumsum(x, dim, *, dtype=None):
    return x.like(ops.cumsum(x.tensor, axis=x.axis(dim)))


@function(torch.linalg.norm, torch.linalg.vector_norm, torch.norm, methods=("norm",))
def norm(x, ord=2, dim=None, keepdim=False, *, p=None, dtype=None):
    if dim is None:
        raise Refused("norm over all axes, the batch among them")
    found = ops.norm(laid(x).first(), ord=p or ord, axis=dim, keepdims=keepdim)
    return Laid(found)

"""Mathematics: what is elementwise, reductions, products, linear algebra."""

from __future__ import annotations

import operator

import torch

from unidl.backend import contract
from unidl.backend.contract import names

# Python's operators take a number on either side; those of tensors cost no more than the functions.
_OPERATORS = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "power": operator.pow,
    "equal": operator.eq,
    "not_equal": operator.ne,
    "less": operator.lt,
    "less_equal": operator.le,
    "greater": operator.gt,
    "greater_equal": operator.ge,
    "logical_and": operator.and_,
    "logical_or": operator.or_,
    "logical_xor": operator.xor,
    "bitwise_and": operator.and_,
    "bitwise_or": operator.or_,
    "bitwise_xor": operator.xor,
}


def _of_tensors(function):
    """A binary function that takes only tensors, with Python numbers made tensors of the other
    operand's dtype."""

    def binary(self, x1, x2):
        if not isinstance(x2, torch.Tensor):
            x2 = torch.scalar_tensor(x2, dtype=x1.dtype, device=x1.device)
        elif not isinstance(x1, torch.Tensor):
            x1 = torch.scalar_tensor(x1, dtype=x2.dtype, device=x2.device)
        return function(x1, x2)

    return binary


def _of_quotients(function):
    """`_of_tensors` for a quotient or remainder: that of integers by 0 is 0, where torch raises."""
    of_tensors = _of_tensors(function)

    def binary(self, x1, x2):
        is_number = not isinstance(x2, torch.Tensor)
        if (is_number and x2) or (x1 if is_number else x2).is_floating_point():
            return of_tensors(self, x1, x2)
        if is_number:
            return torch.zeros_like(x1)
        zero = x2 == 0
        return torch.where(zero, 0, of_tensors(self, x1, torch.where(zero, 1, x2)))

    return binary


def _reduction(function):
    """`function(x, axes, keepdims)`, where an empty tuple of axes reduces nothing (torch takes it
    for all)."""

    def reduce(self, x, axis=None, keepdims=False):
        if axis == ():
            return x
        return function(x, axis, keepdims)

    return reduce


def _prod(x, axis, keepdims):
    axes = range(x.ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
    for a in sorted((a % x.ndim for a in axes), reverse=True):
        x = torch.prod(x, a, keepdim=keepdims, dtype=x.dtype)
    return x


def _every(axis):
    """`axis` for the functions to which an empty tuple means all."""
    return () if axis is None else axis


def _named(x, axis):
    """`axis` for the functions that want every axis named."""
    return tuple(range(x.ndim)) if axis is None else axis


class Math(contract.Math):
    maximum = _of_tensors(torch.maximum)
    minimum = _of_tensors(torch.minimum)
    arctan2 = _of_tensors(torch.arctan2)
    mod = _of_quotients(torch.remainder)
    # torch.floor_divide has no gradient at all; this one has zeros.
    floor_divide = _of_quotients(lambda x1, x2: torch.div(x1, x2, rounding_mode="floor"))

    def sign(self, x):
        # torch says that the sign of NaN is 0.
        return (
            torch.where(torch.isnan(x), x.detach(), torch.sign(x))
            if x.is_floating_point()
            else torch.sign(x)
        )

    logical_not = staticmethod(torch.logical_not)
    left_shift = staticmethod(operator.lshift)
    right_shift = staticmethod(operator.rshift)
    rsqrt = staticmethod(torch.rsqrt)
    reciprocal = staticmethod(torch.reciprocal)

    def clip(self, x, low, high):
        if low is None and high is None:
            return x
        return torch.clamp(x, low, high)

    # -- reductions: `var` keeps its default body, 8 times as fast as torch.var over leading axes on
    # a CPU --------

    sum = _reduction(lambda x, axis, keepdims: torch.sum(x, axis, keepdim=keepdims, dtype=x.dtype))
    mean = _reduction(lambda x, axis, keepdims: torch.mean(x, axis, keepdim=keepdims))
    prod = _reduction(_prod)
    max = _reduction(lambda x, axis, keepdims: torch.amax(x, _every(axis), keepdims))
    min = _reduction(lambda x, axis, keepdims: torch.amin(x, _every(axis), keepdims))
    any = _reduction(lambda x, axis, keepdims: torch.any(x, _named(x, axis), keepdims))
    all = _reduction(lambda x, axis, keepdims: torch.all(x, _named(x, axis), keepdims))

    def logsumexp(self, x, axis=None, keepdims=False):
        if axis == ():
            return x
        return torch.logsumexp(x, _named(x, axis), keepdims)

    def argmax(self, x, axis, keepdims=False):
        return torch.argmax(x, axis, keepdims).int()

    def argmin(self, x, axis, keepdims=False):
        return torch.argmin(x, axis, keepdims).int()

    def cumsum(self, x, axis):
        return torch.cumsum(x, axis, dtype=x.dtype)

    def cumprod(self, x, axis):
        return torch.cumprod(x, axis, dtype=x.dtype)

    # -- products and linear algebra -------------------------------------------------------------

    matmul = staticmethod(torch.matmul)
    einsum = staticmethod(torch.einsum)
    cholesky = staticmethod(torch.linalg.cholesky)
    det = staticmethod(torch.linalg.det)
    inv = staticmethod(torch.linalg.inv)
    solve = staticmethod(torch.linalg.solve)

    def qr(self, x):
        return tuple(torch.linalg.qr(x))

    def svd(self, x):
        return tuple(torch.linalg.svd(x, full_matrices=False))

    def eigh(self, x):
        return tuple(torch.linalg.eigh(x))

    def solve_triangular(self, a, b, lower=False):
        return torch.linalg.solve_triangular(a, b, upper=not lower)


for _name in (*names.UNARY, *names.UNARY_PREDICATE):
    if _name not in vars(Math):
        setattr(Math, _name, staticmethod(getattr(torch, _name)))
for _name, _operator in _OPERATORS.items():
    setattr(Math, _name, staticmethod(_operator))

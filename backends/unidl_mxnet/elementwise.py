"""Elementwise functions."""

from __future__ import annotations

import math

import numpy as np

from unidl.backend import contract
from unidl.backend.contract import names
from unidl.backend.dtypes import floatx
from unidl_mxnet import layout
from unidl_mxnet.gradients import carrier, needs_gradient
from unidl_mxnet.op import op
from unidl_mxnet.traced import HostNumber

FLOAT = ("float16", "float32", "float64")

# Kernels which are accurate, and whose gradients are, on every floating dtype.
_UNARY = {
    name: f"_npi_{name}"
    for name in (
        "sqrt",
        "exp",
        "expm1",
        "log",
        "log1p",
        "sin",
        "cos",
        "tan",
        "arcsin",
        "arccos",
        "arctan",
        "sinh",
        "cosh",
        "tanh",
        "arcsinh",
        "arccosh",
        "arctanh",
    )
} | {"sigmoid": "_npx_sigmoid"}
_UNARY_OF_ANY = {name: f"_npi_{name}" for name in ("negative", "abs", "square")}
_ROUNDING = {
    "floor": "_npi_floor",
    "ceil": "_npi_ceil",
    "round": "_npi_around",
    "trunc": "_npi_trunc",
}

# name: (of two tensors, of tensor and number, of number and tensor)
_BINARY = {
    "add": ("_npi_add", "_npi_add_scalar", "_npi_add_scalar"),
    "subtract": ("_npi_subtract", "_npi_subtract_scalar", "_npi_rsubtract_scalar"),
    "multiply": ("_npi_multiply", "_npi_multiply_scalar", "_npi_multiply_scalar"),
    "divide": ("_npi_true_divide", "_npi_true_divide_scalar", "_npi_rtrue_divide_scalar"),
    "arctan2": ("_npi_arctan2", None, None),  # the gradient of `_npi_rarctan2_scalar` is wrong
    "bitwise_and": ("_npi_bitwise_and", "_npi_bitwise_and_scalar", "_npi_bitwise_and_scalar"),
    "bitwise_or": ("_npi_bitwise_or", "_npi_bitwise_or_scalar", "_npi_bitwise_or_scalar"),
    "bitwise_xor": ("_npi_bitwise_xor", "_npi_bitwise_xor_scalar", "_npi_bitwise_xor_scalar"),
}
# The older kernels of broadcasting arithmetic and their gradients take half the time.
_BROADCASTING = {
    "_npi_add": "broadcast_add", "_npi_subtract": "broadcast_sub", "_npi_multiply": "broadcast_mul",
    "_npi_true_divide": "broadcast_div",
}  # fmt: skip
_COMPARISON = {
    "equal": ("_npi_equal", "_npi_equal_scalar", "_npi_equal_scalar"),
    "not_equal": ("_npi_not_equal", "_npi_not_equal_scalar", "_npi_not_equal_scalar"),
    "less": ("_npi_less", "_npi_less_scalar", "_npi_greater_scalar"),
    "less_equal": ("_npi_less_equal", "_npi_less_equal_scalar", "_npi_greater_equal_scalar"),
    "greater": ("_npi_greater", "_npi_greater_scalar", "_npi_less_scalar"),
    "greater_equal": ("_npi_greater_equal", "_npi_greater_equal_scalar", "_npi_less_equal_scalar"),
}
assert set(_COMPARISON) == set(names.COMPARISON)


class Elementwise(contract.Math):
    def _is_float(self, x):
        return self.dtype(x) in FLOAT

    def _number(self, kernel, x, number, *, compares=False):
        """A kernel of tensor `x` and a Python number, which takes the dtype of `x`."""
        if self._is_float(x):
            return op(kernel, x, scalar=float(number))
        if float(number).is_integer():
            return op(kernel, x, scalar=int(number), is_int=True)
        if compares:
            return op(kernel, self.cast(x, "float64"), scalar=number)
        raise TypeError(
            f"The number {number!r} does not fit a tensor of dtype {self.dtype(x)}. Cast the "
            "tensor to a float dtype first."
        )

    def _of_one_dtype(self, x1, x2):
        """Both operands, a host number in the dtype of the other: MXNet notices a mixture late or
        never."""
        dtype1, dtype2 = self.dtype(x1), self.dtype(x2)
        if dtype1 == dtype2:
            return x1, x2
        if isinstance(x2, HostNumber):
            return x1, self.cast(x2, dtype1)
        if isinstance(x1, HostNumber):
            return self.cast(x1, dtype2), x2
        raise TypeError(
            f"The operands have dtypes {dtype1} and {dtype2}. Cast one of them: ops.cast(x, "
            f"{dtype1!r})."
        )

    def _of_two(self, kernels, x1, x2, **options):
        left, right = self.is_tensor(x1), self.is_tensor(x2)
        if left and right:
            x1, x2 = self._of_one_dtype(x1, x2)
            if kernels[0] == "_npi_add" and (y := layout.with_bias(op, x1, x2)) is not None:
                return y
            if (
                kernels[0] == "_npi_add"
                and x1.shape == x2.shape
                and self.dtype(x1) == "float32"
                and (math.prod(x1.shape) >= 2**14 or (len(x1.shape) == 4 and 0 not in x1.shape))
            ):
                return op(
                    "elemwise_add", x1, x2
                )  # oneDNN's, which takes convolutions' results in their own layout
            if kernels[0] in _BROADCASTING and x1.shape != x2.shape:
                x1, x2 = self._spread(x1, x2.shape), self._spread(x2, x1.shape)
            legacy = _BROADCASTING.get(kernels[0])
            if (
                legacy
                and x1.shape != x2.shape
                and self._is_float(x1)
                and 0 not in (*x1.shape, *x2.shape)
            ):
                return op(legacy, x1, x2)
            return op(kernels[0], x1, x2)
        if not (left or right):
            x1, left = self.asarray(x1), True
        tensor, number, kernel = (x1, x2, kernels[1]) if left else (x2, x1, kernels[2])
        if isinstance(number, (np.ndarray, list, tuple)):
            number = self.asarray(number, self.dtype(tensor))
            return op(kernels[0], tensor, number) if left else op(kernels[0], number, tensor)
        # Kernels take the number as a double, so a larger integer travels as a tensor.
        if kernel is not None and (isinstance(number, float) or abs(number) <= 2**53):
            return self._number(kernel, tensor, number, **options)
        number = self.full((), number, self.dtype(tensor))
        return op(kernels[0], tensor, number) if left else op(kernels[0], number, tensor)

    def mod(self, x1, x2):
        """The kernel gives 0 for the remainder of a float by 0, which is NaN."""
        y = self._of_two(("_npi_mod", "_npi_mod_scalar", "_npi_rmod_scalar"), x1, x2)
        if not self._is_float(y):
            return y
        if not self.is_tensor(x2):
            return y if x2 else self.full_like(y, math.nan)
        return self.where(self.equal(x2, 0), self.full_like(y, math.nan), y)

    def _spread(self, x, shape):
        """`x` repeated along the first axes or along the last axis of a large `shape`, where it is
        float32 and on a tape.

        By a product with ones: its gradient is a fast product too, where the sum in the gradient of
        broadcasting takes 24 ms for (64, 28, 28, 32). Any other `x` is returned as it is.
        """
        size, n = math.prod(shape), math.prod(x.shape)
        if (
            self.dtype(x) != "float32"
            or size < 2**14
            or len(x.shape) > len(shape)
            or not needs_gradient()
        ):
            return x
        if 1 < n < size and shape[len(shape) - len(x.shape) :] == x.shape:
            ones = self.full((size // n, 1), 1, "float32")
            return self.reshape(op("dot", ones, self.reshape(x, (1, n))), shape)
        if x.shape == (*shape[:-1], 1):
            ones = self.full((shape[-1], 1), 1, "float32")
            y = op(
                "FullyConnected",
                self.reshape(x, (-1, 1)),
                ones,
                num_hidden=shape[-1],
                no_bias=True,
                flatten=False,
            )
            return self.reshape(y, shape)
        return x

    # -- one operand -----------------------------------------------------------------------------

    def erf(self, x):
        """MXNet's own derivative of erf holds 2/sqrt(pi) as float32; this one is exact."""
        y = op("_npx_erf", x)
        if self.dtype(x) == "float32" or not needs_gradient():
            return y
        slope = self.multiply(
            self.exp(self.negative(self.square(self.stop_gradient(x)))), 2 / math.sqrt(math.pi)
        )
        return self.add(self.stop_gradient(y), self.multiply(slope, carrier(x)))

    def erfinv(self, x):
        """MXNet's float64 kernel has the coefficients of a double polynomial; its derivative
        sqrt(pi)/2 in float32."""
        y = op("_npx_erfinv", x)
        if not needs_gradient():
            return y
        slope = self.multiply(self.exp(self.square(self.stop_gradient(y))), math.sqrt(math.pi) / 2)
        slope = self.where(self.isfinite(slope), slope, self.full_like(slope, 0))
        return self.add(self.stop_gradient(y), self.multiply(slope, carrier(x)))

    def logical_not(self, x):
        return op("_npi_logical_not", x)

    def sign(self, x):
        """MXNet's sign of NaN is 0; NumPy's is NaN."""
        y = op("_npi_sign", x)
        return self.stop_gradient(self.where(self.isnan(x), x, y)) if self._is_float(x) else y

    # -- two operands ----------------------------------------------------------------------------

    def power(self, x1, x2):
        """The gradient of MXNet's kernel for the exponent is NaN where the base is 0; here it is
        0."""
        kernels = ("_npi_power", "_npi_power_scalar", "_npi_rpower_scalar")
        if not (self.is_tensor(x2) and self._is_float(x2) and needs_gradient()):
            return self._of_two(kernels, x1, x2)
        base = self.stop_gradient(self.asarray(x1, self.dtype(x2)))
        y = self._of_two(kernels, x1, self.stop_gradient(x2))
        zero = self.equal(base, 0)
        log = self.where(
            zero,
            self.full((), 0, self.dtype(x2)),
            self.log(self.where(zero, self.full((), 1, self.dtype(x2)), base)),
        )
        return self.add(y, self.multiply(self.multiply(self.stop_gradient(y), log), carrier(x2)))

    def maximum(self, x1, x2):
        return self._extreme("_npi_maximum", self.greater, x1, x2)

    def minimum(self, x1, x2):
        return self._extreme("_npi_minimum", self.less, x1, x2)

    def _extreme(self, kernel, is_first, x1, x2):
        """MXNet sends the gradient of a tie to the first operand; here each gets half."""
        like = x1 if self.is_tensor(x1) else x2
        if not (self._is_float(like) and needs_gradient()):
            if self.dtype(like) == "bool":
                kernel = {"_npi_maximum": "_npi_bitwise_or", "_npi_minimum": "_npi_bitwise_and"}[
                    kernel
                ]
            return self._of_two((kernel, kernel + "_scalar", kernel + "_scalar"), x1, x2)
        x1, x2 = self.asarray(x1, self.dtype(like)), self.asarray(x2, self.dtype(like))
        y = self.stop_gradient(op(kernel, x1, x2))
        tie = self.multiply(self.cast(self.equal(x1, x2), self.dtype(y)), 0.5)
        for x, wins in ((x1, is_first(x1, x2)), (x2, is_first(x2, x1))):
            share = self.add(self.cast(wins, self.dtype(y)), tie)
            y = self.add(y, self.multiply(share, carrier(x)))
        return y

    def floor_divide(self, x1, x2):
        like = x1 if self.is_tensor(x1) else x2
        dtype = self.dtype(like)
        x1, x2 = self.asarray(x1, dtype), self.asarray(x2, dtype)
        rest = self.mod(x1, x2)
        if dtype not in FLOAT:
            zero = self.equal(x2, 0)
            quotient = op(
                "broadcast_div",
                self.subtract(x1, rest),
                self.where(zero, self.full_like(x2, 1), x2),
            )
            return self.where(zero, self.full((), 0, dtype), quotient)
        # x1 - rest is a multiple of x2 up to rounding, so the nearest integer is meant.
        quotient = self.round(self.divide(self.subtract(x1, rest), x2))
        plain = self.floor(self.divide(x1, x2))
        return self.stop_gradient(self.where(self.isfinite(quotient), quotient, plain))

    def rsqrt(self, x):
        return op("rsqrt", x)

    def left_shift(self, x, bits):
        return self.multiply(x, 2**bits)

    def right_shift(self, x, bits):
        return self.floor_divide(x, 2**bits)

    def clip(self, x, low, high):
        low = -math.inf if low is None else low
        high = math.inf if high is None else high
        if not self._is_float(x):
            x = x if low == -math.inf else self.maximum(x, low)
            return x if high == math.inf else self.minimum(x, high)
        if self.dtype(x) == "float64":  # the kernel holds its bounds as float32
            return super().clip(x, low, high)
        return op("_npi_clip", x, a_min=float(low), a_max=float(high))


def _unary(name, kernel):
    def function(self, x):
        if not self._is_float(x):
            x = self.cast(x, floatx())
        return op(kernel, x)

    return function


def _unary_of_any(name, kernel):
    def function(self, x):
        return op(kernel, x)

    return function


def _rounding(name, kernel):
    def function(self, x):
        return op(kernel, x) if self._is_float(x) else x

    return function


def _predicate(name):
    kernel = f"_npi_{name}"

    def function(self, x):
        if not self._is_float(x):
            return self.full_like(x, name == "isfinite", "bool")
        return op(kernel, x)

    return function


def _binary(name, kernels):
    def function(self, x1, x2):
        return self._of_two(kernels, x1, x2)

    return function


def _comparison(name, kernels):
    def function(self, x1, x2):
        return self._of_two(kernels, x1, x2, compares=True)

    return function


def _logical(name):
    """MXNet's bitwise kernels refuse bools of different shapes; comparisons of bools broadcast."""
    if name == "logical_xor":
        return lambda self, x1, x2: op(
            "_npi_not_equal", self.asarray(x1, "bool"), self.asarray(x2, "bool")
        )
    # a and b: a > not b;  a or b: a >= not b.
    kernel = {"logical_and": "_npi_greater", "logical_or": "_npi_greater_equal"}[name]

    def function(self, x1, x2):
        return op(
            kernel, self.asarray(x1, "bool"), op("_npi_logical_not", self.asarray(x2, "bool"))
        )

    return function


def _bind(name, function):
    function.__name__ = name
    setattr(Elementwise, name, function)


for _maker, _table in (
    (_unary, _UNARY),
    (_unary_of_any, _UNARY_OF_ANY),
    (_rounding, _ROUNDING),
    (_binary, _BINARY),
    (_comparison, _COMPARISON),
):
    for _name, _kernel in _table.items():
        _bind(_name, _maker(_name, _kernel))
for _name in names.UNARY_PREDICATE:
    _bind(_name, _predicate(_name))
for _name in names.LOGICAL:
    _bind(_name, _logical(_name))

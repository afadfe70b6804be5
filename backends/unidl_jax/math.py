"""Mathematics: the contract's names are NumPy's, and so are jax.numpy's."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp

from unidl.backend import contract
from unidl.backend.contract import names


@jax.custom_jvp
def _erfinv(x):
    """XLA's float32 kernel is up to 97 units of rounding off in the tails; a Newton step by erfc
    leaves 4.

    By erf it would make things worse: erf(y) - x cancels where both are nearly 1, while 1 - |x| is
    exact from 1/2 on.
    """
    y = jax.lax.erf_inv(x)
    if x.dtype.itemsize < 4:  # computed in float32 and rounded
        return y
    rest = 1 - jnp.abs(x)
    step = (jax.lax.erfc(jnp.abs(y)) - rest) * _slope_of_erfinv(y)
    return jnp.where((rest > 0) & (rest < 0.5), y + jnp.sign(x) * step, y)


@_erfinv.defjvp
def _(primals, tangents):
    # JAX's own derivative would be taken at the value before the step: exp(y**2) magnifies its
    # error.
    y = _erfinv(*primals)
    return y, tangents[0] * _slope_of_erfinv(y)


def _slope_of_erfinv(y):
    return math.sqrt(math.pi) / 2 * jnp.exp(y * y)


class Math(contract.Math):
    def abs(self, x):
        # The gradient of jnp.abs at 0 is 1.
        return (
            jnp.where(x == 0, jax.lax.stop_gradient(jnp.abs(x)), jnp.abs(x))
            if jnp.issubdtype(x.dtype, jnp.floating)
            else jnp.abs(x)
        )

    def sigmoid(self, x):
        return jax.nn.sigmoid(x)

    def erf(self, x):
        return jax.lax.erf(x)

    def erfinv(self, x):
        return _erfinv(x)

    def rsqrt(self, x):
        return jax.lax.rsqrt(x)

    def left_shift(self, x, bits):
        return jnp.left_shift(x, jnp.asarray(bits, x.dtype))

    def right_shift(self, x, bits):
        return jnp.right_shift(x, jnp.asarray(bits, x.dtype))

    def argmax(self, x, axis, keepdims=False):
        return jnp.argmax(x, axis, keepdims=keepdims).astype("int32")

    def argmin(self, x, axis, keepdims=False):
        return jnp.argmin(x, axis, keepdims=keepdims).astype("int32")

    def cumsum(self, x, axis):
        return jnp.cumsum(x, axis, dtype=x.dtype)

    def cumprod(self, x, axis):
        return jnp.cumprod(x, axis, dtype=x.dtype)

    def matmul(self, x1, x2):
        return jnp.matmul(x1, x2, precision="highest")

    def einsum(self, subscripts, *operands):
        return jnp.einsum(subscripts, *operands, precision="highest")

    def qr(self, x):
        return tuple(jnp.linalg.qr(x))

    def svd(self, x):
        return tuple(jnp.linalg.svd(x, full_matrices=False))

    def eigh(self, x):
        return tuple(jnp.linalg.eigh(x))

    def solve_triangular(self, a, b, lower=False):
        return jax.scipy.linalg.solve_triangular(a, b, lower=lower)

    cholesky = staticmethod(jnp.linalg.cholesky)
    solve = staticmethod(jnp.linalg.solve)
    det = staticmethod(jnp.linalg.det)
    logical_not = staticmethod(jnp.logical_not)


def _reduction(function):
    # NumPy's third place is the dtype, the contract's is keepdims.
    return staticmethod(lambda x, axis=None, keepdims=False: function(x, axis, keepdims=keepdims))


def _reduction_in_own_dtype(function):
    return staticmethod(
        lambda x, axis=None, keepdims=False: function(x, axis, keepdims=keepdims, dtype=x.dtype)
    )


_PLAIN = (
    *names.UNARY,
    *names.UNARY_PREDICATE,
    *names.BINARY,
    *names.COMPARISON,
    *names.LOGICAL,
    *names.BITWISE,
)
for _name in _PLAIN:
    if _name not in vars(Math):
        setattr(Math, _name, staticmethod(getattr(jnp, _name)))
for _name in (*names.REDUCTION, *names.REDUCTION_LOGICAL):
    setattr(
        Math,
        _name,
        (_reduction_in_own_dtype if _name in ("sum", "prod") else _reduction)(getattr(jnp, _name)),
    )

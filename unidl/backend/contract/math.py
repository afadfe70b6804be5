"""Mathematics: what is elementwise, reductions, products, linear algebra."""

from __future__ import annotations

from abc import ABC, abstractmethod, update_abstractmethods
from typing import TYPE_CHECKING, Any

from unidl.backend.contract import names


class Math(ABC):
    """The functions of `names` are required under those names; binary ones take a Python number on
    either side.

    Gradient conventions: ties in `maximum`, `minimum`, `max` and `min` are split evenly; abs'(0) =
    0; `floor`, `ceil`, `round`, `trunc` and `sign` have gradient 0; `round` halves to even; `mod`
    and `floor_divide` have the sign of the divisor.
    """

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """The functions of `names`, which are put into the class below."""

    @abstractmethod
    def logical_not(self, x):
        """Of a bool tensor."""

    @abstractmethod
    def left_shift(self, x, bits):
        """Integer tensor times 2**bits, `bits` a Python int."""

    @abstractmethod
    def right_shift(self, x, bits):
        """Integer tensor, arithmetic shift, `bits` a Python int."""

    # -- elementwise, derived --------------------------------------------------------------------

    def rsqrt(self, x):
        return self.divide(1.0, self.sqrt(x))

    def reciprocal(self, x):
        return self.divide(1.0, x)

    def divide_no_nan(self, x1, x2):
        """x1 / x2 for floats, and 0 where x2 is 0, where the gradients are 0 too."""
        zero, dtype = self.equal(x2, 0), self.dtype(x1)
        quotient = self.divide(x1, self.where(zero, self.full((), 1, dtype), x2))
        return self.where(zero, self.full((), 0, dtype), quotient)

    def clip(self, x, low, high):
        """Python numbers for bounds (None: open); the gradient passes at the bounds."""
        if low is not None:
            x = self.where(self.less(x, low), self.full_like(x, low), x)
        if high is not None:
            x = self.where(self.greater(x, high), self.full_like(x, high), x)
        return x

    # -- reductions, derived ---------------------------------------------------------------------

    def var(self, x, axis=None, keepdims=False):
        """Biased variance in two passes, so that a large mean costs no digits."""
        centred = self.subtract(x, self.mean(x, axis, keepdims=True))
        return self.mean(self.square(centred), axis, keepdims)

    def logsumexp(self, x, axis=None, keepdims=False):
        """log(sum(exp(x))), shifted by the maximum; -inf for nothing."""
        if 0 in self.shape(x):
            return self.log(self.sum(self.exp(x), axis, keepdims))
        top = self.stop_gradient(self.max(x, axis, keepdims=True))
        top = self.where(self.isfinite(top), top, self.full_like(top, 0))
        total = self.log(self.sum(self.exp(self.subtract(x, top)), axis, keepdims=True))
        result = self.add(total, top)
        if keepdims:
            return result
        rank = len(self.shape(x))
        axes = tuple(range(rank)) if axis is None else axis
        return self.squeeze(result, axes)

    # -- products --------------------------------------------------------------------------------

    @abstractmethod
    def matmul(self, x1, x2):
        """NumPy's matmul, all ranks >= 1, batch axes broadcast."""

    @abstractmethod
    def einsum(self, subscripts, *operands):
        """Explicit or implicit subscripts, ellipsis allowed."""

    def tensordot(self, x1, x2, axes):
        """`axes` an int or a pair of lists, as in NumPy; open axes only where at most one is
        left."""
        rank1, rank2 = len(self.shape(x1)), len(self.shape(x2))
        if isinstance(axes, int):
            axes = (range(rank1 - axes, rank1), range(axes))
        contract1, contract2 = (
            [a % r for a in ([ax] if isinstance(ax, int) else ax)]
            for ax, r in zip(axes, (rank1, rank2), strict=True)
        )
        letters = [chr(ord("a") + i) for i in range(rank1 + rank2)]
        first, second = letters[:rank1], letters[rank1:]
        for a, b in zip(contract1, contract2, strict=True):
            second[b] = first[a]
        out = [s for i, s in enumerate(first) if i not in contract1] + [
            s for i, s in enumerate(second) if i not in contract2
        ]
        return self.einsum(f"{''.join(first)},{''.join(second)}->{''.join(out)}", x1, x2)

    # -- linear algebra, on the last two axes, batched -------------------------------------------

    @abstractmethod
    def cholesky(self, x):
        """Lower factor of a symmetric positive definite matrix."""

    @abstractmethod
    def qr(self, x):
        """Reduced (q, r)."""

    @abstractmethod
    def svd(self, x):
        """Reduced (u, s, vh)."""

    @abstractmethod
    def eigh(self, x):
        """(eigenvalues ascending, eigenvectors) of a symmetric matrix."""

    @abstractmethod
    def solve(self, a, b):
        """x with a @ x = b; b has a's rank."""

    @abstractmethod
    def solve_triangular(self, a, b, lower=False):
        """Like `solve` for triangular `a`, reading only that triangle."""

    @abstractmethod
    def det(self, x):
        """Determinant."""

    def inv(self, x):
        n = self.shape(x)[-1]
        return self.solve(x, self.add(self.full_like(x, 0), self.eye(n, n, 0, self.dtype(x))))


for _name in (
    *names.UNARY, *names.UNARY_PREDICATE, *names.BINARY, *names.COMPARISON, *names.LOGICAL,
    *names.BITWISE, *names.REDUCTION, *names.REDUCTION_LOGICAL, *names.REDUCTION_INDEX,
    *names.CUMULATIVE,
):  # fmt: skip

    def _required(self, *args, **kwargs):
        raise NotImplementedError

    _required.__name__ = _name
    setattr(Math, _name, abstractmethod(_required))
update_abstractmethods(Math)

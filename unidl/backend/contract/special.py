"""Functions for which frameworks have a kernel or not: integers, neighbours of floats, bits,
Bessel's function."""

from __future__ import annotations

import math
from abc import ABC

from unidl.backend import dtypes

# Significant bits and the exponent of the smallest subnormal number.
_FLOATS = {
    "float16": (11, -24),
    "bfloat16": (8, -133),
    "float32": (24, -149),
    "float64": (53, -1074),
}


class Special(ABC):
    def gcd(self, x1, x2):
        """Greatest common divisor of integers of one dtype, never negative; gcd(0, 0) = 0. By
        Euclid's algorithm."""
        shape = self.add(x1, x2)
        a, b = (
            self.abs(self.add(x1, self.full_like(shape, 0))),
            self.abs(self.add(x2, self.full_like(shape, 0))),
        )
        bits = int(self.dtype(a).removeprefix("u").removeprefix("int"))
        # Fibonacci numbers need the most steps, log(2**bits) / log(golden ratio).
        for _ in range(math.ceil(bits * 1.4405)):
            done = self.equal(b, 0)
            a, b = (
                self.where(done, a, b),
                self.where(done, b, self.mod(a, self.where(done, self.full_like(b, 1), b))),
            )
        return a

    def nextafter(self, x1, x2):
        """The float next to x1 on the way to x2, x1 where they are equal. Without gradient.

        Successor and predecessor by arithmetic alone: Rump, Zimmermann, Boldo & Melquiond,
        "Computing predecessor and successor in rounding to nearest" (BIT 49, 2009), algorithm 2.
        """
        x1, x2 = self.stop_gradient(x1), self.stop_gradient(x2)
        digits, least = _FLOATS[self.dtype(x1)]
        unit, smallest = 2.0**-digits, 2.0**least
        x1 = self.add(x1, self.full_like(x2, 0))
        size, scaled, grow = self.abs(x1), self.multiply(x1, 1 / unit), unit * (1 + 2 * unit)

        def moved(sign):
            large = self.add(x1, self.multiply(size, sign * grow))
            middle = self.multiply(
                self.add(scaled, self.multiply(self.abs(scaled), sign * grow)), unit
            )
            tiny = self.add(x1, self.asarray(sign * smallest, self.dtype(x1)))
            near = self.where(self.less(size, smallest / unit), tiny, middle)
            return self.where(self.less(size, smallest / unit**2 / 2), near, large)

        result = self.where(
            self.less(x1, x2), moved(1.0), self.where(self.greater(x1, x2), moved(-1.0), x2)
        )
        # The neighbours of infinities are the largest numbers.
        edge = self.logical_and(self.isinf(x1), self.not_equal(x1, x2))
        largest = (2 - 2.0 ** (1 - digits)) * 2.0 ** (2 - digits - least)
        result = self.where(
            edge, self.multiply(self.sign(x1), self.asarray(largest, self.dtype(x1))), result
        )
        return self.where(
            self.logical_or(self.isnan(x1), self.isnan(x2)),
            self.full_like(result, math.nan),
            result,
        )

    def i0(self, x):
        """Modified Bessel function of the first kind and order 0, the mean of exp(x cos t) over t
        in (0, pi).

        By the midpoint rule, whose error falls faster than any power of the number of points
        (Trefethen & Weideman, SIAM Review 56, 2014): 128 points leave exp(-46) of the value at the
        largest x that float64 holds the result of.
        """
        size = self.abs(x)
        total, points = None, 128
        for i in range(points // 2):
            # cos(t) - 1 and its mirror image -cos(t) - 1, with exp(|x|) taken out so that nothing
            # overflows.
            drop = 2 * math.sin((i + 0.5) * math.pi / (2 * points)) ** 2
            term = self.add(
                self.exp(self.multiply(size, -drop)), self.exp(self.multiply(size, drop - 2.0))
            )
            total = term if total is None else self.add(total, term)
        return self.multiply(self.exp(size), self.multiply(total, 1 / points))

    def bitcast(self, x, dtype):
        """The bits of `x` read as `dtype`. A narrower dtype makes the last axis longer, a wider one
        shorter.

        On the host, which no traced function can go through. Without gradient.
        """
        return self.asarray(
            self.to_numpy(self.stop_gradient(x)).view(dtypes.standardize_dtype(dtype))
        )

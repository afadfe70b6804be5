"""The oracle: the default backend in float64, computing with the contract's own bodies in place of
its fused kernels.

`noisy_oracle` is the same with the rounding of a narrower dtype simulated: each arithmetic result
is changed by a relative u with a random sign (Monte Carlo arithmetic; Parker, UCLA CSD-970002,
1997). How far its results scatter is how large an error the rounding of intermediate results can
fairly cause, see `scales`.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from unidl.backend import contract, get_backend, registry
from unidl.backend.contract import names

U32 = 2.0**-24
U64 = 2.0**-53
AT_A_TIME = 4096  # signs
_COMPOSED = (
    contract.Arrays, contract.Math, contract.NN, contract.Conv, contract.Recurrent, contract.Random,
    contract.Segments, contract.Special, contract.Factorizations, contract.Fourier,
    contract.Updates,
)  # fmt: skip

# Derivatives that kernels compute from the rounded value, with the cancellation which that brings.
_FROM_VALUE = {
    "tanh": lambda B, y: B.subtract(1.0, B.square(y)),
    "sigmoid": lambda B, y: B.multiply(y, B.subtract(1.0, y)),
    "expm1": lambda B, y: B.add(y, 1.0),
}
_ROUNDED = (
    *(
        name
        for name in names.UNARY
        if name not in ("negative", "abs", "sign", "floor", "ceil", "round", "trunc", *_FROM_VALUE)
    ),
    "add",
    "subtract",
    "multiply",
    "divide",
    "power",
    "arctan2",
    "sum",
    "mean",
    "prod",
    "cumsum",
    "cumprod",
    "matmul",
    "einsum",
    "conv",
    "avg_pool",
    "cholesky",
    "qr",
    "svd",
    "eigh",
    "solve",
    "solve_triangular",
    "det",
)


@cache
def oracle():
    """The backend whose float64 results are the reference."""
    bodies = {
        name: body
        for concern in _COMPOSED
        for name, body in vars(concern).items()
        if not name.startswith("__")
        and callable(body)
        and not getattr(body, "__isabstractmethod__", False)
    }
    return type("Oracle", (type(get_backend(registry.DEFAULT)),), bodies)()


@cache
def noisy_oracle():
    """The oracle with simulated rounding; `seed(n)` chooses the signs."""
    base = type(oracle())
    exact = oracle()

    def noise(self, y):
        if isinstance(y, (tuple, list)) and y and exact.is_tensor(y[0]):
            return type(y)(noise(self, part) for part in y)
        if not exact.is_tensor(y) or exact.dtype(y) != "float64":
            return y
        back, forth = self.factors(exact.shape(y)), self.factors(exact.shape(y))
        # With one sign for both, the gradient would be the exact one of a function nearby, in which
        # everything still cancels as it should.
        return exact.custom_gradient(lambda y: ([y * forth], lambda g: [g * back]), [y])[0]

    def rounded(name):
        # The arguments too: so each gradient that comes back from here is rounded by itself.
        return lambda self, *args, **kwargs: noise(
            self, getattr(exact, name)(*(noise(self, a) for a in args), **kwargs)
        )

    def from_value(name, derivative):
        def function(self, x):
            still = exact.stop_gradient(x)
            y = noise(self, getattr(exact, name)(still))
            # The second term is zero; its gradient is the derivative, made of the rounded value.
            return exact.add(y, exact.multiply(exact.subtract(x, still), derivative(exact, y)))

        return function

    def seed(self, n):
        self.signs, self.drawn, self.used = np.random.default_rng(n), np.empty(0), 0

    def factors(self, shape):
        """1 + u or 1 - u for each element, drawn many at a time: most tensors are small."""
        size = math.prod(shape)
        if self.used + size > self.drawn.size:
            drawn = self.signs.integers(0, 2, max(size, AT_A_TIME), dtype="int8")
            self.drawn, self.used = 1 + U32 * (2.0 * drawn - 1), 0
        self.used += size
        return self.drawn[self.used - size : self.used].reshape(shape)

    functions = {name: rounded(name) for name in _ROUNDED} | {
        name: from_value(name, f) for name, f in _FROM_VALUE.items()
    }
    backend = type("NoisyOracle", (base,), functions | {"seed": seed, "factors": factors})()
    backend.seed(0)
    return backend

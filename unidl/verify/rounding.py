"""What rounding in float32 may do to a model: the noisy oracle, whose sums are also taken one term
after the other.

That holds for the gradients too: a bias that was added to every pixel gets the sum over all
pixels, and after a global average these terms are equal, so that each addition rounds the same
way. Kernels sum in any order they like. The worst they do in practice is one accumulator for all
terms: over n of them it loses up to n/2 roundings, where a tree of pairs loses log2 n. (Measured
on batch normalization of 8,192 values a channel: the variance off by 470 roundings in two
frameworks, by 3 and 7 in two others.) `unidl.conformance` asks for better, and the first budget of
a layer does too; but where this simulation loses as much, rounding explains an error.

A ReLU that stands at zero goes one way or the other by the error of what comes before it, for which
a layer has a budget of 16 roundings. So where it decides, products are also simulated "loud", their
arguments moved by 16 roundings, their results by one of the largest.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from unidl.backend.contract import names
from unidl.conformance.in_turn import sum_in_turn
from unidl.conformance.oracle import U32, U64, noisy_oracle, oracle

LOUD = 16  # roundings, the budget of a layer


@cache
def rounding_oracle():
    """The backend whose float64 results scatter like float32's, also in its sums; see `seed`."""
    exact, noisy = oracle(), type(noisy_oracle())

    def total(self, x, axis, keepdims, mean):
        y = (noisy.mean if mean else noisy.sum)(self, x, axis=axis, keepdims=keepdims)
        if exact.dtype(x) != "float64":
            return y
        return exact.add(
            y, exact.asarray(_loss_of_a_sum(exact.to_numpy(x), axis, keepdims, mean, self.order))
        )

    def sum(self, x, axis=None, keepdims=False):
        return total(self, x, axis, keepdims, mean=False)

    def mean(self, x, axis=None, keepdims=False):
        return total(self, x, axis, keepdims, mean=True)

    def spread(self, x, shape):
        """`x` in the larger `shape`; its gradient is a sum over what it was spread along."""
        if not exact.is_tensor(x) or exact.dtype(x) != "float64" or exact.shape(x) == shape:
            return x
        own = exact.shape(x)
        before = len(shape) - len(own)
        axes = tuple(range(before)) + tuple(
            before + n for n, size in enumerate(own) if size != shape[before + n]
        )

        def gradient(g):
            lost = _loss_of_a_sum(g, axes, True, False, self.order)
            return [(g.sum(axes, keepdims=True) + lost).reshape(own)]

        return exact.custom_gradient(lambda x: ([np.broadcast_to(x, shape)], gradient), [x])[0]

    def broadcast(name):
        def function(self, x1, x2):
            shapes = [exact.shape(x) if exact.is_tensor(x) else () for x in (x1, x2)]
            shape = np.broadcast_shapes(*shapes)
            return plain(self, name)(spread(self, x1, shape), spread(self, x2, shape))

        return function

    def plain(self, name):
        return getattr(super(backend_class, self), name)

    def shaken(self, x):
        """`x`, and its gradient, changed by as many roundings more as a layer may be off by."""
        if not self.loud or not exact.is_tensor(x) or exact.dtype(x) != "float64":
            return x
        forth, back = (
            1 + (LOUD - 1) * U32 * self.signs.choice((-1.0, 1.0), exact.shape(x)) for _ in range(2)
        )
        return exact.custom_gradient(lambda x: ([x * forth], lambda g: [g * back]), [x])[0]

    def beside_the_largest(self, y):
        """`y` with an error of one rounding of its largest element everywhere.

        That is what fast convolutions (Winograd's) keep. Equal pixels err alike, so in every other
        draw all elements do.
        """
        if not self.loud or exact.dtype(y) != "float64":
            return y
        top = np.max(np.abs(exact.to_numpy(exact.stop_gradient(y))), initial=0.0)
        shape = () if self.order is slice else exact.shape(y)
        return exact.add(y, exact.asarray(U32 * top * self.signs.choice((-1.0, 1.0), shape)))

    def product(name):
        def function(self, x1, x2, *args, **kwargs):
            y = plain(self, name)(shaken(self, x1), shaken(self, x2), *args, **kwargs)
            return beside_the_largest(self, y)

        return function

    def seed(self, n, loud=False):
        noisy.seed(self, n)
        self.loud = loud
        # First as the terms lie in memory: the order of most kernels, in which equal terms follow
        # one another.
        self.order = slice if n % 2 == 0 else self.signs.permutation

    functions = {name: broadcast(name) for name in names.BINARY}
    functions |= {name: product(name) for name in ("matmul", "conv")}
    functions |= {"sum": sum, "mean": mean, "seed": seed}
    backend_class = type("RoundingOracle", (noisy,), functions)
    backend = backend_class()
    backend.seed(0)
    return backend


def _loss_of_a_sum(a, axis, keepdims, mean, order):
    """What a sum (or mean) loses that is taken term by term in `order(count)`, in units of float32:
    in float32 or in float64, whichever loses more, since equal terms round down in the one and to
    and fro in the other."""
    axes = tuple(range(a.ndim)) if axis is None else tuple(np.atleast_1d(axis) % a.ndim)
    count = math.prod(a.shape[n] for n in axes)
    with np.errstate(all="ignore"):
        narrow = sum_in_turn(a, axes, order) - a.sum(axes)
        wide = sum_in_turn(a, axes, order, "float64") - a.sum(axes, dtype="longdouble")
        wide = wide.astype("float64") * (U32 / U64)
        lost = np.where(np.abs(wide) > np.abs(narrow), wide, narrow) / (count if mean else 1)
    lost = np.nan_to_num(lost, nan=0.0, posinf=0.0, neginf=0.0)
    return np.expand_dims(lost, axes) if keepdims else lost

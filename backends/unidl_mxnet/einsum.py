"""`einsum` as a chain of matrix products: MXNet's own kernel is a plain loop, which is slow and has
no BLAS."""

from __future__ import annotations

import math
from string import ascii_letters

from unidl.backend import contract


def parse(subscripts, ranks):
    """([labels of each operand], labels of the result), the ellipsis written out in unused
    letters."""
    left, arrow, right = subscripts.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(ranks):
        raise ValueError(
            f"einsum: {subscripts!r} names {len(terms)} operands, but {len(ranks)} were given."
        )
    spare = [c for c in ascii_letters if c not in subscripts]
    open_axes = [
        rank - len(t.replace("...", "")) if "..." in t else 0
        for t, rank in zip(terms, ranks, strict=True)
    ]
    dots = spare[: max(open_axes, default=0)]
    full = []
    for term, count, rank in zip(terms, open_axes, ranks, strict=True):
        labels = term.replace("...", "".join(dots[len(dots) - count :]))
        if count < 0 or len(labels) != rank:
            raise ValueError(
                f"einsum: {term!r} in {subscripts!r} does not fit an operand of rank {rank}."
            )
        full.append(labels)
    if arrow:
        return full, right.replace("...", "".join(dots))
    once = sorted(c for c in set("".join(full)) - set(dots) if "".join(full).count(c) == 1)
    return full, "".join(dots) + "".join(once)


class Einsum(contract.Math):
    def einsum(self, subscripts, *operands):
        labels, result = parse(subscripts, [len(x.shape) for x in operands])
        terms = [self._diagonals(x, t) for x, t in zip(operands, labels, strict=True)]
        self._check_sizes(subscripts, terms)
        while len(terms) > 1:
            needed = set(result).union(*(t for _, t in terms[2:]))
            terms[:2] = [self._product(*terms[0], *terms[1], needed)]
        x, labels = self._summed(*terms[0], set(result))
        return self.transpose(x, tuple(labels.index(c) for c in result))

    @staticmethod
    def _check_sizes(subscripts, terms):
        sizes = {}
        for x, labels in terms:
            for c, size in zip(labels, x.shape, strict=True):
                if size != 1 and sizes.setdefault(c, size) != size:
                    raise ValueError(
                        f"einsum: axis {c!r} of {subscripts!r} has sizes {sizes[c]} and {size}."
                    )

    def _diagonals(self, x, labels):
        """Each repeated label of one operand reduced to the diagonal."""
        for c in dict.fromkeys(labels):
            while labels.count(c) > 1:
                i = labels.index(c)
                j = labels.index(c, i + 1)
                n = x.shape[i]
                rest = [a for a in range(len(labels)) if a not in (i, j)]
                x = self.reshape(
                    self.transpose(x, (i, j, *rest)), (n * n, *(x.shape[a] for a in rest))
                )
                x = self.getitem(x, (slice(None, None, n + 1),))
                labels = c + "".join(labels[a] for a in rest)
        return x, labels

    def _summed(self, x, labels, needed):
        """Axes that nobody needs are summed away."""
        gone = tuple(a for a, c in enumerate(labels) if c not in needed)
        return (
            (self.sum(x, gone), "".join(c for c in labels if c in needed)) if gone else (x, labels)
        )

    def _product(self, x1, labels1, x2, labels2, needed):
        """One contraction of two operands as a batched matrix product (batch, left, inner) @
        (batch, inner, right)."""
        x1, labels1 = self._summed(x1, labels1, needed | set(labels2))
        x2, labels2 = self._summed(x2, labels2, needed | set(labels1))
        shared = [c for c in labels1 if c in labels2]
        batch = [c for c in shared if c in needed]
        inner = [c for c in shared if c not in needed]
        left = [c for c in labels1 if c not in labels2]
        right = [c for c in labels2 if c not in labels1]
        size = {
            c: max(x.shape[t.index(c)] for x, t in ((x1, labels1), (x2, labels2)) if c in t)
            for c in labels1 + labels2
        }
        x1, x2 = (
            self._expanded(x1, labels1, shared, size),
            self._expanded(x2, labels2, shared, size),
        )
        lengths = [math.prod(size[c] for c in group) for group in (batch, left, inner, right)]
        a = self.transpose(x1, tuple(labels1.index(c) for c in (*batch, *left, *inner)))
        b = self.transpose(x2, tuple(labels2.index(c) for c in (*batch, *inner, *right)))
        if batch:
            a = self.reshape(a, (lengths[0], lengths[1], lengths[2]))
            b = self.reshape(b, (lengths[0], lengths[2], lengths[3]))
        else:
            a, b = (
                self.reshape(a, (lengths[1], lengths[2])),
                self.reshape(b, (lengths[2], lengths[3])),
            )
        out = [*batch, *left, *right]
        return self.reshape(self.matmul(a, b), tuple(size[c] for c in out)), "".join(out)

    def _expanded(self, x, labels, shared, size):
        """An axis of size 1 that meets a longer one is broadcast."""
        return self.broadcast_to(
            x, tuple(size[c] if c in shared else n for c, n in zip(labels, x.shape, strict=True))
        )

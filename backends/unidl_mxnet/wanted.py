"""Operators whose gradients are right only where those of certain inputs are wanted."""

from __future__ import annotations


def wanted_too(backend, parts, others):
    """The vectors `parts` in one, whose gradient is wanted wherever that of one of `others` is.

    One number of each of `others` goes into the vector and out again: it adds a zero to their
    gradients.
    """
    corners = [backend.getitem(t, (slice(0, 1),) * len(t.shape)) for t in others]
    one = [backend.reshape(backend.cast(t, backend.dtype(parts[0])), (1,)) for t in corners]
    return backend.getitem(backend.concatenate([*parts, *one], 0), (slice(0, -len(one)),))

"""The order of kernels in memory.

A kernel has Keras' axes, and torch's functions want others: (h, w, i, o) is torch's (o, i, h, w),
an LSTM's (d, 4u) is (4u, d). Where the memory lies in torch's order the adapter's transposition is
a view and torch has nothing to copy; otherwise it would at every call.
"""

from __future__ import annotations

_CONVOLUTIONS = frozenset({"conv", "conv_transpose"})
_RECURRENT = frozenset({"lstm", "gru", "simple_rnn"})


def memory_order(shape, function):
    """Axes of a kernel of the contract's `function`, outermost in memory first; None: as they
    are."""
    if function in _RECURRENT:
        return (1, 0)
    *spatial, inner, outer = range(len(shape))
    if function == "depthwise_conv":
        return (inner, outer, *spatial)
    if function not in _CONVOLUTIONS:
        return None
    # torch's channels_last; with one channel that would be the same memory, but see `conv._weight`.
    return (
        (outer, inner, *spatial) if 1 in (shape[inner], shape[outer]) else (outer, *spatial, inner)
    )


def laid_out(x, order):
    """`x` with the same axes, in memory in the given order."""
    return x.permute(order).contiguous().permute([order.index(axis) for axis in range(x.ndim)])

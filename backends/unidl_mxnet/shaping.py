"""Conversion, creation and shape."""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from unidl import tree
from unidl.backend import contract
from unidl.backend.host_data import check_parts, from_host
from unidl_mxnet import layout
from unidl_mxnet.load import mx
from unidl_mxnet.op import op
from unidl_mxnet.registry import eager, ndarray, numpy_shape
from unidl_mxnet.traced import Traced
from unidl_mxnet.transfer import DTYPES, context, from_numpy, no_dtype


@cache
def _dtype_name(dtype):
    """The name, which NumPy puts together anew each time."""
    return np.dtype(dtype).name


def _within(axis, rank):
    """`axis` counted from the start; one that is not there is an error, which % would turn into
    another axis."""
    if not -rank <= axis < rank:
        raise ValueError(f"axis {axis} is out of range for {rank} axes.")
    return axis % rank


class Shaping(contract.Arrays):
    def asarray(self, x, dtype=None):
        if isinstance(x, (ndarray, Traced)):
            return x if dtype is None else self.cast(x, dtype)
        if isinstance(x, mx.nd.NDArray):
            return self.asarray(x.as_np_ndarray(), dtype)
        if isinstance(x, (list, tuple)) and tree.has_instance((ndarray, Traced), x):
            parts = [self.asarray(item, dtype) for item in x]
            check_parts(x, [part.shape for part in parts])
            return self.stack(parts, 0)
        if dtype not in (None, *DTYPES):
            raise no_dtype(dtype)
        return from_numpy(from_host(x, dtype, DTYPES)[0])

    def to_numpy(self, x):
        if isinstance(x, Traced):
            x._no_value()
        with numpy_shape():
            return x.asnumpy()

    def is_tensor(self, x):
        return isinstance(x, (ndarray, Traced))

    def shape(self, x):
        return x.shape

    def dtype(self, x):
        return x.dtype if isinstance(x, Traced) else _dtype_name(x.dtype)

    def cast(self, x, dtype):
        if self.dtype(x) == dtype:
            return x
        if dtype == "bool":
            return op("_npi_not_equal_scalar", x, scalar=0.0)
        if dtype not in DTYPES:  # MXNet itself would make a tensor that nothing can read
            raise no_dtype(dtype)
        return op("_npi_cast", x, dtype=dtype)

    def stop_gradient(self, x):
        if not isinstance(x, Traced):
            # BlockGrad sends zeros without a shape back, and `_np_max` ends the process with them.
            return x.detach()
        return x if x.node and x.node[0] == "BlockGrad" else op("BlockGrad", x)

    # -- creation --------------------------------------------------------------------------------

    def full(self, shape, value, dtype):
        if dtype == "int64" and abs(value) > 2**53:
            return from_numpy(np.full(shape, value, dtype))
        return eager(
            "_npi_full",
            (),
            {"shape": tuple(shape), "value": float(value), "dtype": dtype, "ctx": context()},
        )

    def full_like(self, x, value, dtype=None):
        return self.full(x.shape, value, dtype or self.dtype(x))

    def arange(self, start, stop, step, dtype):
        return from_numpy(np.arange(start, stop, step).astype(dtype))

    # -- shape -----------------------------------------------------------------------------------

    def reshape(self, x, shape):
        known = [d for d in shape if d != -1]
        if len(known) < len(shape) and 0 not in known:
            shape = [math.prod(x.shape) // math.prod(known) if d == -1 else d for d in shape]
        if math.prod(shape) != math.prod(x.shape):
            raise ValueError(f"reshape: a tensor of shape {x.shape} cannot become {tuple(shape)}.")
        return x if tuple(shape) == x.shape else op("_np_reshape", x, newshape=tuple(shape))

    def transpose(self, x, axes):
        axes = tuple(axes)
        if axes == tuple(range(len(x.shape))):
            return x
        if isinstance(x, Traced) and 0 not in x.shape and x.dtype != "bool":
            return layout.transpose(op, x, axes)
        return self._through_uint8(
            lambda y: op(layout.kernel(y.shape, self.dtype(y)), y, axes=axes), x
        )

    def broadcast_to(self, x, shape):
        offset = len(shape) - len(x.shape)
        shape = tuple(x.shape[i - offset] if d == -1 else d for i, d in enumerate(shape))
        if shape == x.shape:
            return x
        if len(shape) <= 5:
            return op("_npi_broadcast_to", x, shape=shape)
        # The kernel knows five groups of neighbouring axes, so here it stretches one axis at a
        # time.
        sizes = [1] * offset + list(x.shape)
        x = self.reshape(x, tuple(sizes))
        for axis in [i for i, d in enumerate(shape) if d != sizes[i]]:
            sizes[axis] = shape[axis]
            x = op("_npi_broadcast_to", x, shape=tuple(sizes))
        return x

    def expand_dims(self, x, axis):
        axes = (axis,) if isinstance(axis, int) else axis
        rank = len(x.shape) + len(axes)
        sizes = iter(x.shape)
        new = {_within(a, rank) for a in axes}
        return self.reshape(x, tuple(1 if i in new else next(sizes) for i in range(rank)))

    def squeeze(self, x, axis):
        axes = (axis,) if isinstance(axis, int) else axis
        rank = len(x.shape)
        gone = {a % rank for a in axes}
        for a in gone:
            if x.shape[a] != 1:
                raise ValueError(
                    f"squeeze: axis {a} of a tensor of shape {x.shape} has not size 1."
                )
        return self.reshape(x, tuple(d for i, d in enumerate(x.shape) if i not in gone))

    def concatenate(self, xs, axis):
        axis = _within(axis, len(xs[0].shape))
        return op("_npi_concatenate", *xs, axis=axis, num_args=len(xs))

    def stack(self, xs, axis):
        return op("_npi_stack", *xs, axis=_within(axis, len(xs[0].shape) + 1), num_args=len(xs))

    def flip(self, x, axis):
        axes = (axis,) if isinstance(axis, int) else axis
        axes = tuple(a % len(x.shape) for a in axes)
        return self._through_uint8(lambda y: op("_npi_flip", y, axis=axes), x) if axes else x

    def _through_uint8(self, function, x):
        """For data movement whose kernel lacks bool."""
        if self.dtype(x) != "bool":
            return function(x)
        return self.cast(function(self.cast(x, "uint8")), "bool")

    def tile(self, x, repeats):
        if (
            sum(n != 1 for n in repeats) > 2
        ):  # its gradient sums over few axes only, and is prepared in the forward pass
            for axis, n in enumerate(repeats):
                x = self.tile(x, (*(1,) * axis, n, *(1,) * (len(repeats) - axis - 1)))
            return x
        return op("_npi_tile", x, reps=tuple(repeats)) if x.shape else x

    def repeat(self, x, repeats, axis):
        axis %= len(x.shape)
        shape = (*x.shape[:axis], x.shape[axis] * repeats, *x.shape[axis + 1 :])
        if 0 in shape:  # of which the kernel forgets the other axes
            return self.full(shape, 0, self.dtype(x))
        return op("_np_repeat", x, repeats=repeats, axis=axis)

    def pad(self, x, pad_width, mode="constant", constant_values=0):
        """Border blocks are made and joined axis by axis: MXNet's own `pad` has no symmetric mode
        and refuses most ranks."""
        for axis, (before, after) in enumerate(pad_width):
            if before or after:
                x = self._pad_axis(x, axis, before, after, mode, constant_values)
        return x

    def _pad_axis(self, x, axis, before, after, mode, value):
        size = x.shape[axis]
        if mode != "constant":
            positions = np.pad(np.arange(size, dtype="int64"), (before, after), mode=mode)
            return self.take(x, from_numpy(positions), axis)

        def block(width):
            return self.full((*x.shape[:axis], width, *x.shape[axis + 1 :]), value, self.dtype(x))

        parts = [block(before)] if before else []
        parts.append(x)
        if after:
            parts.append(block(after))
        return self.concatenate(parts, axis)

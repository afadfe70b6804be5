"""Indexing, gathering, scattering and sorting."""

from __future__ import annotations

import numpy as np

from unidl.backend import contract
from unidl_mxnet.op import op
from unidl_mxnet.transfer import from_numpy


class Indexing(contract.Arrays):
    def getitem(self, x, key):
        key = key if isinstance(key, tuple) else (key,)
        rank = len(x.shape)
        used = sum(k is not None and k is not Ellipsis for k in key)
        if used > rank:
            raise IndexError(f"{used} indices for a tensor of shape {x.shape}.")
        if not any(k is Ellipsis for k in key):
            key = (*key, Ellipsis)
        at = next(i for i, k in enumerate(key) if k is Ellipsis)
        key = (*key[:at], *(slice(None),) * (rank - used), *key[at + 1 :])
        return self._slices(x, key)

    def _slices(self, x, key):
        """Cut first, with every integer as a slice of length 1, then drop and add axes by one
        reshape."""
        begin, end, step, shape, axis = [], [], [], [], 0
        for k in key:
            if k is None:
                shape.append(1)
                continue
            size = x.shape[axis]
            if isinstance(k, slice):
                positions = range(*k.indices(size))
                shape.append(len(positions))
            else:
                k = k.__index__()  # of a float, which int() would cut
                if not -size <= k < size:
                    raise IndexError(
                        f"index {k} is out of range for axis {axis} of a tensor of shape {x.shape}."
                    )
                positions = range(k % size, k % size + 1)
            begin.append(positions.start)
            # A stop of -1 below a negative step means "past the first element", which MXNet writes
            # as None.
            end.append(None if positions.step < 0 and positions.stop < 0 else positions.stop)
            step.append(positions.step)
            axis += 1
        if 0 in shape:
            return self._empty(x, tuple(shape))
        whole = all(
            b == 0 and e == d and s == 1
            for b, e, s, d in zip(begin, end, step, x.shape, strict=True)
        )
        if not whole:
            x = self._cut(x, begin, end, step)
        return x if tuple(shape) == x.shape else self.reshape(x, tuple(shape))

    def _cut(self, x, begin, end, step):
        """The slice; of many axes as one of fewer, since the kernel knows five: neighbours that
        stay whole become one axis."""
        if len(x.shape) > 5:
            sizes, cuts = [], []
            for b, e, s, size in zip(begin, end, step, x.shape, strict=True):
                whole = b == 0 and e == size and s == 1
                if whole and cuts and cuts[-1] is None:
                    sizes[-1] *= size
                else:
                    sizes.append(size)
                    cuts.append(None if whole else (b, e, s))
            begin, end, step = zip(
                *(cut or (0, size, 1) for cut, size in zip(cuts, sizes, strict=True)), strict=True
            )
            x = self.reshape(x, tuple(sizes))
        return op("_npi_slice", x, begin=tuple(begin), end=tuple(end), step=tuple(step))

    def _empty(self, x, shape):
        """No element of `x`, of `shape`."""
        return self.full(shape, 0, self.dtype(x))

    def take(self, x, indices, axis):
        axis = axis % len(x.shape)
        return op(
            "_npi_take", x, self._count_from_start(indices, x.shape[axis]), axis=axis, mode="clip"
        )

    def _count_from_start(self, indices, size):
        """Negative indices replaced: MXNet's modes either clip them to 0 or hide those that are out
        of range."""
        return self.where(self.less(indices, 0), self.add(indices, size), indices)

    def take_along_axis(self, x, indices, axis):
        rank = len(x.shape)
        axis = axis % rank
        shape = tuple(
            indices.shape[a] if a == axis or x.shape[a] == 1 else x.shape[a] for a in range(rank)
        )
        if 0 in shape:
            return self._empty(x, shape)
        indices = self.cast(self.broadcast_to(indices, shape), "int64")
        x = self.broadcast_to(x, tuple(x.shape[a] if a == axis else shape[a] for a in range(rank)))
        grid = [self._along(a, rank, shape) if a != axis else indices for a in range(rank)]
        return op("_npi_gather_nd", x, self.stack(grid, 0))

    def _along(self, axis, rank, shape):
        """int64 array of `shape` that counts along `axis`; a constant, also in a trace."""
        counts = np.arange(shape[axis], dtype="int64").reshape(
            tuple(-1 if a == axis else 1 for a in range(rank))
        )
        return from_numpy(np.broadcast_to(counts, shape))

    def scatter_add(self, x, indices, updates):
        return self.add(x, self._scattered(x, indices, updates))

    def scatter_update(self, x, indices, updates):
        hit = self._scattered(x, indices, self.full(updates.shape, 1, "float32"))
        return self.where(self.greater(hit, 0), self._scattered(x, indices, updates), x)

    def _scattered(self, x, indices, updates):
        """Zeros like `x` plus `updates`: the gradient kernel of `gather_nd` is the one that adds
        repeated indices up."""
        if 0 in updates.shape:
            return self.full(x.shape, 0, self.dtype(updates))
        sizes = from_numpy(np.array(x.shape[: indices.shape[1]], dtype="int64"))
        indices = self.cast(indices, "int64")
        indices = self.where(self.less(indices, 0), self.add(indices, sizes), indices)
        # The kernel writes wherever it is told to, also outside of the array.
        inside = self.logical_and(self.greater_equal(indices, 0), self.less(indices, sizes))
        indices = self.where(inside, indices, self.full((), 0, "int64"))
        rows = self.reshape(self.all(inside, -1), (-1, *(1,) * (len(updates.shape) - 1)))
        updates = self.where(rows, updates, self.full((), 0, self.dtype(updates)))
        return op("_backward_gather_nd", updates, self.transpose(indices, (1, 0)), shape=x.shape)

    def where(self, condition, x1, x2):
        shapes = [getattr(x, "shape", ()) for x in (condition, x1, x2)]
        if any(
            0 in shape for shape in shapes
        ):  # broadcasting to an empty shape divides by zero inside MXNet
            return self.full(
                np.broadcast_shapes(*shapes), 0, self.dtype(x1 if self.is_tensor(x1) else x2)
            )
        if shapes[0] == shapes[1] == shapes[2] and self.dtype(x1) == self.dtype(x2) == "float32":
            # The older kernel wants a float condition; with its cast it takes a quarter of the
            # time.
            return op("where", self.cast(condition, "float32"), x1, x2)
        if max(map(len, shapes)) > 5:  # as many axes as the kernel knows
            shape = np.broadcast_shapes(*shapes)
            flat = [self.reshape(self.broadcast_to(x, shape), (-1,)) for x in (condition, x1, x2)]
            return self.reshape(op("_npi_where", *flat), shape)
        return op("_npi_where", condition, x1, x2)

    # -- order -----------------------------------------------------------------------------------

    def sort(self, x, axis):
        return self.take_along_axis(x, self.argsort(x, axis), axis)

    def argsort(self, x, axis):
        """MXNet's own is not stable and scatters NaN: its order is repaired by a second sort, of
        exact integer keys.

        The key of an element is (rank of its value, is it NaN, its index), packed into one int64.
        """
        axis = axis % len(x.shape)
        n = x.shape[axis]
        if 0 in x.shape:
            return self.full(x.shape, 0, "int32")
        x = self.stop_gradient(x)
        if self.dtype(x) in ("bool", "int8", "uint8"):
            x = self.cast(x, "int32")
        elif self.dtype(x) == "float16":
            x = self.cast(x, "float32")
        nan = self.isnan(x)
        x = (
            self.where(nan, self.full_like(x, np.inf), x)
            if self.dtype(x).startswith("float")
            else x
        )
        rough = op("_npi_argsort", x, axis=axis, is_ascend=True, dtype="int64")
        ordered = self.take_along_axis(x, rough, axis)
        before = (slice(None),) * axis
        steps = self.not_equal(
            self.getitem(ordered, (*before, slice(1, None))),
            self.getitem(ordered, (*before, slice(0, n - 1))),
        )
        first = self.full((*x.shape[:axis], 1, *x.shape[axis + 1 :]), 0, "int64")
        rank = self.cumsum(self.concatenate([first, self.cast(steps, "int64")], axis), axis)
        late = self.cast(self.take_along_axis(nan, rough, axis), "int64")
        key = self.add(self.multiply(self.add(self.multiply(rank, 2), late), n), rough)
        return self.cast(self.mod(op("_npi_sort", key, axis=axis, is_ascend=True), n), "int32")

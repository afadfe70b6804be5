"""Sharding: tensors of which each device holds a part.

How a tensor is split is told by a `unidl.distribution.splits.Split`: the shape of the whole, the
mesh, and which axis of the tensor goes over which axis of the mesh. Frameworks differ in who sees
the parts:

- A process has one device (`spans_devices` is False): it holds its own part as an ordinary tensor,
  and `whole` and `own_part` go from part to whole and back. Parts are what stores, slots and
  optimizers have; layers and losses see the whole.
- A tensor lies on several devices at once (`spans_devices` is True): programs are written for whole
  tensors, and the framework divides them. It needs `mesh_devices`, `on_mesh` and `spread`.
"""

from __future__ import annotations

from abc import ABC

from unidl.backend.errors import UnsupportedError


class Sharding(ABC):
    # Whether weights may be split over devices, and whether one tensor may lie on several.
    splits_weights: bool = False
    spans_devices: bool = False

    def mesh_devices(self):
        """Names of the devices over which a mesh may lie, in all processes that have joined, such
        as "cpu:0"; the kind that is used by default comes last."""
        kind = self.devices()[-1].partition(":")[0]
        return [f"{kind}:{number}" for number in range(self.num_processes)]

    def on_mesh(self, mesh, batch_axis):
        """A context in which compiled functions are programs for all devices of the `DeviceMesh`.

        The rows of the tensors that they are given are split over its axis `batch_axis`; all
        processes give whole tensors, and each can read what it gets. For backends that span
        devices.
        """
        raise not_split(self)

    def spread(self, store, split):
        """The storage `store` of a Variable, laid out over the devices of the mesh as `split` says.

        What `write` makes of it later stays laid out so. For backends that span devices.
        """
        raise not_split(self)

    def own_part(self, x, split):
        """The part of the tensor `x`, which is the whole, that belongs to this process: a tensor of
        `split.part_shape` in memory of its own."""
        raise not_split(self)

    def whole(self, part, split):
        """The tensor of `split.shape` of which each process holds its `part`. All processes call
        it; no gradient flows through it."""
        raise not_split(self)


def not_split(backend):
    """The error of a backend without any of this."""
    return UnsupportedError(
        f"{backend.name}: weights cannot be split over devices on this backend. Use DataParallel, "
        "where each process has all weights, or a backend that offers ModelParallel "
        "(docs/distribution.md)."
    )

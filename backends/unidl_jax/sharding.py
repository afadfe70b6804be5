"""Tensors that lie on several devices: named shardings, over the devices of one or more processes.

A program under a mesh is one program for all of its devices, in all processes: it is given global
arrays, and XLA divides the work. What a Variable stores is global too. Outside of such programs
each process is on its own: `read` gives it an array of its own devices, without a copy, so that it
may compute, save or print what the others do not.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from unidl.backend import contract, registry
from unidl.backend.context import holding
from unidl.backend.errors import UnsupportedError
from unidl.backend.frame import current
from unidl.backend.variable import put_store, stores_of


@dataclass(frozen=True)
class Placement:
    """Where programs compute: on all devices of a mesh, over an axis of which batches are split."""

    mesh: Mesh
    batch_axis: str

    @property
    def alike(self):
        """The sharding of what each device has."""
        return NamedSharding(self.mesh, PartitionSpec())

    def of_store(self, store):
        """The sharding of a Variable that stores `store`."""
        return store.sharding if self._holds(store) else self.alike

    def stores(self, variables):
        """What the Variables hold, on the mesh: each device is given what was not laid out there,
        once."""
        found = stores_of(variables)
        for i, store in enumerate(found):
            if not self._holds(store):
                found[i] = put(local(store), self.alike)
                if current().stand_ins is None:
                    put_store(variables[i], found[i])
        return found

    def _holds(self, x):
        return isinstance(x.sharding, NamedSharding) and x.sharding.mesh == self.mesh

    def rows(self, x):
        """A tensor of a batch, its rows split over the devices. If they do not divide, as those of
        a last batch may not, each device computes all of them."""
        pieces = self.mesh.shape[self.batch_axis]
        divides = x.ndim > 0 and x.shape[0] % pieces == 0
        return put(x, NamedSharding(self.mesh, PartitionSpec(self.batch_axis * divides or None)))

    @property
    def of_results(self):
        """The sharding of what a program gives: for each process to read, or as it comes."""
        return None if self.alike.is_fully_addressable else self.alike


_placement: ContextVar[Placement | None] = ContextVar("unidl_jax_placement", default=None)
placement = _placement.get


class Sharding(contract.Sharding):
    splits_weights = True
    spans_devices = True

    def mesh_devices(self):
        return [f"{kind}:{i}" for kind in _kinds() for i, _ in enumerate(jax.devices(kind))]

    def on_mesh(self, mesh, batch_axis):
        _require_no_device()
        return holding(_placement, Placement(_jax_mesh(mesh), batch_axis))

    def spread(self, store, split):
        axes = list(split.axes)
        while axes and axes[-1] is None:  # so that what is alike compares as equal
            axes.pop()
        sharding = NamedSharding(_jax_mesh(split.mesh), PartitionSpec(*axes))
        if store.sharding == sharding:
            return store
        if not sharding.is_fully_addressable:
            _own_sharding(sharding)  # an error now, rather than when it is read
        return put(self.read(store), sharding)

    def read(self, store):
        return store if self.num_processes == 1 else local(store)

    def write(self, store, value):
        if isinstance(value, jax.core.Tracer) or isinstance(store, jax.core.Tracer):
            return jax.lax.stop_gradient(value)
        sharding = store.sharding
        if not isinstance(sharding, NamedSharding) or value.sharding == sharding:
            return value
        return put(value, sharding)


def _kinds():
    """The kinds of devices that there are, that of the best ones last."""
    return list(dict.fromkeys(["cpu", jax.default_backend()]))


@lru_cache(maxsize=16)
def _jax_mesh(mesh):
    devices = np.empty(mesh.shape, object)
    for place, name in np.ndenumerate(mesh.devices):
        kind, _, number = name.partition(":")
        devices[place] = jax.devices(kind)[int(number)]
    return Mesh(devices, tuple(mesh.axis_names))


def put(x, sharding):
    """`x`, an array of this process, as one of that sharding; all processes have the same `x`."""
    if sharding.is_fully_addressable:
        return jax.device_put(x, sharding)

    def part(place):
        return x if _is_whole(place, x.shape) else x[place]

    return jax.make_array_from_callback(x.shape, sharding, part)


def _is_whole(place, shape):
    return all(p.indices(n) == (0, n, 1) for p, n in zip(place, shape, strict=True))


def local(x):
    """A global array as one of this process' devices, which share its memory."""
    if isinstance(x, jax.core.Tracer) or x.is_fully_addressable:
        return x
    parts = [shard.data for shard in x.addressable_shards]
    return jax.make_array_from_single_device_arrays(x.shape, _own_sharding(x.sharding), parts)


@lru_cache(maxsize=256)
def _own_sharding(sharding):
    """How this process' devices hold a tensor of that sharding, all parts of it."""
    mesh, number = sharding.mesh, jax.process_index()
    split_over = [axis for axis in sharding.spec if axis is not None]
    if not split_over:
        return NamedSharding(Mesh(mesh.local_devices, ("own",)), PartitionSpec())
    places = np.argwhere(np.vectorize(lambda device: device.process_index == number)(mesh.devices))
    corners = zip(places.min(0), places.max(0), strict=True)
    own = mesh.devices[tuple(slice(first, last + 1) for first, last in corners)]
    sizes = dict(zip(mesh.axis_names, own.shape, strict=True))
    if own.size != len(places) or any(sizes[axis] != mesh.shape[axis] for axis in split_over):
        raise UnsupportedError(
            f"jax: weights are split over devices of one process, but the mesh "
            f"{dict(mesh.shape)} has devices of several along {', '.join(split_over)}. Let its "
            "first axis go over the processes, the others over the devices of each, and split "
            "weights along these."
        )
    return NamedSharding(Mesh(own, mesh.axis_names), sharding.spec)


def _require_no_device():
    """An error where tensors are asked to be on one device, while a mesh has several."""
    name = registry.current_device()
    if name is not None:
        raise ValueError(
            f"A mesh of several devices is set, and device({name!r}) or UNIDL_DEVICE asks for one. "
            "Leave that out: the mesh says where tensors are."
        )

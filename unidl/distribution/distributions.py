"""How work is divided: DataParallel, ModelParallel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from unidl.backend.contract.sharding import not_split
from unidl.backend.errors import UnsupportedError
from unidl.distribution.active import (
    distribution,
    engine,
    num_processes,
    process_id,
    set_distribution,
)
from unidl.distribution.layouts import LayoutMap, TensorLayout
from unidl.distribution.mesh import DeviceMesh, list_devices
from unidl.distribution.shards import Shards
from unidl.tracing.rows import Rows


class Distribution:
    """What `set_distribution` takes.

    Attributes:
        device_mesh: the devices.
        batch_dim_name: the mesh's axis along which batches are split.

    Examples:
        >>> isinstance(unidl.distribution.DataParallel(), unidl.distribution.Distribution)
        True
    """

    shards: Shards | None = None  # of exact mode
    gradient_dtype: str | None = None

    def __init__(self, device_mesh: DeviceMesh, batch_dim_name: str | None = None) -> None:
        self.device_mesh, self.batch_dim_name = device_mesh, batch_dim_name
        self.num_processes, self.process_id = num_processes(), process_id()
        self.engine = engine()

    @property
    def spans_devices(self) -> bool:
        """Whether one program computes on all devices, rather than each process its own rows."""
        return self.engine.spans_devices and self.shards is None

    @contextmanager
    def scope(self) -> Iterator[None]:
        """`with distribution.scope():` divides what runs inside, as after `set_distribution`."""
        before = distribution()
        set_distribution(self)
        try:
            yield
        finally:
            set_distribution(before)

    def get_data_layout(self, data_shape: Sequence[int | None]) -> TensorLayout:
        """Batches are split along their first axis."""
        axes = (self.batch_dim_name, *[None] * (len(data_shape) - 1))
        return TensorLayout(axes[: len(data_shape)], self.device_mesh)

    def rows(self, total: int) -> list[Rows]:
        """Those of a batch of `total` that this process computes: of each of its shards."""
        if self.shards is not None:
            return self.shards.rows(total)
        return [Rows.of(total, self.process_id, self.num_processes)]


class DataParallel(Distribution):
    """Each device has all weights and computes its own rows of every batch.

    A process has one device; on backends where one program computes on several it may have more.

    The batch is the global one: `batch_size`, and what a loader yields, are the same in all
    processes and as in a run on one. A run of several processes is that of one process, to
    rounding: shuffles and dropout masks are those of a row's place in the batch, moments of batch
    normalization, losses with weights and masks, and metrics are those of all rows, and an update
    uses the sum of all gradients.

    Args:
        device_mesh: of one axis; by default all devices of `list_devices()`.
        devices: in the place of a mesh, names from `list_devices()`.
        auto_shard_dataset: False says that a loader yields each process its own rows; not offered.
        virtual_shards: None sums over processes as the engine does, which depends on their number
            in the last digits. A number, of which the number of processes is a divisor, cuts each
            batch into as many shards, which are computed one by one and summed in one fixed tree:
            the bits of a run are then the same in 1, 2, 4 and 8 processes, and after a restart
            with another number of them. Steps run eagerly, so it is slower.
        gradient_dtype: "bfloat16" sends gradients in half of the bytes of float32, with 8 binary
            digits; None as they are.

    Examples:
        >>> unidl.distribution.DataParallel().num_processes  # nobody was joined
        1
    """

    def __init__(
        self,
        device_mesh: DeviceMesh | None = None,
        devices: Sequence[str] | None = None,
        auto_shard_dataset: bool = True,
        virtual_shards: int | None = None,
        gradient_dtype: str | None = None,
    ) -> None:
        if device_mesh is not None and devices is not None:
            raise ValueError("DataParallel: give device_mesh= or devices=, not both.")
        _check_sharding_of_data("DataParallel", auto_shard_dataset)
        if device_mesh is None:
            found = list_devices() if devices is None else list(devices)
            device_mesh = DeviceMesh((len(found),), ["batch"], found)
        if len(device_mesh.shape) != 1:
            raise ValueError(f"DataParallel: expected a mesh of one axis, got {device_mesh.shape}.")
        _check_devices("DataParallel", device_mesh, engine())
        super().__init__(device_mesh, device_mesh.axis_names[0])
        self.gradient_dtype = _of_gradients(gradient_dtype, self.engine)
        self.virtual_shards = virtual_shards
        self.shards = None if virtual_shards is None else self._shards(virtual_shards)
        self.auto_shard_dataset = True
        # Keras' names: each device has a copy of the model, and its share of the data.
        self.num_model_replicas, self.data_shard_id = device_mesh.shape[0], self.process_id

    def _shards(self, total: int) -> Shards:
        if not isinstance(total, int) or total < 1 or total % self.num_processes:
            raise ValueError(
                f"DataParallel: virtual_shards={total!r} cannot be dealt out to "
                f"{self.num_processes} processes, each with as many. Give a multiple of their "
                "number, such as 8 for 1, 2, 4 or 8 processes."
            )
        own = total // self.num_processes
        return Shards(own, self.process_id * own, total)

    def get_variable_layout(self, variable: Any) -> TensorLayout:
        """Each process has the whole variable."""
        return TensorLayout([None] * len(variable.shape), self.device_mesh)

    def get_tensor_layout(self, path: str) -> None:
        """Tensors inside of a model stay where they are."""
        return


def _of_gradients(dtype: str | None, backend: Any) -> str | None:
    if dtype not in (None, *backend.sums_in):
        offered = ", ".join(map(repr, (None, *backend.sums_in)))
        raise UnsupportedError(
            f"DataParallel: gradient_dtype={dtype!r} is not offered on {backend.name!r}, whose "
            f"engine adds gradients in {offered} (None: as they are)."
        )
    return dtype


class ModelParallel(Distribution):
    """Weights, and what an optimizer keeps for them, are split over the devices of a mesh.

    A device holds its part of each variable to which `layout_map` gives a layout, and all of the
    others. Losses, updates and results are those of whole weights; `variable.numpy()` and
    `model.get_weights()` give whole arrays.

    Set it before the model is made: a variable is split when it is created.

    Args:
        layout_map: layouts of weights by their paths; its mesh is the distribution's.
        batch_dim_name: the mesh's axis that Keras splits batches along, by default the first. Here
            each process computes its own rows of every batch, whatever the axis is.
        auto_shard_dataset: as in `DataParallel`.

    Examples:
        >>> unidl.distribution.ModelParallel(layout_map={".*kernel": (None, "model")})
        Traceback (most recent call last):
            ...
        ValueError: ModelParallel: layout_map= must be a unidl.distribution.LayoutMap...
    """

    def __init__(
        self,
        *,
        layout_map: LayoutMap | None = None,
        batch_dim_name: str | None = None,
        auto_shard_dataset: bool = True,
    ) -> None:
        if not isinstance(layout_map, LayoutMap):
            raise ValueError(
                "ModelParallel: layout_map= must be a unidl.distribution.LayoutMap, got "
                f"{layout_map!r}."
            )
        _check_sharding_of_data("ModelParallel", auto_shard_dataset)
        backend = engine()
        if not backend.splits_weights:
            raise not_split(backend)
        mesh = layout_map.device_mesh
        batch_dim_name = batch_dim_name or mesh.axis_names[0]
        if batch_dim_name not in mesh.axis_names:
            raise ValueError(
                f"ModelParallel: batch_dim_name={batch_dim_name!r} is no axis of the mesh, whose "
                f"axes are {mesh.axis_names}."
            )
        _check_devices("ModelParallel", mesh, backend)
        super().__init__(mesh, batch_dim_name)
        self.layout_map, self.auto_shard_dataset = layout_map, True
        # Keras' names: as many copies of the model as the batch's axis is long.
        self.num_model_replicas = mesh.shape[mesh.axis_names.index(batch_dim_name)]

    @property
    def data_shard_id(self) -> int:
        """Which of the model's copies this process belongs to."""
        return self.process_id // max(1, self.num_processes // self.num_model_replicas)

    def get_variable_layout(self, variable: Any) -> TensorLayout:
        """That of the key which matches `variable.path`; without one a device has the whole."""
        found = self.layout_map[variable.path]
        return found or TensorLayout([None] * len(variable.shape), self.device_mesh)

    def get_tensor_layout(self, path: str) -> TensorLayout | None:
        """That of the key which matches `path`, None without one."""
        return self.layout_map[path]


def _check_sharding_of_data(who: str, auto_shard_dataset: bool) -> None:
    if not auto_shard_dataset:
        raise UnsupportedError(
            f"{who}: auto_shard_dataset=False is not supported. Let every process load the same "
            "batches; each takes its own rows of them."
        )


def _check_devices(who: str, mesh: DeviceMesh, backend: Any) -> None:
    """An error unless the devices of the mesh are those that there are."""
    names, there = mesh.devices.reshape(-1).tolist(), backend.mesh_devices()
    if len(set(names)) != len(names):
        raise ValueError(f"{who}: the mesh names a device twice: {', '.join(names)}.")
    if not backend.spans_devices and len(names) != backend.num_processes:
        raise ValueError(
            f"{who}: the mesh has {len(names)} devices, but there are {backend.num_processes} "
            f"processes, each with one. Start as many: `unidl launch -n {len(names)} script.py`."
        )
    unknown = [name for name in names if name not in there]
    if unknown:
        raise ValueError(f"{who}: the mesh names {unknown[0]!r}, but there are {', '.join(there)}.")
    kinds = {name.partition(":")[0] for name in names}
    alike = [name for name in there if name.partition(":")[0] in kinds]
    if len(kinds) > 1 or (backend.num_processes > 1 and len(names) != len(alike)):
        raise ValueError(
            f"{who}: the mesh has {', '.join(names)}. In several processes it has all devices of "
            f"one kind, {', '.join(alike)}; in one process those that you like, of one kind."
        )

"""Devices, and how they are arranged."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from unidl.distribution.active import engine


def list_devices(device_type: str | None = None) -> list[str]:
    """Names of the devices that a mesh may have, such as "cpu:0".

    They are those of all processes that `initialize` has joined, in their order: one of each, or
    all, on backends where one program computes on several devices. `device_type` is "cpu", "gpu"
    or "tpu"; None for the one that is used.

    Examples:
        >>> len(unidl.distribution.list_devices())  # nobody was joined
        1
    """
    if device_type not in (None, "cpu", "gpu", "tpu"):
        raise ValueError(
            f'list_devices: device_type must be "cpu", "gpu", "tpu" or None, got {device_type!r}.'
        )
    found = engine().mesh_devices()
    kind = device_type or found[-1].partition(":")[0]
    return [name for name in found if name.partition(":")[0] == kind]


def get_device_count(device_type: str | None = None) -> int:
    """How many devices `list_devices` names.

    Examples:
        >>> unidl.distribution.get_device_count()
        1
    """
    return len(list_devices(device_type))


class DeviceMesh:
    """Devices in a grid with named axes.

    Args:
        shape: the grid's.
        axis_names: a name for each axis.
        devices: prod(shape) names; by default those of `list_devices()`.

    Examples:
        >>> devices = ["cpu:0", "cpu:1", "cpu:2", "cpu:3"]
        >>> mesh = unidl.distribution.DeviceMesh((2, 2), ["batch", "model"], devices)
        >>> mesh.devices[1].tolist()
        ['cpu:2', 'cpu:3']
    """

    def __init__(
        self,
        shape: Sequence[int],
        axis_names: Sequence[str],
        devices: Sequence[str] | None = None,
    ) -> None:
        self.shape, self.axis_names = tuple(shape), list(axis_names)
        if not self.shape or len(self.shape) != len(self.axis_names):
            raise ValueError(
                f"DeviceMesh: expected a name for each axis of the shape {self.shape}, got "
                f"{self.axis_names}."
            )
        if len(set(self.axis_names)) != len(self.axis_names):
            raise ValueError(f"DeviceMesh: axis_names must differ, got {self.axis_names}.")
        found = list_devices() if devices is None else list(np.asarray(devices).reshape(-1))
        if math.prod(self.shape) != len(found):
            raise ValueError(
                f"DeviceMesh: the shape {self.shape} asks for {math.prod(self.shape)} devices, got "
                f"{len(found)}."
            )
        self.devices = np.array(found).reshape(self.shape)

    def __repr__(self) -> str:
        return f"<DeviceMesh shape={self.shape}, axis_names={self.axis_names}>"

"""How one variable is split: which part of it each device of a mesh holds."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from unidl.distribution.layouts import TensorLayout
from unidl.distribution.mesh import DeviceMesh


class Split:
    """
    Args:
        name: the variable's path, for errors.
        shape: the whole one's.
        layout: the axes of a mesh over which its axes are split.

    Attributes:
        shape: the whole one's.
        part_shape: that of each part; all are alike.
        axes: for each axis of the tensor the mesh's axis, or None.
        mesh: the devices.
    """

    def __init__(self, name: str, shape: Sequence[int], layout: TensorLayout) -> None:
        self.shape, self.axes = tuple(shape), layout.axes
        if layout.device_mesh is None:
            raise ValueError(f"The layout of {name!r} has no mesh. Give it one: device_mesh=.")
        self.mesh: DeviceMesh = layout.device_mesh
        if len(self.axes) != len(self.shape):
            raise ValueError(
                f"{name!r} has the shape {self.shape}, but its layout {self.axes} names "
                f"{len(self.axes)} axes. Give one for each axis: the mesh's axis, or None."
            )
        used = [axis for axis in self.axes if axis is not None]
        if len(set(used)) != len(used):
            raise ValueError(
                f"The layout {self.axes} of {name!r} names an axis of the mesh twice. Each may "
                "split one axis."
            )
        self._pieces = [1 if axis is None else self._size_of(axis) for axis in self.axes]
        for i, (size, pieces) in enumerate(zip(self.shape, self._pieces, strict=True)):
            if size % pieces:
                raise ValueError(
                    f"{name!r} has the shape {self.shape}: axis {i} cannot be split into {pieces} "
                    f"equal parts along the mesh's axis {self.axes[i]!r}. Split another axis, or "
                    "none: give None."
                )
        numbers = [int(name.rpartition(":")[2]) for name in self.mesh.devices.reshape(-1)]
        self._numbers = np.array(numbers).reshape(self.mesh.shape)
        self.part_shape = tuple(n // k for n, k in zip(self.shape, self._pieces, strict=True))

    def _size_of(self, axis: str) -> int:
        return self.mesh.shape[self.mesh.axis_names.index(axis)]

    def is_by(self, layout: TensorLayout) -> bool:
        """Whether that layout makes it."""
        return self.axes == layout.axes and self.mesh is layout.device_mesh

    @property
    def is_whole(self) -> bool:
        """Whether each part is the whole."""
        return self.part_shape == self.shape

    def place_of(self, number: int) -> tuple[slice, ...]:
        """Where the part of device `number`, as `list_devices()` counts them, is in the whole."""
        found = np.argwhere(self._numbers == number)[0]
        at = dict(zip(self.mesh.axis_names, found.tolist(), strict=True))
        begins = [
            0 if axis is None else at[axis] * size
            for axis, size in zip(self.axes, self.part_shape, strict=True)
        ]
        return tuple(slice(b, b + n) for b, n in zip(begins, self.part_shape, strict=True))

    @property
    def groups(self) -> list[list[int]]:
        """The devices in groups, in each of which there is every part once."""
        names = self.mesh.axis_names
        used = [i for i, name in enumerate(names) if name in self.axes]
        alike = [i for i in range(len(names)) if i not in used]
        rows = self._numbers.transpose(alike + used).reshape(-1, math.prod(self._pieces))
        return [sorted(row) for row in rows.tolist()]

"""Which axes of a tensor are split over which axes of a mesh."""

from __future__ import annotations

import re
from collections.abc import Iterator, MutableMapping, Sequence

from unidl.distribution.mesh import DeviceMesh


class TensorLayout:
    """Over which axes of a mesh a tensor is split.

    Args:
        axes: for each axis of the tensor the name of the mesh's axis, or None.
        device_mesh: the mesh; it can be set later.

    Examples:
        >>> unidl.distribution.TensorLayout((None, "model")).axes
        (None, 'model')
    """

    def __init__(self, axes: Sequence[str | None], device_mesh: DeviceMesh | None = None) -> None:
        self.axes, self._mesh = tuple(axes), device_mesh
        self._check()

    @property
    def device_mesh(self) -> DeviceMesh | None:
        """The mesh; it can be set once."""
        return self._mesh

    @device_mesh.setter
    def device_mesh(self, device_mesh: DeviceMesh) -> None:
        if self._mesh is not None:
            raise ValueError("TensorLayout: it has a device_mesh already.")
        self._mesh = device_mesh
        self._check()

    def _check(self) -> None:
        if self._mesh is None:
            return
        unknown = [
            axis for axis in self.axes if axis is not None and axis not in self._mesh.axis_names
        ]
        if unknown:
            raise ValueError(
                f"TensorLayout: {unknown[0]!r} is no axis of the mesh, whose axes are "
                f"{self._mesh.axis_names}."
            )


class LayoutMap(MutableMapping):
    """Layouts by the paths of variables: a key is a path, or a pattern for `re.fullmatch`.

    Args:
        device_mesh: that of layouts which have none.

    Examples:
        >>> mesh = unidl.distribution.DeviceMesh((1,), ["model"], ["cpu:0"])
        >>> layouts = unidl.distribution.LayoutMap(mesh)
        >>> layouts["dense.*kernel"] = (None, "model")
        >>> layouts["dense_1/kernel"].axes, layouts["dense_1/bias"]
        ((None, 'model'), None)
    """

    def __init__(self, device_mesh: DeviceMesh) -> None:
        self.device_mesh = device_mesh
        self._layouts: dict[str, TensorLayout] = {}

    def __getitem__(self, key: str) -> TensorLayout | None:
        if key in self._layouts:
            return self._layouts[key]
        found = [pattern for pattern in self._layouts if re.fullmatch(pattern, key)]
        if len(found) > 1:
            raise ValueError(
                f"LayoutMap: {key!r} is matched by several keys: {', '.join(found)}. Make them "
                "narrower."
            )
        return self._layouts[found[0]] if found else None

    def __setitem__(self, key: str, layout: TensorLayout | Sequence[str | None]) -> None:
        if key in self._layouts:
            raise ValueError(f"LayoutMap: there is a layout for {key!r} already. Delete it first.")
        if not isinstance(layout, TensorLayout):
            layout = TensorLayout(layout)
        if layout.device_mesh is None:
            layout.device_mesh = self.device_mesh
        self._layouts[key] = layout

    def __delitem__(self, key: str) -> None:
        del self._layouts[key]

    def __len__(self) -> int:
        return len(self._layouts)

    def __iter__(self) -> Iterator[str]:
        return iter(self._layouts)

"""Value: a tensor of the graph that is being written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from unidl.port.exports.recording import Unvalued


class Held:
    """What is known when the file is written: a weight, a constant, or one with its elements in
    another order.

    Attributes:
        label: its name in the graph.
        load: () -> the array, made when it is asked for, so that no two need be in memory at once.
        is_constant: whether it is the same in every model of this structure, and so may decide
            what is written.
        transposed: (what it is the transpose of, the order of axes); None for all others.
    """

    def __init__(self, label: str, load: Callable[[], np.ndarray], is_constant: bool) -> None:
        self.label, self.load, self.is_constant = label, load, is_constant
        self.transposed: tuple[Value, tuple[int, ...]] | None = None


class Value(Unvalued):
    """A tensor with names.

    Attributes:
        graph: the part of the file that it is computed in; None for what is held.
        names: {order of its axes: its name in the graph}; the plain order may be missing until
            somebody asks for it.
        held: a `Held`, or None for what is computed.
    """

    __slots__ = ("graph", "held", "names")

    def __init__(
        self, backend: Any, shape: Any, dtype: str, graph: Any = None, held: Held | None = None
    ) -> None:
        super().__init__(backend, str(id(self)), shape, dtype, detached=True)
        self.graph, self.held = graph, held
        self.names: dict[tuple[int, ...], str] = {}

    def load(self) -> np.ndarray:
        """The array of what is held."""
        return self.held.load()  # type: ignore[union-attr]

    @property
    def label(self) -> str:
        return self.held.label  # type: ignore[union-attr]

    @property
    def is_constant(self) -> bool:
        return self.held is not None and self.held.is_constant

    def __repr__(self) -> str:
        return f"<tensor of an ONNX graph, shape={self.shape}, dtype={self.dtype}>"

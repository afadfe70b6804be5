"""Sizes of axes that follow the batch, while a `forward` runs on an example."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from unidl.port.errors import Refused


class OpenSize(int):
    """A size that is a multiple of the batch: the number that it is for the example. It stays open
    through products and quotients, so that `x.view(batch * windows, -1)` knows its open axis.

    Args:
        size: for the example.
        zeros: gives a symbol of that many zeros.
    """

    _zeros: Callable[[], Any] | None

    def __new__(cls, size: int, zeros: Callable[[], Any] | None = None) -> OpenSize:
        found = super().__new__(cls, size)
        found._zeros = zeros
        return found

    def zeros(self) -> Any:
        if self._zeros is None:
            raise Refused("it makes a tensor whose size is computed from that of the batch")
        return self._zeros()

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, OpenSize) or not isinstance(other, int):
            return int(self) * other
        return self if other == 1 else OpenSize(int(self) * int(other))

    __rmul__ = __mul__

    def __floordiv__(self, other: Any) -> Any:
        if isinstance(other, OpenSize) or not isinstance(other, int) or int(self) % other:
            return int(self) // other
        return self if other == 1 else OpenSize(int(self) // int(other))

    def __reduce__(self) -> Any:
        return int, (int(self),)


def is_open(size: Any) -> bool:
    return isinstance(size, OpenSize)

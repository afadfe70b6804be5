"""Symbolic tensors whose channels come second in the model that is brought in, and last here.

A framework with channels first computes convolutions on (batch, channels, *space). The same layers
of unidl are fastest on (batch, *space, channels). So a tensor remembers in which of the two orders
it lies, layers that mind take the one they want, and what does not mind leaves it as it is: a
network of convolutions gets one transpose at each end, and none between.
"""

from __future__ import annotations

from unidl.layers import Permute
from unidl.tracing import KerasTensor


class Laid:
    """A tensor of the model that is brought in.

    Attributes:
        channels_last: whether `tensor` has the second axis of the original at its end.
    """

    def __init__(self, tensor: KerasTensor, channels_last: bool = False) -> None:
        self._orders = {channels_last: tensor}
        self.channels_last = channels_last

    @property
    def rank(self) -> int:
        return len(self.tensor.shape)

    @property
    def tensor(self) -> KerasTensor:
        """As it lies."""
        return self._orders[self.channels_last]

    @property
    def shape(self) -> tuple:
        """That of the original."""
        shape = self.tensor.shape
        return (shape[0], shape[-1], *shape[1:-1]) if self.channels_last else tuple(shape)

    def first(self) -> KerasTensor:
        """With its axes as in the original."""
        return self._in(False)

    def last(self) -> KerasTensor:
        """With the second axis of the original at its end."""
        return self._in(True)

    def _in(self, channels_last: bool) -> KerasTensor:
        if self.rank < 3:
            return self.tensor
        if channels_last not in self._orders:
            around = range(2, self.rank)
            axes = (*around, 1) if channels_last else (self.rank - 1, *range(1, self.rank - 1))
            self._orders[channels_last] = Permute(axes)(self.tensor)
        return self._orders[channels_last]

    def axis(self, axis: int) -> int:
        """Where an axis of the original lies."""
        axis = axis % self.rank
        if not self.channels_last or axis == 0:
            return axis
        return self.rank - 1 if axis == 1 else axis - 1

    def like(self, tensor: KerasTensor) -> Laid:
        """`tensor` in the same order."""
        return Laid(tensor, self.channels_last)

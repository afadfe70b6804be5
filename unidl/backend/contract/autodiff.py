"""Gradients, by the framework's own reverse mode."""

from __future__ import annotations

from abc import ABC, abstractmethod


class Autodiff(ABC):
    # Whether gradients may be taken of what gradients were used for.
    nests = True

    @abstractmethod
    def value_and_grad(self, fn, variables, has_aux=False):
        """(value, [gradient of each Variable]) of `fn()`, which reads the `variables` and returns a
        scalar tensor.

        With `has_aux` `fn` returns (scalar, aux), and the value is that pair, free of any tape. A
        variable on which the scalar does not depend has a gradient of zeros. Values assigned to
        other variables in `fn` stay assigned.
        """

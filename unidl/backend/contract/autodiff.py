"""Gradients, by the framework's own reverse mode."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from unidl.backend.errors import UnsupportedError


class Autodiff(ABC):
    # Whether gradients may be taken of what gradients were used for.
    nests = True

    # A function that makes, of what a Variable holds or of a mask that its inputs carry, what the
    # first run in `remat` reads: where that run is no part of what gradients are taken of. None:
    # it reads what is held.
    remat_cut: Callable[[Any], Any] | None = None

    @abstractmethod
    def value_and_grad(self, fn, variables, has_aux=False):
        """(value, [gradient of each Variable]) of `fn()`, which reads the `variables` and returns a
        scalar tensor.

        With `has_aux` `fn` returns (scalar, aux), and the value is that pair, free of any tape. A
        variable on which the scalar does not depend has a gradient of zeros. Values assigned to
        other variables in `fn` stay assigned.
        """

    def remat(self, function, tensors):
        """The list of tensors `outputs` of function(*tensors) -> (outputs, read), with gradients
        for which nothing is kept but `tensors`: what lies between is computed once more.

        `read` are the Variables that the function has read. It may run again, at any time and in
        any thread, as function(*tensors, *values) with a value for each of `read` (by default those
        that it read), and gives the same outputs, without any other effect. Gradients flow to
        `tensors` and to what `read` hold, and to other tensors that the function takes from around
        it; a framework that cannot see them raises `AroundError`.
        """
        raise UnsupportedError(
            f"remat: the backend {self.name!r} computes nothing twice. Train on smaller batches, "
            "with gradient_accumulation_steps of the optimizer."
        )

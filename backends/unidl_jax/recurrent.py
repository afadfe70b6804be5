"""Loops over time: XLA's scan."""

from __future__ import annotations

import jax

from unidl.backend import contract


class Recurrent(contract.Recurrent):
    def scan(self, step, state, xs, reverse=False):
        return jax.lax.scan(step, tuple(state), tuple(xs), reverse=reverse)

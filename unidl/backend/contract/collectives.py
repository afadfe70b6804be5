"""Collectives: what processes that compute one run together send each other, over the framework's
own engine.

A process is started by the engine's launcher (`unidl launch`) and joins the others once. Sums and
gathered arrays are then the same in all of them. Whoever calls one function more or less than the
others would make them wait for ever: each call ends with an error after the time given to
`join_processes`.
"""

from __future__ import annotations

from abc import ABC

import numpy as np

from unidl.backend.errors import UnsupportedError


class Collectives(ABC):
    # Number of this process among those that it joined, and how many they are.
    process_id: int = 0
    num_processes: int = 1
    # Narrow dtypes in which `all_reduce` adds as the engine does.
    sums_in: tuple = ()

    def join_processes(self, addresses, count, number, timeout):
        """Become process `number` of `count`, and set `process_id` and `num_processes`.

        `addresses` is a list of "host:port" of the processes, or of the first one alone. Each of
        the three is None where the launcher has told it. `timeout` is in seconds. Returns when all
        are there.
        """
        raise UnsupportedError(
            f"{self.name}: several processes are not supported on this backend. Run one, or choose "
            "another backend."
        )

    def all_reduce(self, x):
        """The sum of the float tensor `x`, of one shape and dtype everywhere, over all processes.

        Differentiable: what is minimised is the sum of the processes' losses, so its gradient is
        the sum of the gradients.
        """
        return x

    def all_gather(self, array):
        """[`array` of each process], for a NumPy array of one shape and dtype everywhere. It waits,
        and may be called in no compiled function."""
        if self.num_processes == 1:
            return [array]
        rows = self.gather_bytes(np.frombuffer(np.ascontiguousarray(array).tobytes(), np.uint8))
        return [row.view(array.dtype).reshape(array.shape) for row in rows]

    def gather_bytes(self, own):
        """uint8 (processes, n), in C order: the `own` (n,) of each process."""
        return own[None]

"""The pure step: a function that reads and assigns Variables, as one of all that it depends on.

    (fn, variables)  ->  pure(values, tensors, keys, numbers) -> (outputs, new values)

An adapter compiles the pure function, once for each combination of shapes and dtypes. At each run
it is handed what the Variables hold, and afterwards one `commit` puts the new values into place.
So nothing that is compiled owns a value, and a trace writes to no Variable.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from contextlib import suppress

from unidl.backend.frame import current, standing_in
from unidl.tracing.feed import KeyFeed

# One trace at a time: layers keep notes on themselves while they run, and MXNet's symbols are not
# safe for threads. A trace is Python's work, so that threads would only take turns in any case.
tracing_lock = threading.RLock()


class Pure:
    """`fn(*tensors)` with `variables`, all that it reads or assigns.

    Attributes:
        variables: those given, and others that the trace met.
        assigned: after a trace, the Variables for which it returned new values.
        met: after a trace, Variables that it met beside `variables`: it has to be made again.
        feed: where each run's keys and numbers come from.
    """

    def __init__(self, fn, variables):
        self._fn = fn
        self.variables = list(dict.fromkeys(variables))
        self.assigned = []
        self.feed = KeyFeed()
        self.met = []

    def __call__(self, values, tensors, key_of_row, number_of_row, **frame):
        """(what `fn` returns, new values of `assigned`).

        Args:
            values: what stands for each of `variables`.
            key_of_row, number_of_row: see `KeyFeed.tracing`.
            frame: further fields of the frame in which `fn` runs.
        """
        with (
            standing_in(self.variables, values, symbols=True, **frame) as stand_ins,
            self.feed.tracing(key_of_row, number_of_row),
        ):
            try:
                outputs = self._fn(*tensors)
            finally:
                self.met = list(stand_ins.met)
        self.assigned, values = stand_ins.assigned()
        return outputs, values

    def complete(self, trace):
        """What `trace()` returns once every Variable that is read in it is among `variables`."""
        while True:
            try:
                result = trace()
            except Exception:
                if not self.met:  # else the value of one may have been what it failed on
                    raise
            else:
                if not self.met:
                    return result
            self.variables += self.met
            self.met = []


class PerSignature:
    """A compiled function: a program for each combination of shapes and dtypes.

    Args:
        fn: the function itself, for a call inside of another trace.
        make: make(tensors, signature) -> a program, a function of tensors like these.

    Of more than `backend.programs_kept` programs the one that was not used for longest goes.
    """

    def __init__(self, backend, fn, make):
        self._backend = backend
        self._signature, self._limit = backend.signature, backend.programs_kept
        self._fn, self._make = fn, make
        self._programs = OrderedDict()

    def __call__(self, *tensors):
        if current().feed is not None:
            return self._fn(*tensors)  # a part of what is traced, which draws keys and numbers
        return self.program(tensors)(*tensors)

    def program(self, tensors, signature=None):
        """The program for `tensors`, or for the like of them with another `signature`."""
        key = self._signature(tensors) if signature is None else signature
        programs = self._programs
        program = programs.get(key)
        if program is None:
            with tracing_lock:
                program = programs.get(key) or self._make(tensors, key)
                programs[key] = program
                while len(programs) > self._limit:
                    programs.popitem(last=False)
        elif len(programs) > 1:
            self._touch(key)
        return program

    def _touch(self, key):
        with suppress(KeyError):  # which another thread may have dropped just now
            self._programs.move_to_end(key)

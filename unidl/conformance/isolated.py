"""Isolated: cases run in a child process, so that a crash of the framework costs one case.

The child keeps the framework and the references in memory and runs one case after another; where it
dies, the case is a failed record with the signal, and the next one gets a new child.
"""

from __future__ import annotations

import faulthandler
import math
import multiprocessing
import signal

from unidl.backend import get_backend
from unidl.conformance.cases import ALL_CASES
from unidl.conformance.engine import Record, run_case, where_to_run


class Isolated:
    """`run(case)` does what `run_case(case, backend, device, dtypes)` does, in a child process.

    A context manager, at whose end the child ends too.
    """

    def __init__(self, backend, device, dtypes):
        self._backend, self._arguments = backend, (backend, device, dtypes)
        self._device = where_to_run(get_backend(backend), device)
        self._process = None

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._end()

    def run(self, case) -> list[Record]:
        if self._process is None:
            self._start()
        self._connection.send(case.name)
        try:
            records = self._connection.recv()
        except (EOFError, ConnectionResetError):
            died = self._end()
            text = (
                f"the process {died}. To see it alone: "
                f"unidl conformance --backend {self._backend} --match {case.name!r}"
            )
            names = (case.name, self._backend, self._device, "none", "crash")
            return [Record(*names, math.inf, 0.0, False, text)]
        return records

    def _start(self):
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, *self._arguments), daemon=True)
        self._process.start()
        theirs.close()
        try:
            self._connection.recv()
        except EOFError:
            raise RuntimeError(
                f"The child process for {self._backend!r} {self._end()} before its first case. "
                "What it wrote to stderr says why."
            ) from None

    def _end(self):
        """How the child ended, which gets no more cases."""
        if self._process is None:
            return ""
        self._connection.close()
        self._process.join()
        code, self._process = self._process.exitcode, None
        return f"died of {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"


def _serve(connection, backend, device, dtypes):
    """The child: names of cases come in, their records go out, until nobody asks any more."""
    faulthandler.enable()
    by_name = {case.name: case for case in ALL_CASES}
    get_backend(backend)
    connection.send("ready")
    while True:
        try:
            name = connection.recv()
        except EOFError:
            return
        connection.send(run_case(by_name[name], backend, device, dtypes))

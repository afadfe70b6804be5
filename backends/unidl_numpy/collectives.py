"""Collectives over MPI, through mpi4py."""

from __future__ import annotations

import time

import numpy as np

from unidl.backend import contract
from unidl.backend.errors import JoinError
from unidl_numpy.tape import primitive

# A wait that is short is spent asking, since to sleep takes longer; another one leaves the
# processor to the other processes.
_ASKING_S = 0.002
_SLEEP_S = 0.0002


class _World:
    """The processes of MPI that this one has joined."""

    comm = None
    timeout = None


def _finished(request, what):
    """Wait for a request of MPI, at most for as long as a process waits for others."""
    begun = time.monotonic()
    while not request.Test():
        waited = time.monotonic() - begun
        if waited > _World.timeout:
            raise JoinError.of_waiting(_World.comm.rank, what, _World.timeout)
        if waited > _ASKING_S:
            time.sleep(_SLEEP_S)


def _summed(x):
    sent = np.ascontiguousarray(x, np.float32 if x.dtype == np.float16 else x.dtype)
    received = np.empty_like(sent)
    _finished(_World.comm.Iallreduce(sent, received), "all_reduce")
    return received.astype(x.dtype, copy=False).reshape(x.shape)


@primitive
def _all_reduce(x):
    return _summed(x), (_summed,)


class Collectives(contract.Collectives):
    def join_processes(self, addresses, count, number, timeout):
        try:
            from mpi4py import MPI
        except ImportError as error:
            raise JoinError(
                "Processes of the NumPy backend talk over MPI, and mpi4py could not be imported "
                f"({error}). pip install 'unidl-framework[mpi]'."
            ) from error
        comm = MPI.COMM_WORLD
        JoinError.check("MPI", (comm.size, comm.rank), (count, number))
        _World.comm, _World.timeout = comm, timeout
        self.num_processes, self.process_id = comm.size, comm.rank

    def all_reduce(self, x):
        return x if _World.comm is None else _all_reduce(x)

    def gather_bytes(self, own):
        received = np.empty((self.num_processes, len(own)), np.uint8)
        _finished(_World.comm.Iallgather(own, received), "all_gather")
        return received

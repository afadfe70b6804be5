"""Processes of jax.distributed: gloo between CPUs, NCCL between GPUs.

What processes compute together is one program over the devices of all (`sharding`), where XLA sends
what is needed. Here they find each other, and exchange what the host has to tell.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from contextlib import contextmanager
from itertools import count

import jax
import numpy as np
from jax._src import distributed

from unidl.backend import contract
from unidl.backend.errors import JoinError, UnsupportedError

# In the environment, from `unidl launch`.
ADDRESS, COUNT, NUMBER = "JAX_COORDINATOR_ADDRESS", "JAX_NUM_PROCESSES", "JAX_PROCESS_ID"


class _World:
    timeout = 0.0
    messages = count()


class Collectives(contract.Collectives):
    def join_processes(self, addresses, count, number, timeout):
        place = _told(addresses, count, number)
        jax.config.update("jax_cpu_collectives_implementation", "gloo")
        on_sigterm = signal.getsignal(signal.SIGTERM)
        try:
            jax.distributed.initialize(**place, initialization_timeout=max(1, int(timeout)))
        except RuntimeError as error:  # it has computed something already, or nobody is there
            raise JoinError(
                f"JAX did not join other processes: {error} Call unidl.distribution.initialize() "
                "before anything is computed."
            ) from error
        except ValueError as error:  # no cluster that JAX knows
            raise JoinError.without_launcher("the environment") from error
        if threading.current_thread() is threading.main_thread():
            # JAX notes that a process is to end, and goes on.
            signal.signal(signal.SIGTERM, on_sigterm or signal.SIG_DFL)
        atexit.register(_leave)
        found = jax.process_count(), jax.process_index()
        JoinError.check("jax.distributed", found, (count, number))
        _World.timeout = timeout
        self.num_processes, self.process_id = found

    def all_reduce(self, x):
        if self.num_processes > 1:
            raise UnsupportedError(
                "jax: all_reduce: there is no sum over processes outside of a program for all of "
                "their devices, in which XLA adds by itself."
            )
        return x

    def gather_bytes(self, own):
        client, message = distributed.global_state.client, next(_World.messages)
        client.key_value_set_bytes(_key(message, self.process_id), own.tobytes())
        rows = []
        for number in range(self.num_processes):
            try:
                found = client.blocking_key_value_get_bytes(_key(message, number), _milliseconds())
            except jax.errors.JaxRuntimeError as error:
                raise JoinError.of_waiting(self.process_id, "all_gather", _World.timeout) from error
            rows.append(np.frombuffer(found, np.uint8))
        if message:  # all have read the one before, or they would not have sent this one
            client.key_value_delete(_key(message - 1, self.process_id))
        return np.stack(rows)


def _key(message, number):
    return f"unidl/{message}/{number}"


def _milliseconds():
    return max(1, int(_World.timeout * 1000))


def _told(addresses, count, number):
    """What `jax.distributed.initialize` is given."""
    if addresses is None and ADDRESS in os.environ and COUNT in os.environ:
        addresses = [os.environ[ADDRESS]]
        count, number = int(os.environ[COUNT]), int(os.environ[NUMBER])
    if addresses is None:
        return {}  # SLURM, Open MPI, TPUs: JAX asks them
    return {
        "coordinator_address": addresses[0],
        "num_processes": count,
        "process_id": number,
        "cluster_detection_method": "deactivate",
    }


@contextmanager
def alone_told():
    """Tells of a process that ended while this one computed with it."""
    try:
        yield
    except (ValueError, jax.errors.JaxRuntimeError) as error:
        if "Gloo" not in str(error):
            raise
        raise JoinError(
            f"Process {jax.process_index()} lost another one, with which it was computing: look at "
            f"the output of the others. ({error})"
        ) from error


def _leave():
    """End together, for the first process serves the others until then; but alone after an error,
    for which the others might wait in vain."""
    if not hasattr(sys, "last_value"):
        try:
            distributed.global_state.client.wait_at_barrier("unidl/end", _milliseconds())
            return
        except jax.errors.JaxRuntimeError:
            print(
                JoinError.of_waiting(jax.process_index(), "the end of the script", _World.timeout)
            )
    sys.stdout.flush(), sys.stderr.flush()
    os._exit(1)

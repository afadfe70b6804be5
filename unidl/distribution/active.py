"""The distribution that holds in this process, and the processes that it has joined."""

from __future__ import annotations

import faulthandler
import json
import signal
from collections.abc import Sequence
from contextlib import suppress
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from unidl import random
from unidl.backend import registry
from unidl.backend.errors import JoinError
from unidl.random.seed_generator import is_seeded

if TYPE_CHECKING:
    from unidl.backend import Backend
    from unidl.distribution.distributions import Distribution

# Seconds that a process waits for the others in one exchange.
DEFAULT_TIMEOUT = 300.0

_joined: Backend | None = None
_active: Distribution | None = None


def initialize(
    job_addresses: str | Sequence[str] | None = None,
    num_processes: int | None = None,
    process_id: int | None = None,
    *,
    timeout: float = DEFAULT_TIMEOUT,
) -> None:
    """Join the other processes of a run, over the engine of the active backend's framework.

    Under `unidl launch`, torchrun, mpirun and the like no argument is needed: the launcher has told
    the process what it is. All processes then draw the random numbers of the first one's global
    seed, unless one was set.

    Args:
        job_addresses: "host:port" of each process, comma-separated or a list; torch asks for the
            first one's alone.
        num_processes: how many there are.
        process_id: the number of this one, from 0.
        timeout: seconds that a process waits for the others in one exchange, before it ends with
            an error.

    Examples:
        >>> unidl.distribution.initialize("localhost:1234", num_processes=2, process_id=2)
        Traceback (most recent call last):
            ...
        ValueError: initialize: process_id=2 is none of the 2 processes...
    """
    global _joined
    backend = registry.get_backend()
    if _joined is not None:
        raise JoinError(
            f"initialize: this process has joined others already, on {_joined.name!r}. Call it "
            "once, at the beginning of the script."
        )
    if isinstance(job_addresses, str):
        job_addresses = [part.strip() for part in job_addresses.split(",")]
    if job_addresses and (num_processes is None or process_id is None):
        raise ValueError("initialize: job_addresses= need num_processes= and process_id= as well.")
    if None not in (num_processes, process_id) and process_id not in range(num_processes or 0):
        raise ValueError(
            f"initialize: process_id={process_id} is none of the {num_processes} processes, which "
            "are numbered from 0."
        )
    backend.join_processes(
        None if job_addresses is None else list(job_addresses), num_processes, process_id, timeout
    )
    _joined = backend
    _show_where_it_is_ended()
    if not is_seeded():
        random.set_global_state(gather_json(random.get_global_state())[0])


def _show_where_it_is_ended() -> None:
    """A launcher that ends this process, since another one has waited for it in vain or failed,
    finds in its log where it was."""
    with suppress(AttributeError, OSError, ValueError, RuntimeError):  # no such signal, no stderr
        faulthandler.register(signal.SIGTERM, all_threads=False, chain=True)


def joined() -> Backend | None:
    """The backend over which this process has joined others; None while it is alone."""
    return _joined


def engine() -> Backend:
    """The backend over which a run computes: the one that was joined, else the active one."""
    return _joined or registry.get_backend()


def is_first_process() -> bool:
    """Whether this process writes what a run writes once: files, logs, the progress."""
    return process_id() == 0


def process_id() -> int:
    """The number of this process."""
    return 0 if _joined is None else _joined.process_id


def num_processes() -> int:
    """How many processes compute this run."""
    return 1 if _joined is None else _joined.num_processes


def gather_json(found: Any) -> list[Any]:
    """[`found` of each process]: what JSON can hold."""
    own = np.frombuffer(json.dumps(found).encode(), np.uint8)
    return [json.loads(text.tobytes()) for text in _gathered(own)]


def all_gather(array: np.ndarray) -> list[np.ndarray]:
    """[`array` of each process], of one shape and dtype everywhere."""
    return [array] if _joined is None else _joined.all_gather(array)


def sum_of(variable: Any) -> np.ndarray:
    """The sum of what a Variable holds in each process, in their order."""
    total: np.ndarray = reduce(np.add, all_gather(variable.numpy()))
    return total


def gather_rows(array: np.ndarray) -> np.ndarray:
    """The rows (n, ...) of all processes, in their order; each may have another n."""
    return np.concatenate(_gathered(array))


def _gathered(array: np.ndarray) -> list[np.ndarray]:
    """[`array` of each process]; the first axis may be of another size in each."""
    counts = [int(n[0]) for n in all_gather(np.array([len(array)], np.int64))]
    padded = np.zeros((max(counts), *array.shape[1:]), array.dtype)
    padded[: len(array)] = array
    return [part[:n] for part, n in zip(all_gather(padded), counts, strict=True)]


def distribution() -> Distribution | None:
    """What `set_distribution` was given last; None at the beginning.

    Examples:
        >>> unidl.distribution.distribution() is None
        True
    """
    return _active


def set_distribution(value: Distribution | None) -> None:
    """From now on `value` divides training, evaluation and prediction; None ends that.

    Examples:
        >>> unidl.distribution.set_distribution(unidl.distribution.DataParallel())
        >>> unidl.distribution.set_distribution(None)
    """
    from unidl.distribution.distributions import Distribution

    global _active
    if value is not None and not isinstance(value, Distribution):
        raise TypeError(
            "set_distribution: expected a DataParallel, a ModelParallel or None, got "
            f"{type(value).__name__}."
        )
    _active = value

"""The batches of an object with `__len__` and `__getitem__`, in a given order: made by the thread
of fit, by one a little ahead of it, by several threads or by several processes."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

from unidl.backend import registry
from unidl.training.ahead import DEPTH, Ahead
from unidl.training.worker_processes import WorkerProcesses


def is_indexed(source):
    """Whether batches can be had by their number."""
    return hasattr(source, "__getitem__") and hasattr(source, "__len__")


def count_of(source):
    """How many batches there are, None without end."""
    # Keras' newer name for the length of a PyDataset, which may be all that is overridden.
    return source.num_batches if hasattr(source, "num_batches") else len(source)


class Fetcher:
    """Makes the batches of all passes over `source`, and keeps worker processes from one to the
    next."""

    def __init__(self, source):
        self._source = source
        self._workers = getattr(source, "workers", 1)
        self._most = getattr(source, "max_queue_size", 10)
        self._in_processes = bool(getattr(source, "use_multiprocessing", False) and self._workers)
        self._processes = None

    def one_pass(self, order, parts, finish, alone):
        """An `Ahead` of the batches whose numbers `order` has. `parts` and `alone` are as there,
        and `finish(items)` is an iterator of batches from one of (place, item)."""
        if self._in_processes:
            if self._processes is None:
                self._processes = WorkerProcesses(self._source, self._workers)
            items = self._processes.items(order, self._most + self._workers)
            return Ahead(
                finish(enumerate(items, 1)),
                parts,
                self._most,
                thread="from the start",
                wake=self._processes.wake,
                close=items.close,
            )
        if self._workers > 1:
            items = _in_threads(self._source, order, self._workers, self._most)
            return Ahead(finish(enumerate(items, 1)), parts, thread="never", close=items.close)
        items = finish(enumerate(map(self._source.__getitem__, order), 1))
        thread = "if slow" if self._workers else "never"
        return Ahead(items, parts, min(DEPTH, self._most), thread=thread, alone=alone)

    def close(self):
        """End the worker processes."""
        processes, self._processes = self._processes, None
        if processes is not None:
            processes.close()


def _in_threads(source, order, workers, most):
    """The items in `order`, up to `most` of them ahead."""
    backend = registry.get_backend()

    def make(i):
        with registry.use_backend(backend):
            return source[i]

    waiting = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="unidl-batches")
    try:
        for i in order:
            # Each in a context of its own, since no two threads may enter one.
            waiting.append(pool.submit(copy_context().run, make, i))
            if len(waiting) > most:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)

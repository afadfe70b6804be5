"""The next batches are made while a step runs: by a thread, a few batches ahead.

Not so arrays in memory: a slice takes microseconds, and to hand it from thread to thread takes
longer. For the same reason a source begins without a thread, and gets one with the first batch
that takes `SLOW_S`.

A thread draws no batch that is not asked for in this epoch, so an iterator with `steps_per_epoch`
can be used further. It changes no number: see `utils.turns`.
"""

from __future__ import annotations

import threading
import time
import warnings
from collections import deque
from contextvars import copy_context

from unidl.backend import registry
from unidl.utils import turns
from unidl.utils.traceback_filtering import user_stacklevel

# What making a batch must take before a thread pays: ten times what handing it over takes.
SLOW_S = 0.0005

# How many batches are ready at most, if no launch wants more.
DEPTH = 2

# How long the end of fit waits for a batch that is still being made.
PATIENCE_S = 5.0

_END = object()


class _Raised:
    def __init__(self, error):
        self.error = error


class Ahead:
    """Batches one after the other, from an iterator.

    Args:
        iterator: of batches, none of which is None.
        parts: () -> the layers whose calls in the iterator wait for their turn.
        depth: how many batches may be ready.
        thread: "from the start", "if slow" or "never".
        wake: called at the end while the iterator may be waiting for something, which this must
            cut short.
        close: called at the end, when nobody is in the iterator any more.

    Attributes:
        consumer: identifier of the thread that takes the batches.
        alone: whether what makes a batch looks at the state of the model or draws random numbers,
            so that the step with the batch before has to be over.
    """

    def __init__(
        self, iterator, parts, depth=DEPTH, thread="if slow", wake=None, close=None, alone=False
    ):
        self._iterator, self._parts, self._depth = iterator, parts, depth
        self._mode, self._wake, self._close = thread, wake, close
        self._changed = threading.Condition()
        self._ready = deque()
        self._allowed = None  # batches that may yet be drawn, None without end
        self._is_waited_for = self._stopped = False
        self._thread = self._concerned = None
        self.alone = alone
        self.consumer = turns.on_behalf_of()

    def allow(self, count):
        """From now on draw `count` batches at most, those that are ready among them; None: all."""
        with self._changed:
            self._allowed = None if count is None else count - len(self._ready)
            self._changed.notify_all()

    def next(self):
        """The next batch, None at the end; an error of the iterator at its place."""
        if self._thread is None:
            if self._mode != "from the start":
                return self._draw_here()
            self._start()
        with self._changed:
            if self._allowed is not None and self._allowed < 1 and not self._ready:
                self._allowed = 1  # asked for, so it is used
            self._is_waited_for = True
            self._changed.notify_all()
            while not self._ready:
                self._changed.wait()
            self._is_waited_for = False
            item = self._ready[0]
            if item is _END or type(item) is _Raised:
                self._ready[0] = _END  # and no more after an error
            else:
                self._ready.popleft()
                self._changed.notify_all()
        if type(item) is _Raised:
            raise item.error
        return None if item is _END else item

    def has_next(self):
        """Whether the next batch for one launch is there or quickly made."""
        if self._thread is None:
            return not self.alone
        with self._changed:
            return bool(self._ready)

    def want(self, count):
        """From now on have `count` batches ready, for launches that hold as many."""
        with self._changed:
            self._depth = max(self._depth, count)
            self._changed.notify_all()

    def close(self):
        """End the thread, and what was begun for it."""
        thread = self._thread
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        if thread is not None:
            if self._wake is not None:
                self._wake()
            thread.join(PATIENCE_S)
            if thread.is_alive():
                warnings.warn(
                    "The data iterator has been making a batch since training ended, for "
                    f"{PATIENCE_S:.0f} s. Its thread ends when that batch is ready.",
                    RuntimeWarning,
                    stacklevel=user_stacklevel(),
                )
                return
        if self._close is not None:
            self._close()

    def concerns(self, layer):
        """Whether `layer` is a part of the model that gets the batches."""
        if self._concerned is None:
            self._concerned = {id(part) for part in self._parts()}
        return id(layer) in self._concerned

    def wait_for_turn(self):
        """Wait, in the thread, until all that is ready has been used."""
        if self._thread is None:
            self.alone = True
            return
        with self._changed:
            while not (self._is_waited_for and not self._ready) and not self._stopped:
                self._changed.wait()

    def _draw_here(self):
        if self._allowed is not None:
            self._allowed -= 1
        start = time.perf_counter()
        with turns.made_for(self):
            item = next(self._iterator, None)
        if item is not None and self._mode == "if slow" and time.perf_counter() - start > SLOW_S:
            self._start()
        return item

    def _start(self):
        context, backend = copy_context(), registry.get_backend()
        self._thread = threading.Thread(
            target=context.run, args=(self._run, backend), name="unidl-batches", daemon=True
        )
        self._thread.start()

    def _run(self, backend):
        with turns.made_for(self), registry.use_backend(backend):
            while self._may_draw():
                try:
                    item = next(self._iterator, _END)
                except BaseException as error:  # noqa: BLE001  raised where the batch is asked for
                    item = _Raised(error)
                with self._changed:
                    self._ready.append(item)
                    self._changed.notify_all()
                if item is _END or type(item) is _Raised:
                    return

    def _may_draw(self):
        """Wait for room; whether there is to be another batch."""
        with self._changed:
            while not self._stopped and (
                len(self._ready) >= self._depth or (self._allowed is not None and self._allowed < 1)
            ):
                self._changed.wait()
            if self._allowed is not None:
                self._allowed -= 1
            return not self._stopped

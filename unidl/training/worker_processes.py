"""Processes that make batches.

They are spawned, since a process forked after a framework has run may hang. So each begins with
nothing, gets the data set pickled, and again whenever it is another at the begin of a pass; and
batches come back pickled. Whatever happens to the process of fit, its workers see the other end of
their pipe closed, and end.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import pickle  # noqa: TID251  what this process and its own workers tell each other
import random
import signal
import threading
import traceback

import numpy as np

from unidl.random.seed_generator import get_global_state, seed_everything

# What a worker gets to end by itself.
_PATIENCE_S = 2.0


class WorkerTraceback(Exception):
    """The cause of an error that a worker raised: the traceback there, as text."""

    def __str__(self):
        return f"\n{self.args[0]}"


class WorkerProcesses:
    """`count` processes that make items of `source`."""

    def __init__(self, source, count):
        self._source, self._pickled = source, None
        _pickle(source)  # before any process is started for what cannot be sent
        self._woken, self._waker = multiprocessing.Pipe(duplex=False)
        self._idle, self._busy, self._pass = [], {}, 0
        self._processes = {}
        context = multiprocessing.get_context("spawn")
        for _ in range(count):
            ours, theirs = context.Pipe()
            process = context.Process(target=_work, args=(theirs,), daemon=True)
            process.start()
            theirs.close()
            self._processes[ours] = process
            self._idle.append(ours)

    def items(self, order, most):
        """The items whose numbers `order` has, one after the other, of which `most` are in the
        making or made and not taken."""
        self._pass += 1
        while self._woken.poll():  # at the end of a pass that had ended by itself
            self._woken.recv()
        pickled = _pickle(self._source)
        if pickled == self._pickled:
            pickled = None
        else:
            self._pickled = pickled
        state = get_global_state()  # read and not drawn from, so that orders stay what they were
        seed = state["seed"], state["counter"], self._pass
        return self._items(self._pass, pickled, enumerate(order), most, seed)

    def _items(self, number, pickled, order, most, seed):
        while self._busy:  # with what the last pass did not take
            if not self._receive({}, number):
                return
        if pickled is not None:
            for connection in self._idle:
                self._send(connection, ("source", pickled))
        made, place, left = {}, 0, True
        while True:
            while left and self._idle and len(made) + len(self._busy) < most:
                following = next(order, None)
                left = following is not None
                if left:
                    connection = self._idle.pop()
                    self._busy[connection] = following
                    self._send(connection, ("item", (number, *following, seed)))
            if place in made:
                good, item, text = made.pop(place)
                if not good:
                    raise item from WorkerTraceback(text)
                place += 1
                yield item
            elif not self._busy or not self._receive(made, number):
                return

    def _send(self, connection, message):
        try:
            connection.send(message)
        except OSError:
            raise self._ended(connection) from None

    def _receive(self, made, number):
        """Wait for items of pass `number`, and put them into `made`; False if there is no more use
        for them."""
        for connection in multiprocessing.connection.wait([*self._busy, self._woken]):
            if connection is self._woken:
                connection.recv()
                return False
            try:
                of_pass, place, *found = pickle.loads(connection.recv_bytes())
            except (EOFError, OSError):
                raise self._ended(connection) from None
            del self._busy[connection]
            self._idle.append(connection)
            if of_pass == number:
                made[place] = found
        return True

    def _ended(self, connection):
        process = self._processes[connection]
        process.join(_PATIENCE_S)
        what = (
            ""
            if connection not in self._busy
            else f" while it made batch {self._busy[connection][1]}"
        )
        return RuntimeError(
            f"{type(self._source).__name__}: a worker process ended{what} with exit code "
            f"{process.exitcode}; its output is above. A worker imports the main script, so the "
            "script's actions must be below"
            ' `if __name__ == "__main__":`. A class defined in a notebook or at a prompt must move '
            "to a module. -9 means out of memory: use fewer workers."
        )

    def wake(self):
        """Make whoever waits in `items` return."""
        self._waker.send(None)

    def close(self):
        """End the processes."""
        for connection in self._processes:
            connection.close()
        for connection, process in self._processes.items():
            if connection in self._busy:
                process.terminate()
            process.join(_PATIENCE_S)
            if process.is_alive():
                process.kill()
                process.join()
            process.close()
        self._processes = {}
        self._woken.close()
        self._waker.close()


def _pickle(source):
    try:
        return pickle.dumps(source, protocol=5)
    except Exception as error:
        raise TypeError(
            f"{type(source).__name__}: use_multiprocessing=True sends the data set to other "
            f"processes, but it cannot be pickled: {error}. Open files and create locks in "
            "__getitem__, define its class and functions in a module, or use threads: "
            "use_multiprocessing=False."
        ) from error


def _work(connection):
    """What a worker process does until the pipe ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process of fit
    threading.Thread(target=_end_with_parent, daemon=True).start()
    source = None
    while True:
        try:
            kind, message = connection.recv()
        except (EOFError, OSError):
            return
        if kind == "source":
            source = message
            continue
        of_pass, place, index, seed = message
        try:
            if isinstance(source, bytes):
                source = pickle.loads(source)
            _seed(seed, place)
            found = True, source[index], None
            answer = pickle.dumps((of_pass, place, *found), protocol=5)
        except BaseException as error:  # noqa: BLE001  raised in the process of fit
            found = False, _sendable(error), traceback.format_exc()
            answer = pickle.dumps((of_pass, place, *found), protocol=5)
        try:
            connection.send_bytes(answer)
        except OSError:
            return


def _seed(seed, place):
    """The same random numbers for the same batch, whichever worker makes it."""
    own = int(np.random.SeedSequence([*seed, place]).generate_state(1)[0])
    random.seed(own)
    np.random.seed(own)  # noqa: NPY002  what users' own code draws from
    seed_everything(own)


def _sendable(error):
    """`error`, or one with its text if it does not survive being pickled."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # noqa: BLE001  pickling runs what the error's class defines
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _end_with_parent():
    """End this process, whatever it is doing, when that of fit is gone."""
    parent = multiprocessing.parent_process()
    multiprocessing.connection.wait([parent.sentinel])
    os._exit(1)

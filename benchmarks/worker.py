"""One contestant in a process of its own, driven over pipes: `python -m benchmarks.worker NAME
WORKLOAD ROUNDS quick|full wall|cpu`.

It announces the import and the first step; then every line on its stdin lets it do one timed piece
of work, and every line on its stdout is the JSON answer. The pieces come in a fixed order: ROUNDS
epochs, then `predict N`, `evaluate N` in any order, `quit`.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time

from benchmarks import contestants
from benchmarks.workloads import WORKLOADS

# A call shorter than this is repeated until it takes as long.
LEAST_S = 0.1


CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


class Gate:
    """Lets an epoch begin when the arena says so, and tells how long it took."""

    def __init__(self, epochs, pipe, clock):
        self.epochs, self._pipe, self._clock = epochs, pipe, clock

    def begin(self):
        self._pipe.receive()
        self._start = self._clock()

    def end(self, loss, accuracy):
        seconds = self._clock() - self._start
        self._pipe.send(seconds=seconds, loss=loss, accuracy=accuracy, peak_mb=_peak_mb())


class Opened:
    """A gate for one epoch that waits for nobody: the first step."""

    epochs = 1

    def begin(self):
        pass

    def end(self, loss, accuracy):
        pass


class Pipe:
    """JSON lines. The frameworks' own prints go to stderr."""

    def __init__(self):
        self._out = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)

    def send(self, **message):
        print(json.dumps(message), file=self._out, flush=True)

    def receive(self):
        line = sys.stdin.readline()
        if not line:
            sys.exit("the arena is gone")
        return line.split()


def _peak_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _timed(call, clock):
    """(seconds a call, result), repeated to last at least LEAST_S."""
    count, start = 0, clock()
    while True:
        result = call()
        count += 1
        seconds = clock() - start
        if seconds >= LEAST_S:
            return seconds / count, result


def main(name, workload, rounds, quick, clock):
    pipe = Pipe()
    workload = WORKLOADS[workload]
    x, y = workload.data(quick)
    start = clock()
    cls = contestants.load(name)
    contestant = cls(workload)
    imported = clock()
    contestant.train(x[: workload.batch], y[: workload.batch], Opened())
    first = clock()
    pipe.send(ready=name, import_s=imported - start, first_step_s=first - imported)
    contestant.train(x, y, Gate(rounds, pipe, clock))
    while True:
        what, *arguments = pipe.receive()
        if what == "predict":
            n = int(arguments[0])
            contestant.predict(x[:n], n)  # not timed: this shape may be traced now
            seconds, _ = _timed(lambda: contestant.predict(x[:n], n), clock)  # noqa: B023
            pipe.send(seconds=seconds)
        elif what == "evaluate":
            n = int(arguments[0])
            contestant.evaluate(x, y, n)
            seconds, (loss, accuracy) = _timed(lambda: contestant.evaluate(x, y, n), clock)  # noqa: B023
            pipe.send(seconds=seconds, loss=float(loss), accuracy=float(accuracy))
        else:
            return


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4] == "quick", CLOCKS[sys.argv[5]])

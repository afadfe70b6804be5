"""What all contestants do: an MLP of 784, WIDTH, WIDTH and 10 numbers in batches of 256, Adam."""

from __future__ import annotations

import os
import statistics
import sys
import time

import numpy as np

WIDTH = int(sys.argv[1]) if len(sys.argv) > 1 else 1024
BATCH, STEPS, EPOCHS = 256, 20, 8
INPUTS, CLASSES, LEARNING_RATE = 784, 10, 1e-3
PARAMETERS = (INPUTS + 1) * WIDTH + (WIDTH + 1) * WIDTH + (WIDTH + 1) * CLASSES


def data() -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(0)
    x = draw.normal(size=(BATCH * STEPS, INPUTS)).astype("float32")
    return x, draw.integers(0, CLASSES, len(x)).astype("int32")


def own_batches(x, y, number, processes):
    """This process' rows of each batch."""
    each = BATCH // processes
    for begin in range(0, len(x), BATCH):
        rows = slice(begin + number * each, begin + (number + 1) * each)
        yield x[rows], y[rows]


def sent() -> int:
    """Bytes that went over the loopback interface up to now."""
    with open("/proc/net/dev") as table:
        line = next(line for line in table if line.strip().startswith("lo:"))
    return int(line.split(":")[1].split()[0])


def train(step, x, y, number: int, processes: int) -> None:
    """Measure epochs of `step(x, y)`, which gives the loss, on this process' rows."""
    clock = Clock()
    for _ in range(EPOCHS):
        clock.begin()
        total = 0.0
        for xb, yb in own_batches(x, y, number, processes):
            total = total + step(xb, yb)
        float(total)  # for a framework that has not waited yet
        clock.end()
    clock.tell(number)


class Clock:
    """Measures epochs, the first two of which are warm-up; process 0 prints what it found."""

    def __init__(self) -> None:
        self._seconds: list[float] = []

    def begin(self) -> None:
        if len(self._seconds) == 2:
            self._bytes = sent()
        self._begun = time.perf_counter()

    def end(self) -> None:
        self._seconds.append(time.perf_counter() - self._begun)

    def tell(self, number: int) -> None:
        steps = STEPS * (len(self._seconds) - 2)
        if number == 0:
            middle = statistics.median(self._seconds[2:]) / STEPS
            told = f"found {1e3 * middle:.3f} {(sent() - self._bytes) / steps:.0f}\n"
            os.write(1, told.encode())  # at once, or a launcher writes its labels in between

"""Whether the next batch is made while a step runs: `python -m benchmarks.overlap BACKEND` prints
how long an epoch takes whose loader needs as long as a step, beside the longer of both alone."""

from __future__ import annotations

import sys
import time

import numpy as np

import unidl

STEPS, WIDTH, ROUNDS = 100, 512, 3


class Loader:
    """Batches that take `seconds` each, as reading from a disk does."""

    def __init__(self, seconds):
        self._seconds = seconds
        self._x = np.random.default_rng(0).normal(size=(64, WIDTH)).astype("float32")

    def __iter__(self):
        for _ in range(STEPS):
            time.sleep(self._seconds)
            yield self._x, self._x[:, :1]


def measure(backend):
    """(the longer of both alone, both together), in seconds."""
    dense = unidl.layers.Dense
    with unidl.backend.use_backend(backend):
        model = unidl.Sequential(
            [unidl.Input((WIDTH,)), *[dense(WIDTH, activation="relu") for _ in range(3)], dense(1)]
        )
        # One step in a launch, as with a hook for batches: what a loader can be as slow as.
        model.compile("sgd", "mse")
        every = unidl.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None)

        def epoch(loader):
            start = time.perf_counter()
            model.fit(loader, verbose=0, callbacks=[every])
            return time.perf_counter() - start

        epoch(Loader(0))
        steps = min(epoch(Loader(0)) for _ in range(ROUNDS))
        loader = Loader(steps / STEPS)
        start = time.perf_counter()
        for _ in loader:
            pass
        alone = time.perf_counter() - start
        return max(steps, alone), min(epoch(loader) for _ in range(ROUNDS))


if __name__ == "__main__":
    alone, both = measure(sys.argv[1])
    print(f"{sys.argv[1]}: {both:.3f} s, the longer alone {alone:.3f} s, {both / alone:.2f} times")

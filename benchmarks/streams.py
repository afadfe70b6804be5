"""How fast fit reads data that does not lie in memory: `python -m benchmarks.streams BACKEND`
prints the figures as JSON.

A source has its own speed, seen when a loop does nothing but draw batches from it, and training has
one, seen when the data are arrays in memory. fit should take hardly longer than the sum of both.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

BATCH, STEPS, ROUNDS = 32, 512, 5


def measure(backends):
    """[{"backend", "source", "alone_s", "fit_s", "arrays_s"}, ...], an epoch each, every backend in
    a process of its own."""
    found = []
    for backend in backends:
        command = [sys.executable, "-m", "benchmarks.streams", backend]
        answer = subprocess.run(
            command,
            env={**os.environ, "OMP_NUM_THREADS": "1", "UNIDL_BACKEND": backend},
            stdout=subprocess.PIPE,
            check=True,
        )
        found += json.loads(answer.stdout)
    return found


def _sources(backend, x, y, folder):
    """{title: (what fit gets, function that draws every batch)}"""
    mapped = np.memmap(folder / "x", dtype=x.dtype, shape=x.shape, mode="w+")
    mapped[:] = x
    mapped.flush()

    def slices(a):
        for start in range(0, len(a), BATCH):
            yield np.array(a[start : start + BATCH]), y[start : start + BATCH]

    class Endless:
        """An iterable that begins anew for each epoch."""

        def __iter__(self):
            return slices(x)

    found = {
        "memmap": (mapped, lambda: _exhaust(slices(mapped))),
        "generator": (Endless(), lambda: _exhaust(slices(x))),
    }
    if backend == "torch":
        import torch

        data = torch.utils.data.TensorDataset(torch.from_numpy(x), torch.from_numpy(y))
        loader = torch.utils.data.DataLoader(data, batch_size=BATCH)
        found["DataLoader"] = loader, lambda: _exhaust(loader)
    if backend == "tensorflow":
        import tensorflow as tf

        data = tf.data.Dataset.from_tensor_slices((x, y)).batch(BATCH)
        found["tf.data"] = data, lambda: _exhaust(data)
    return found


def _exhaust(iterable):
    for _ in iterable:
        pass


def _seconds(call):
    call()
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main(backend):
    import unidl
    from benchmarks import models
    from benchmarks.workloads import WORKLOADS

    model = models.build(unidl, WORKLOADS["mlp"])
    model.compile("adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    rng = np.random.default_rng(0)
    x, y = (
        rng.normal(size=(BATCH * STEPS, 784)).astype("float32"),
        rng.integers(0, 10, BATCH * STEPS).astype("int32"),
    )
    arrays = _seconds(lambda: model.fit(x, y, batch_size=BATCH, verbose=0))
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for title, (source, draw) in _sources(backend, x, y, Path(folder)).items():
            given = {"y": y, "batch_size": BATCH} if title == "memmap" else {}
            fit_s = _seconds(
                lambda source=source, given=given: model.fit(source, verbose=0, **given)
            )
            found.append(
                {
                    "backend": backend,
                    "source": title,
                    "alone_s": _seconds(draw),
                    "fit_s": fit_s,
                    "arrays_s": arrays,
                }
            )
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1])

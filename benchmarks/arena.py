"""Starts the workers of one backend and one workload, and lets them take turns: an epoch each,
again and again."""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys

from benchmarks.contestants import CONTESTANTS

THREAD_COUNTS = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)

# What the workers' mean losses may differ by, since each shuffles and initializes in its own way.
LOSS_TOLERANCE = 0.15


class Worker:
    def __init__(self, name, workload, rounds, threads, quick, clock):
        environment = {
            **os.environ,
            **dict.fromkeys(THREAD_COUNTS, str(threads)),
            "TF_CPP_MIN_LOG_LEVEL": "3",
            **CONTESTANTS[name][2],
        }
        command = [
            sys.executable,
            "-m",
            "benchmarks.worker",
            name,
            workload.name,
            str(rounds),
            "quick" if quick else "full",
            clock,
        ]
        self.name = name
        self._process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.started = self._receive()

    def ask(self, what):
        self._process.stdin.write(what + "\n")
        self._process.stdin.flush()
        return self._receive()

    def _receive(self):
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(
                f"{self.name} ended with exit status {self._process.wait()}; its error is above."
            )
        return json.loads(line)

    def close(self):
        """End the process, in the middle of its work too."""
        self._process.kill()
        self._process.wait()


def compete(
    names,
    workload,
    rounds,
    threads,
    quick,
    what=("predict_1", "predict_256", "evaluate"),
    clock="wall",
):
    """{contestant: figures}: lists with a number for each round, and single numbers for what
    happens once."""
    workers = []
    try:
        for name in names:
            workers.append(Worker(name, workload, rounds, threads, quick, clock))
        found = {
            w.name: {"import_s": w.started["import_s"], "first_step_s": w.started["first_step_s"]}
            for w in workers
        }
        for w, epochs in _in_turns(workers, rounds, "epoch"):
            # The first epoch warms up.
            found[w.name] |= {
                "fit": [e["seconds"] for e in epochs[1:]],
                "peak_mb": epochs[-1]["peak_mb"],
            }
            found[w.name]["losses"] = [e["loss"] for e in epochs]
        for size in (1, 256):
            if f"predict_{size}" in what:
                for w, answers in _in_turns(workers, max(3, rounds // 2), f"predict {size}"):
                    found[w.name][f"predict_{size}"] = [a["seconds"] for a in answers]
        if "evaluate" in what:
            for w, answers in _in_turns(workers, 3, f"evaluate {workload.batch}"):
                found[w.name]["evaluate"] = [a["seconds"] for a in answers]
    finally:
        for w in workers:
            w.close()
    check_losses(found)
    return found


def _in_turns(workers, rounds, what):
    answers = {w.name: [] for w in workers}
    for i in range(rounds):
        # Each round begins with another worker, so that none always follows the same one.
        start = i % len(workers)
        for w in workers[start:] + workers[:start]:
            answers[w.name].append(w.ask(what))
    return [(w, answers[w.name]) for w in workers]


def check_losses(found):
    """An error if somebody's training went elsewhere: nobody wins by doing less."""
    means = {name: statistics.fmean(figures["losses"]) for name, figures in found.items()}
    middle = statistics.median(means.values())
    for name, mean in means.items():
        if not math.isclose(mean, middle, rel_tol=LOSS_TOLERANCE):
            raise AssertionError(
                f"the mean loss over all epochs is {mean:.3f} for {name}, but {middle:.3f} is the "
                f"middle of {means}"
            )

"""What has been measured: a document of runs and of what they found. Runs of parts add up to one
document.

runs      {id: {"machine", "versions", "clock", "rounds", "quick"}}; the id is the time at which
          the run began
results   [{"run", "backend", "workload", "threads", "quick", "figures"}]: one competition, measured
          side by side
streams   [{"run", "backend", "source", ...}]
gpu       [{"run", "backend", ...}]
"""

from __future__ import annotations

import itertools

from benchmarks.contestants import RIVALS, takes_part
from benchmarks.workloads import WORKLOADS

# What is measured besides what comes with every fit.
WHAT = ("fit", "predict_1", "predict_256", "evaluate")
THREADS = (1, 2)

_PARTS = ("results", "streams", "gpu")
_COMPETITION = ("backend", "workload", "threads")


def empty():
    return {"runs": {}, **{part: [] for part in _PARTS}}


def merged(old, new):
    """`old` with what `new` measured in the place of what it had measured before, without the runs
    of which nothing is left."""
    results = [_without(result, new["results"]) for result in old["results"]]
    document = {"results": [r for r in results if r["figures"]] + new["results"]}
    for part in ("streams", "gpu"):
        again = {found["backend"] for found in new[part]}
        document[part] = [found for found in old[part] if found["backend"] not in again] + new[part]
    used = {found["run"] for part in _PARTS for found in document[part]}
    runs = {**old["runs"], **new["runs"]}
    return {"runs": {run: runs[run] for run in sorted(used)}, **document}


def _without(result, newer):
    """A competition's result less the measures that a newer one of the same competition has."""
    same = [n for n in newer if all(n[key] == result[key] for key in _COMPETITION)]
    measured = {measure for n in same for figures in n["figures"].values() for measure in figures}
    left = {
        name: {m: v for m, v in figures.items() if m not in measured}
        for name, figures in result["figures"].items()
    }
    return {**result, "figures": {name: figures for name, figures in left.items() if figures}}


def competitions(threads, workloads, backends):
    """[(threads, workload, backend)]: the first thread count, then jit_compile on it, then the
    others."""
    found = itertools.product(threads, workloads, backends)
    found = [
        (count, WORKLOADS[name], backend)
        for count, name, backend in found
        if takes_part(backend, WORKLOADS[name])
    ]
    found = [
        (count, w, backend)
        for count, w, backend in found
        if count == threads[0] or not backend.endswith("-jit")
    ]
    return sorted(found, key=lambda c: (threads.index(c[0]), c[2].endswith("-jit")))


def missing(document):
    """{(workload, threads, what): backends} of all that could be measured and was not; what is None
    where nothing was."""
    measured = {}
    for result in document["results"]:
        key = tuple(result[part] for part in _COMPETITION)
        measured.setdefault(key, set()).update(*result["figures"].values())
    found = {}
    for threads, workload, backend in competitions(THREADS, WORKLOADS, RIVALS):
        has = measured.get((backend, workload.name, threads))
        for what in [None] if has is None else [w for w in WHAT if w not in has]:
            found.setdefault((workload, threads, what), []).append(backend)
    return found

"""docs/performance.md and docs/performance.png out of the last results."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.report import HEADER, MEASURES, NAMES, rows, table
from benchmarks.workloads import WORKLOADS

# A competition under way when the time is over is finished.
MINUTES = 24

DOCS = Path(__file__).resolve().parent.parent / "docs"

# Why a target is missed, written by hand after a look into a profile: {"backend workload measure rival": reason}.
REASONS = Path(__file__).resolve().parent / "reasons.json"

_PAGE = """# Performance

*Written by `python -m benchmarks --publish`; do not edit. What explains a missed target comes from `benchmarks/reasons.json`.*

Measured on {date} on {machine}, with {versions}. {rounds} rounds{quick}, {clock}.

{verdicts}

![Time of a training step of unidl, divided by the other's](performance.png)

How it is measured: every contestant lives in a process of its own; they take turns, one whole epoch each, and the ratio is the
median of the rounds' ratios (in brackets the quartiles). Below 1 unidl is faster. Everybody does the same work on the same data:
a new order of the samples in each epoch, Adam(1e-3), loss and accuracy of every batch. The command ends with an error if
somebody's losses are not like the others'. The native loops are idiomatic but not slow on purpose: they gather batches by a
permutation, which beats a DataLoader or a tf.data pipeline over samples. *Import and build* is the time from the first import to
a model that is ready to train, with warm disk caches; *first step* includes tracing and compiling; *peak memory* is the
largest resident size of the process up to the end of training. `torch-jit` and `tensorflow-jit` are unidl with
`compile(jit_compile=True)`: torch.compile and XLA.

`make bench` runs all of this in at most half an hour: every backend and workload on one thread, then `jit_compile=True`, then all on
two threads. A run that is behind its schedule leaves out `predict` of 256 samples and `evaluate`, and no competition begins after
the {minutes}th minute.{left_out} `python -m benchmarks --help` tells how to run a part.

## Missed targets

{missed}

{sections}
{streams}
{gpu}"""

_STREAMS = """
## Data that streams

An epoch of 512 steps of the MLP on one thread: the source alone, training from arrays in memory, and training from the source.

{table}
"""

_GPU = """
## GPU

The MLP in ms a step; see `benchmarks/gpu.py`.

{table}
"""


def publish(document):
    """Write page and plot for a document as `__main__` makes it."""
    DOCS.mkdir(exist_ok=True)
    found = [(result, list(rows(result))) for result in document["results"]]
    sections = []
    for threads in sorted({r["threads"] for r, _ in found}):
        for name, workload in WORKLOADS.items():
            chosen = [row for r, part in found if r["threads"] == threads and r["workload"] == name for row in part]
            if chosen:
                plural = "s" if threads > 1 else ""
                cells = [row.cells for row in chosen]
                sections.append(f"## {workload.title}, {threads} thread{plural}\n\n{table(HEADER, cells)}\n")
    judged = [(result["threads"], row) for result, part in found for row in part if row.target is not None]
    missed = [(threads, row) for threads, row in judged if row.verdict == "missed"]
    left_out = f" Left out this time: {'; '.join(document['left_out'])}." if document["left_out"] else ""
    page = _PAGE.format(
        machine=document["machine"],
        versions=", ".join(f"{k} {v}" for k, v in document["versions"].items()),
        date=document["date"],
        rounds=document["rounds"],
        quick=" (quick)" if document["quick"] else "",
        clock="processor time of the process" if document["clock"] == "cpu" else "time by the clock",
        verdicts=f"{len(judged) - len(missed)} of {len(judged)} targets are met.",
        minutes=f"{document.get('minutes', MINUTES):g}",
        left_out=left_out,
        missed=_explained(missed) or "None.",
        sections="\n".join(sections),
        streams=_streams(document.get("streams")),
        gpu=_gpu(document.get("gpu")),
    )
    page = page.rstrip() + "\n"
    (DOCS / "performance.md").write_text(page)
    _plot([(r["threads"], row) for r, part in found for row in part if row.measure == "fit"])


def _explained(missed):
    reasons = json.loads(REASONS.read_text())
    lines = []
    for threads, row in missed:
        keys = [f"{row.backend} {w} {row.measure} {r}" for w in (row.workload, "*") for r in (row.rival, "*")]
        why = next((reasons[key] for key in keys if key in reasons), "Not yet explained.")
        what = f"{WORKLOADS[row.workload].title}, {MEASURES[row.measure][0]}, {row.backend} against {NAMES[row.rival]}, {threads} thread(s)"
        lines.append(f"- {what}: {row.ratio:.2f} instead of {row.target:g}. {why}")
    return "\n".join(lines)


def _streams(found):
    if not found:
        return ""
    header = ["backend", "source", "source alone", "fit of arrays", "fit of the source"]
    cells = [[f["backend"], f["source"], *(f"{f[key]:.3g} s" for key in ("alone_s", "arrays_s", "fit_s"))] for f in found]
    return _STREAMS.format(table=table(header, cells))


def _gpu(found):
    if not found:
        return "\n## GPU\n\nNo GPU was at hand. `python -m benchmarks.gpu` measures torch and JAX where there is one.\n"
    header = ["backend", "dtype", "batch", "contestant", "a step"]
    cells = [[f["backend"], f["dtype"], str(f["batch"]), f["contestant"], f"{f['step_ms']:.3g} ms"] for f in found]
    return _GPU.format(table=table(header, cells))


def _plot(fits):
    """A panel for each thread count, a bar for each rival and workload."""
    import matplotlib as mpl  # only who publishes needs it

    mpl.use("agg")
    from matplotlib import pyplot as plt

    counts = sorted({threads for threads, _ in fits})
    figure, axes = plt.subplots(1, len(counts), figsize=(7 * len(counts), 1 + 0.24 * max(len(fits) // len(counts), 8)), squeeze=False)
    for axis, threads in zip(axes[0], counts, strict=True):
        chosen = [row for count, row in fits if count == threads][::-1]
        labels = [f"{row.workload}, {row.backend} / {NAMES[row.rival]}" for row in chosen]
        colours = ["#2a7f62" if row.ratio <= 1 else "#b5532a" for row in chosen]
        axis.barh(labels, [row.ratio for row in chosen], color=colours)
        for i, row in enumerate(chosen):
            axis.plot([row.low, row.high], [i, i], color="black", linewidth=1)
        axis.axvline(1, color="black", linewidth=0.8)
        axis.set_xlabel("time of a step, unidl / other (less is faster)")
        axis.set_title(f"{threads} thread{'s' if threads > 1 else ''}")
        axis.tick_params(axis="y", labelsize=7)
    figure.tight_layout()
    figure.savefig(DOCS / "performance.png", dpi=110)

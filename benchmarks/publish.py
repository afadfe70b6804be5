"""docs/performance.md and docs/performance.png out of the last results."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks import record
from benchmarks.contestants import RIVALS
from benchmarks.report import HEADER, MEASURES, NAMES, rows, table, thread_count
from benchmarks.workloads import WORKLOADS

# A competition under way when the time is over is finished.
MINUTES = 24

DOCS = Path(__file__).resolve().parent.parent / "docs"

# Why a target is missed, written by hand after a look into a profile: {"backend workload measure
# rival": reason}.
REASONS = Path(__file__).resolve().parent / "reasons.json"

# Of the rows, by these three.
_ORDER = list(WORKLOADS), list(RIVALS), list(MEASURES)

_PAGE = """# Performance

*Written by `python -m benchmarks --publish`; do not edit. What explains a missed target comes from
`benchmarks/reasons.json`.*

{verdicts}

![Time of a training step of unidl, divided by the other's](performance.png)

How it is measured: every contestant lives in a process of its own; they take turns, one whole epoch
each, and the ratio is the median of the rounds' ratios (in brackets the quartiles). Below 1 unidl
is faster. Everybody does the same work on the same data: a new order of the samples in each epoch,
Adam(1e-3), loss and accuracy of every batch. The command ends with an error if somebody's losses
are not like the others'. The native loops are the fastest that people write by hand: they gather
batches by a permutation, which beats a DataLoader or a tf.data pipeline over samples, and torch's
has the fused Adam and images in channels_last; torch as it is by default, *plain Adam*, stands
beside it without a target. *Import and build* is the time from the first import to a model that is
ready to train, with warm disk caches; *first step* includes tracing and compiling; *peak memory* is
the largest resident size of the process up to the end of training. `torch-jit` and `tensorflow-jit`
are unidl with `compile(jit_compile=True)`: torch.compile and XLA.

`make bench` runs all of this in at most half an hour: every backend and workload on one thread,
then `jit_compile=True`, then all on two threads. A run that is behind its schedule leaves out
`predict` of 256 samples and `evaluate`, and no competition begins after the {minutes}th minute.
`python -m benchmarks --help` tells how to run a part; what it publishes takes the place of older
figures of the same, and the others stay. `python -m benchmarks.eager` measures single calls,
outside of any step.

## Missed targets

{missed}

## Runs

The last column of the tables names the run. What unidl and the others took in one row was measured
side by side; rows of different runs were not measured together.

{runs}

{missing}

{sections}
{streams}
{gpu}"""

_STREAMS = """
## Data that streams

An epoch of 512 steps of the MLP on one thread: the source alone, training from arrays in memory,
and training from the source, which should take hardly longer than the sum of both.

{table}
"""

_GPU = """
## GPU

The MLP in ms a step; see `benchmarks/gpu.py`.

{table}
"""


def publish(document):
    """Write page and plot for a document as `record` describes it."""
    DOCS.mkdir(exist_ok=True)
    numbers = {run: str(i) for i, run in enumerate(document["runs"], 1)}
    found = [(r["threads"], numbers[r["run"]], row) for r in document["results"] for row in rows(r)]
    found.sort(
        key=lambda f: (f[0], *map(list.index, _ORDER, (f[2].workload, f[2].backend, f[2].measure)))
    )
    sections = []
    for threads in sorted({threads for threads, _, _ in found}):
        for name, workload in WORKLOADS.items():
            cells = [
                (*row.cells, run)
                for count, run, row in found
                if count == threads and row.workload == name
            ]
            if cells:
                sections.append(
                    f"## {workload.title}, "
                    f"{thread_count(threads)}\n\n{table((*HEADER, 'run'), cells)}\n"
                )
    judged = [(threads, row) for threads, _, row in found if row.target is not None]
    missed = [(threads, row) for threads, row in judged if row.verdict == "missed"]
    page = _PAGE.format(
        verdicts=f"{len(judged) - len(missed)} of {len(judged)} targets are met.",
        minutes=MINUTES,
        missed=_explained(missed) or "None.",
        runs=_runs(document["runs"], numbers),
        missing=_missing(record.missing(document)),
        sections="\n".join(sections),
        streams=_streams(document["streams"], numbers),
        gpu=_gpu(document["gpu"], numbers),
    )
    page = page.rstrip() + "\n"
    (DOCS / "performance.md").write_text(page)
    _plot([(threads, row) for threads, _, row in found if row.measure == "fit"])


def _runs(runs, numbers):
    header = ["run", "began", "rounds", "time", "machine", "with"]
    cells = []
    for name, run in runs.items():
        rounds = f"{run['rounds']}{', quick' if run['quick'] else ''}"
        clock = "processor time of the process" if run["clock"] == "cpu" else "by the clock"
        versions = ", ".join(f"{package} {version}" for package, version in run["versions"].items())
        cells.append([numbers[name], name, rounds, clock, run["machine"], versions])
    return table(header, cells)


def _missing(found):
    if not found:
        return "Nothing is left out."
    parts = []
    for (workload, threads, what), backends in found.items():
        measure = f", {MEASURES[what][0]}" if what else ""
        parts.append(f"- {workload.title}, {thread_count(threads)}{measure}: {', '.join(backends)}")
    return "\n".join(["No run has measured:", "", *parts])


def _explained(missed):
    reasons = json.loads(REASONS.read_text())
    lines = []
    for threads, row in missed:
        keys = [
            f"{row.backend} {w} {row.measure} {r}"
            for w in (row.workload, "*")
            for r in (row.rival, "*")
        ]
        why = next((reasons[key] for key in keys if key in reasons), "Not yet explained.")
        where = f"{WORKLOADS[row.workload].title}, {thread_count(threads)}"
        what = f"{where}, {MEASURES[row.measure][0]}, {row.backend} against {NAMES[row.rival]}"
        lines.append(f"- {what}: {row.ratio:.2f} instead of {row.target:g}. {why}")
    return "\n".join(lines)


def _streams(found, numbers):
    if not found:
        return ""
    header = [
        "backend",
        "source",
        "source alone",
        "fit of arrays",
        "fit of the source",
        "of the sum",
        "run",
    ]
    cells = []
    for f in found:
        seconds = [f"{f[key]:.3g} s" for key in ("alone_s", "arrays_s", "fit_s")]
        share = f["fit_s"] / (f["alone_s"] + f["arrays_s"])
        cells.append([f["backend"], f["source"], *seconds, f"{share:.2f}", numbers[f["run"]]])
    return _STREAMS.format(table=table(header, cells))


def _gpu(found, numbers):
    if not found:
        return (
            "\n## GPU\n\nNo GPU was at hand. `python -m benchmarks.gpu` measures torch and JAX "
            "where there is one.\n"
        )
    header = ["backend", "dtype", "batch", "contestant", "a step", "run"]
    cells = [
        [
            f["backend"],
            f["dtype"],
            str(f["batch"]),
            f["contestant"],
            f"{f['step_ms']:.3g} ms",
            numbers[f["run"]],
        ]
        for f in found
    ]
    return _GPU.format(table=table(header, cells))


def _plot(fits):
    """A panel for each thread count, a bar for each rival and workload."""
    import matplotlib as mpl  # only who publishes needs it

    mpl.use("agg")
    from matplotlib import pyplot as plt

    counts = sorted({threads for threads, _ in fits})
    figure, axes = plt.subplots(
        1,
        len(counts),
        figsize=(7 * len(counts), 1 + 0.24 * max(len(fits) // len(counts), 8)),
        squeeze=False,
    )
    for axis, threads in zip(axes[0], counts, strict=True):
        chosen = [row for count, row in fits if count == threads][::-1]
        labels = [f"{row.workload}, {row.backend} / {NAMES[row.rival]}" for row in chosen]
        colours = ["#2a7f62" if row.ratio <= 1 else "#b5532a" for row in chosen]
        axis.barh(labels, [row.ratio for row in chosen], color=colours)
        for i, row in enumerate(chosen):
            axis.plot([row.low, row.high], [i, i], color="black", linewidth=1)
        axis.axvline(1, color="black", linewidth=0.8)
        axis.set_xlabel("time of a step, unidl / other (less is faster)")
        axis.set_title(thread_count(threads))
        axis.tick_params(axis="y", labelsize=7)
    figure.tight_layout()
    figure.savefig(DOCS / "performance.png", dpi=110)

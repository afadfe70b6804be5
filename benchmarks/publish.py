"""docs/performance.md and docs/performance.png out of the last results."""

from __future__ import annotations

from pathlib import Path

from benchmarks.report import NAMES, markdown, rows
from benchmarks.workloads import WORKLOADS

DOCS = Path(__file__).resolve().parent.parent / "docs"

_PAGE = """# Performance

*Written by `python -m benchmarks --publish`; do not edit.*

Measured on {machine}, with {versions}. {rounds} rounds{quick}.

{verdicts}

![Time of a training step of unidl, divided by the other's](performance.png)

How it is measured: every contestant lives in a process of its own; they take turns, one whole epoch each, and the ratio is the
median of the rounds' ratios (in brackets the quartiles). Below 1 unidl is faster. Everybody does the same work on the same data:
a new order of the samples in each epoch, Adam(1e-3), loss and accuracy of every batch. The command ends with an error if
somebody's losses are not like the others'. The native loops are idiomatic but not slow on purpose: they gather batches by a
permutation, which beats a DataLoader or a tf.data pipeline over samples. *Import and build* is the time from the first import to
a model that is ready to train, with warm disk caches; *first step* includes tracing and compiling; *peak memory* is the
largest resident size of the process up to the end of training.

{sections}"""


def publish(document):
    """Write page and plot for {"machine", "versions", "rounds", "quick", "results": [...]}."""
    DOCS.mkdir(exist_ok=True)
    found = [(result, list(rows(result))) for result in document["results"]]
    sections = []
    for threads in sorted({r["threads"] for r, _ in found}):
        for name, workload in WORKLOADS.items():
            table = [row for r, part in found if r["threads"] == threads and r["workload"] == name for row in part]
            if table:
                plural = "s" if threads > 1 else ""
                sections.append(f"## {workload.title}, {threads} thread{plural}\n\n{markdown(table)}\n")
    all_rows = [row for _, part in found for row in part if row.target is not None]
    met = sum(row.verdict == "met" for row in all_rows)
    page = _PAGE.format(
        machine=document["machine"],
        versions=", ".join(f"{k} {v}" for k, v in document["versions"].items()),
        rounds=document["rounds"],
        quick=" (quick)" if document["quick"] else "",
        verdicts=f"{met} of {len(all_rows)} targets are met.",
        sections="\n".join(sections),
    )
    (DOCS / "performance.md").write_text(page)
    _plot([(r["threads"], row) for r, part in found for row in part if row.measure == "fit"])


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

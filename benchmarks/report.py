"""Ratios out of figures, as rows, as a table in the terminal, and as Markdown."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from benchmarks.targets import target
from benchmarks.workloads import WORKLOADS

# What is measured: (title, unit, factor from seconds or MB).
MEASURES = {
    "fit": ("fit, a step", "ms", 1e3),
    "predict_1": ("predict 1", "ms", 1e3),
    "predict_256": ("predict 256", "ms", 1e3),
    "evaluate": ("evaluate", "ms", 1e3),
    "first_step_s": ("first step", "s", 1),
    "import_s": ("import and build", "s", 1),
    "peak_mb": ("peak memory", "MB", 1),
}

NAMES = {
    "native-torch": "native torch, fused Adam", "plain-torch": "native torch, plain Adam",
    "keras-torch": "Keras on torch",
    "native-tensorflow": "native TensorFlow", "keras-tensorflow": "Keras on TensorFlow",
    "compiled-torch": "torch.compile", "xla-tensorflow": "tf.function, XLA",
    "unidl-torch": "without jit", "unidl-tensorflow": "without jit",
    "native-mxnet": "native Gluon", "native-numpy": "hand-written NumPy", "sklearn": "scikit-learn",
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """unidl beside one rival. `ratio` is the median of the rounds' ratios, `low` and `high` are
    their quartiles."""

    backend: str
    workload: str
    measure: str
    rival: str
    own: float
    other: float
    ratio: float
    low: float
    high: float
    target: float | None

    @property
    def verdict(self):
        return "" if self.target is None else "met" if self.ratio <= self.target else "missed"

    @property
    def cells(self):
        title, unit, _ = MEASURES[self.measure]
        spread = f" ({self.low:.2f} to {self.high:.2f})" if self.low != self.high else ""
        return (
            title, self.backend, NAMES[self.rival], f"{self.own:.3g} {unit}",
            f"{self.other:.3g} " f"{unit}", f"{self.ratio:.2f}{spread}",
            "" if self.target is None else f"{self.target:g}", self.verdict,
        )  # fmt: skip


HEADER = ("measured", "backend", "against", "unidl", "other", "ratio", "target", "")


def rows(result):
    """Rows of one competition: {"backend", "workload", "quick", "figures"}."""
    backend, workload, figures = result["backend"], result["workload"], result["figures"]
    own = figures[f"unidl-{backend}"]
    for measure, (_, _, factor) in MEASURES.items():
        if measure == "fit":
            w = WORKLOADS[workload]
            factor /= w.quick_steps if result["quick"] else w.steps
        for rival, other in figures.items():
            if rival != f"unidl-{backend}" and measure in own:
                yield _row(
                    backend,
                    workload,
                    measure,
                    rival,
                    _as_list(own[measure]),
                    _as_list(other[measure]),
                    factor,
                )


def _as_list(value):
    return value if isinstance(value, list) else [value]


def _row(backend, workload, measure, rival, own, other, factor):
    # Round i of both ran one right after the other, so that a busy moment of the machine is in
    # both.
    ratios = sorted(a / b for a, b in zip(own, other, strict=True))
    low, _, high = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
    ratio = statistics.median(ratios)
    middles = statistics.median(own) * factor, statistics.median(other) * factor
    return Row(
        backend,
        workload,
        measure,
        rival,
        *middles,
        ratio,
        low,
        high,
        target(backend, workload, rival, measure),
    )


def thread_count(count):
    return f"{count} thread{'s' if count > 1 else ''}"


def show(found, title):
    """Print rows as a table."""
    shown = Table(*HEADER, title=title, title_justify="left")
    for row in found:
        shown.add_row(*row.cells, style={"missed": "red", "met": "green"}.get(row.verdict))
    Console(width=140).print(shown)


def table(header, cells):
    """A Markdown table of lists of strings."""
    lines = [header, ["---"] * len(header), *cells]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)

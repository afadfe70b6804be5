"""Report: what `verify` found, for people, for machines, and as a page."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field

from unidl import tree
from unidl.verify import page
from unidl.verify.figures import shown, worst_of
from unidl.verify.files import write_text


@dataclass
class Record:
    """One comparison with the reference.

    layer: label of the call, "" for the whole model and the training run. stage: "layer", "model" or "training".
    target: backend, with its device where it has several. mode: "training" or "inference".
    error, budget: relative, in float64; for a layer in float32 in units of rounding scaled by the condition; see `verify`.
    within: the error is within its budget. explained: it is not, but simulated rounding moves the result as far.
    skipped: nothing was compared, `message` says why.
    """

    layer: str
    kind: str
    stage: str
    target: str
    mode: str
    dtype: str
    what: str
    error: float
    budget: float
    within: bool
    explained: bool = False
    skipped: bool = False
    message: str = ""

    @property
    def passed(self) -> bool:
        return self.within or self.explained or self.skipped


def not_here(common, home) -> Record:
    """The record of something that runs on the backend `home` alone."""
    return Record(
        **common,
        what="call",
        error=0.0,
        budget=0.0,
        within=False,
        skipped=True,
        message=f"runs only on {home.name}",
    )


@dataclass
class Report:
    """
    Attributes:
        passed: whether every comparison is within its budget, or rounding explains why not.
        first: the first layer (in the order of execution) that differs, in a sentence; None if none does.
        problems: all that is wrong, in sentences. notes: what was chosen or left out.
        records: every comparison. layers: the labels of all calls, in order.
        trajectory: {"steps", "reference": losses, "runs": [{"target", "dtype", "losses", "errors"}]}.
        environment: versions, processor, threads.
    """

    model: str
    reference: str
    setup: dict
    targets: list
    layers: list
    records: list = field(default_factory=list)
    problems: list = field(default_factory=list)
    notes: list = field(default_factory=list)
    trajectory: dict = field(default_factory=dict)
    environment: dict = field(default_factory=dict)
    first: str | None = None

    @property
    def passed(self) -> bool:
        return not self.problems and all(r.passed for r in self.records)

    def to_dict(self) -> dict:
        """All of it as plain data."""
        records = [asdict(r) | {"passed": r.passed} for r in self.records]
        return asdict(self) | {"passed": self.passed, "records": records}

    def to_json(self, path):
        """Write `to_dict` to `path`. What is infinite or NaN becomes null, since JSON has neither."""
        write_text(path, json.dumps(_finite(self.to_dict()), indent=1) + "\n")

    def to_html(self, path):
        """Write one self-contained page: verdict, heat map of layers and backends, training curves, environment."""
        write_text(path, page.render(self))

    def show(self, console=None):
        """Print it."""
        from rich.console import Console

        _print(self, console or Console())

    def __str__(self):
        from rich.console import Console

        console = Console(width=120, record=False, color_system=None)
        with console.capture() as capture:
            _print(self, console)
        return capture.get()


def _finite(value):
    """`value` for JSON, which has no word for infinities and NaN."""
    return tree.map_instances(lambda x: x if math.isfinite(x) else None, float, value)


def _print(report, console):
    from rich.markup import escape
    from rich.table import Table

    verdict = "[bold green]EQUAL[/]" if report.passed else "[bold red]DIFFERENT[/]"
    console.print(
        f"{verdict}  {escape(report.model)} against {escape(report.reference)}", highlight=False
    )
    table = Table(show_edge=False, pad_edge=False)
    table.add_column("Worst error", overflow="fold")
    for target in report.targets:
        table.add_column(escape(target), justify="right")
    for dtype, heading in (("float64", "float64, relative"), ("float32", "float32, roundings")):
        if any(r.dtype == dtype for r in report.records):
            table.add_section()
            table.add_row(f"[bold]{heading}[/]")
            for layer in report.layers:
                table.add_row(
                    escape(layer),
                    *(
                        _cell(_pick(report, layer, target, dtype, "layer"))
                        for target in report.targets
                    ),
                )
            for stage, name in (
                ("model", "whole model, relative"),
                ("training", f"{report.setup['steps']} training steps, relative"),
            ):
                cells = [_pick(report, None, target, dtype, stage) for target in report.targets]
                if any(cells):
                    table.add_row(f"[italic]{name}[/]", *map(_cell, cells))
    console.print(table)
    for problem in report.problems:
        console.print(f"[red]✗[/] {escape(problem)}", highlight=False)
    for note in report.notes:
        console.print(f"[dim]· {escape(note)}[/]", highlight=False)


def _pick(report, layer, target, dtype, stage):
    rows = (
        r for r in report.records if r.stage == stage and r.dtype == dtype and r.target == target
    )
    return worst_of([r for r in rows if layer is None or r.layer == layer])


def _cell(record):
    text = shown(record)
    if record is None or record.skipped:
        return f"[dim]{text}[/]"
    return (
        f"[red]{text}[/]"
        if not record.passed
        else f"[yellow]{text}[/]"
        if record.explained
        else text
    )

"""Report: what `verify` found, for people, for machines, and as a page."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field

from unidl import tree
from unidl.utils.whole_file import write_text
from unidl.verify import page
from unidl.verify.figures import shown, worst_of

EQUAL, DIFFERENT, INCOMPLETE = "equal", "different", "incomplete"


@dataclass
class Record:
    """One comparison with the reference.

    layer: label of the call, "" for the whole model and the training run.
    stage: "layer", "model" or "training".
    target: backend, with its device where it has several.
    mode: "training" or "inference".
    kind: the layer's class; "training" for the run.
    what: which of the results the figures are of, in words.
    dtype: in which the target computed.
    error, budget: relative, in float64; for a layer in float32 in units of rounding scaled by the
        condition; see `verify`.
    within: the error is within its budget.
    explained: it is not, but simulated rounding moves the result as far.
    skipped: nothing was compared, `message` says why.
    alone: the reference was the same backend, which proves nothing of another.

    Examples:
        >>> model = unidl.Sequential([unidl.Input((4,)), unidl.layers.Dense(2)])
        >>> report = unidl.verify.verify(model, backends=["numpy"], steps=1)
        >>> sorted({record.stage for record in report.records})
        ['layer', 'model', 'training']
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
    alone: bool = False
    message: str = ""

    @property
    def passed(self) -> bool:
        """Whether it was compared and found equal."""
        return not self.skipped and (self.within or self.explained)

    @property
    def failed(self) -> bool:
        """Whether it was compared, or should have been, and is not equal."""
        return not self.skipped and not self.passed


def not_compared(common, why) -> Record:
    """The record of something that was not compared."""
    return Record(
        **common, what="call", error=0.0, budget=0.0, within=False, skipped=True, message=why
    )


def cannot_run(common, text) -> Record:
    """The record of something that raised where it should have run."""
    return Record(**common, what="call", error=math.inf, budget=0.0, within=False, message=text)


@dataclass
class Report:
    """
    Attributes:
        verdict: "equal", "different" or "incomplete", see below. passed: whether it is "equal".
        heading: the verdict in words, with where the model ran.
        first: the first layer (in the order of execution) that differs, in a sentence; None if
            none does.
        problems: all that differs, in sentences. notes: what was chosen or left out.
        failures: stages of the verification that raised, in sentences.
        left_out: backends and devices that did not run at all.
        require_all: whether everything has to run everywhere.
        records: every comparison. layers: the labels of all calls, in order.
        trajectory: {"steps", "reference": losses, "runs": [{"target", "dtype", "losses",
            "errors", "budgets"}]}.
        environment: versions, processor, threads.
        targets: labels of the backends and devices. setup: {"loss", "optimizer", "steps"}.

    It is "different" if a comparison found a difference that rounding does not explain. Else it is
    "incomplete" if a stage failed, if nothing was compared with an independent reference, or, with
    `require_all`, if something did not run. What was not compared never counts as equal.

    Examples:
        >>> model = unidl.Sequential([unidl.Input((4,)), unidl.layers.Dense(2)])
        >>> report = unidl.verify.verify(model, backends=["numpy"], steps=1)
        >>> report.passed, report.first
        (True, None)
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
    failures: list = field(default_factory=list)
    left_out: list = field(default_factory=list)
    require_all: bool = False

    @property
    def verdict(self) -> str:
        if self.problems or any(r.failed for r in self.records):
            return DIFFERENT
        return INCOMPLETE if self.missing else EQUAL

    @property
    def passed(self) -> bool:
        return self.verdict == EQUAL

    @property
    def missing(self) -> list:
        """Why the verdict cannot be "equal" although nothing differs, in sentences."""
        found = list(self.failures)
        if not any(not (r.skipped or r.alone) for r in self.records):
            found.append("Nothing was compared with an independent reference.")
        if self.require_all:
            found += [f"{name} did not run." for name in self.left_out]
            found += dict.fromkeys(
                f"{r.layer or _STAGES[r.stage]} did not run on {r.target}: {r.message}."
                for r in self.records
                if r.skipped
            )
        return found

    @property
    def heading(self) -> str:
        if self.verdict != EQUAL:
            return self.verdict.capitalize()
        if self.left_out or any(r.skipped for r in self.records):
            whole = {r.target for r in self.records if r.stage == "model" and not r.skipped}
            ran = " and ".join(target for target in self.targets if target in whole)
            return f"Equal where it runs ({ran or 'some layers'} only)"
        return "Equal everywhere" if len(self.targets) > 1 else f"Equal on {self.targets[0]}"

    def to_dict(self) -> dict:
        """All of it as plain data."""
        records = [asdict(r) | {"passed": r.passed} for r in self.records]
        words = {"verdict": self.verdict, "heading": self.heading, "missing": self.missing}
        return asdict(self) | words | {"passed": self.passed, "records": records}

    def to_json(self, path):
        """Write `to_dict` to `path`. What is infinite or NaN becomes null: JSON has neither."""
        write_text(path, json.dumps(_finite(self.to_dict()), indent=1) + "\n")

    def to_html(self, path):
        """Write one self-contained page: verdict, heat map, training curves, environment."""
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


_STAGES = {"model": "The whole model", "training": "Training"}
_COLOURS = {EQUAL: "green", DIFFERENT: "red", INCOMPLETE: "yellow"}


def _finite(value):
    """`value` for JSON, which has no word for infinities and NaN."""
    return tree.map_instances(lambda x: x if math.isfinite(x) else None, float, value)


def _in_capitals(report):
    """EQUAL, and only where that holds of less than everything, where."""
    heading = report.heading
    if report.verdict != EQUAL or "only" not in heading:
        return report.verdict.upper()
    words, _, names = heading.partition("(")
    return f"{words.upper()}({names}"


def _print(report, console):
    from rich.markup import escape
    from rich.table import Table

    verdict = f"[bold {_COLOURS[report.verdict]}]{escape(_in_capitals(report))}[/]"
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
    for text in report.missing:
        console.print(f"[yellow]?[/] {escape(text)}", highlight=False)
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
    if record.failed:
        return f"[red]{text}[/]"
    return f"[yellow]{text}[/]" if record.explained else text

"""A report as one HTML page that needs nothing else: no script, no font, no network."""

from __future__ import annotations

import math
from html import escape

from unidl.verify.figures import share, shown, worst_of
from unidl.verify.plot import legend, plot
from unidl.verify.style import STYLE


def render(report) -> str:
    """The page."""
    verdict, colour = (
        ("Equal everywhere", "var(--good)") if report.passed else ("Different", "var(--bad)")
    )
    counted = [r for r in report.records if not r.skipped]
    setup = report.setup
    parts = [
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>unidl verify: {escape(report.model)}</title><style>{STYLE}</style></head><body><main>",
        f'<div class="verdict" style="background:{colour}">{verdict}</div><h1>{escape(report.model)}</h1>',
        f'<p class="soft">{len(counted):,} comparisons on {escape(", ".join(report.targets))} with {escape(report.reference)}; '
        f"loss {escape(setup['loss'])}, optimizer {escape(setup['optimizer'])}, {setup['steps']} training steps.</p>",
        *(f'<p class="first">{escape(problem)}</p>' for problem in report.problems),
        "<h2>Layer by layer</h2>",
        _heat_map(report),
        _training(report),
        _notes(report),
        _environment(report),
        "<footer>Made by <b>unidl verify</b>. float64: largest error relative to the largest value, budget 1e-12. float32, layers: in "
        "roundings scaled by the condition of the computation, budget 16. Whole model and training in float32: relative, at most 3 "
        "times the median of the other backends plus what simulated rounding makes. Hold the pointer over a cell to see more.</footer>"
        "</main></body></html>\n",
    ]
    return "\n".join(parts)


def _heat_map(report):
    dtypes = [d for d in ("float64", "float32") if any(r.dtype == d for r in report.records)]
    count = len(report.targets)
    names = {
        "float64": "float64, relative error",
        "float32": "float32, roundings (last rows: relative)",
    }
    top = '<td class="gap"></td>'.join(f'<th colspan="{count}">{names[d]}</th>' for d in dtypes)
    second = '<td class="gap"></td>'.join(
        "".join(f"<th>{escape(t)}</th>" for t in report.targets) for _ in dtypes
    )
    kinds = {r.layer: r.kind for r in report.records}
    rows = [
        (f"{escape(layer)} <span>{escape(kinds.get(layer, ''))}</span>", layer, "layer")
        for layer in report.layers
    ]
    rows += [
        (name, "", stage) for name, stage in (("Whole model", "model"), ("Training", "training"))
    ]
    lines = []
    for heading, layer, stage in rows:
        found = [r for r in report.records if r.stage == stage and r.layer == layer]
        if not found:
            continue
        groups = []
        for dtype in dtypes:
            groups.append(
                "".join(
                    _cell([r for r in found if r.dtype == dtype and r.target == t])
                    for t in report.targets
                )
            )
        gap = '<td class="gap"></td>'
        rule = ' class="rule"' if stage == "model" else ""
        lines.append(f'<tr{rule}><th class="row" scope="row">{heading}</th>{gap.join(groups)}</tr>')
    scale = "".join(
        f'<i style="background:{colour_of(10**power)}"></i>'
        for power in (-4, -3, -2, -1, -0.5, 0, 0.5)
    )
    key = (
        f'<p class="key small soft">error / budget: 10⁻⁴ {scale} beyond'
        "&emsp;~ beyond the budget, but no more than rounding explains&emsp;✗ different</p>"
    )
    head = f"<thead><tr><th></th>{top}</tr><tr><th></th>{second}</tr></thead>"
    return f'<div class="card"><table>{head}<tbody>{"".join(lines)}</tbody></table>{key}</div>'


def _cell(records):
    record = worst_of(records)
    if record is None or record.skipped:
        text = "not compared" if record is None else escape(record.message)
        return f'<td class="none" title="{text}">{shown(record)}</td>'
    detail = f"{record.what}, {record.mode}: {record.error:.3g}, budget {record.budget:.3g}; {len(records)} comparisons. {record.message}"
    colour = colour_of(share(record)) if record.passed else "var(--bad)"
    return f'<td style="background:{colour}"{"" if record.passed else " class=bad"} title="{escape(detail)}">{shown(record)}</td>'


def colour_of(part) -> str:
    """From green, for an error of no account, to amber at the budget and beyond."""
    position = 0.0 if part <= 0 else min(1.0, max(0.0, (math.log10(part) + 3.6) / 3.9))
    green, amber = (196, 234, 214), (250, 200, 110)
    middle = (238, 240, 200)
    low, high, t = (
        (green, middle, position * 2) if position < 0.5 else (middle, amber, position * 2 - 1)
    )
    return "#" + "".join(f"{round(a + (b - a) * t):02x}" for a, b in zip(low, high, strict=True))


def _training(report):
    if not report.trajectory:
        return ""
    runs = report.trajectory["runs"]
    losses = [
        ("reference", "float64", report.trajectory["reference"]),
        *((r["target"], r["dtype"], r["losses"]) for r in runs),
    ]
    errors = [(r["target"], r["dtype"], r["errors"]) for r in runs]
    return (
        f'<h2>Training, step by step</h2><div class="card"><div class="plots">'
        f"<figure><figcaption>Loss. Where runs agree, their lines lie on each other.</figcaption>{plot(losses, report.targets)}</figure>"
        f"<figure><figcaption>Largest error of a weight after each step, relative to the largest weight.</figcaption>"
        f"{plot(errors, report.targets, logarithmic=True)}</figure></div>{legend(report.targets, [r['dtype'] for r in runs])}</div>"
    )


def _notes(report):
    if not report.notes:
        return ""
    return (
        "<h2>Notes</h2><ul>"
        + "".join(f"<li>{escape(note)}</li>" for note in report.notes)
        + "</ul>"
    )


def _environment(report):
    e = report.environment
    rows = [
        ("Date", e["date"]),
        ("unidl", e["unidl"]),
        ("Python, NumPy", f"{e['python']}, {e['numpy']}"),
        *(
            (name, f"{b['version']} on {', '.join(b['devices'])}")
            for name, b in e["backends"].items()
        ),
        ("Processor", f"{e['processor']}, {e['cores']} cores"),
        ("Threads", ", ".join(f"{k}={v}" for k, v in e["threads"].items()) or "not limited"),
        ("Platform", e["platform"]),
    ]
    body = "".join(
        f"<dt>{escape(str(name))}</dt><dd>{escape(str(value))}</dd>" for name, value in rows
    )
    return f'<h2>Environment</h2><div class="card"><dl class="env">{body}</dl></div>'

"""A report as one HTML page."""

from __future__ import annotations

from html import escape

from unidl.utils import html_page
from unidl.verify.figures import share, shown, worst_of
from unidl.verify.plot import legend, plot

_TONES = {"equal": "good", "different": "bad", "incomplete": "warn"}


def render(report) -> str:
    """The page."""
    counted = [r for r in report.records if not r.skipped]
    setup = report.setup
    parts = [
        f'<p class="soft">{len(counted):,} comparisons on {escape(", ".join(report.targets))} with '
        f"{escape(report.reference)}; "
        f"loss {escape(setup['loss'])}, optimizer {escape(setup['optimizer'])}, {setup['steps']} "
        "training steps.</p>",
        *(f'<p class="found">{escape(problem)}</p>' for problem in report.problems),
        *(f'<p class="found warn">{escape(text)}</p>' for text in report.missing),
        _heat_map(report) if report.records else "",
        _training(report),
        _notes(report),
        _environment(report),
        "<footer>Made by <b>unidl verify</b>. float64: largest error relative to the largest "
        "value, budget 1e-12. float32, layers: in roundings scaled by the condition of the "
        "computation, budget 16. Whole model and training in float32: relative, at most 3 times "
        "the median of the other backends plus what simulated rounding makes. Hover over a cell "
        "for details.</footer>",
    ]
    title = f"unidl verify: {report.model}"
    return html_page.render(title, report.model, report.heading, _TONES[report.verdict], parts)


def _heat_map(report):
    names = {
        "float64": "float64, relative error",
        "float32": "float32, roundings (last rows: relative)",
    }
    dtypes = [d for d in names if any(r.dtype == d for r in report.records)]
    kinds = {r.layer: r.kind for r in report.records}
    headings = [
        (f"{escape(layer)} <span>{escape(kinds.get(layer, ''))}</span>", layer, "layer")
        for layer in report.layers
    ]
    headings += [("Whole model", "", "model"), ("Training", "", "training")]
    rows = []
    for heading, layer, stage in headings:
        found = [r for r in report.records if r.stage == stage and r.layer == layer]
        if found:
            groups = [
                [
                    _cell([r for r in found if r.dtype == dtype and r.target == t])
                    for t in report.targets
                ]
                for dtype in dtypes
            ]
            rows.append((heading, groups, stage == "model"))
    table = html_page.heat_map([(names[d], report.targets) for d in dtypes], rows)
    return f"<h2>Layer by layer</h2>{table}{html_page.key()}"


def _cell(records):
    record = worst_of(records)
    if record is None or record.skipped:
        text = "not compared" if record is None else record.message
        return html_page.cell(shown(record), "none", text)
    detail = (
        f"{record.what}, {record.mode}: {record.error:.3g}, budget {record.budget:.3g}; "
        f"{len(records)} comparisons. {record.message}"
    )
    kind = "bad" if record.failed else html_page.kind_of(share(record))
    return html_page.cell(shown(record), kind, detail)


def _training(report):
    if not report.trajectory:
        return ""
    runs = report.trajectory["runs"]
    dtypes = list(dict.fromkeys(r["dtype"] for r in runs))
    losses = [
        ("reference", "float64", report.trajectory["reference"]),
        *((r["target"], r["dtype"], r["losses"]) for r in runs),
    ]
    budgets = []
    for dtype in dtypes:
        own = zip(*(r["budgets"] for r in runs if r["dtype"] == dtype), strict=True)
        budgets.append(("budget", dtype, [min(step) for step in own]))
    errors = [*budgets, *((r["target"], r["dtype"], r["errors"]) for r in runs)]
    drawn = [t for t in report.targets if any(r["target"] == t for r in runs)]
    return (
        '<h2>Training, step by step</h2><div class="card"><div class="plots">'
        "<figure><figcaption>Loss. Lines of runs that agree "
        f"coincide.</figcaption>{plot(losses, report.targets)}</figure><figure><figcaption>Largest "
        "error of a weight after each step, relative to the largest "
        f"weight.</figcaption>{plot(errors, report.targets, logarithmic=True)}</figure></div>"
        f"{legend(drawn, report.targets, dtypes)}</div>"
    )


def _notes(report):
    if not report.notes:
        return ""
    items = "".join(f"<li>{escape(note)}</li>" for note in report.notes)
    return f"<h2>Notes</h2><ul>{items}</ul>"


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
    body = "".join(f"<dt>{escape(str(k))}</dt><dd>{escape(str(v))}</dd>" for k, v in rows)
    return f'<h2>Environment</h2><div class="card"><dl class="env">{body}</dl></div>'

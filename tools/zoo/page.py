"""docs/zoo.md, of the results that are there."""

from __future__ import annotations

import datetime
import importlib.metadata
import sys
from collections import Counter

from tools.zoo.rows import SOURCES, module_of

_PACKAGES = (
    "numpy", "torch", "torchvision", "transformers", "keras", "tensorflow-cpu", "mxnet", "jax",
    "flax",
)  # fmt: skip
_STATUS = {"equal": "", "different": "DIFFERENT", "refused": "refused", "crash": "CRASH"}


def write(rows, results, path) -> None:
    directions = ["into", "float32", *_targets(results)]
    sections = [_section(s, rows, results, directions) for s in SOURCES]
    path.write_text("\n\n".join([_head(rows, results, directions), *sections]) + "\n")


def _targets(results):
    found = {name for r in results.values() if r for name in r["directions"]}
    return sorted(name for name in found if name.startswith("to "))


def _head(rows, results, directions):
    versions = ", ".join(f"{name} {v}" for name in _PACKAGES if (v := _version(name)))
    missing = sum(results[row] is None for row in rows)
    commits = Counter(r["commit"] for r in results.values() if r)
    of_commits = ", ".join(f"{commit} ({n} rows)" for commit, n in commits.most_common())
    plus = " (+: and what was changed since it)" if any("+" in c for c in commits) else ""
    told = [
        "# The zoo",
        "Models that nobody here wrote, through every importer and every writer. `make zoo` runs "
        f"them and writes this page ({datetime.date.today():%d %B %Y}; Python "
        f"{sys.version.partition(' ')[0]}, {versions}, CPU).",
        "- into: what `from_torch`, `from_gluon` and `from_keras` say: the largest difference in "
        "float64 of outputs, gradients of all weights and inputs, and three steps of gradient "
        "descent, relative to the largest number; at most 1e-9 (Keras, and a few kernels of MXNet: "
        "1e-6).\n"
        "- float32: outputs of the model that was brought in beside the original's.\n"
        "- to ...: the model as source (`to_source`), on the framework that it came from, too. The "
        "number is what the written file says when it runs by itself, in a process that cannot "
        "import unidl: outputs and gradients in float64 (NumPy: outputs).",
        "Some layers of Keras, such as its layer normalization, and a few kernels of MXNet keep "
        "fewer digits than float64 has, so files for these may differ by 1e-7. JAX takes longest "
        "by far: XLA runs convolutions in float64 as plain loops, so some rows leave it out. "
        "`make zoo ZOO_OPTIONS=--only=PATTERN` runs single rows.",
        "All weights that begin as one number, such as scales of 1 and layer scales of 1e-6, "
        "have drawn ones, so that they hide nothing. Refused is a `PortError`; its reasons are "
        "below each table. Where there is -, what comes before was not equal.",
        _table(
            ["models", "rows", *directions],
            [_summary(s, rows, results, directions) for s in SOURCES],
        ),
        "Equal of those that were run; refusals and differences are in the tables below. The rows "
        f"ran with unidl of commit {of_commits}{plus}"
        f"{f'; {missing} were not run' if missing else ''}.",
    ]
    return "\n\n".join(told)


def _summary(source, rows, results, directions):
    mine = [row for row in rows if row.source == source]
    line = [f"[{module_of(source).TITLE}](#{_anchor(module_of(source).TITLE)})", len(mine)]
    for direction in directions:
        outcomes = [(results[r] or {"directions": {}})["directions"].get(direction) for r in mine]
        counts = Counter(o["status"] for o in outcomes if o and o["status"] != "not run")
        line.append(f"{counts['equal']} of {counts.total()}" if counts else "")
    return line


def _anchor(title):
    kept = "".join(c for c in title.lower() if c.isalnum() or c in " -_")
    return kept.replace(" ", "-")


def _section(source, rows, results, directions):
    module = module_of(source)
    mine = [row for row in rows if row.source == source]
    asked = [
        d
        for d in directions
        if any(d in (results[r] or {"directions": {}})["directions"] for r in mine)
    ]
    lines, reasons = [], {}
    for row in mine:
        found = results[row]
        cells = [_cell(row, found, d, reasons) for d in asked]
        weights = (found or {}).get("weights")
        lines.append([row.name, "" if weights is None else f"{weights:,}", *cells])
    parts = [f"## {module.TITLE}", module.ABOUT]
    parts.append(_table(["architecture", "weights", *(asked or ["into"])], lines))
    if reasons:
        told = [
            f"- {', '.join(sorted(names))}: {reason}"
            for reason, names in sorted(reasons.items(), key=lambda item: -len(item[1]))
        ]
        parts.append("\n".join(told))
    return "\n\n".join(parts)


def _cell(row, found, direction, reasons):
    if found is None:
        return "not run"
    outcome = found["directions"].get(direction)
    if outcome is None:
        if not found["stopped"]:
            return "-"
        _tell(reasons, found["stopped"], row.name)
        return "not run"
    if "reason" in outcome:
        where = "" if direction == "into" else f" ({direction})"
        _tell(reasons, outcome["reason"], f"{row.name}{where}")
    if outcome["status"] == "equal":
        of = f", {outcome['equal']} of {outcome['of']}" if "of" in outcome else ""
        return f"{outcome['error']:.0e}{of}"
    return _STATUS.get(outcome["status"], outcome["status"])


def _tell(reasons, reason, who):
    text = " ".join(reason.split())
    text = text if len(text) <= 300 else f"{text[:297]}..."
    reasons.setdefault(text.replace("|", "\\|").replace("<", "&lt;"), set()).add(who)


def _table(head, lines):
    found = [head, ["---", *["---:"] * (len(head) - 1)], *lines]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in found)


def _version(name):
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None

"""Write docs/outside-truth.md: what others' own tests say of unidl, on every installed backend.

python -m tools.outside_truth
"""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from tests.outside import exclusions, onnx_nodes, torch_modules
from unidl import list_backends

ROOT = Path(__file__).parent.parent
PACKAGES = ("numpy", "torch", "tensorflow-cpu", "mxnet", "jax", "keras", "onnx")


def main():
    backends = [row.name for row in list_backends() if row.installed]
    sections = [
        _section(
            "ONNX: the node cases of the package onnx",
            "Each is a graph with inputs and outputs; `unidl.port.onnx` runs it on calls of "
            "`unidl.ops`. dtypes and shapes must be "
            "equal, integers exactly, floats within onnx's own bound (relative 1e-3; 4 roundings "
            "for float16 and bfloat16).",
            onnx_nodes,
            backends,
        ),
        _section(
            "torch: the configurations of torch's modules",
            "Outputs and gradients of inputs and parameters, float64, within "
            f"{torch_modules.BUDGET:.0e} of the largest number, with torch's weights and inputs.",
            torch_modules,
            backends,
        ),
        _keras(),
    ]
    versions = ", ".join(f"{name} {version}" for name in PACKAGES if (version := _version(name)))
    text = (
        "# Outside truth\n\nHow unidl does in tests that others wrote. `make outside-truth` writes "
        "this page "
        f"({datetime.date.today():%d %B %Y}; Python {sys.version.partition(' ')[0]}, {versions}, "
        "CPU).\n\n"
        "`tests/outside/*.json` gives a reason for every excluded case. Excluded cases still run "
        "and must fail, so that the list never outlives its reasons: the test suite fails if an "
        "excluded case passes or any other case fails.\n\n" + "\n\n".join(sections)
    )
    (ROOT / "docs" / "outside-truth.md").write_text(text + "\n", "utf-8")


def _version(name):
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _table(head, rows):
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def _section(title, text, source, backends):
    excluded, reasons, rows = exclusions.read(source.SOURCE), {}, []
    for backend in backends:
        results = source.run(backend)
        passed = [r for r in results if not r.problem]
        why = Counter(exclusions.reason_of(r, excluded) or "FAILED" for r in results if r.problem)
        reasons[backend] = why
        failed = why.pop("FAILED", 0)
        rows.append(
            [
                backend,
                len(results),
                len(passed),
                failed,
                sum(why.values()),
                f"{max(r.error for r in passed):.1e}",
            ]
        )
    every = sorted(
        set().union(*reasons.values()),
        key=lambda reason: -max(why[reason] for why in reasons.values()),
    )
    return "\n\n".join(
        [
            f"## {title}",
            text,
            _table(["backend", "cases", "passed", "failed", "excluded", "worst error"], rows),
            _table(
                ["why excluded", *backends],
                [[reason, *(reasons[b][reason] or "" for b in backends)] for reason in every],
            ),
        ]
    )


def _keras():
    """The tests that ask Keras, counted by folder and backend; those without a backend's name run
    on NumPy."""
    files = sorted(ROOT.glob("tests/*/test_against_keras.py"))
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        subprocess.run(
            [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", *map(str, files)],
            cwd=ROOT,
            check=False,
        )
        cases = list(ElementTree.parse(report).iter("testcase"))
    counts, reasons = {}, Counter()
    for case in cases:
        folder = case.get("classname").split(".")[1]
        count = counts.setdefault(folder, Counter())
        skipped = case.find("skipped")
        if skipped is not None:
            count["excluded"] += 1
            reasons[skipped.get("message").removeprefix("Skipped: ")] += 1
        else:
            count[
                "passed"
                if case.find("failure") is None and case.find("error") is None
                else "failed"
            ] += 1
    rows = [
        [folder, sum(c.values()), c["passed"], c["failed"], c["excluded"]]
        for folder, c in counts.items()
    ]
    return "\n\n".join(
        [
            "## Keras: the same configs and weights",
            "`tests/*/test_against_keras.py`, float64: layers forward and all gradients on NumPy "
            "(the conformance suite compares the other backends with NumPy, within 1e-12), losses, "
            "metrics, models and optimizers on every backend.",
            _table(["tests of", "cases", "passed", "failed", "excluded"], rows),
            _table(["why Keras cannot serve as reference", "cases"], reasons.most_common()),
        ]
    )


if __name__ == "__main__":
    main()

"""Runs guides as scripts, keeps what each prints, and compares it."""

import ast
import re
import runpy
from pathlib import Path

FOLDER = Path(__file__).parent / "scripts"
GUIDES = sorted(str(path.relative_to(FOLDER).with_suffix("")) for path in FOLDER.rglob("*.py"))
# Keras leaves gradients to its frameworks; a guide that takes some has no counterpart there.
ONLY_HERE = {"grad", "value_and_grad"}
_NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?|-?\d+")


def path_of(guide):
    return FOLDER / f"{guide}.py"


def printed_by(guide):
    """The lines that a guide prints itself; what `fit` and `summary` print is not among them."""
    lines = []

    def note(*values):
        lines.append(" ".join(map(str, values)))

    runpy.run_path(str(path_of(guide)), {"print": note}, run_name="guide")
    return lines


def runs_on_keras(guide):
    """Whether a guide uses only what Keras has."""
    tree = ast.parse(path_of(guide).read_text())
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return not used & ONLY_HERE


def differences(lines, others, tolerance):
    """Pairs of lines whose text or integers differ, or whose decimals do beyond `tolerance`.

    With a tolerance of None decimals count as drawn at random, and any will do.
    """
    pairs = zip(lines, others, strict=False)
    found = [pair for pair in pairs if not _equal(*pair, tolerance)]
    return found + ([] if len(lines) == len(others) else [(lines, others)])


def _equal(line, other, tolerance):
    if _NUMBER.sub("#", line) != _NUMBER.sub("#", other):
        return False
    for one, two in zip(_NUMBER.findall(line), _NUMBER.findall(other), strict=True):
        if "." not in one and "." not in two:
            if one != two:
                return False
        elif tolerance is not None:
            a, b = float(one), float(two)
            if abs(a - b) > tolerance * max(1, abs(a), abs(b)):
                return False
    return True

"""Findings in sentences."""

from __future__ import annotations

from unidl.verify.figures import share


def sentence(label, records, looks=""):
    """What is wrong with one layer, where, whether rounding explains it, what it `looks` like."""
    failed = [r for r in records if r.failed]
    worst = max(failed, key=lambda r: (r.dtype == "float64", r.what.startswith("output"), share(r)))
    targets = ", ".join(dict.fromkeys(r.target for r in failed))
    text = (
        f"{label} ({worst.kind}) is the first layer that differs, on {targets}: {worst.what} in "
        f"{worst.dtype}, {amount(worst)}."
    )
    if worst.what.startswith("gradient") and all(
        not r.failed for r in records if r.dtype == worst.dtype and r.what.startswith("output")
    ):
        text += " Its outputs are equal."
    if worst.message.startswith("cannot run"):
        return text
    if worst.dtype == "float64":
        return f"{text} Rounding does not explain it.{looks}"
    return (
        f"{text} Its formula is right (float64 agrees), but it loses more digits than rounding in "
        f"float32 explains.{looks}"
    )


def amount(record):
    if record.message:
        return record.message
    unit = "roundings" if record.stage == "layer" and record.dtype != "float64" else "relative"
    return f"error {record.error:.2g} {unit}, budget {record.budget:.2g}"


def one_line(error):
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"

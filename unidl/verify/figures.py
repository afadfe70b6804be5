"""How a comparison is shown in one cell of a table."""

from __future__ import annotations

import math


def share(record) -> float:
    """Error over budget; 0 where nothing was compared."""
    if record.skipped or record.error == 0:
        return 0.0
    return record.error / record.budget if record.budget else math.inf


def worst_of(records):
    """The record that is farthest beyond its budget, or nearest to it; None of none."""
    return max(
        records, key=lambda r: (r.failed, not r.skipped, not r.within, share(r)), default=None
    )


def shown(record) -> str:
    """The error, with a mark where it is beyond its budget: "~" if rounding explains it, "✗" if
    not."""
    if record is None:
        return "–"
    if record.skipped:
        return "not run"
    if not math.isfinite(record.error):
        return "differs ✗"
    relative = record.dtype == "float64" or record.stage != "layer"
    text = (
        "0"
        if record.error == 0
        else f"{record.error:.1e}"
        if relative
        else f"{record.error:{'.2g' if record.error < 99 else ',.0f'}}"
    )
    return text + ("" if record.within else " ~" if record.explained else " ✗")

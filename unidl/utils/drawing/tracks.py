"""Tracks of the horizontal parts of edges between two ranks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

_SAME = 0.5  # nearer columns are one
_OVER_ANOTHER = 20  # two edges on one line are as bad as so many crossings


@dataclass(eq=False)
class Bus:
    """One horizontal line, which some edges reach from above at `starts` and leave at `ends`."""

    starts: list[float] = field(default_factory=list)
    ends: list[float] = field(default_factory=list)
    track: int = 0

    @property
    def reach(self) -> tuple[float, float]:
        return min(self.starts + self.ends), max(self.starts + self.ends)


def give_tracks(buses: Sequence[Bus]) -> int:
    """Set `track` of each bus, 0 at the top, so that they cross little; the number of tracks."""
    waiting = list(buses)
    # How bad it is to have one above another, against the other way round.
    worse = {(a, b): _cost(a, b) - _cost(b, a) for a in waiting for b in waiting if a is not b}
    placed: list[Bus] = []
    while waiting:
        top = min(waiting, key=lambda a: sum(worse[a, b] for b in waiting if b is not a))
        waiting.remove(top)
        low, high = top.reach
        above = [b.track for b in placed if b.reach[0] <= high + 4 and b.reach[1] >= low - 4]
        top.track = 1 + max(above, default=-1)
        placed.append(top)
    return 1 + max((bus.track for bus in placed), default=-1)


def _cost(upper: Bus, lower: Bus) -> int:
    """Crossings of two buses if `upper` is above: its ends go through the line of the other, whose
    starts go through its line."""
    (left, right), (low, high) = upper.reach, lower.reach
    cost = sum(left < start < right for start in lower.starts)
    cost += sum(low < end < high for end in upper.ends)
    for end in upper.ends:
        cost += _OVER_ANOTHER * sum(abs(end - start) < _SAME for start in lower.starts)
    return cost

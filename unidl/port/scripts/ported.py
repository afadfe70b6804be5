"""What comes of porting one script."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, order=True)
class Kept:
    """A line that stays as it was.

    line: its number in the script that came. name: what is not ported. reason: why, and what to
    write instead. cell: of a notebook, where it is, from 1; the line is then that of the cell.
    """

    line: int
    name: str
    reason: str
    cell: int | None = None


@dataclass(frozen=True)
class Ported:
    """text: the new script. kept: what is not ported. calls, ported: how many calls of the other
    framework there were, and how many of them are ported."""

    source: str
    text: str
    kept: list[Kept] = field(default_factory=list)
    calls: int = 0
    ported: int = 0

    @property
    def whole(self) -> bool:
        """Whether nothing was kept."""
        return not self.kept

    @property
    def changed(self) -> bool:
        return self.text != self.source

    @property
    def share(self) -> float:
        """Of the calls, those that are ported, from 0 to 1."""
        return self.ported / self.calls if self.calls else 1.0

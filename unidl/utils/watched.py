"""Objects whose public attributes a compiled step has read: a change of one voids the step.

A step is recorded once, with the dropout's rate or the optimizer's clipvalue as they were. Whoever
changes one later expects the next step to obey. So these objects count the changes of their public
attributes, and a step compares counts before it runs, which costs next to nothing while there are
none.
"""

from __future__ import annotations

from typing import Any

from unidl.backend import frame

_PLAIN = (bool, int, float, str, bytes, tuple, type(None))
_changes = 0


def changes() -> int:
    """How many attributes of any watched object have been changed so far."""
    return _changes


class Watched:
    """Counts changes of its public attributes; those in `_unwatched` concern no step."""

    _unwatched: frozenset = frozenset()
    _version = 0

    def __setattr__(self, name: str, value: Any) -> None:
        self._watch(name, value)
        object.__setattr__(self, name, value)

    def _watch(self, name: str, value: Any) -> None:
        own = vars(self)
        if name[0] == "_" or name not in own or name in self._unwatched:
            return
        before = own[name]
        same = before is value or (
            type(before) is type(value) and isinstance(value, _PLAIN) and before == value
        )
        if not same and frame.current().feed is None:  # what a traced call notes is its own affair
            self._count_change()

    def _count_change(self) -> None:
        global _changes
        _changes += 1
        object.__setattr__(self, "_version", self._version + 1)


def version_of(*objects: Any) -> int:
    """The number of changes of `objects` and of what watched objects they hold in attributes."""
    total = 0
    for each in objects:
        total += each._version
        total += sum(x._version for x in vars(each).values() if isinstance(x, Watched))
    return total

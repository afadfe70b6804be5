"""Names of what is in a file."""

from __future__ import annotations


class Names:
    """Names that are given once in a file."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def new(self, wanted: str) -> str:
        name = wanted
        while name in self._counts:
            self._counts[wanted] += 1
            name = f"{wanted}_{self._counts[wanted]}"
        self._counts[name] = 1
        return name

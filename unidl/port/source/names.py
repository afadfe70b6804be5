"""Names of attributes, arguments and values in written source."""

from __future__ import annotations

import keyword
import re


def identifier(name: str) -> str:
    """`name` as an attribute or argument."""
    found = re.sub(r"\W+", "_", name).strip("_").lower() or "x"
    found = f"_{found}" if found[0].isdigit() else found
    return f"{found}_" if keyword.iskeyword(found) else found


def class_name(name: str) -> str:
    """`name` in camel case."""
    parts = re.split(r"[\W_]+", name)
    found = "".join(p[:1].upper() + p[1:] for p in parts if p)
    return f"Model{found}" if not found or found[0].isdigit() else found


def trimmed(names: list[str]) -> list[str]:
    """`names` as identifiers, without the words with which all of them begin or end."""
    words = [re.split(r"[._/]+", n) for n in names]
    for end in (0, -1):
        while _can_lose(words, end):
            words = [w[1:] if end == 0 else w[:-1] for w in words]
    return [identifier("_".join(w)) for w in words]


def _can_lose(words: list[list[str]], end: int) -> bool:
    if len({w[end] for w in words}) > 1 or min(map(len, words)) < 2:
        return False
    rest = [w[1:] if end == 0 else w[:-1] for w in words]
    kept = len({*map(tuple, rest)}) == len({*map(tuple, words)})
    return kept and not any(w[0][:1].isdigit() for w in rest)


class Names:
    """Names that are given once."""

    def __init__(self, *taken: str) -> None:
        self._taken = set(taken)

    def new(self, wanted: str, *others: Names) -> str:
        """`wanted`, with a number behind it if it is there already, or among `others`."""
        name, count = wanted, 1
        while any(name in each._taken for each in (self, *others)):
            count += 1
            name = f"{wanted}_{count}"
        for each in (self, *others):
            each._taken.add(name)
        return name

"""Which module's arrays go into which layer.

Names decide where they agree, then shapes where only one module has them. Then what comes next: a
layer behind another one takes the module that the file has behind the other's. What is left are
layers of equal shapes, as many as modules: they pair up in the order of the file, if it has one,
and the result says so. Everything else is told, and not guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from unidl.port.state_dict.fitting import Fit
from unidl.port.state_dict.flow import Flow
from unidl.port.state_dict.naming import Group, tokens
from unidl.port.state_dict.places import Place
from unidl.utils.naming import prefix_of


class Pair(NamedTuple):
    """Indices of a place and a group, and the reason: "given", "name", "shape", "next",
    "order" or "numbers"."""

    place: int
    group: int
    how: str


class Matching:
    """Pairs up `places` and `groups`.

    Args:
        places, groups: in order.
        fits: {(index of a place, index of a group): Fit}, for those that fit.
        flow: what the graph tells.
        is_ordered: whether the groups come in the order of their definition.
    """

    def __init__(
        self,
        places: list[Place],
        groups: list[Group],
        fits: Mapping[tuple[int, int], Fit],
        flow: Flow,
        is_ordered: bool,
    ) -> None:
        self.places, self.groups, self.flow = places, groups, flow
        self.is_ordered = is_ordered
        self.pairs: dict[int, Pair] = {}  # by place
        self._taken: set[int] = set()
        self.unclear: dict[int, str] = {}  # {place: why it is not decided}
        # {place: id of the layer in the graph that it is in}, {that id: its last place}
        self._operations = [flow.within.get(id(p.layer), id(p.layer)) for p in places]
        self._last = {operation: p for p, operation in enumerate(self._operations)}
        self._fits = {p: [g for g in range(len(groups)) if (p, g) in fits] for p in self._all()}

    def run(self) -> None:
        self._by_names()
        found = True
        while found:
            found = self._by_shapes()
            while self._by_what_comes_before():
                found = True
        self._by_order()

    def give(self, place: int, group: int) -> None:
        """What the user says."""
        self._pair(place, group, "given")

    def candidates(self, place: int) -> list[int]:
        """The groups that fit a place."""
        return self._fits[place]

    def _all(self) -> range:
        return range(len(self.places))

    def _pair(self, place: int, group: int, how: str) -> None:
        self.pairs[place] = Pair(place, group, how)
        self._taken.add(group)

    def _free(self, place: int) -> list[int]:
        """The groups that are still to be had and fit."""
        return [g for g in self._fits[place] if g not in self._taken]

    def _open(self) -> Iterator[int]:
        return (p for p in self._all() if p not in self.pairs)

    def _by_names(self) -> None:
        for test in (_same_names, _same_ends):
            claims: dict[int, list[int]] = {}
            for place in self._open():
                if _is_automatic(self.places[place].layer):
                    continue
                named = [g for g in self._free(place) if test(self.places[place], self.groups[g])]
                if len(named) == 1:
                    claims.setdefault(named[0], []).append(place)
            for group, claimants in claims.items():
                if len(claimants) == 1:
                    self._pair(claimants[0], group, "name")

    def _by_shapes(self) -> bool:
        """Pair up what fits nothing else; whether there was any."""
        free = {place: self._free(place) for place in self._open()}
        claimed: dict[int, list[int]] = {}
        for place, groups in free.items():
            for group in groups:
                claimed.setdefault(group, []).append(place)
        found = [(p, g) for p, (g, *more) in _filled(free) if not more and claimed[g] == [p]]
        for place, group in found:
            self._pair(place, group, "shape")
        return bool(found)

    def _by_what_comes_before(self) -> bool:
        claims: dict[int, list[int]] = {}
        for place in self._open() if self.is_ordered else ():
            before = self._before(place)
            if before is not None and before + 1 in self._free(place):
                claims.setdefault(before + 1, []).append(place)
        found = [(claimants[0], g) for g, claimants in claims.items() if len(claimants) == 1]
        for place, group in found:
            self._pair(place, group, "next")
        return bool(found)

    def _before(self, place: int) -> int | None:
        """The last group among those of the layers before; -1 if there are none, None if they are
        not decided yet."""
        operation = self._operations[place]
        if place and self._operations[place - 1] == operation:
            last = [place - 1]
        elif operation in self.flow.sources:
            last = [self._last[source] for source in self.flow.sources[operation]]
        else:
            return None
        if any(p not in self.pairs for p in last):
            return None
        return max((self.pairs[p].group for p in last), default=-1)

    def _by_order(self) -> None:
        for places, groups in self._components():
            if not groups:
                continue
            how = "order" if self.is_ordered else "numbers"
            fits = len(places) == len(groups) and all(
                g in self._fits[p] for p, g in zip(places, groups, strict=True)
            )
            in_order = fits and self._were_made_in_order(places)
            if in_order and (self.is_ordered or self._differ_in_numbers(groups)):
                for place, group in zip(places, groups, strict=True):
                    self._pair(place, group, how)
                continue
            paths = ", ".join(self.groups[g].path for g in groups[:4])
            more = ", ..." if len(groups) > 4 else ""
            if fits and not in_order:
                paths += ", and layers were made in another order than they follow each other"
            why = (
                f"{len(places)} layers fit {len(groups)} modules ({paths}{more}) alike"
                if len(places) > 1 or len(groups) > 1
                else f"it is not certain that it is {paths}"
            )
            for place in places:
                self.unclear[place] = f"{why}: say which is which with names="

    def _were_made_in_order(self, places: list[int]) -> bool:
        """Whether layers that were numbered when they were made have ascending numbers: of
        branches, the graph's order and that of the code that makes them may differ."""
        last: dict[type, int] = {}
        for place in places:
            layer = self.places[place].layer
            number = _number(layer)
            if number is not None:
                if number < last.get(type(layer), -1):
                    return False
                last[type(layer)] = number
        return True

    def _differ_in_numbers(self, groups: list[int]) -> bool:
        return len({re.sub(r"\d+", "0", self.groups[g].path) for g in groups}) == 1

    def _components(self) -> Iterator[tuple[list[int], list[int]]]:
        """(places, groups) that hang together by what fits what."""
        left = set(self._open())
        while left:
            waiting, places, groups = {min(left)}, set[int](), set[int]()
            while waiting:
                place = waiting.pop()
                places.add(place)
                new = set(self._free(place)) - groups
                groups |= new
                waiting |= {p for p in left - places if new & set(self._fits[p])}
            left -= places
            yield sorted(places), sorted(groups)


def _filled(free: dict[int, list[int]]) -> Iterator[tuple[int, list[int]]]:
    return ((place, groups) for place, groups in free.items() if groups)


def _is_automatic(layer: Any) -> bool:
    """Whether the name says no more than the class."""
    return _number(layer) is not None


def _number(layer: Any) -> int | None:
    """In a name that says no more than the class; None for other names."""
    match = re.fullmatch(rf"{prefix_of(type(layer))}(?:_(\d+))?", layer.name)
    return int(match[1] or 0) if match else None


def _same_names(place: Place, group: Group) -> bool:
    return tokens(place.path) == tokens(group.path)


def _same_ends(place: Place, group: Group) -> bool:
    """Whether one of the paths is the end of the other, and more than a number."""
    own, given = tokens(place.path), tokens(group.path)
    length = min(len(own), len(given))
    end = own[-length:] if length else []
    return end == given[-length:] and any(part.isalpha() for part in end)

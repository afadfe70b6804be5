"""Where boxes, groups and edges of a diagram stand.

All is computed as if inputs were at the top: `along` goes down, `across` to the right. The
scene turns that into the direction that was asked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from unidl.utils.drawing.columns import columns
from unidl.utils.drawing.diagram import Box, End, Group
from unidl.utils.drawing.order import ranks, rows
from unidl.utils.drawing.tracks import Bus, give_tracks

ACROSS, ALONG = 26.0, 34.0  # between boxes of a rank, between ranks
_TRACK = 9.0
_NEARLY = 9.0  # edges that are off by less go straight

Point = tuple[float, float]


@dataclass
class Line:
    points: list[Point]
    arrow: bool


@dataclass
class Placed:
    """A group with everything in it, measured from its corner.

    Attributes:
        boxes: (box, across, along, its extent across, along).
        groups: (title, across, along, extent across, along).
        entries, exits: `across` of the places where edges from outside go in and come out.
    """

    across: float = 0.0
    along: float = 0.0
    boxes: list[tuple[Box, float, float, float, float]] = field(default_factory=list)
    groups: list[tuple[str, float, float, float, float]] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    entries: list[float] = field(default_factory=list)
    exits: list[float] = field(default_factory=list)

    def take(self, other: Placed, across: float, along: float) -> None:
        """Add what stands in an inner group at this place."""
        self.boxes += [(b, x + across, y + along, w, h) for b, x, y, w, h in other.boxes]
        self.groups += [(t, x + across, y + along, w, h) for t, x, y, w, h in other.groups]
        for line in other.lines:
            points = [(x + across, y + along) for x, y in line.points]
            self.lines.append(Line(points, line.arrow))


@dataclass(eq=False)
class _Item:
    """A part of the group, or (without one) a place that a long edge passes."""

    part: Box | Group | None
    rank: int
    across: float = 0.0
    along: float = 0.0
    inner: Placed | None = None
    middle: float = 0.0
    top: float = 0.0

    def port(self, port: int, leaving: bool) -> float:
        """Where an edge begins or ends, from the middle."""
        if self.inner is None:
            return 0.0
        places = self.inner.exits if leaving else self.inner.entries
        return places[min(port, len(places) - 1)] - self.across / 2


@dataclass
class _Link:
    """A piece of an edge, from one rank to the next."""

    start: _Item
    port: int
    end: _Item
    end_port: int

    @property
    def begins(self) -> float:
        return self.start.middle + self.start.port(self.port, leaving=True)

    @property
    def ends(self) -> float:
        return self.end.middle + self.end.port(self.end_port, leaving=False)

    @property
    def is_straight(self) -> bool:
        return abs(self.ends - self.begins) < _NEARLY


@dataclass
class Measures:
    """What a layout needs to know of the drawing.

    Attributes:
        box: box -> (extent across, along).
        pads: title of a group -> room around its content: (before, behind) across and along.
        splines: "ortho" for right angles.
    """

    box: Callable[[Box], tuple[float, float]]
    pads: Callable[[str], tuple[tuple[float, float], tuple[float, float]]]
    splines: str = "ortho"


def place(group: Group, measures: Measures, outermost: bool = True) -> Placed:
    """The group with all in it; around the outermost there is no frame."""
    items = [_item(part, measures) for part in group.parts]
    number_of = {part: i for i, part in enumerate(group.parts)}
    edges = [(number_of[start.part], number_of[end.part]) for start, end in group.edges]
    rank, back = ranks(len(items), edges)
    for item, own in zip(items, rank, strict=True):
        item.rank = own
    ahead = [edge for i, edge in enumerate(group.edges) if i not in back]
    behind = [edge for i, edge in enumerate(group.edges) if i in back]
    item_of = dict(zip(group.parts, items, strict=True))
    exits = [] if outermost else [_Item(None, max(rank, default=0) + 1) for _ in group.exits]
    links, all_items = _links(items, ahead, item_of, list(zip(group.exits, exits, strict=False)))
    order = _ordered(all_items, links)
    _set_middles(order, links)
    loops = [(item_of[start.part], start, item_of[end.part], end) for start, end in behind]
    placed = _Router(order, links, loops, measures.splines).placed()
    for item in items:
        corner = item.middle - item.across / 2
        if item.inner is not None:
            placed.take(item.inner, corner, item.top)
        else:
            box = (item.part, corner, item.top, item.across, item.along)
            placed.boxes.append(box)  # type: ignore[arg-type]
    return placed if outermost else _framed(group, placed, item_of, exits, measures)


def _item(part: Box | Group, measures: Measures) -> _Item:
    if isinstance(part, Group):
        inner = place(part, measures, outermost=False)
        return _Item(part, 0, inner.across, inner.along, inner)
    return _Item(part, 0, *measures.box(part))


def _links(
    items: list[_Item], edges: list[tuple[End, End]], item_of: Any, exits: list[tuple[End, _Item]]
) -> tuple[list[_Link], list[_Item]]:
    """(the edges in pieces of one rank, all items with those that only pass).

    What leaves one place goes together for as long as it can.
    """
    links: list[_Link] = []
    found = list(items) + [item for _, item in exits]
    chains: dict[End, list[tuple[_Item, int]]] = {}

    def reach(end: End, rank: int) -> tuple[_Item, int]:
        """The item of the rank that edges from `end` pass."""
        chain = chains.setdefault(end, [(item_of[end.part], end.port)])
        first = chain[0][0].rank
        while first + len(chain) <= rank:
            dummy = _Item(None, first + len(chain))
            found.append(dummy)
            links.append(_Link(*chain[-1], dummy, 0))
            chain.append((dummy, 0))
        return chain[rank - first]

    for start, end in edges:
        target = item_of[end.part]
        links.append(_Link(*reach(start, target.rank - 1), target, end.port))
    for start, item in exits:
        links.append(_Link(*reach(start, item.rank - 1), item, 0))
    return links, found


def _ordered(items: list[_Item], links: list[_Link]) -> list[list[_Item]]:
    number_of = {item: i for i, item in enumerate(items)}
    known = [
        (
            number_of[link.start],
            number_of[link.end],
            link.start.port(link.port, leaving=True) / max(link.start.across, 1.0),
            link.end.port(link.end_port, leaving=False) / max(link.end.across, 1.0),
        )
        for link in links
    ]
    return [[items[i] for i in row] for row in rows([item.rank for item in items], known)]


def _set_middles(order: list[list[_Item]], links: list[_Link]) -> None:
    """As many links as can be are straight."""
    pieces = []
    for link in links:
        shift = link.start.port(link.port, leaving=True) - link.end.port(
            link.end_port, leaving=False
        )
        long = link.start.part is None and link.end.part is None
        pieces.append((link.start, link.end, shift, long))

    def distance(a: _Item, b: _Item) -> float:
        return (a.across + b.across) / 2 + _gap(a, b)

    for item, middle in columns(order, pieces, distance).items():
        item.middle = middle


def _gap(a: _Item, b: _Item) -> float:
    if a.part is None and b.part is None:
        return _TRACK
    return ACROSS * (0.6 if a.part is None or b.part is None else 1.0)


class _Router:
    """Sets the tops of the items, and draws the links between them."""

    def __init__(
        self,
        order: list[list[_Item]],
        links: list[_Link],
        loops: list[tuple[_Item, End, _Item, End]],
        splines: str,
    ) -> None:
        self._order, self._loops = order, loops
        self._ortho = splines == "ortho"
        left = min((i.middle - i.across / 2 for row in order for i in row), default=0.0)
        for row in order:
            for item in row:
                item.middle -= left
        self._width = max((i.middle + i.across / 2 for row in order for i in row), default=0.0)
        self._links: list[list[_Link]] = [[] for _ in range(len(order) + 1)]
        for link in links:
            self._links[link.end.rank].append(link)
        # Edges that go back do so in lanes at the right.
        self._lanes = [self._width + ACROSS / 2 + _TRACK * i for i in range(len(loops))]

    def placed(self) -> Placed:
        self._straighten()
        bus_of: list[dict[Any, Bus]] = [{} for _ in range(len(self._order) + 1)]
        if self._ortho:
            self._add_buses(bus_of)
        self._add_loops(bus_of)
        tracks = [give_tracks(list(dict.fromkeys(each.values()))) for each in bus_of]
        level = self._set_tops(tracks)
        lanes = [lane + ACROSS / 2 for lane in self._lanes]
        placed = Placed(max([self._width, *lanes]), self._along)
        for number, links in enumerate(self._links):
            for link in links:
                bus = bus_of[number].get((link.start, link.port, link.end, link.end_port))
                placed.lines.append(_line(link, level(number, bus) if bus else None))
        for loop, lane in zip(self._loops, self._lanes, strict=True):
            start, one, end, other = loop
            out = level(start.rank + 1, bus_of[start.rank + 1][lane])
            into = level(end.rank, bus_of[end.rank][-lane])
            begins = start.middle + start.port(one.port, leaving=True)
            ends = end.middle + end.port(other.port, leaving=False)
            points = [
                (begins, start.top + start.along), (begins, out), (lane, out), (lane, into),
                (ends, into), (ends, end.top),
            ]  # fmt: skip
            placed.lines.append(Line(points, arrow=isinstance(end.part, Box)))
        return placed

    def _straighten(self) -> None:
        """Where a long edge passes is moved by the little that it is off."""
        for links in self._links:
            for link in links:
                off = link.begins - link.ends
                if link.end.part is None and 0 < abs(off) < _NEARLY:
                    link.end.middle += off

    def _add_buses(self, bus_of: list[dict[Any, Bus]]) -> None:
        """Edges that turn, together with those of the same source or of the same target, whichever
        are more."""
        for found, links in zip(bus_of, self._links, strict=True):
            turning = [link for link in links if not link.is_straight]
            out = Counter((link.start, link.port) for link in turning)
            into = Counter((link.end, link.end_port) for link in turning)
            shared: dict[Any, Bus] = {}
            for link in turning:
                source, target = (link.start, link.port), (link.end, link.end_port)
                gathers = into[target] > out[source]
                bus = shared.setdefault((gathers, target if gathers else source), Bus())
                bus.starts.append(link.begins)
                bus.ends.append(link.ends)
                found[source + target] = bus

    def _add_loops(self, bus_of: list[dict[Any, Bus]]) -> None:
        for (start, one, end, other), lane in zip(self._loops, self._lanes, strict=True):
            begins = start.middle + start.port(one.port, leaving=True)
            ends = end.middle + end.port(other.port, leaving=False)
            bus_of[start.rank + 1][lane] = Bus([begins], [lane])
            bus_of[end.rank][-lane] = Bus([lane], [ends])

    def _set_tops(self, tracks: list[int]) -> Callable[[int, Bus], float]:
        """Place the ranks below each other; what is returned says where a bus of a gap is."""
        last = len(self._order)
        gaps = [
            (0.0 if number in (0, last) and not count else ALONG) + _TRACK * max(count - 2, 0)
            for number, count in enumerate(tracks)
        ]
        along, begins = 0.0, []
        for gap, row in zip(gaps, self._order, strict=False):
            begins.append(along)
            along += gap
            tall = max(item.along for item in row)
            for item in row:
                item.top = along + (tall - item.along) / 2
            along += tall
        begins.append(along)
        self._along = along + gaps[-1]

        def level(number: int, bus: Bus) -> float:
            room = gaps[number] - _TRACK * (tracks[number] - 1)
            return begins[number] + room / 2 + _TRACK * bus.track

        return level


def _line(link: _Link, level: float | None) -> Line:
    """With a bus at `level` the edge turns there."""
    begins, ends = link.begins, link.ends
    if link.is_straight:
        ends = begins
    points = [(begins, link.start.top + link.start.along)]
    if level is not None:
        points += [(begins, level), (ends, level)]
    points.append((ends, link.end.top))
    return Line(points, arrow=isinstance(link.end.part, Box))


def _framed(
    group: Group, placed: Placed, item_of: Any, exits: list[_Item], measures: Measures
) -> Placed:
    """The content with room and a title around it, and lines from the frame to the entries."""
    (left, right), (before, behind) = measures.pads(group.title)
    result = Placed(placed.across + left + right, placed.along + before + behind)
    result.groups.append((group.title, 0.0, 0.0, result.across, result.along))
    result.take(placed, left, before)
    for entry in group.entries:
        item = item_of[entry.part]
        across = item.middle + item.port(entry.port, leaving=False) + left
        result.entries.append(across)
        points = [(across, 0.0), (across, item.top + before)]
        result.lines.append(Line(points, arrow=isinstance(item.part, Box)))
    for item in exits:
        across = item.middle + left
        result.exits.append(across)
        result.lines.append(
            Line([(across, item.top + before), (across, result.along)], arrow=False)
        )
    return result

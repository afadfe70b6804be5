"""Columns of the items of a layered graph, so that most edges are straight.

After Brandes and Köpf, Fast and simple horizontal coordinate assignment (2001): items are put into
blocks, one below the other, in four ways (towards the ranks above or below, from the left or from
the right), and each gets the mean of the two middle columns.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from itertools import pairwise
from typing import TypeVar

Item = TypeVar("Item", bound=Hashable)
# (from, to, how far `to` is to the right of `from` where the edge is straight, whether both are
# places that a long edge passes)
Piece = tuple[Item, Item, float, bool]
Near = dict[Item, list[tuple[Item, float]]]


def columns(
    order: Sequence[Sequence[Item]],
    pieces: Sequence[Piece[Item]],
    distance: Callable[[Item, Item], float],
) -> dict[Item, float]:
    """{item: its middle}.

    Args:
        order: items of each rank, from left to right.
        pieces: of edges, from a rank to the next.
        distance: of the middles of two neighbours at least.
    """
    if not any(order):
        return {}
    refused = _crossed_by_long_edges(order, pieces)
    found = []
    for upwards in (False, True):
        for mirrored in (False, True):
            sign = -1.0 if mirrored else 1.0
            near: Near[Item] = {item: [] for row in order for item in row}
            for start, end, shift, _ in pieces:
                if (start, end) not in refused:
                    if upwards:
                        near[start].append((end, -shift * sign))
                    else:
                        near[end].append((start, shift * sign))
            ranks = [list(row)[:: -1 if mirrored else 1] for row in order]
            own = distance if not mirrored else lambda a, b: distance(b, a)
            places = _columns_of_blocks(ranks, near, own, upwards)
            found.append({item: sign * place for item, place in places.items()})
    return _balanced(found)


def _crossed_by_long_edges(
    order: Sequence[Sequence[Item]], pieces: Sequence[Piece[Item]]
) -> set[tuple[Item, Item]]:
    """Pieces that cross a piece of a long edge, which is to be straight."""
    place = {item: i for row in order for i, item in enumerate(row)}
    rank = {item: r for r, row in enumerate(order) for item in row}
    by_rank: dict[int, list[Piece[Item]]] = {}
    for piece in pieces:
        by_rank.setdefault(rank[piece[0]], []).append(piece)
    found = set()
    for row in by_rank.values():
        long = [(place[start], place[end]) for start, end, _, is_long in row if is_long]
        for start, end, _, is_long in row:
            a, b = place[start], place[end]
            if not is_long and any((a - c) * (b - d) < 0 for c, d in long):
                found.add((start, end))
    return found


def _columns_of_blocks(
    order: list[list[Item]],
    near: Near[Item],
    distance: Callable[[Item, Item], float],
    upwards: bool,
) -> dict[Item, float]:
    """Blocks as far to the left as they can be, then back to the right until they touch."""
    root, shift = _blocks(order[::-1] if upwards else order, near)
    behind: dict[Item, dict[Item, float]] = {block: {} for block in root.values()}
    before: dict[Item, int] = dict.fromkeys(behind, 0)
    for row in order:
        for a, b in pairwise(row):
            least = distance(a, b) + shift[a] - shift[b]
            known = behind[root[a]].get(root[b])
            before[root[b]] += known is None
            behind[root[a]][root[b]] = least if known is None else max(known, least)
    column = dict.fromkeys(behind, 0.0)
    ready = [block for block, count in before.items() if not count]
    met: list[Item] = []
    while ready:
        block = ready.pop()
        met.append(block)
        for other, least in behind[block].items():
            column[other] = max(column[other], column[block] + least)
            before[other] -= 1
            if not before[other]:
                ready.append(other)
    for block in reversed(met):
        if behind[block]:
            free = min(column[other] - least for other, least in behind[block].items())
            column[block] = max(column[block], free)
    return {item: column[root[item]] + shift[item] for item in root}


def _blocks(
    order: list[list[Item]], near: Near[Item]
) -> tuple[dict[Item, Item], dict[Item, float]]:
    """({item: the first of its block}, {item: how far it is to the right of that}): each with the
    middle one of its neighbours in the rank before, unless the line would cross another such."""
    root = {item: item for row in order for item in row}
    shift = dict.fromkeys(root, 0.0)
    place: dict[Item, int] = {}
    for row in order:
        last = -1
        for item in row:
            others = sorted(near[item], key=lambda pair: place[pair[0]])
            count = len(others)
            for other, away in dict.fromkeys(others[(count - 1) // 2 : count // 2 + 1]):
                if root[item] == item and place[other] > last:
                    root[item] = root[other]
                    shift[item] = shift[other] + away
                    last = place[other]
        place = {item: i for i, item in enumerate(row)}
    return root, shift


def _balanced(found: list[dict[Item, float]]) -> dict[Item, float]:
    """The mean of the two middle ones, after all are moved to where the narrowest stands."""
    narrowest = min(found, key=lambda each: max(each.values()) - min(each.values()))
    low, high = min(narrowest.values()), max(narrowest.values())
    moved = []
    for number, each in enumerate(found):
        mirrored = number % 2 == 1
        by = high - max(each.values()) if mirrored else low - min(each.values())
        moved.append({item: column + by for item, column in each.items()})
    result = {}
    for item in narrowest:
        four = sorted(each[item] for each in moved)
        result[item] = (four[1] + four[2]) / 2
    return result

"""Rank and place in its rank for each item of a graph, so that edges go down and cross little.

After Sugiyama, Tagawa and Toda, Methods for visual understanding of hierarchical system structures
(1981): ranks by the longest path, then sweeps that put each item in the middle of its neighbours.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence
from itertools import pairwise

_SWEEPS = 12


def ranks(count: int, edges: Sequence[tuple[int, int]]) -> tuple[list[int], set[int]]:
    """(rank of each of `count` items, positions of the edges that go back or to their own source:
    a shared layer may stand behind itself)."""
    back = _back_edges(count, edges)
    forward = [edge for position, edge in enumerate(edges) if position not in back]
    below: list[list[int]] = [[] for _ in range(count)]
    waiting = [0] * count
    for source, target in forward:
        below[source].append(target)
        waiting[target] += 1
    rank = [0] * count
    ready = [item for item in range(count) if not waiting[item]]
    while ready:
        item = ready.pop()
        for target in below[item]:
            rank[target] = max(rank[target], rank[item] + 1)
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    return rank, back


def _back_edges(count: int, edges: Sequence[tuple[int, int]]) -> set[int]:
    """Edges to an item that is on the way to them, in a walk from the sources."""
    leaving: list[list[int]] = [[] for _ in range(count)]
    entered = [False] * count
    for position, (source, target) in enumerate(edges):
        leaving[source].append(position)
        entered[target] = True
    back: set[int] = set()
    state = [0] * count  # 1: on the path, 2: finished
    starts = sorted(range(count), key=lambda item: entered[item])
    for start in starts:
        if state[start]:
            continue
        state[start] = 1
        path = [(start, iter(leaving[start]))]
        while path:
            item, positions = path[-1]
            for position in positions:
                target = edges[position][1]
                if state[target] == 1:
                    back.add(position)
                elif state[target] == 0:
                    state[target] = 1
                    path.append((target, iter(leaving[target])))
                    break
            else:
                state[item] = 2
                path.pop()
    return back


# (item of a rank, item of the next, where the link leaves the one and meets the other: shares of
# their width from the middle)
Link = tuple[int, int, float, float]
Near = list[list[tuple[int, float, float]]]  # of each item: (other, own share, share of the other)


def rows(rank: Sequence[int], links: Sequence[Link]) -> list[list[int]]:
    """The items of each rank from left to right."""
    result: list[list[int]] = [[] for _ in range(max(rank, default=-1) + 1)]
    up: Near = [[] for _ in rank]
    down: Near = [[] for _ in rank]
    for source, target, leaves, meets in links:
        down[source].append((target, leaves, meets))
        up[target].append((source, meets, leaves))
    for item in _as_met(rank, down, up):
        result[rank[item]].append(item)
    best, fewest = [list(row) for row in result], _crossings(result, down)
    for sweep in range(_SWEEPS):
        if not fewest:
            break
        upwards = sweep % 2
        near = down if upwards else up
        for index in range(len(result) - 1, -1, -1) if upwards else range(len(result)):
            _sort(result, index, near, 1 if upwards else -1)
        crossings = _crossings(result, down)
        if crossings < fewest:
            best, fewest = [list(row) for row in result], crossings
    return best


def _as_met(rank: Sequence[int], down: Near, up: Near) -> list[int]:
    """All items as a walk down from each of the sources meets them."""
    met: dict[int, None] = {}
    for start in (item for item in range(len(rank)) if not up[item]):
        path = [start]
        while path:
            item = path.pop()
            if item not in met:
                met[item] = None
                path += [target for target, *_ in reversed(down[item])]
    return list(met)


def _sort(result: list[list[int]], index: int, near: Near, step: int) -> None:
    """One row by the middle of its neighbours in the row before it; who has none stays."""
    other = index + step
    if not 0 <= other < len(result):
        return
    place = {item: i for i, item in enumerate(result[other])}
    row = result[index]
    middle = {
        item: sum(place[n] + share for n, _, share in near[item]) / len(near[item])
        if near[item]
        else float(i)
        for i, item in enumerate(row)
    }
    row.sort(key=middle.__getitem__)


def _crossings(result: list[list[int]], down: Near) -> int:
    count = 0
    for upper, lower in pairwise(result):
        place = {item: i for i, item in enumerate(lower)}
        passed: list[float] = []
        for item in upper:
            # Those that leave at one place do not cross each other.
            by_start: dict[float, list[float]] = {}
            for target, leaves, meets in down[item]:
                by_start.setdefault(leaves, []).append(place[target] + meets)
            for start in sorted(by_start):
                ends = by_start[start]
                count += sum(len(passed) - bisect_right(passed, end) for end in ends)
                for end in ends:
                    insort(passed, end)
    return count

"""Parts of a graph that stand there several times, one behind the other, such as the blocks of a
transformer: they become one class and a loop."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from unidl.layers import Layer
from unidl.tracing import KerasTensor, graph

_LEAST_TIMES = {1: 3}  # of a part with one call; longer ones are written once from the second on
_LONGEST = 60  # calls in one part


class Repeated(NamedTuple):
    """
    Attributes:
        windows: the nodes of each part, equal but for their layers. Each takes the one tensor that
            the part before gives.
        input: what the first part takes.
        masks: that all parts take beside it.
    """

    windows: list[list[Any]]
    input: KerasTensor
    masks: list[KerasTensor]

    @property
    def output(self) -> KerasTensor:
        return self.windows[-1][-1].outputs[0]


def grouped(nodes: list[Any], outputs: Any, masks: list[KerasTensor]) -> list[Any]:
    """`nodes`, with a `Repeated` in place of each part that is repeated.

    masks: of which each part may take some, the same as the others.
    """
    of_masks = {id(t) for t in masks}
    uses = Counter(id(t) for node in nodes for t in node.inputs)
    uses.update(id(t) for t in graph.flatten_tensors(outputs))
    forms = _Forms()
    found: list[Any] = []
    i = 0
    while i < len(nodes):
        best = _longest_at(nodes, i, uses, forms, of_masks)
        found.append(nodes[i] if best is None else best)
        i += 1 if best is None else sum(map(len, best.windows))
    return found


def _longest_at(
    nodes: list[Any], start: int, uses: Counter, forms: _Forms, of_masks: set[int]
) -> Repeated | None:
    best, size = None, 0
    for length in range(1, min(_LONGEST, (len(nodes) - start) // 2) + 1):
        windows = _windows(nodes, start, length, uses, forms, of_masks)
        if len(windows) >= _LEAST_TIMES.get(length, 2) and len(windows) * length > size:
            (carry,), masks = _from_outside(windows[0], of_masks)
            best, size = Repeated(windows, carry, masks), len(windows) * length
    return best


def _windows(
    nodes: list[Any], start: int, length: int, uses: Counter, forms: _Forms, of_masks: set[int]
) -> list[list[Any]]:
    """Equal parts of `length` nodes from `start` on."""
    windows: list[list[Any]] = []
    wanted, carry = None, None
    layers: set[int] = set()
    while start + length <= len(nodes):
        window = nodes[start : start + length]
        outside, masks = _from_outside(window, of_masks)
        if len(outside) != 1 or (windows and outside[0] is not carry):
            break
        mine = {id(n.operation) for n in window if isinstance(n.operation, Layer)}
        if mine & layers or not mine or _leaks(window, uses):
            break
        last = window[-1].outputs[0]
        if outside[0].shape != last.shape or outside[0].dtype != last.dtype:
            break
        form = _form(window, outside[0], masks, forms), [id(t) for t in masks]
        if wanted not in (None, form):
            break
        wanted, carry, layers = form, last, layers | mine
        # What goes on to the next part must go nowhere else.
        windows.append(window)
        start += length
        if uses[id(carry)] != _uses_in(nodes[start : start + length], carry):
            break
    return windows


def _from_outside(
    window: list[Any], of_masks: set[int]
) -> tuple[list[KerasTensor], list[KerasTensor]]:
    """(tensors that come in, masks among them)."""
    made = {id(t) for node in window for t in node.outputs}
    found = {id(t): t for node in window for t in node.inputs if id(t) not in made}
    masks = [t for key, t in found.items() if key in of_masks]
    return [t for key, t in found.items() if key not in of_masks], masks


def _leaks(window: list[Any], uses: Counter) -> bool:
    """Whether anything but the last result is used outside."""
    if len(window[-1].outputs) != 1:
        return True
    inner = [t for node in window[:-1] for t in node.outputs]
    return any(uses[id(t)] != _uses_in(window, t) for t in inner)


def _uses_in(window: list[Any], tensor: KerasTensor) -> int:
    return sum(t is tensor for node in window for t in node.inputs)


class _Forms(dict):
    """{operation: what it has in common with others that do the same}, each made once."""

    def __missing__(self, operation: Any) -> Any:
        self[operation] = found = _operation_form(operation)
        return found


def _form(window: list[Any], carry: KerasTensor, masks: list[KerasTensor], forms: _Forms) -> Any:
    """What two parts have in common if they do the same."""
    places = {id(t): (i, j) for i, node in enumerate(window) for j, t in enumerate(node.outputs)}
    places |= {id(t): (-1, i) for i, t in enumerate([carry, *masks])}
    return [
        (
            forms[node.operation],
            repr(graph.map_tensors(lambda t: places.get(id(t)), (node.args, node.kwargs))),
            [t.shape for t in node.outputs],
        )
        for node in window
    ]


def _operation_form(operation: Any) -> Any:
    if not isinstance(operation, Layer):
        return operation.function
    own = {id(v) for v in operation.trainable_variables}
    weights = [(v.shape, id(v) in own) for v in operation.weights]
    return type(operation), _without_names(operation.get_config()), weights


def _without_names(config: Any) -> str:
    if isinstance(config, dict):
        kept = {k: _without_names(v) for k, v in config.items() if k not in ("name", "seed")}
        return repr(kept)
    if isinstance(config, list | tuple):
        return repr([_without_names(v) for v in config])
    return repr(config)

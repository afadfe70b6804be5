"""Branches and loops, as operators with subgraphs, which see the values around them."""

from __future__ import annotations

from typing import Any

from unidl.port.errors import Refused
from unidl.port.exports.axes import key_of
from unidl.port.onnx_out.graph import Graph, info
from unidl.port.onnx_out.value import Value
from unidl.tracing import KerasTensor
from unidl.tracing.sizes import OpenSize


def cond(to: Any, pred: Any, true_fn: Any, false_fn: Any) -> list[Value]:
    bodies, results = [], []
    for name, function in (("then", true_fn), ("else", false_fn)):
        body = Graph(to.graph)
        with to.inside(body):
            results = [to.asarray(y) for y in function()]
            bodies.append(_body(to, body, name, [], results))
    if not results:
        return []
    names = to.node("If", pred, outputs=len(results), then_branch=bodies[0], else_branch=bodies[1])
    return _values(to, results, names)


def while_loop(
    to: Any, condition: Any, body: Any, state: Any, maximum_iterations: Any = None
) -> list[Value]:
    state = [to.asarray(s) for s in state]
    inner = Graph(to.graph)
    with to.inside(inner):
        before = [
            info(to.graph.input("count"), "int64", []),
            info(to.graph.input("on"), "bool", []),
        ]
        given = _arguments(to, state)
        results = [to.asarray(s) for s in body(*given)]
        _check_alike("a loop", state, results)
        step = _body(to, inner, "loop", given, [condition(*results), *results], before)
    limit = None if maximum_iterations is None else to.number(int(maximum_iterations), "int64")
    names = to.node("Loop", limit, condition(*state), *state, outputs=len(state), body=step)
    return _values(to, state, names)


def scan(to: Any, step: Any, state: Any, xs: Any, reverse: bool = False) -> Any:
    """The contract's `scan`: (last state, a tuple; outputs)."""
    state = [to.asarray(s) for s in state]
    body = Graph(to.graph)
    moments = [KerasTensor(x.shape[1:], x.dtype) for x in xs]
    with to.inside(body):
        given = _arguments(to, [*state, *moments])
        new, y = step(tuple(given[: len(state)]), tuple(given[len(state) :]))
        results = [to.asarray(s) for s in (*new, y)]
        _check_alike("a loop over time", state, results[:-1])
        inner = _body(to, body, "step", given, results)
    names = to.node(
        "Scan", *state, *xs, outputs=len(results), body=inner, num_scan_inputs=len(xs),
        scan_input_directions=[int(reverse)] * len(xs), scan_output_directions=[int(reverse)],
    )  # fmt: skip
    y = results[-1]
    *state, outputs = _values(to, [*state, KerasTensor((xs[0].shape[0], *y.shape), y.dtype)], names)
    return tuple(state), outputs


def _arguments(to: Any, specs: Any) -> list[Value]:
    """New inputs of the body that is being written."""
    return [to.value(spec, to.graph.input(f"{to.place}/x" if to.place else "x")) for spec in specs]


def _body(
    to: Any, body: Graph, name: str, inputs: Any, outputs: Any, before: list[Any] | None = None
) -> Any:
    """The GraphProto of a body; each of its outputs is made in it, under a name of its own."""
    names = [
        to.graph.renamed(to.place, to(y), f"{to.place}/y" if to.place else "y") for y in outputs
    ]
    return body.proto(
        f"{to.place}/{name}" if to.place else name,
        (before or []) + [_info(to(v), v) for v in inputs],
        [_info(n, y) for n, y in zip(names, outputs, strict=True)],
    )


def _info(name: str, value: Value) -> Any:
    sizes = [None if type(s) is OpenSize else s for s in value.shape]
    return info(name, value.dtype, sizes)


def _check_alike(what: str, before: Any, after: Any) -> None:
    for one, other in zip(before, after, strict=True):
        fits = len(one.shape) == len(other.shape) and all(
            key_of(a) == key_of(b) or OpenSize in (type(a), type(b))
            for a, b in zip(one.shape, other.shape, strict=True)
        )
        if one.dtype != other.dtype or not fits:
            raise Refused(
                f"the state of {what} changes from {one.shape}, {one.dtype} to {other.shape}, "
                f"{other.dtype}. Start with a state of the shape and dtype that each step gives"
            )


def _values(to: Any, specs: Any, names: Any) -> list[Value]:
    names = [names] if isinstance(names, str) else names
    return [to.value(spec, name) for spec, name in zip(specs, names, strict=True)]

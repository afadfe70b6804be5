"""Branches and loops over subgraphs, which see the values around them."""

from __future__ import annotations

import numpy as np

from unidl import ops
from unidl.port.onnx.table import handles
from unidl.port.onnx.values import host, ints


def _call(graph, arguments, outer):
    return graph.run(dict(zip(graph.inputs, arguments, strict=True)), outer)


@handles("If", scoped=True)
def branch(node, condition, outer):
    return tuple(
        _call(node["then_branch" if bool(host(condition).item()) else "else_branch"], (), outer)
    )


@handles("Loop", scoped=True)
def loop(node, count, condition, *state, outer):
    """body(i, condition, *state) -> (condition, *state, *collected): the last state, then what was
    collected, stacked."""
    body, limit = node["body"], None if count is None else ints(count)[0]
    going, number, collected = condition is None or bool(host(condition).item()), 0, []
    while going and (limit is None or number < limit):
        condition, *results = _call(
            body, (np.asarray(number, "int64"), np.asarray(True), *state), outer
        )
        state, row = results[: len(state)], results[len(state) :]
        collected.append(row)
        going, number = bool(host(condition).item()), number + 1
    if not collected and len(body.outputs) > 1 + len(state):
        raise node.unsupported("a loop that never runs collects nothing, whose shape is unknown.")
    return (*state, *(ops.stack(list(column), 0) for column in zip(*collected, strict=True)))


@handles("Scan", scoped=True)
def scan(node, *inputs, outer):
    """body(*state, *moments) -> (*state, *moments of the outputs), over one axis of the last
    `num_scan_inputs` inputs."""
    if node.since < 9:
        return _scan_batches(node, inputs[1:], outer)
    return _scan(node, inputs, outer)


def _scan_batches(node, inputs, outer):
    """Version 8: every sample by itself, along axis 1."""
    samples = [
        _scan(node, [ops.get_item(x, i) for x in inputs], outer)
        for i in range(ops.shape(inputs[0])[0])
    ]
    return tuple(ops.stack(list(column), 0) for column in zip(*samples, strict=True))


def _scan(node, inputs, outer):
    body, many = node["body"], node["num_scan_inputs"]
    state, sequences = list(inputs[: len(inputs) - many]), inputs[len(inputs) - many :]
    outputs = len(body.outputs) - len(state)
    axes, backwards = (
        node["scan_input_axes"] or [0] * many,
        node["scan_input_directions"] or node["directions"] or [0] * many,
    )
    columns = [ops.unstack(x, axis=axis) for x, axis in zip(sequences, axes, strict=True)]
    columns = [c[::-1] if back else c for c, back in zip(columns, backwards, strict=True)]
    rows = []
    for moment in zip(*columns, strict=True):
        results = _call(body, (*state, *moment), outer)
        state, row = results[: len(state)], results[len(state) :]
        rows.append(row)
    axes, backwards = (
        node["scan_output_axes"] or [0] * outputs,
        node["scan_output_directions"] or [0] * outputs,
    )
    stacked = [
        ops.stack(list(column[::-1] if back else column), axis)
        for column, axis, back in zip(zip(*rows, strict=True), axes, backwards, strict=True)
    ]
    return (*state, *stacked)

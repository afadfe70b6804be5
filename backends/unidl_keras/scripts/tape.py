"""The training step of a tape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import libcst as cst
from libcst import matchers as m

from unidl.port.scripts.blocks import gone
from unidl.port.scripts.calls import code
from unidl.port.scripts.rewriter import Rewriter
from unidl.port.scripts.source import NotPorted
from unidl.port.scripts.steps import (
    building,
    call_of,
    function_of,
    loads_in,
    recorded,
    stores_in,
)


def port_tapes(body: Sequence[Any], rewriter: Rewriter) -> None:
    """Finds in a block `with tf.GradientTape() as tape:` and the `tape.gradient` that follows.

    What has another shape stays, and is marked as the name of the tape is.
    """
    for place, statement in enumerate(body):
        tape = _tape_of(statement, rewriter)
        if tape is not None:
            try:
                _port(statement, tape, body[place + 1 :], rewriter)
            except NotPorted as why:
                rewriter.explain(statement, str(why))


def _tape_of(statement: cst.CSTNode, rewriter: Rewriter) -> str | None:
    if not isinstance(statement, cst.With) or len(statement.items) != 1:
        return None
    item = statement.items[0]
    if (
        isinstance(item.item, cst.Call)
        and not item.item.args
        and rewriter.names.full(item.item.func) == "tensorflow.GradientTape"
        and item.asname is not None
        and isinstance(item.asname.name, cst.Name)
    ):
        return item.asname.name.value
    return None


def _again(after: Sequence[Any], tape: str) -> int:
    """Where another tape gets the name."""
    for place, statement in enumerate(after):
        if isinstance(statement, cst.With) and any(
            item.asname is not None and code(item.asname.name) == tape for item in statement.items
        ):
            return place
    return len(after)


def _is_for_each_sample(node: cst.With, loss: str, rewriter: Rewriter) -> bool:
    """Whether the loss comes from a function such as `keras.losses.mean_squared_error`."""
    for assign in m.findall(node.body, m.Assign()):
        assert isinstance(assign, cst.Assign)
        if loss in (code(target.target) for target in assign.targets):
            call = assign.value.func if isinstance(assign.value, cst.Call) else assign.value
            home, _, name = (rewriter.names.full(call) or "").rpartition(".")
            return home.endswith("keras.losses") and name.islower()
    return False


def _port(node: cst.With, tape: str, after: Sequence[Any], rewriter: Rewriter) -> None:
    if tape in loads_in(node.body.body):
        raise NotPorted(f"{tape!r} is used inside the block. Write unidl.value_and_grad")
    after = after[: _again(after, tape)]
    uses = [statement for statement in after if tape in loads_in([statement])]
    gradient = m.Call(func=m.Attribute(value=m.Name(tape), attr=m.Name("gradient")))
    calls = [call for use in uses for call in m.findall(use, gradient)]
    if len(uses) != 1 or len(calls) != 1 or not isinstance(uses[0], cst.SimpleStatementLine):
        raise NotPorted(
            f"one `{tape}.gradient(loss, variables)` after the block is ported, in the same block. "
            "Write unidl.value_and_grad"
        )
    line, call = uses[0], calls[0]
    assert isinstance(call, cst.Call)
    if len(call.args) != 2 or any(argument.keyword or argument.star for argument in call.args):
        raise NotPorted(f"of `{tape}.gradient` the loss and the variables are ported")
    found = recorded(node, rewriter)
    rewriter.only_own_names(*(argument.value for argument in call.args))
    value, variables = code(call.args[0].value), code(call.args[1].value)
    if _is_for_each_sample(node, value, rewriter):
        value = f"unidl.ops.sum({value})"  # as the tape does
    between = after[: list(after).index(line)]
    late = bool(loads_in([call.args[1].value]) & stores_in(between))
    if late and loads_in(between) & set(found.assigned):
        raise NotPorted(f"move what is between the block and `{tape}.gradient` behind it")
    first = variables.rpartition(".")
    built = first[2] in ("trainable_variables", "trainable_weights", "weights", "variables")
    alone = len(line.body) == 1 and m.matches(
        line.body[0], m.Assign(targets=[m.AssignTarget()], value=m.MatchIfTrue(lambda v: v is call))
    )
    gradients = code(line.body[0].targets[0].target) if alone else "gradients"  # type: ignore
    step = call_of(found, value, gradients, variables)

    def block(updated: cst.With) -> list[Any]:
        function: Any = function_of(found, updated, value)
        before = building(first[0], updated, found, rewriter) if built else []
        if before:
            made: Any = before[0]
            before = [made.with_changes(leading_lines=function.leading_lines)]
            function = function.with_changes(leading_lines=[cst.EmptyLine(indent=False)])
        return [*before, function] if late else [*before, function, step]

    def at_gradient(updated: Any) -> list[Any]:
        if alone:
            there: Any = step
            return (
                [there.with_changes(leading_lines=updated.leading_lines)]
                if late
                else [gone(updated)]
            )
        given = m.replace(updated, gradient, cst.Name("gradients"))
        return [step, given] if late else [given]

    rewriter.replace(node, block)
    rewriter.replace(line, at_gradient)
    rewriter.count_call()  # tape.gradient
    rewriter.accept(node.items[0].item)

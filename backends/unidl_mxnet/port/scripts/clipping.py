"""`gluon.utils.clip_global_norm` between the backward pass and the trainer's step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import libcst as cst
from libcst import matchers as m

from unidl.port.scripts.blocks import gone
from unidl.port.scripts.calls import bound, code
from unidl.port.scripts.rewriter import Rewriter
from unidl.port.scripts.source import NotPorted
from unidl.port.scripts.steps import loads_in

FULL = "mxnet.gluon.utils.clip_global_norm"
ADVICE = (
    "of clip_global_norm is ported what clips `[p.grad(ctx) for p in net.collect_params()"
    ".values()]` between `loss.backward()` and `trainer.step(n)`. Write global_clipnorm= of the "
    "optimizer"
)
_PRELUDE = "unidl_mxnet.port.scripts.prelude"


@dataclass(frozen=True)
class Clip:
    """One call of clip_global_norm.

    arrays: what it clips, written out. named: lines that give parts of that a name. result: the
    name that the norm gets.
    """

    line: Any
    call: cst.Call
    arrays: cst.BaseExpression
    limit: cst.BaseExpression
    named: list[Any]
    result: str


def clipping(between: Sequence[Any], rewriter: Rewriter) -> Clip | None:
    """What clips among the lines between backward and step. Raises NotPorted."""
    found = [
        _clip(line, call, between[:place])
        for place, line in enumerate(between)
        for call in m.findall(line, m.Call())
        if isinstance(call, cst.Call) and rewriter.names.full(call.func) == FULL
    ]
    if len(found) > 1:
        raise NotPorted("gradients are clipped twice")
    for clip in found:
        others = [line for line in between if line not in (clip.line, *clip.named)]
        if {code(line.body[0].targets[0].target) for line in clip.named} & loads_in(others):
            raise NotPorted("the list of gradients is used for more than clipping")
    return found[0] if found else None


def _clip(line: Any, call: cst.Call, before: Sequence[Any]) -> Clip:
    given = bound(call, ["arrays", "max_norm", "check_isfinite"], "clip_global_norm")
    this: Any = m.MatchIfTrue(lambda node: node is call)
    if m.matches(line, m.SimpleStatementLine([m.Expr(this)])):
        result = "_"
    elif m.matches(line, m.SimpleStatementLine([m.Assign([m.AssignTarget(m.Name())], this)])):
        result = code(line.body[0].targets[0].target)
    else:
        raise NotPorted(ADVICE)
    if given.keys() < {"arrays", "max_norm"}:
        raise NotPorted(ADVICE)
    named: list[Any] = []
    arrays = _written_out(given["arrays"], before, named)
    if isinstance(arrays, cst.ListComp):
        source = _written_out(arrays.for_in.iter, before, named)
        arrays = arrays.with_changes(for_in=arrays.for_in.with_changes(iter=source))
    return Clip(line, call, arrays, given["max_norm"], named, result)


def _written_out(node: Any, before: Sequence[Any], named: list[Any]) -> Any:
    """What a name stands for, if one of the lines before says so."""
    assigns = m.Assign([m.AssignTarget(m.Name(node.value))]) if isinstance(node, cst.Name) else None
    for line in reversed(before):
        if assigns is not None and m.matches(line, m.SimpleStatementLine([assigns])):
            named.append(line)
            return line.body[0].value
    return node


def port_clipping(clip: Clip, trainer: str, network: str, rewriter: Rewriter) -> None:
    """Its lines become one that clips `gradients`. Raises NotPorted."""
    comp: Any = clip.arrays
    gradient = m.Call(func=m.Attribute(value=m.Name(), attr=m.Name("grad")))
    if not m.matches(comp, m.ListComp(gradient, m.CompFor(m.Name(), inner_for_in=None))):
        raise NotPorted(ADVICE)
    name = code(comp.for_in.target)
    every = (f"{network}.collect_params().values()", f"{trainer}._params")
    conditions = {code(one.test).replace("'", '"') for one in comp.for_in.ifs}
    if (
        code(comp.elt.func.value) != name
        or code(comp.for_in.iter) not in every
        or conditions - {f'{name}.grad_req != "null"'}
    ):
        raise NotPorted(ADVICE)
    rewriter.only_own_names(clip.limit)
    rewriter.need("gluon_clip_global_norm", _PRELUDE)
    text = f"gradients, {clip.result} = gluon_clip_global_norm(gradients, {code(clip.limit)})"

    def clipped(updated: Any) -> list[Any]:
        made: Any = cst.parse_statement(text)
        return [
            made.with_changes(
                leading_lines=updated.leading_lines,
                trailing_whitespace=updated.trailing_whitespace,
            )
        ]

    rewriter.replace(clip.line, clipped)
    for line in (clip.line, *clip.named):
        for call in m.findall(line, m.Call()):
            rewriter.accept(call)
    for line in clip.named:
        rewriter.replace(line, lambda updated: [gone(updated)])

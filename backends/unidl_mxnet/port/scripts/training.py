"""Trainers, and the training step: record, backward, step."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

import libcst as cst

from unidl.port.scripts.blocks import gone
from unidl.port.scripts.calls import bound, code, expression
from unidl.port.scripts.rewriter import Rewriter
from unidl.port.scripts.source import NotPorted
from unidl.port.scripts.steps import (
    Recorded,
    building,
    call_of,
    function_of,
    loads_in,
    recorded,
    stores_in,
)
from unidl_mxnet.port.scripts.clipping import clipping, port_clipping
from unidl_mxnet.port.scripts.facts import Facts, network_of

# {optimizer: (unidl's, {its option: unidl's}, Gluon's defaults that differ)}.
_OPTIMIZERS: dict[str, tuple[str, dict[str, str], dict[str, str]]] = {
    "sgd": ("SGD", {"momentum": "momentum", "wd": "weight_decay"}, {}),
    "nag": ("SGD", {"momentum": "momentum"}, {"nesterov": "True"}),
    "adam": (
        "Adam",
        {"beta1": "beta_1", "beta2": "beta_2", "epsilon": "epsilon"},
        {"epsilon": "1e-8"},
    ),
    "adagrad": ("Adagrad", {"eps": "epsilon"}, {"initial_accumulator_value": "0"}),
    "rmsprop": ("RMSprop", {"gamma1": "rho", "epsilon": "epsilon"}, {"epsilon": "1e-8"}),
}
_OF_ALL = {"clip_gradient": "clipvalue"}
_RATES = {"sgd": "0.01", "nag": "0.01", "adam": "0.001", "adagrad": "0.01", "rmsprop": "0.001"}
_IGNORED = ("kvstore", "update_on_kvstore", "compression_params")


def optimizer(node: cst.Call) -> cst.BaseExpression:
    """unidl's optimizer for `gluon.Trainer(...)`. Raises NotPorted."""
    names = ["params", "optimizer", "optimizer_params", *_IGNORED]
    given = bound(node, names, "gluon.Trainer")
    kind = code(given["optimizer"]).strip("'\"").lower()
    if kind not in _OPTIMIZERS:
        raise NotPorted(f"the optimizer {code(given['optimizer'])} has no counterpart in unidl")
    name, renamed, defaults = _OPTIMIZERS[kind]
    options = _options(given.get("optimizer_params"))
    rate = options.pop("learning_rate", _RATES[kind])
    found = dict(defaults)
    if kind == "nag" and _is_zero(options.get("momentum", "0")):
        found = {}  # Gluon's default; without momentum it is SGD
    if "wd" in options and _is_zero(options["wd"]):
        del options["wd"]
    if "wd" in options and not (kind == "sgd" and _is_zero(options.get("momentum", "0"))):
        raise NotPorted(
            "wd adds to the gradient, and unidl's weight_decay to the step: they agree for SGD "
            "without momentum. Add unidl.regularizers.L2(wd / 2) to the layers"
        )
    renamed = renamed | _OF_ALL
    for key, text in options.items():
        if key not in renamed:
            raise NotPorted(f"the option {key!r} has no counterpart in unidl")
        found[renamed[key]] = text
    arguments = "".join(f", {key}={text}" for key, text in found.items())
    return expression(f"unidl.optimizers.{name}(learning_rate={rate}{arguments})")


def _options(node: cst.BaseExpression | None) -> dict[str, str]:
    if node is None:
        return {}
    if isinstance(node, cst.Call) and code(node.func) == "dict":
        return {one.keyword.value: code(one.value) for one in node.args if one.keyword}
    if not isinstance(node, cst.Dict):
        raise NotPorted("write the options of the optimizer as a dict in the call")
    found = {}
    for element in node.elements:
        if not isinstance(element, cst.DictElement) or not isinstance(
            element.key, cst.SimpleString
        ):
            raise NotPorted("write the options of the optimizer as a dict in the call")
        found[str(ast.literal_eval(code(element.key)))] = code(element.value)
    return found


def _is_zero(text: str) -> bool:
    try:
        return float(text) == 0
    except ValueError:
        return False


def port_steps(body: Sequence[Any], rewriter: Rewriter, facts: Facts) -> None:
    """Finds `with autograd.record():`, `loss.backward()` and `trainer.step(n)` in a block."""
    for place, statement in enumerate(body):
        if is_record(statement, rewriter):
            try:
                _port(statement, body[place + 1 :], rewriter, facts)
            except NotPorted as why:
                rewriter.explain(statement, str(why))


def is_record(statement: cst.CSTNode, rewriter: Rewriter) -> bool:
    return (
        isinstance(statement, cst.With)
        and len(statement.items) == 1
        and isinstance(statement.items[0].item, cst.Call)
        and rewriter.names.full(statement.items[0].item.func) == "mxnet.autograd.record"
    )


def _port(node: cst.With, after: Sequence[Any], rewriter: Rewriter, facts: Facts) -> None:
    others = (place for place, one in enumerate(after) if is_record(one, rewriter))
    after = after[: next(others, len(after))]
    inside = node.body.body
    is_inside = _is_backward(inside[-1]) and len(inside) > 1
    backward: Any = inside[-1] if is_inside else next(filter(_is_backward, after), None)
    step = next((one for one in after if _steps(one, facts)), None)
    if step is None or backward is None:
        raise NotPorted(
            "one `loss.backward()` and then `trainer.step(batch_size)` are ported, in the block of "
            "`with autograd.record():`. Write unidl.value_and_grad"
        )
    several = [one for one in after if _is_backward(one) or _steps(one, facts)]
    until = list(after).index(step)
    if [*([backward] if is_inside else []), *several][:2] != [backward, step]:
        raise NotPorted("several backward passes or steps. Write one unidl.value_and_grad for each")
    call = step.body[0].value
    trainer = code(call.func.value)
    given = bound(call, ["batch_size", "ignore_stale_grad"], f"{trainer}.step")
    if code(call.args[0].value) != "1":
        size = code(given["batch_size"])
        rewriter.only_own_names(given["batch_size"])
        if loads_in([given["batch_size"]]) & stores_in(after[:until]):
            raise NotPorted(f"compute {size} before `with autograd.record():`")
        divided = f" / {size}"
    else:
        divided = ""
    network = network_of(trainer, facts)
    between = after[0 if is_inside else list(after).index(backward) + 1 : until]
    clip = clipping(between, rewriter)
    taken = "gradients"
    if clip is not None:
        port_clipping(clip, trainer, network, rewriter)
        # Gluon divides what has been clipped.
        taken = f"[gradient{divided} for gradient in gradients]" if divided else taken
        divided = ""
    found = recorded(node, rewriter)
    _refuse_other_recordings(node, found, rewriter)
    value = _losses(backward.body[0].value, rewriter, divided)
    variables = f"{network}.trainable_variables"
    line = call_of(found, value, "gradients", variables)

    def block(updated: Any) -> list[Any]:
        if is_inside:
            body = updated.body.with_changes(body=updated.body.body[:-1])
            updated = updated.with_changes(body=body)
        function: Any = function_of(found, updated, value)
        before = building(network, updated, found, rewriter, methods=("unroll",))
        if before:
            first: Any = before[0]
            before = [first.with_changes(leading_lines=function.leading_lines)]
            function = function.with_changes(leading_lines=[cst.EmptyLine(indent=False)])
        return [*before, function, line]

    def stepped(updated: Any) -> list[Any]:
        made: Any = cst.parse_statement(f"{trainer}.apply({taken}, {variables})")
        return [
            made.with_changes(
                leading_lines=updated.leading_lines,
                trailing_whitespace=updated.trailing_whitespace,
            )
        ]

    rewriter.replace(node, block)
    if not is_inside:
        rewriter.replace(backward, lambda updated: [gone(updated)])
    rewriter.replace(step, stepped)
    rewriter.count_call()
    rewriter.count_call()
    rewriter.accept(node.items[0].item)
    for statement in (backward, step):
        rewriter.accept(statement.body[0].value)


class _Recordings(cst.CSTVisitor):
    """Names that blocks `with autograd.record():` assign."""

    def __init__(self, without: cst.With, rewriter: Rewriter) -> None:
        self.names: set[str] = set()
        self._without, self._rewriter = without, rewriter

    def visit_With(self, node: cst.With) -> None:
        if node is not self._without and is_record(node, self._rewriter):
            self.names |= stores_in([node.body])


def _refuse_other_recordings(node: cst.With, found: Recorded, rewriter: Rewriter) -> None:
    """MXNet's gradients go on into what was recorded before; those of a function do not."""
    others = _Recordings(node, rewriter)
    rewriter.function_around(node).visit(others)
    own = set(found.assigned) - set(found.parameters)
    shared = sorted((loads_in([node.body]) - own) & others.names)
    if shared:
        raise NotPorted(
            f"it uses {shared[0]!r} of another recorded block, and its gradients would end there. "
            "Compute it in this block"
        )


def _is_backward(statement: Any) -> bool:
    return _method(statement, "backward") is not None


def _losses(call: cst.Call, rewriter: Rewriter, divided: str) -> str:
    """The number whose gradients `loss.backward()` or `autograd.backward(losses)` takes."""
    owner: Any = call.func
    if rewriter.names.full(call.func) == "mxnet.autograd.backward":
        heads = bound(call, ["heads", "head_grads", "retain_graph", "train_mode"], "backward")
        given: Any = heads.pop("heads")
        listed = isinstance(given, cst.List | cst.Tuple)
        losses = [one.value for one in given.elements] if listed else [given]
        weights = heads.get("head_grads")
    else:
        heads = bound(call, ["out_grad", "retain_graph", "train_mode"], "backward")
        losses, weights = [owner.value], heads.get("out_grad")
    if weights is not None and code(weights) != "None":
        raise NotPorted("gradients from above are not ported. Multiply the loss by them")
    sums = " + ".join(f"unidl.ops.sum({code(one)})" for one in losses)
    return f"({sums}){divided}" if divided and len(losses) > 1 else sums + divided


def _steps(statement: Any, facts: Facts) -> bool:
    """`trainer.step(n)`, or `trainer.update(n)`, which is its second half."""
    owner = _method(statement, "update")
    return bool(_method(statement, "step")) or (owner is not None and owner in facts.trainers)


def _method(statement: Any, name: str) -> str | None:
    """`x` of a line `x.name(...)`."""
    if (
        isinstance(statement, cst.SimpleStatementLine)
        and len(statement.body) == 1
        and isinstance(statement.body[0], cst.Expr)
        and isinstance(statement.body[0].value, cst.Call)
        and isinstance(statement.body[0].value.func, cst.Attribute)
        and statement.body[0].value.func.attr.value == name
    ):
        return code(statement.body[0].value.func.value)
    return None

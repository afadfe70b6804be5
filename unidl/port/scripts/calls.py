"""Calls whose arguments have other names, or another order."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import libcst as cst

import unidl
from unidl.port.scripts.source import NotPorted

_CODE = cst.Module([])


def code(node: cst.CSTNode) -> str:
    """The text of a node."""
    return _CODE.code_for_node(node)


def expression(text: str) -> cst.BaseExpression:
    return cst.parse_expression(text)


@dataclass(frozen=True)
class Rule:
    """One function of a framework.

    target: its counterpart below unidl. parameters: {its parameter: the counterpart's}, in its
    order; None for one whose value changes nothing, such as a name. needed: those without which it
    means something else. added: {parameter of the counterpart: code} for defaults that differ.
    """

    target: str
    parameters: dict[str, str | None]
    needed: tuple[str, ...] = ()
    added: dict[str, str] = field(default_factory=dict)


def rule(target: str, parameters: str) -> Rule:
    """A Rule in one line: "input=x axis! keepdims name-": `!` for what must be given, `-` for what
    is left out, `axis:0` for a default that must be written."""
    found: dict[str, str | None] = {}
    needed, added = [], {}
    for word in parameters.split():
        name, _, default = word.partition(":")
        theirs, _, ours = name.rstrip("!-").partition("=")
        found[theirs] = None if name.endswith("-") else ours or theirs
        if name.endswith("!"):
            needed.append(theirs)
        if default:
            added[ours or theirs] = default
    return Rule(target, found, tuple(needed), added)


def bound(node: cst.Call, parameters: list[str], name: str) -> dict[str, cst.BaseExpression]:
    """{parameter: what the call gives for it}, in the order of the call. Raises NotPorted."""
    found: dict[str, cst.BaseExpression] = {}
    for position, argument in enumerate(node.args):
        if argument.star:
            raise NotPorted(f"{name} with {argument.star} arguments. Write them out")
        if argument.keyword is not None:
            key = argument.keyword.value
        elif position < len(parameters):
            key = parameters[position]
        else:
            raise NotPorted(f"{name} has more arguments than unidl's counterpart")
        if key not in parameters:
            raise NotPorted(f"the argument {key!r} of {name} has no counterpart in unidl")
        found[key] = argument.value
    return found


def apply_rule(made: Rule, node: cst.Call, name: str, prefix: str = "unidl.") -> cst.Call:
    """The call of the counterpart. Arguments stay by position as long as both orders agree."""
    given = bound(node, list(made.parameters), name)
    for needed in made.needed:
        if needed not in given:
            raise NotPorted(f"{name} without {needed!r} means something else in unidl. Give it")
    ours = {made.parameters[key]: value for key, value in given.items()}
    ours.pop(None, None)
    for added, text in made.added.items():
        ours.setdefault(added, expression(text))
    counterpart: Any = reduce(getattr, made.target.split("."), unidl)
    order = list(inspect.signature(counterpart).parameters)
    by_position = sum(argument.keyword is None for argument in node.args)
    arguments = []
    straight = True
    for place, (key, value) in enumerate(ours.items()):
        assert key is not None
        straight = straight and place < by_position and place < len(order) and order[place] == key
        arguments.append(argument_of(None if straight else key, value))
    return node.with_changes(func=expression(prefix + made.target), args=spaced(arguments))


def argument_of(key: str | None, value: cst.BaseExpression) -> cst.Arg:
    bare = cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))
    if key is None:
        return cst.Arg(value)
    return cst.Arg(value, keyword=cst.Name(key), equal=bare)


def spaced(arguments: list[cst.Arg]) -> list[cst.Arg]:
    """With commas between them, and none at the end."""
    comma = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    return [
        argument.with_changes(
            comma=comma if place < len(arguments) - 1 else cst.MaybeSentinel.DEFAULT
        )
        for place, argument in enumerate(arguments)
    ]

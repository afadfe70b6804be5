"""`-symbol.json` files, the graphs that `HybridBlock.export` and `Module.save_checkpoint` write,
read without MXNet.

All attributes are strings; they are parsed here, and never evaluated. Files from before MXNet 0.9
call them `attr` or `param`, and have pairs for inputs.
"""

from __future__ import annotations

import json
import os
import re
import stat
from dataclasses import dataclass
from typing import Any

LONGEST = 1 << 26  # bytes
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*([eE][-+]?\d+)?|\.\d+([eE][-+]?\d+)?|inf|nan)L?")


@dataclass
class Node:
    """
    Attributes:
        op: MXNet's operator; "null" is an input, a weight or a statistic.
        inputs: [(node, number of its output)].
        attrs: {name: number, bool, None, tuple of these, or text}.
    """

    name: str
    op: str
    inputs: list[tuple[Node, int]]
    attrs: dict[str, Any]


@dataclass
class Graph:
    """
    Attributes:
        nodes: each after those it takes. heads: [(node, number of its output)], the outputs.
        text: the JSON from which they come.
    """

    nodes: list[Node]
    heads: list[tuple[Node, int]]
    text: str | bytes

    @property
    def variables(self) -> list[Node]:
        return [node for node in self.nodes if node.op == "null"]


def read_symbol(path: str | os.PathLike[str]) -> Graph:
    """The graph in a `-symbol.json` file.

    Raises:
        ValueError: it is none, or is damaged.
    """
    info = os.stat(path)
    if not stat.S_ISREG(info.st_mode) or info.st_size > LONGEST:
        raise ValueError(f"{path} is no symbol file of MXNet: a folder, a device, or too large.")
    with open(path, "rb") as file:
        content = file.read()
    try:
        return parse_symbol(content)
    except ValueError as error:
        raise ValueError(f"{path} is not read: {error}") from None


def parse_symbol(text: str | bytes) -> Graph:
    """The graph in the text of such a file; ValueError without a path."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"it is not JSON: {error}.") from None
    try:
        return Graph(*_nodes_and_heads(found), text)
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise ValueError(
            f"it is no symbol of MXNet, or it is damaged: {type(error).__name__} {error}."
        ) from None


def _nodes_and_heads(found: Any) -> tuple[list[Node], list[tuple[Node, int]]]:
    nodes: list[Node] = []
    for i, each in enumerate(found["nodes"]):
        inputs = [_entry(nodes, entry, i) for entry in each["inputs"]]
        texts: dict[str, Any] = {}
        for key in ("param", "attr", "attrs"):
            texts |= each.get(key) or {}
        name, op = each["name"], each["op"]
        if not (isinstance(name, str) and isinstance(op, str)):
            raise TypeError("a node without a name and an operator")
        nodes.append(Node(name, op, inputs, {key: parsed(text) for key, text in texts.items()}))
    heads = [_entry(nodes, entry, len(nodes)) for entry in found["heads"]]
    if not heads:
        raise ValueError("it has no outputs.")
    return nodes, heads


def _entry(nodes: list[Node], entry: Any, before: int) -> tuple[Node, int]:
    number, output = entry[0], entry[1]
    if not (type(number) is int and type(output) is int and 0 <= number < before and output >= 0):
        raise TypeError(f"a node takes {entry}, which does not come before it")
    return nodes[number], output


def parsed(text: Any) -> Any:
    """The value of an attribute's text: "(2, 2)", "True", "None", "0.5", or the text itself."""
    if not isinstance(text, str):
        raise TypeError(f"an attribute that is no text: {text!r}")
    stripped = text.strip()
    if stripped[:1] in ("(", "[") and stripped[-1:] in (")", "]"):
        parts = [part.strip() for part in stripped[1:-1].split(",")]
        values = [_simple(part) for part in parts if part]
        return text if any(isinstance(value, str) for value in values) else tuple(values)
    return _simple(stripped)


def _simple(text: str) -> Any:
    if text in ("True", "False", "true", "false"):
        return text in ("True", "true")
    if text == "None":
        return None
    if not _NUMBER.fullmatch(text) or len(text) > 40:
        return text
    text = text.removesuffix("L")
    return int(text) if re.fullmatch(r"[-+]?\d+", text) else float(text)

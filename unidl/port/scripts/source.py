"""What a table of a framework's names has to say; the tables are in the backends' packages."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any

import libcst as cst

import unidl
from unidl.utils.namespaces import missing_names

if TYPE_CHECKING:
    from unidl.port.scripts.rewriter import Rewriter


class NotPorted(Exception):
    """Why an expression or statement stays as it was, and what to write instead."""


class Source:
    """A framework's names, what they become, and its statements that become others.

    One object for each script: what it learns about a script's own names it may keep.
    """

    roots: tuple[str, ...] = ()
    dropped_decorators: tuple[str, ...] = ()
    pieces: frozenset[str] = frozenset()  # names of what ported scripts get a copy of

    def prepare(self, rewriter: Rewriter, module: cst.Module) -> None:
        """Looks through the script before anything is changed."""

    def target(self, full: str) -> str | None:
        """The name below unidl of the framework's `full`: "layers.Dense", "" for unidl itself; None
        for a package that has no counterpart but parts that have. Raises NotPorted."""
        raise NotImplementedError

    def reference(self, full: str) -> str | None:
        """The code that takes the place of a name that is not called, where it is not a name."""
        return None

    def call(self, full: str, node: cst.Call, rewriter: Rewriter) -> cst.BaseExpression | None:
        """What takes the place of a call of `full`, whose arguments have been ported; None where
        only the name changes. Raises NotPorted."""
        return None

    def method(
        self, node: cst.Call, updated: cst.Call, rewriter: Rewriter
    ) -> cst.BaseExpression | None:
        """What takes the place of a call of a method of the script's own objects."""
        return None

    def attribute(self, node: cst.Attribute, updated: cst.Attribute) -> cst.BaseExpression | None:
        """What takes the place of an attribute of the script's own objects."""
        return None

    def block(self, body: Sequence[cst.BaseStatement], rewriter: Rewriter) -> None:
        """Looks through the statements of a block, and calls `rewriter.replace` for those that
        become others together."""

    def enter(self, node: cst.CSTNode, rewriter: Rewriter) -> None:
        """Before the parts of a statement."""

    def leave(self, node: cst.CSTNode, rewriter: Rewriter) -> None:
        """After them."""

    def statement(self, node: cst.CSTNode, updated: Any, rewriter: Rewriter) -> Any:
        """What takes the place of a statement: it, another, a list of them."""
        return updated


def existing(path: str) -> str:
    """`path`, a dotted name below unidl. Raises NotPorted, with the reason, if unidl lacks it."""
    parts = path.split(".") if path else []
    try:
        reduce(getattr, parts, unidl)
    except AttributeError as error:
        reasons = missing_names()
        for length in range(len(parts), 0, -1):
            reason = reasons.get(".".join(parts[:length]))
            if reason is not None:
                raise NotPorted(f"not in unidl. {reason}") from error
        raise NotPorted(f"unidl has no {path}") from error
    return path

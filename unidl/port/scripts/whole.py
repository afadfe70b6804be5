"""One script from its text to the text of the ported one."""

from __future__ import annotations

import ast
import warnings
from pkgutil import resolve_name

import libcst as cst
from libcst.metadata import MetadataWrapper

from unidl.backend import registry
from unidl.port.scripts.blocks import marks_in
from unidl.port.scripts.imports import rewrite_imports
from unidl.port.scripts.names import Names
from unidl.port.scripts.pieces import with_pieces
from unidl.port.scripts.ported import Ported
from unidl.port.scripts.rewriter import Rewriter
from unidl.port.scripts.source import Source


def port_whole(text: str) -> Ported:
    sources = _sources(text)
    module = parsed(text)
    if not sources:
        return Ported(text, text, marks_in(text))
    wrapper = MetadataWrapper(module)
    by_root = {root: source for source in sources for root in source.roots}
    names = Names(wrapper, by_root)
    rewriter = Rewriter(wrapper, names, by_root)
    for source in sources:
        source.prepare(rewriter, wrapper.module)
    ported = rewrite_imports(with_pieces(wrapper.module.visit(rewriter), rewriter), rewriter)
    # What an earlier run has kept may be hard to recognize: its imports have become unidl's.
    known = {(kept.name, kept.reason) for kept in rewriter.kept}
    earlier = [mark for mark in marks_in(text) if (mark.name, mark.reason) not in known]
    kept = sorted({*rewriter.kept, *earlier})
    return Ported(text, ported.code, kept, rewriter.calls, rewriter.calls - rewriter.calls_kept)


def mentioned(text: str) -> list[str]:
    """Where the tables are of the frameworks that the text mentions at all."""
    places: dict[str, list[str]] = {}
    for spec in registry.specs().values():
        for root, place in spec.scripts.items():
            places.setdefault(place, []).append(root)
    lowered = text.lower()  # since settings of the environment are in capitals
    return [place for place, roots in places.items() if any(one in lowered for one in roots)]


def framework_names(text: str) -> set[str]:
    """The names that the imports of a script make for parts of frameworks."""
    roots = {root for spec in registry.specs().values() for root in spec.scripts}
    return {
        (alias.asname or alias.name).partition(".")[0]
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
        if (getattr(node, "module", alias.name) or "").partition(".")[0] in roots
    }


def _sources(text: str) -> list[Source]:
    return [resolve_name(place)() for place in mentioned(text)]


_DEEPEST = 500  # nested expressions and statements; libcst overflows the stack soon after


def parsed(text: str) -> cst.Module:
    """Read by Python's own parser first, whose messages users know. Raises SyntaxError, and
    RecursionError."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # about escapes; not ours to tell
        waiting: list[tuple[ast.AST, int]] = [(ast.parse(text), 0)]
    while waiting:
        node, depth = waiting.pop()
        if depth > _DEEPEST:
            raise RecursionError(f"nested more than {_DEEPEST} deep")
        waiting += [(child, depth + 1) for child in ast.iter_child_nodes(node)]
    try:
        return cst.parse_module(text)
    except cst.ParserSyntaxError as error:
        made = SyntaxError(str(error.message).partition("\n")[0])
        made.lineno = error.editor_line
        raise made from error

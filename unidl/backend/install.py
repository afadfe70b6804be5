"""The command that installs a framework, from where one stands.

An extra such as `unidl-framework[torch]` can be had where unidl itself came from: the index, a
checkout, or a file.
"""

from __future__ import annotations

import importlib.metadata
import json
from functools import cache
from pathlib import Path

DISTRIBUTION = "unidl-framework"


def from_here(command: str) -> str:
    """`command` of a `BackendSpec`, with the source of this very unidl in it."""
    source = _source()
    if source is None:
        return command
    editable, place = source
    for extra in (f"'{DISTRIBUTION}[", f"{DISTRIBUTION}"):
        if extra in command:
            before, _, after = command.partition(extra)
            if editable:
                closed = after if extra.endswith("[") else ""
                return f"{before}-e '{place}{'[' + closed if closed else chr(39)}"
            name, _, _ = after.partition("]")
            extras = f"[{name}]" if extra.endswith("[") else ""
            return f"{before}'{DISTRIBUTION}{extras} @ {place}'"
    return command


@cache
def _source() -> tuple[bool, str] | None:
    """(whether it is a checkout, its path or the file's address); None: the index."""
    root = Path(__file__).resolve().parents[2]
    if (root / "pyproject.toml").is_file():
        return True, "." if root == Path.cwd() else str(root)
    try:
        text = importlib.metadata.distribution(DISTRIBUTION).read_text("direct_url.json")
    except importlib.metadata.PackageNotFoundError:
        return None
    url = json.loads(text).get("url") if text else None
    return (False, url) if url else None

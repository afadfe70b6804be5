"""Scripts on disk: reading, and writing back as they were encoded."""

from __future__ import annotations

import codecs
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

LARGEST = 5_000_000  # bytes; longer than any script that a person wrote
_LARGEST_NOTEBOOK = 200_000_000  # with pictures in it
_SKIPPED = {"__pycache__", "node_modules", "site-packages", "build", "dist"}


class CannotRead(ValueError):
    """Why a file is no Python script, and no notebook."""


@dataclass(frozen=True)
class Script:
    """bom: whether the file starts with a byte order mark."""

    path: Path
    text: str
    encoding: str
    bom: bool

    @property
    def is_notebook(self) -> bool:
        return is_notebook(self.path)

    def write(self, text: str, path: Path) -> None:
        """`text` in this script's encoding; ends of lines are in the text."""
        data = text.encode(self.encoding)
        path.write_bytes(codecs.BOM_UTF8 + data if self.bom else data)


def is_notebook(path: Path) -> bool:
    return path.suffix == ".ipynb"


def read(path: Path) -> Script:
    """Raises CannotRead."""
    largest = _LARGEST_NOTEBOOK if is_notebook(path) else LARGEST
    try:
        size = path.stat().st_size
        if size > largest:
            raise CannotRead(f"it has {size:,} bytes; scripts have up to {largest:,}")
        data = path.read_bytes()
    except OSError as error:
        raise CannotRead(error.strerror or str(error)) from error
    if b"\0" in data:
        raise CannotRead("it is a binary file, no script")
    bom = data.startswith(codecs.BOM_UTF8)
    try:
        encoding = "utf-8"
        if not is_notebook(path):
            encoding, _ = tokenize.detect_encoding(BytesIO(data).readline)
        encoding = "utf-8" if encoding == "utf-8-sig" else encoding
        text = data[len(codecs.BOM_UTF8) if bom else 0 :].decode(encoding)
    except (SyntaxError, UnicodeDecodeError) as error:
        why = "" if is_notebook(path) else ", and names no other encoding in its first two lines"
        raise CannotRead(f"it is not UTF-8{why}") from error
    return Script(path, text, encoding, bom)


def scripts_in(paths: Iterable[str]) -> Iterator[Path]:
    """Files as they are given; of folders, all scripts and notebooks in them."""
    for given in paths:
        path = Path(given)
        if path.is_dir():
            for found in sorted([*path.rglob("*.py"), *path.rglob("*.ipynb")]):
                inside = found.relative_to(path).parts
                if not any(part in _SKIPPED or part.startswith(".") for part in inside):
                    yield found
        else:
            yield path

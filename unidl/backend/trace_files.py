"""Files of a profiler that chooses its own folders, named after the second in which it ran."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def gathered(folder: str) -> Iterator[str]:
    """A folder to write to, whose files lie in `folder` at the end, without folders between."""
    with tempfile.TemporaryDirectory(dir=folder) as below:
        yield below
        for file in [path for path in Path(below).rglob("*") if path.is_file()]:
            shutil.move(file, Path(folder, file.name))

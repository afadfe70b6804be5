"""Programs for TensorFlow and what serves it, with several functions in one folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unidl.export.archive import ExportArchive

__all__ = ["ExportArchive"]

if not TYPE_CHECKING:
    from unidl.utils.namespaces import namespace

    __getattr__, __dir__ = namespace(__name__, __all__, {"ExportArchive": "unidl.export.archive"})

"""Programs for TensorFlow and what serves it, with several functions in one folder."""

from unidl.export.archive import ExportArchive

__all__ = ["ExportArchive"]

"""Is this model the same everywhere? `verify` compares it on every backend and device with the
float64 oracle.

    print(unidl.verify.verify(model, x, y))

`record` and `compare` find where two runs part that may come from different machines or versions.
Also as commands: `unidl verify package.module:make_model`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from unidl.utils.namespaces import namespace
from unidl.verify.comparison import Comparison, compare
from unidl.verify.engine import verify
from unidl.verify.recording import record
from unidl.verify.report import Record, Report

__all__ = ["Comparison", "Record", "Report", "compare", "record", "verify"]

if not TYPE_CHECKING:
    __getattr__, __dir__ = namespace(__name__, __all__)

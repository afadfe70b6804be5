"""Is this model the same everywhere? `verify` compares it on every backend and device with the float64 oracle.

    print(unidl.verify.verify(model, x, y))

`record` and `compare` find where two runs part that may come from different machines or versions. Also as commands:
`unidl verify package.module:make_model`.
"""

from unidl.verify.comparison import Comparison, compare
from unidl.verify.engine import verify
from unidl.verify.recording import record
from unidl.verify.report import Record, Report

__all__ = ["Comparison", "Record", "Report", "compare", "record", "verify"]

"""Capture: a step of an eager backend as straight-line code.

A step is run once on symbols that have only shape and dtype. What it asks of the contract is
written down, call by call, and becomes a Python function of native calls: no layer, no dispatch, no
check is left in it. An adapter whose framework does not trace by itself derives its execution from
`CapturedExecution`.
"""

from unidl.tracing.capture.execution import CapturedExecution, CaptureWarning
from unidl.tracing.capture.symbol import NotCapturable, Symbol

__all__ = ["CaptureWarning", "CapturedExecution", "NotCapturable", "Symbol"]

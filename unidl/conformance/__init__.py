"""The conformance suite: one table of cases that every backend must pass, a stranger's too.

    unidl conformance --backend <name>

A case says once what is called, on which inputs, and how rounding is judged. The engine runs it on
a backend, forward and the gradient of every float input, and compares with the oracle: the default
backend in float64 with the bodies of the contract in place of its own fused kernels. `judge`
explains the budgets and `scales` what an error is divided by.
"""

from unidl.conformance.case import Case
from unidl.conformance.engine import Record, run_case

__all__ = ["Case", "Record", "run_case"]

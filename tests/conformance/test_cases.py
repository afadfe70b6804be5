"""Every case of the conformance suite on every installed backend.

The first case of each function and layer is asked for all: each gradient alone, below frozen
weights, traced. The others, which differ by an argument or a shape, are asked so in the sweep, and
so are all where a trace takes longer than all else, as are every second of a layer's other cases.
"""

import re

import pytest

from unidl.backend import list_backends
from unidl.conformance.cases import ALL_CASES
from unidl.conformance.known import problems


def subject(case):
    """The function or layer: the name up to what tells its cases from each other."""
    return re.split("[:,]", case.name)[0]


FIRST = {subject(case): case.name for case in reversed(ALL_CASES)}.values()

# All backends of a case in one process: its reference takes longer than they do and is kept.
cases = pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=case.name, marks=pytest.mark.xdist_group(case.name))
        for case in ALL_CASES
    ],
)


SLOW_TO_TRACE = "tensorflow"
OTHERS = [c.name for c in ALL_CASES if c.name.startswith("layer ") and c.name not in FIRST]
ONLY_IN_THE_SWEEP = OTHERS[::2]


def _in_the_suite():
    for case in ALL_CASES:
        for name in (row.name for row in list_backends() if row.installed):
            marks = [pytest.mark.xdist_group(case.name)]
            if name == SLOW_TO_TRACE and case.name in ONLY_IN_THE_SWEEP:
                marks.append(pytest.mark.slow)
            yield pytest.param(name, case, id=f"{name}-{case.name}", marks=marks)


@pytest.mark.parametrize(("backend", "case"), _in_the_suite(), indirect=["backend"])
def test_case(case, backend):
    thorough = case.name in FIRST and backend.name != SLOW_TO_TRACE
    assert "\n".join(problems(case, backend, thorough=thorough)) == ""


@pytest.mark.slow
@cases
def test_case_thoroughly(case, backend):
    assert "\n".join(problems(case, backend)) == ""

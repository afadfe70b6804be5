"""Every case of the conformance suite on every installed backend.

The first case of each function and layer is asked for all: each gradient alone, below frozen
weights, traced. The others, which differ by an argument or a shape, are asked so in the sweep.
"""

import re

import pytest

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


@cases
def test_case(case, backend):
    assert "\n".join(problems(case, backend, thorough=case.name in FIRST)) == ""


@pytest.mark.slow
@cases
def test_case_thoroughly(case, backend):
    assert "\n".join(problems(case, backend)) == ""

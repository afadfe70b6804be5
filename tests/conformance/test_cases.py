"""Every case of the conformance suite on every installed backend."""

import pytest

from unidl.conformance.cases import ALL_CASES
from unidl.conformance.known import problems


# All backends of a case in one process: its reference takes longer than they do and is kept.
@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=case.name, marks=pytest.mark.xdist_group(case.name))
        for case in ALL_CASES
    ],
)
def test_case(case, backend):
    assert "\n".join(problems(case, backend)) == ""

"""Every case of the conformance suite on every installed backend."""

import pytest

from unidl.conformance import run_case
from unidl.conformance.cases import ALL_CASES
from unidl.conformance.known import known_failures, unexpected


# All backends of a case in one process: its reference takes longer than they do and is kept.
@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=case.name, marks=pytest.mark.xdist_group(case.name))
        for case in ALL_CASES
    ],
)
def test_case(case, backend):
    records = run_case(case, backend)
    assert records, f"{case.name} did not run"
    problems = unexpected(records, known_failures(backend))
    assert not problems, "\n".join(problems)

"""Every case of the conformance suite on every installed backend."""

import pytest

from unidl.conformance import run_case
from unidl.conformance.cases import ALL_CASES
from unidl.conformance.known import known_failures, unexpected


@pytest.mark.parametrize("case", ALL_CASES, ids=lambda case: case.name)
def test_case(case, backend):
    problems = unexpected(run_case(case, backend), known_failures(backend))
    assert not problems, "\n".join(problems)

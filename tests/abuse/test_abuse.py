"""Wrong use is told, in the same words on every backend, or has one right result."""

import pytest

from tests.abuse.case import outcome, same_everywhere
from tests.abuse.cases import ALL_CASES
from tests.conftest import INSTALLED


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=case.name, marks=[pytest.mark.slow] if case.slow else [])
        for case in ALL_CASES
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_it_is_told_or_right(case):
    asked = INSTALLED[:1] if case.once else INSTALLED
    outcomes = {name: outcome(case, name) for name in asked}
    assert all(each.good for each in outcomes.values()), outcomes
    assert same_everywhere(outcomes.values()), outcomes


def test_names_are_unique():
    assert len({case.name for case in ALL_CASES}) == len(ALL_CASES)

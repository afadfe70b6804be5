"""`pytest --pyargs unidl.conformance`: each case as a test, on every installed backend.

`UNIDL_BACKEND=paddle` chooses one of them and `UNIDL_DEVICE=gpu` the device; `-k` chooses cases. A
backend without that device skips.
"""

import os

import pytest

from unidl.backend import get_backend, registry
from unidl.conformance.cases import ALL_CASES
from unidl.conformance.command import lacking
from unidl.conformance.known import problems
from unidl.conformance.report import installed

CHOSEN = os.environ.get("UNIDL_BACKEND")


@pytest.mark.parametrize("name", [CHOSEN] if CHOSEN else installed())
@pytest.mark.parametrize("case", ALL_CASES, ids=lambda case: case.name)
def test_case(case, name):
    reason = lacking(get_backend(name), registry.current_device())
    if reason:
        pytest.skip(reason)
    assert "\n".join(problems(case, name)) == ""

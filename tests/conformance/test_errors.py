"""Wrong calls of ops and layers raise the same error, word for word, on every backend."""

import pytest

from unidl.backend import list_backends, use_backend
from unidl.conformance.cases.errors import ERROR_CASES
from unidl.utils import clear_session


def _raised(case, name):
    with use_backend(name) as backend:
        clear_session(free_memory=False)  # automatic names are numbered from one again
        with pytest.raises(case.kind) as caught:
            case.call(backend.asarray)
        return type(caught.value), str(caught.value)


@pytest.mark.parametrize("case", ERROR_CASES, ids=lambda case: case.name)
def test_the_same_error(case):
    found = {row.name: _raised(case, row.name) for row in list_backends() if row.installed}
    kind, text = next(iter(found.values()))
    assert case.mentions in text
    assert {name for name, error in found.items() if error != (kind, text)} == set(), found


def test_there_are_enough():
    assert len({case.name for case in ERROR_CASES}) == len(ERROR_CASES) >= 60

"""One fixture for all: `backend` runs a test once on each registered backend."""

import pytest

from unidl.backend import list_backends, use_backend


def pytest_addoption(parser):
    parser.addoption("--backend", action="append", help="run the tests of this backend only (may be given several times)")


def pytest_generate_tests(metafunc):
    if "backend" in metafunc.fixturenames:
        wanted = metafunc.config.getoption("--backend")
        rows = [row for row in list_backends() if not wanted or row.name in wanted]
        skip = [pytest.mark.skipif(not row.installed, reason=f"{row.name} is not installed") for row in rows]
        metafunc.parametrize("backend", [pytest.param(r.name, marks=s) for r, s in zip(rows, skip, strict=True)], indirect=True)


@pytest.fixture
def backend(request):
    """A loaded backend, active during the test."""
    with use_backend(request.param) as loaded:
        yield loaded

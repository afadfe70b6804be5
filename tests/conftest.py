"""One fixture for all: `backend` runs a test once on each registered backend."""

import pytest

from unidl.backend import list_backends, use_backend


def pytest_addoption(parser):
    parser.addoption("--backend", action="append", help="run the tests of this backend only (may be given several times)")


def pytest_collection_modifyitems(config, items):
    wanted = config.getoption("--backend")
    if wanted:
        params = [getattr(item, "callspec", None) and item.callspec.params.get("backend") for item in items]
        config.hook.pytest_deselected(items=[i for i, p in zip(items, params, strict=True) if p not in wanted])
        items[:] = [i for i, p in zip(items, params, strict=True) if p in wanted]


def _params():
    for row in list_backends():
        skip = pytest.mark.skipif(not row.installed, reason=f"{row.name} is not installed")
        yield pytest.param(row.name, marks=skip)


@pytest.fixture(params=list(_params()))
def backend(request):
    """A loaded backend, active during the test."""
    with use_backend(request.param) as loaded:
        yield loaded

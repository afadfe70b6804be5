"""One fixture for all: `backend` runs a test once on each installed backend."""

import os

import pytest

from unidl.backend import list_backends, use_backend
from unidl.utils.traceback_filtering import disable_traceback_filtering


def pytest_addoption(parser):
    parser.addoption(
        "--backend",
        action="append",
        help="run the tests of this backend only (may be given several times)",
    )


def pytest_configure(config):
    disable_traceback_filtering()  # a test that fails shows all of the way
    # A suite that should cover certain backends must not pass because one of them failed to install.
    missing = set(os.environ.get("UNIDL_TEST_BACKENDS", "numpy").split(",")) - set(INSTALLED)
    if missing:
        raise pytest.UsageError(
            f"These backends should be tested and are not installed: {', '.join(sorted(missing))}."
        )


def pytest_collection_modifyitems(config, items):
    wanted = config.getoption("--backend")
    if wanted:
        params = [
            getattr(item, "callspec", None) and item.callspec.params.get("backend")
            for item in items
        ]
        config.hook.pytest_deselected(
            items=[i for i, p in zip(items, params, strict=True) if p not in wanted]
        )
        items[:] = [i for i, p in zip(items, params, strict=True) if p in wanted]


INSTALLED = [row.name for row in list_backends() if row.installed]


@pytest.fixture(params=INSTALLED)
def backend(request):
    """A loaded backend, active during the test."""
    with use_backend(request.param) as loaded:
        yield loaded

"""These tests need MXNet; without it they are skipped as a whole."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

collect_ignore_glob = [] if importlib.util.find_spec("mxnet") else ["test_*.py"]


@pytest.fixture(scope="session")
def backend():
    from unidl.backend import get_backend

    return get_backend("mxnet")


@pytest.fixture
def rng():
    return np.random.RandomState(7)


@pytest.fixture(autouse=True)
def _errors_belong_to_their_test():
    """MXNet's errors come late; whatever is still on its way must surface before the next test."""
    yield
    from unidl.backend import get_backend

    get_backend("mxnet").synchronize()

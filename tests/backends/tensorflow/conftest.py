"""These tests need TensorFlow; without it they are skipped as a whole."""

import importlib.util

import pytest

collect_ignore_glob = [] if importlib.util.find_spec("tensorflow") else ["test_*.py"]


# Not called `backend`: that fixture runs a test on every backend there is.
@pytest.fixture(scope="session")
def tf_backend():
    from unidl.backend import get_backend

    return get_backend("tensorflow")

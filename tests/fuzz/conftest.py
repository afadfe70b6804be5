import pytest

from tests.conftest import INSTALLED
from tests.reference import in_float64


@pytest.fixture(scope="module")
def keras():
    """Keras on TensorFlow, both in float64."""
    pytest.importorskip("keras")
    with in_float64() as module:
        yield module


@pytest.fixture(scope="session")
def backends():
    """The names of all backends but the oracle."""
    return [name for name in INSTALLED if name != "numpy"]

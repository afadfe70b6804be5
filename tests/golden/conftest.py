import pytest


@pytest.fixture(autouse=True)
def _float64(float64):
    """All golden values are float64."""

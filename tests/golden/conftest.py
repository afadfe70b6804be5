import pytest

from unidl.backend import floatx, set_floatx


@pytest.fixture(autouse=True)
def _float64():
    before = floatx()
    set_floatx("float64")
    yield
    set_floatx(before)

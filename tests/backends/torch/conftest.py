import pytest

torch = pytest.importorskip("torch")

from unidl.backend import get_backend  # noqa: E402


@pytest.fixture(scope="session")
def backend():
    return get_backend("torch")


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)

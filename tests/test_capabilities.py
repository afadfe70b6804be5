"""docs/capabilities.md says what is so, and what the adapters' tables say is true."""

import importlib.util
from pathlib import Path

import pytest

from unidl.backend import Backend, get_backend, list_backends, use_backend

ROOT = Path(__file__).resolve().parent.parent
INSTALLED = {row.name for row in list_backends() if row.installed}


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location(
        "unidl_capabilities", ROOT / "tools" / "capabilities.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(
    not {"torch", "tensorflow", "mxnet"} <= INSTALLED, reason="the page is about all backends"
)
def test_the_page_is_fresh(tool):
    assert tool.write() == tool.PAGE.read_text(), "run make capabilities"


@pytest.mark.parametrize("name", ["torch", "tensorflow"])
def test_source_and_class_say_the_same(tool, name):
    if name not in INSTALLED:
        pytest.skip(f"{name} is not installed")
    read, installed = tool.Read(name), tool.Installed(name)
    for function in (f for of_concern in tool.functions().values() for f in of_concern):
        assert tool.cell(read, function) == tool.cell(installed, function)


def test_tables_name_functions_that_are_there(backend):
    for table in (backend.kernels, backend.limits, backend.unsupported):
        assert all(callable(getattr(Backend, name)) for name in table)
    for name in backend.kernels:
        assert getattr(type(backend), name) is not getattr(Backend, name), (
            f"{name} has a kernel and is not overridden"
        )


@pytest.mark.skipif("mxnet" not in INSTALLED, reason="about MXNet")
def test_limits_are_kept():
    """What an adapter says that it leaves out is refused."""
    mxnet = get_backend("mxnet")
    from unidl.backend.errors import UnsupportedError

    x = mxnet.asarray([1.0, 2.0])
    for function in (
        lambda v: get_backend().custom_gradient(lambda a: ([a], lambda up: [up]), [v])[0],
        lambda v: get_backend().while_loop(
            lambda a: get_backend().less(get_backend().sum(a), 9.0),
            lambda a: [get_backend().add(a, a)],
            [v],
        )[0],
    ):
        with use_backend(mxnet), pytest.raises(UnsupportedError, match="run_eagerly"):
            mxnet.compile(function, [])(x)

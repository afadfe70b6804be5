"""What importing unidl pulls in, seen from fresh processes."""

import subprocess
import sys

import pytest

import unidl
from unidl.backend import registry

LAZY = {
    "torch",
    "tensorflow",
    "mxnet",
    "keras",
    "jax",
    "rich",
    "pooch",
    "h5py",
    "requests",
    "onnx",
    "libcst",
}
INSTALLED = [row.name for row in unidl.list_backends() if row.installed]


def modules_after(program):
    """Top-level modules in a fresh process that ran `program`."""
    code = (
        f"{program}\nimport sys\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    )
    output = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], check=True, capture_output=True, text=True
    ).stdout
    return set(output.splitlines()[-1].split())


def test_import_is_light():
    assert not modules_after("import unidl; unidl.__version__; dir(unidl)") & (
        LAZY | {"unidl_numpy"}
    )


@pytest.mark.parametrize("name", sorted(unidl.__all__))
def test_every_public_name_is_there(name):
    assert getattr(unidl, name) is not None


def test_all_of_the_api_imports_no_framework():
    program = "import unidl\nfor name in unidl.__all__: getattr(unidl, name)"
    assert not modules_after(program) & LAZY


def test_listing_backends_imports_none():
    assert not modules_after("import unidl; unidl.list_backends()") & LAZY


@pytest.mark.parametrize("backend", INSTALLED)
def test_an_adapter_imports_one_framework(backend):
    program = f"""
import unidl
unidl.set_backend({backend!r})
model = unidl.Sequential([unidl.Input((2,)), unidl.layers.Dense(1)])
model.compile("sgd", "mse")
import numpy as np
model.fit(np.ones((2, 2)), np.ones((2, 1)), verbose=0)
"""
    frameworks = {name: spec.framework for name, spec in registry.specs().items()}
    found = modules_after(program) & set(frameworks.values())
    assert found - {"numpy"} == {frameworks[backend]} - {"numpy"}


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        unidl.nothing  # noqa: B018

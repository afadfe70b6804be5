"""What is in the wheel."""

import zipfile
from email import message_from_bytes

import pytest

pytestmark = [pytest.mark.packaging, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def archive(wheel):
    with zipfile.ZipFile(wheel) as archive:
        yield archive


def test_every_module_is_in(archive, repository):
    """A package without an __init__.py would be left out, and only the users of the wheel would
    notice."""
    expected = set()
    for root in (repository, repository / "backends"):
        for package in root.glob("unidl*"):
            expected |= {path.relative_to(root).as_posix() for path in package.rglob("*.py")}
    assert {name for name in archive.namelist() if name.endswith(".py")} == expected


def test_data_types_and_licences_are_in(archive):
    names = archive.namelist()
    assert {
        "unidl/py.typed",
        "unidl/datasets/data/digits.npz",
        "unidl/datasets/data/README.md",
    } <= set(names)
    assert "unidl_tensorflow/known_failures.json" in names
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_nothing_else_is_in(archive):
    top = {name.partition("/")[0] for name in archive.namelist()}
    packages = {name for name in top if not name.endswith(".dist-info")}
    assert packages == {
        "unidl",
        "unidl_numpy",
        "unidl_torch",
        "unidl_tensorflow",
        "unidl_mxnet",
        "unidl_jax",
        "unidl_keras",
    }


def test_the_core_asks_for_three_packages(archive):
    (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    required = message_from_bytes(archive.read(metadata)).get_all("Requires-Dist")
    core = [requirement for requirement in required if "extra ==" not in requirement]
    assert core == ["numpy>=1.26", "rich", "pooch>=1.6"]

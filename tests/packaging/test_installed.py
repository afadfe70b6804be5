"""What an installed unidl offers, however it was installed and wherever Python is started."""

import sysconfig

import pytest

pytestmark = [pytest.mark.packaging, pytest.mark.timeout(600)]

BACKENDS = {"numpy", "torch", "tensorflow", "mxnet", "jax"}
FRAMEWORKS = ["torch", "tensorflow", "keras", "mxnet", "jax"]


def test_the_environment_is_fresh(environment, cwd):
    """Otherwise the other tests would prove nothing: no framework, and nothing of the environment
    of the tests."""
    found = environment.evaluate(
        "importlib.util as u", f"[n for n in {[*FRAMEWORKS, 'pytest']} if u.find_spec(n)]", cwd
    )
    assert found == []
    path = environment.evaluate("sys", "sys.path", cwd)
    assert sysconfig.get_path("purelib") not in path


def test_entry_points_find_the_adapters(environment, cwd):
    found = environment.evaluate(
        "importlib.metadata as m",
        "[(e.name, e.value) for e in m.entry_points(group='unidl.backends')]",
        cwd,
    )
    assert sorted(map(tuple, found)) == sorted((name, f"unidl_{name}:spec") for name in BACKENDS)


def test_every_backend_is_listed_and_only_numpy_is_installed(environment, cwd):
    listed = environment.evaluate(
        "unidl", "[(b.name, b.installed) for b in unidl.backend.list_backends()]", cwd
    )
    assert sorted(map(tuple, listed)) == sorted((name, name == "numpy") for name in BACKENDS)


def test_the_numpy_backend_loads(environment, cwd):
    assert environment.evaluate("unidl", "unidl.backend.get_backend('numpy').name", cwd) == "numpy"


def test_a_model_trains(environment, cwd):
    """The core alone, every package of it: one that the wheel lacks would only be missed by its
    users."""
    make = "m := unidl.Sequential([unidl.Input((2,)), unidl.layers.Dense(1)])"
    fit = "m.fit(numpy.ones((4, 2)), numpy.ones((4, 1)), verbose=0)"
    assert (
        len(
            environment.evaluate(
                "numpy, unidl", f"[{make}, m.compile('sgd', 'mse'), {fit}.history['loss']][-1]", cwd
            )
        )
        == 1
    )


def test_a_framework_that_is_there_is_not_imported(environment, cwd, tmp_path):
    """Empty modules stand for the frameworks: they count as installed, and importing them would
    succeed."""
    for name in FRAMEWORKS:
        (tmp_path / f"{name}.py").touch()
    listed = "[b.name for b in unidl.backend.list_backends() if b.installed]"
    installed, imported = environment.evaluate(
        "sys, unidl",
        f"[{listed}, [name for name in {FRAMEWORKS} if name in sys.modules]]",
        cwd,
        extra_path=tmp_path,
    )
    assert set(installed) == BACKENDS
    assert imported == []


def test_the_backend_of_a_stranger_is_found(environment, cwd, tmp_path):
    """An adapter from another distribution needs its entry point and not a line in unidl."""
    (tmp_path / "unidl_stranger.py").write_text(
        "from unidl.backend import BackendSpec\n"
        "spec = BackendSpec(name='stranger', adapter='unidl_stranger:Backend', framework='json',\n"
        "                   distributions=(), tensor_roots=(), install='pip install stranger')\n"
    )
    metadata = tmp_path / "unidl_stranger-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: unidl-stranger\nVersion: 1.0\n"
    )
    (metadata / "entry_points.txt").write_text("[unidl.backends]\nstranger = unidl_stranger:spec\n")
    listed = environment.evaluate(
        "unidl", "[b.name for b in unidl.backend.list_backends()]", cwd, extra_path=tmp_path
    )
    assert set(listed) == BACKENDS | {"stranger"}


def test_the_digits_come_along(environment, cwd):
    shape = environment.evaluate(
        "unidl.datasets", "unidl.datasets.digits.load_data()[0][0].shape", cwd
    )
    assert shape == [1437, 8, 8]


def test_the_command_is_there(environment, cwd):
    assert "unidl" in environment.command("unidl", "--help", cwd=cwd)

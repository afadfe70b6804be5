"""One shape for all adapters: a concern is overridden in the file and by the class of its name."""

import inspect
from pathlib import Path

import pytest

from unidl.backend import Backend, contract

IDENTITY = {
    "name",
    "version",
    "tensor_types",
    "dtypes",
    "traces",
    "kernels",
    "limits",
    "unsupported",
}
CONCERNS = {
    concern: concern.__module__.rpartition(".")[2]
    for concern in Backend.__mro__
    if concern.__module__.startswith(f"{contract.__name__}.")
}


def declared(concern):
    """Names of what `concern` declares."""
    return {
        name
        for name, value in vars(concern).items()
        if not name.startswith("_") and (callable(value) or name in IDENTITY)
    }


def classes_of(backend):
    """The adapter's own classes, its `Backend` first."""
    package = type(backend).__module__.partition(".")[0]
    return [c for c in type(backend).__mro__ if c.__module__.partition(".")[0] == package]


def test_each_function_is_overridden_by_a_class_of_its_concern(backend):
    assembled, *parts = classes_of(backend)
    for part in parts:
        for concern in CONCERNS:
            if not issubclass(part, concern):
                strangers = declared(concern) & set(vars(part))
                assert not strangers, f"{part.__module__}.{part.__name__} overrides {strangers}"
    functions = {name for name in vars(assembled) if not name.startswith("_")}
    assert functions <= IDENTITY, "what the adapter puts together holds its identity alone"


def test_each_concern_has_the_file_and_the_class_of_its_name(backend):
    package = type(backend).__module__.partition(".")[0]
    bases = type(backend).__bases__
    assert bases[-1] is Backend
    for base in bases[:-1]:
        (concern,) = (c for c in CONCERNS if issubclass(base, c))
        assert base.__name__ == concern.__name__
        assert base.__module__ == f"{package}.{CONCERNS[concern]}"
    # A file with a concern's name that nothing was made of would be dead.
    folder = Path(inspect.getfile(type(backend))).parent
    used = {base.__module__.rpartition(".")[2] for base in bases[:-1]}
    assert {path.stem for path in folder.glob("*.py")} & set(CONCERNS.values()) == used


@pytest.mark.parametrize("concern", CONCERNS, ids=lambda c: c.__name__)
def test_the_contract_declares_nothing_twice(concern):
    for other in CONCERNS:
        if other is not concern:
            assert not declared(concern) & declared(other)

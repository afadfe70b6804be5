"""The examples in the docstrings of all public names run, and print what they say."""

import doctest
import importlib
import inspect
import re
import sys
import types

import numpy as np
import pytest

import unidl
from tests.test_namespaces import MODULES
from unidl.backend import registry, use_backend

pytestmark = pytest.mark.filterwarnings("ignore:.*the loss is:RuntimeWarning")

NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.?\d*(?:e[-+]?\d+)?|inf\b|nan\b)")


class Near(doctest.OutputChecker):
    """Numbers as near as four printed digits tell; a backend's own words for dtypes aside."""

    def check_output(self, want, got, flags):
        if super().check_output(want, got, flags):
            return True
        want, got = _words(want), _words(got)
        return want[0] == got[0] and np.allclose(want[1], got[1], rtol=1e-3, atol=1e-4)


def _words(text):
    """(The text without numbers, white space and dtypes; its numbers.)"""
    text = re.sub(r",\s*dtype=\w+", "", text)
    numbers = [float(number) for number in NUMBER.findall(text)]
    return re.sub(r"\s+", "", NUMBER.sub("#", text)), np.nan_to_num(numbers)


def _plain(value):
    """The value with NumPy arrays for the tensors in it: they print alike for all backends."""
    if unidl.ops.is_tensor(value) or isinstance(value, np.generic):
        return np.asarray(unidl.ops.convert_to_numpy(value))
    if type(value).__name__ in ("Size", "TensorShape"):  # shapes in frameworks' words
        return tuple(value)
    if type(value) in (list, tuple):
        return type(value)(map(_plain, value))
    if type(value) is dict:
        return {key: _plain(each) for key, each in value.items()}
    return value


def _show(value):
    if value is not None:
        print(repr(_plain(value)))


def _members(module):
    """(name, object) of the public classes and functions, also of modules within."""
    for name in module.__all__:
        value = getattr(module, name)
        if isinstance(value, types.ModuleType):
            if value.__name__.startswith("unidl.") and value.__name__ not in MODULES:
                yield from (
                    (f"{name}.{each}", own)
                    for each, own in vars(value).items()
                    if inspect.isfunction(own)
                    and own.__module__ == value.__name__
                    and not each.startswith("_")
                )
        elif inspect.isclass(value) or inspect.isroutine(value):
            yield name, value


def _collect():
    """Module -> {name: object}, every object once, in the module that is most its own."""
    seen, found = set(), {}
    for module in sorted(MODULES, key=lambda name: (name == "unidl", name.count("."), name)):
        for name, value in _members(importlib.import_module(module)):
            key = id(getattr(value, "__func__", value))
            if key not in seen:
                seen.add(key)
                found.setdefault(module, {})[f"{module}.{name}"] = value
    return found


EVERYTHING = _collect()


@pytest.fixture
def run(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "__displayhook__", _show)
    monkeypatch.setattr(registry, "_process_backend", registry._process_backend)  # set by one

    def run(module):
        flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
        runner = doctest.DocTestRunner(Near(), verbose=False, optionflags=flags)
        said = []
        for name, value in EVERYTHING[module].items():
            names = {"unidl": unidl, "np": np}
            test = doctest.DocTestParser().get_doctest(value.__doc__ or "", names, name, name, 0)
            unidl.utils.set_random_seed(0)
            with np.printoptions(precision=4, suppress=True):
                runner.run(test, out=said.append)
        assert not said, "".join(said)

    return run


@pytest.mark.parametrize("module", EVERYTHING)
def test_examples_print_what_they_say(module, run):
    with use_backend("numpy"):
        run(module)


@pytest.mark.slow
@pytest.mark.parametrize("module", EVERYTHING)
def test_examples_print_the_same_on_every_backend(module, run, backend):
    run(module)


def test_every_argument_of_a_class_is_named():
    """What all layers take, and the names of what is made, say enough by themselves."""
    missing = []
    for members in EVERYTHING.values():
        for name, value in members.items():
            if inspect.isclass(value) and not issubclass(value, BaseException):
                text = (value.__doc__ or "").partition("Examples:")[0]
                missing += [
                    f"{name}: {each.name}"
                    for each in inspect.signature(value).parameters.values()
                    if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
                    and each.name not in ("name", "dtype")
                    and not re.search(rf"\b{each.name}\b", text)
                ]
    assert not missing


def test_every_public_name_has_an_example():
    assert not [
        name
        for members in EVERYTHING.values()
        for name, value in members.items()
        if ">>>" not in (value.__doc__ or "")
    ]

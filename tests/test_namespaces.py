"""What the public modules list, load, and say of names that they do not have."""

import ast
import importlib
import inspect
from pathlib import Path

import pytest

import unidl
from unidl.utils import namespaces

INNER = (
    "ops.image", "ops.linalg", "ops.nn", "ops.numpy", "optimizers.schedules",
    "preprocessing.image", "preprocessing.sequence",
)  # fmt: skip
MODULES = sorted(["unidl"] + [f"unidl.{name}" for name in (*unidl._MODULES, *INNER)])
LAZY = ("unidl", "unidl.utils", "unidl.datasets", "unidl.backend")


@pytest.mark.parametrize("name", MODULES)
def test_dir_lists_the_public_names_and_no_others(name):
    module = importlib.import_module(name)
    assert dir(module) == sorted(module.__all__)
    assert len(set(module.__all__)) == len(module.__all__)
    assert not [each for each in module.__all__ if each.startswith("_")]
    for each in module.__all__:
        getattr(module, each)


@pytest.mark.parametrize("name", sorted(set(MODULES) - {"unidl", "unidl.utils", "unidl.verify"}))
def test_no_public_class_or_function_is_left_out(name):
    """What a module defines or imports of unidl without an underscore is meant for users."""
    module = importlib.import_module(name)
    helpers = {
        "namespace",
        "to_snake_case",
        "Catalogue",
        "bind_operators",
        "bind_equality_with_tensors",
    }
    found = {
        each
        for each, value in vars(module).items()
        if not each.startswith("_")
        and (inspect.isclass(value) or inspect.isfunction(value))
        and value.__module__.startswith("unidl")
    }
    left_out = found - set(module.__all__) - helpers
    assert left_out <= LEFT_OUT.get(name, set())


# Names that stand in a module for its own use.
LEFT_OUT = {
    "unidl.backend": {"is_float", "is_integer"},
    "unidl.initializers": {"host_array"},
    "unidl.losses": {"kind_of_classification", "LossSum"},
    "unidl.metrics": {"kind_of_classification", "to_snake_case"},
    "unidl.config": {"get_backend"},
    "unidl.ops": {"Symbol", "KerasTensor", "Variable"},
}


@pytest.mark.parametrize("name", LAZY)
def test_type_checkers_and_python_find_names_in_the_same_place(name):
    module = importlib.import_module(name)
    tree = ast.parse(Path(module.__file__).read_text())
    (block,) = (
        node
        for node in tree.body
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.orelse
    )
    seen = {
        alias.name: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    loaded = getattr(module, "_HOMES", None) or module._ELSEWHERE
    assert seen == {
        each: name if home == f"{name}.{each}" else home for each, home in loaded.items()
    }
    assert seen.keys() <= set(module.__all__)


@pytest.mark.parametrize(
    ("module", "name", "text"),
    [
        ("layers", "Densee", r"'unidl.layers' has no attribute 'Densee'. Did you mean 'Dense'\?"),
        ("losses", "mean_square_error", r"Did you mean 'mean_squared_error'"),
        ("layers", "TextVectorization", r"Keras' TextVectorization is not in unidl yet\. Later: "),
        ("datasets", "imdb", r"Keras' imdb is not in unidl yet\. Later: "),
        ("config", "set_backend", r"is not in unidl\. Write `unidl\.set_backend`"),
        ("optimizers.schedules", "CosineDcay", r"Did you mean 'CosineDecay'"),
        ("backend", "get_uidd", r"has no attribute 'get_uidd'$"),
        ("ops.image", "resize", r"is not in unidl yet\. Later: .* layers\.Resizing"),
        ("ops.nn", "softmx", r"Did you mean 'softmax'"),
        ("preprocessing.image", "save_image", r"Did you mean 'save_img'"),
    ],
)
def test_a_name_that_is_not_there(module, name, text):
    module = importlib.import_module(f"unidl.{module}")
    with pytest.raises(AttributeError, match=text):
        getattr(module, name)
    assert not hasattr(module, name)
    with pytest.raises(ImportError, match=text):
        exec(f"from {module.__name__} import {name}", {})


def test_whole_modules_that_are_not_there():
    with pytest.raises(AttributeError, match="Keras' applications is not in unidl yet"):
        unidl.applications  # noqa: B018
    with pytest.raises(ImportError, match="Keras' applications is not in unidl yet"):
        from unidl import applications  # noqa: F401


def test_python_adds_no_suggestion_of_its_own(capsys):
    import traceback

    with pytest.raises(AttributeError) as caught:
        unidl.applications  # noqa: B018
    lines = traceback.format_exception(caught.value)
    assert "Did you mean" not in lines[-1]


@pytest.mark.parametrize("group", ["nn", "linalg", "numpy"])
def test_groups_of_functions_hold_those_of_ops(group):
    for name in (module := getattr(unidl.ops, group)).__all__:
        assert getattr(module, name) is getattr(unidl.ops, name)


def test_submodules_stay_importable():
    assert importlib.import_module("unidl.layers.core.dense").Dense is unidl.layers.Dense
    from unidl.layers import core

    assert core.dense.Dense is unidl.layers.Dense


def test_what_is_missing_is_not_there():
    for name in namespaces.missing_names():
        place, _, last = name.rpartition(".")
        owner = unidl
        for part in filter(None, place.split(".")):
            owner = getattr(owner, part)
        assert not hasattr(owner, last), name

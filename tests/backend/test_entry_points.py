"""Packages of strangers: one that is broken warns and says whose it is, and breaks nothing."""

import importlib.metadata
import sys
import types

import numpy as np
import pytest

import unidl
from unidl.backend import BackendError, BackendSpec, list_backends, registry
from unidl.cli import main


class Broken(importlib.metadata.EntryPoint):
    dist = types.SimpleNamespace(name="unidl-broken")


@pytest.fixture
def registered(monkeypatch):
    """registered(entry): `entry` is found beside the real ones."""
    real = importlib.metadata.entry_points

    def add(entry):
        def entry_points(**wanted):
            ours = wanted == {"group": registry.GROUP}  # frameworks have groups of their own
            return [entry, *real(**wanted)] if ours else real(**wanted)

        monkeypatch.setattr(importlib.metadata, "entry_points", entry_points)
        registry.specs.cache_clear()

    yield add
    monkeypatch.undo()
    registry.specs.cache_clear()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("unidl_broken:spec", "ModuleNotFoundError"),
        ("unidl.backend:specification", "AttributeError"),
        ("unidl.backend:registry", "AttributeError"),
    ],
)
def test_a_broken_entry_point_is_a_warning(value, message, registered, capsys):
    before = [row.name for row in list_backends()]
    registered(Broken("broken", value, registry.GROUP))
    with pytest.warns(UserWarning, match=f"'broken' of unidl-broken is left out.*{message}"):
        assert [row.name for row in list_backends()] == before
    np.testing.assert_array_equal(unidl.ops.relu(np.array([1.0, -1.0])), [1.0, 0.0])
    assert main(["backends"]) == 0


@pytest.mark.parametrize("missing", ["name", "version", "tensor_types"])
def test_a_class_without_what_it_must_have_says_what_to_write(
    missing, registered, monkeypatch, capsys
):
    attributes = {"name": "mine", "version": "1.0", "tensor_types": ()}
    del attributes[missing]
    module = types.ModuleType("unidl_mine")
    module.Mine = type("Mine", (), attributes)
    module.spec = BackendSpec("mine", "unidl_mine:Mine", "numpy", ("numpy",), ("mine",), "pip")
    monkeypatch.setitem(sys.modules, "unidl_mine", module)
    registered(importlib.metadata.EntryPoint("mine", "unidl_mine:spec", registry.GROUP))
    with pytest.raises(BackendError, match=f"lacks the attributes {missing}.*Write in its body"):
        registry.get_backend("mine")
    assert main(["conformance", "--backend", "mine"]) == 2
    assert f"lacks the attributes {missing}" in capsys.readouterr().err

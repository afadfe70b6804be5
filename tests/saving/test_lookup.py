"""One catalogue behind `get`, `serialize` and `deserialize` of every kind of object."""

import pytest

from unidl import (
    activations,
    constraints,
    initializers,
    layers,
    losses,
    metrics,
    optimizers,
    regularizers,
)
from unidl.optimizers import schedules

KINDS = [
    (activations, "activation", "relu"),
    (constraints, "constraint", "max_norm"),
    (initializers, "initializer", "he_normal"),
    (losses, "loss", "mse"),
    (metrics, "metric", "mae"),
    (optimizers, "optimizer", "adam"),
    (regularizers, "regularizer", "l2"),
]


@pytest.mark.parametrize(("package", "kind", "name"), KINDS)
def test_what_is_none_of_the_kind(package, kind, name):
    where = package.__name__.rpartition(".")[2]
    with pytest.raises(ValueError, match=rf"{where}\.get: 3 is no {kind}\. Give "):
        package.get(3)
    with pytest.raises(ValueError, match=rf"{where}\.deserialize: .* is no {kind}\. Give "):
        package.deserialize({"a": 1})
    with pytest.raises(ValueError, match=rf"There is no {kind} called '{name}_'.*{name}"):
        package.get(f"{name}_")


@pytest.mark.parametrize(("package", "kind", "name"), KINDS)
def test_names_and_configs_give_objects(package, kind, name):
    for function in (package.get, package.deserialize):
        found = function(name)
        assert not isinstance(found, type)
        again = package.deserialize(package.serialize(found))
        assert type(again) is type(found)


@pytest.mark.parametrize("package", [losses, metrics])
def test_names_of_classes_give_instances(package):
    assert type(package.deserialize("MeanSquaredError")) is package.MeanSquaredError


def test_names_of_optimizers_count_in_any_case():
    for name in ("adamw", "AdamW", "ADAMW"):
        assert type(optimizers.get(name)) is optimizers.AdamW
        assert type(optimizers.deserialize(name)) is optimizers.AdamW


def test_a_class_that_needs_arguments_is_no_object():
    with pytest.raises(ValueError, match=r"'Dense' is no layer: Dense needs units. Write: "):
        layers.deserialize("Dense")
    with pytest.raises(ValueError, match="ExponentialDecay needs initial_learning_rate, decay_st"):
        schedules.deserialize("ExponentialDecay")
    with pytest.raises(ValueError, match="is no layer"):
        layers.deserialize(optimizers.serialize(optimizers.Adam()))


def test_custom_objects_are_known_by_name():
    class Own(regularizers.Regularizer):
        def __call__(self, x):
            return 0.0

    assert type(regularizers.deserialize("Own", {"Own": Own})) is Own
    assert regularizers.deserialize(None) is None

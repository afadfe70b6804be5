"""Mistakes that people make with layers and models, and what they are told."""

import numpy as np
import pytest

import unidl
from unidl import layers

X = np.ones((4, 3), "float32")
Y = np.ones((4, 2), "float32")


@pytest.mark.parametrize("base", [layers.Layer, unidl.Model])
def test_a_forgotten_super_is_named(backend, base):
    class Silent(base):
        def __init__(self):
            self.units = 3

    class Early(base):
        def __init__(self):
            self.kernel = self.add_weight((3,))

    for cls in (Silent, Early):
        with pytest.raises(RuntimeError, match=f"{cls.__name__}: __init__.. did not call super"):
            cls()


def test_bases_called_by_hand_and_late_are_fine(backend):
    class Base(layers.Layer):
        def __init__(self, units):
            self.units = units

    class Leaf(Base):
        def __init__(self):
            Base.__init__(self, 3)
            layers.Layer.__init__(self)

    assert Leaf().units == 3


def test_an_attribute_error_in_a_constructor_stays_what_it_is(backend):
    class Wrong(layers.Layer):
        def __init__(self):
            super().__init__()
            self.size = self.unitss

    with pytest.raises(AttributeError, match="unitss"):
        Wrong()


def test_a_call_without_a_return_value_is_named(backend):
    class Nothing(layers.Layer):
        def call(self, x):
            unidl.ops.relu(x)

    message = r"Nothing 'nothing.*': call\(\) returned None. End it with: return outputs"
    with pytest.raises(ValueError, match=message):
        Nothing()(X)
    with pytest.raises(ValueError, match=message):
        unidl.Sequential([unidl.Input((3,)), Nothing()])


@pytest.mark.parametrize("base", [layers.Layer, unidl.Model])
def test_forward_is_no_call(backend, base):
    class Torchy(base):
        def forward(self, x):
            return x

    with pytest.raises(NotImplementedError, match=r"has no call\(\).*did you mean call\(\)\?"):
        Torchy()(X)


def test_layers_made_in_call_would_never_be_trained(backend):
    class Fresh(unidl.Model):
        def call(self, x):
            return layers.Dense(2)(x)

    model = Fresh()
    model.compile("sgd", "mse")
    with pytest.raises(
        ValueError, match=r"Fresh.*'kernel' is created inside call.*Create layers in __init__"
    ):
        model.fit(X, Y, verbose=0)


def test_arguments_that_a_method_does_not_take(backend):
    model = unidl.Sequential([unidl.Input((3,)), layers.Dense(2)])
    with pytest.raises(TypeError, match=r"compile\(\): unknown argument 'optimiser'. Did you mean"):
        model.compile(optimiser="sgd")
    model.compile("sgd", "mse")
    problem = r"unknown argument 'batchsize'. Did you mean 'batch_size'\?"
    for name in ("fit", "evaluate", "predict"):
        with pytest.raises(TypeError, match=rf"'sequential.*': {name}\(\): {problem}"):
            getattr(model, name)(X, batchsize=3)


def test_a_constructor_called_without_its_arguments_names_the_class(backend):
    with pytest.raises(TypeError, match=r"Conv2D.__init__\(\) missing 2 .*argument 'channels'"):
        layers.Conv2D(channels=8)
    with pytest.raises(
        TypeError, match=r"Dense.__init__\(\) missing .*'unit'. Did you mean 'units'"
    ):
        layers.Dense(unit=8)


def test_a_class_in_a_sequential_is_to_be_called(backend):
    with pytest.raises(
        TypeError, match=r"got the class Dense instead of a layer. Call it: Dense\(...\)"
    ):
        unidl.Sequential([layers.Dense])

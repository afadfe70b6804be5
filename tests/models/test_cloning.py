"""Copies of models, and models from JSON."""

import numpy as np
import pytest

import unidl
from unidl import layers, models

X = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")


def shared_model():
    """Two inputs through one layer, a function of ops among the layers."""
    a, b = unidl.Input((4,), name="a"), unidl.Input((4,), name="b")
    shared = layers.Dense(3, name="shared")
    joined = layers.Concatenate()([shared(a), shared(b)]) + 1.0
    return unidl.Model([a, b], layers.Dense(2, name="out")(joined), name="twins")


def row():
    return unidl.Sequential(
        [unidl.Input((4,)), layers.Dense(3, activation="relu"), layers.Dense(2)]
    )


@pytest.mark.parametrize("make", [shared_model, row])
@pytest.mark.parametrize(
    "copy", [models.clone_model, lambda m: models.model_from_json(m.to_json())]
)
def test_a_copy_has_the_structure_and_weights_of_its_own(make, copy):
    model = make()
    other = copy(model)
    assert type(other) is type(model)
    assert other.name == model.name
    assert [layer.name for layer in other.layers] == [layer.name for layer in model.layers]
    assert not set(map(id, other.weights)) & set(map(id, model.weights))
    x = [X, X[::-1].copy()] if len(model.inputs) == 2 else X
    other.set_weights(model.get_weights())
    np.testing.assert_array_equal(other.predict(x, verbose=0), model.predict(x, verbose=0))
    assert len(other.weights) == len(model.weights) == 4


def test_layers_may_be_exchanged_on_the_way():
    wider = models.clone_model(row(), clone_function=lambda layer: layers.Dense(7, name=layer.name))
    assert [layer.units for layer in wider.layers] == [7, 7]


def test_a_copy_may_begin_with_given_tensors():
    start = unidl.Input((9, 4))
    assert models.clone_model(row(), input_tensors=start).output_shape == (None, 9, 2)


def test_a_subclassed_model_is_made_from_its_config():
    class Own(unidl.Model):
        def call(self, inputs):
            return inputs

    class Stubborn(unidl.Model):
        def __init__(self, units):
            super().__init__()
            self.units = units

    assert type(models.clone_model(Own())) is Own
    with pytest.raises(TypeError, match=r"take \*\*kwargs .* by hand: Stubborn\(\.\.\.\)"):
        models.clone_model(Stubborn(3))
    with pytest.raises(ValueError, match="not a functional model"):
        models.clone_model(Own(), clone_function=lambda layer: layer)
    with pytest.raises(ValueError, match="expected a model"):
        models.clone_model(3)


def test_custom_layers_come_back_by_name():
    class Twice(unidl.Layer):
        def call(self, inputs):
            return inputs * 2

    inputs = unidl.Input((4,))
    text = unidl.Model(inputs, Twice()(inputs)).to_json()
    with pytest.raises(TypeError, match="Twice"):
        models.model_from_json(text)
    np.testing.assert_array_equal(
        models.model_from_json(text, {"Twice": Twice}).predict(X, verbose=0), 2 * X
    )

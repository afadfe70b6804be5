"""The same model in Keras and in unidl: layers, weights, configs, outputs."""

import functools

import numpy as np
import pytest

import unidl
from tests.reference import close, in_float64
from tests.zoo import MODELS, inputs_for, randomize

keras = pytest.importorskip("keras")

# Keras computes the softmax of dot-product attention in float32, also under the policy "float64".
TOLERANCE = {"attention": 3e-8}


@pytest.fixture(autouse=True)
def float64():
    with in_float64():
        keras.utils.clear_session(free_memory=False)
        keras.config.set_dtype_policy("float64")
        unidl.utils.clear_session(free_memory=False)
        yield


@functools.cache
def reference(name):
    """(model of Keras, data, outputs as arrays)."""
    model = randomize(MODELS[name](keras))
    x = inputs_for(model)
    return model, x, keras.tree.map_structure(np.asarray, model(x))


def compare(ours, name):
    """Equal outputs with the reference's weights, in predict and in a direct call."""
    theirs, x, expected = reference(name)
    ours.set_weights(theirs.get_weights())
    found = ours.predict(x, verbose=0)
    keras.tree.assert_same_structure(found, expected)
    for a, b, y in zip(flat(found), flat(ours(x)), flat(expected), strict=True):
        close(a, y, TOLERANCE.get(name, 1e-11))
        close(np.asarray(unidl.ops.convert_to_numpy(b)), y, TOLERANCE.get(name, 1e-11))


flat = unidl.tree.flatten
names = pytest.mark.parametrize("name", MODELS)


@names
def test_built_in_both(backend, name):
    (theirs, *_), ours = reference(name), MODELS[name](unidl)
    assert [layer.name for layer in ours.layers] == [layer.name for layer in theirs.layers]
    assert [v.path for v in ours.weights] == [v.path for v in theirs.weights]
    assert [v.path for v in ours.trainable_weights] == [v.path for v in theirs.trainable_weights]
    assert ours.count_params() == theirs.count_params()
    assert flat(ours.output_shape) == flat(theirs.output_shape)
    if isinstance(ours, unidl.models.Functional):
        assert ours.output_names == theirs.output_names
    compare(ours, name)


@names
def test_from_the_config_of_keras(name):
    theirs, *_ = reference(name)
    kind = unidl.Sequential if isinstance(theirs, keras.Sequential) else unidl.Model
    ours = kind.from_config(theirs.get_config())
    assert ours.name == theirs.name
    assert [layer.name for layer in ours.layers] == [layer.name for layer in theirs.layers]
    assert [v.path for v in ours.weights] == [v.path for v in theirs.weights]
    compare(ours, name)


@names
def test_own_config_goes_round(name):
    model = MODELS[name](unidl)
    again = type(model).from_config(model.get_config())
    assert [layer.name for layer in again.layers] == [layer.name for layer in model.layers]
    assert again.get_config() == model.get_config()
    compare(again, name)


@names
def test_keras_reads_our_config(name):
    """A config of ours is one of Keras', also for functions of the graph."""
    _, x, expected = reference(name)
    ours = MODELS[name](unidl)
    kind = keras.Sequential if isinstance(ours, unidl.Sequential) else keras.Model
    theirs = kind.from_config(unidl.saving.serialize_keras_object(ours)["config"])
    theirs.set_weights(reference(name)[0].get_weights())
    for a, y in zip(keras.tree.flatten(theirs(x)), flat(expected), strict=True):
        close(a, y)

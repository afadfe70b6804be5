"""Lambdas in configs: written, refused by default, read where the caller says so."""

import json

import numpy as np
import pytest

import unidl
from unidl.saving import deserialize_keras_object, lambdas

pytestmark = pytest.mark.filterwarnings("ignore:The lambda of")
X = np.ones((1, 2), "float32")


def written():
    scale = 3.0
    layer = unidl.layers.Lambda(lambda x, shift=2: x * scale + shift)
    return json.loads(json.dumps(unidl.saving.serialize_keras_object(layer)))


def test_defaults_and_closure_come_back(backend):
    layer = deserialize_keras_object(written(), safe_mode=False)
    assert unidl.ops.convert_to_numpy(layer(X)).tolist() == [[5, 5]]


@pytest.mark.parametrize("safe_mode", [True, None])
def test_refused_by_default(safe_mode):
    with pytest.raises(ValueError, match="safe_mode=False"):
        deserialize_keras_object(written(), safe_mode=safe_mode)
    with pytest.raises(ValueError, match="safe_mode=False"):
        unidl.layers.Lambda.from_config(written()["config"], safe_mode=safe_mode)


def test_a_call_inside_is_no_less_safe():
    with lambdas.reading(True), pytest.raises(ValueError, match="safe_mode=False"):
        deserialize_keras_object(written(), safe_mode=False)


def test_enabled_for_the_program(monkeypatch):
    monkeypatch.setattr(lambdas, "_enabled", False)
    unidl.config.enable_unsafe_deserialization()
    assert isinstance(deserialize_keras_object(written()), unidl.layers.Lambda)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"python": "cpython-27"}, "written by 'cpython-27'"),
        ({"code": "!"}, "damaged"),
        ({"code": "aQEAAAA="}, "not code"),
        ({"closure": None}, "do not fit"),
        ({"defaults": 3}, "its parts"),
    ],
)
def test_damage_is_told(change, text):
    config = written()
    config["config"]["function"]["config"].update(change)
    with pytest.raises(ValueError, match=text):
        deserialize_keras_object(config, safe_mode=False)


def test_what_cannot_be_written_is_told():
    lock = object()
    with pytest.raises(ValueError, match="cannot be written"):
        unidl.layers.Lambda(lambda x: (x, lock)).get_config()
    with pytest.raises(ValueError, match="keyword-only"):
        unidl.layers.Lambda(lambda x, *, a=1: x + a).get_config()


def test_a_clone_keeps_the_function():
    layers = [unidl.Input((2,)), unidl.layers.Lambda(lambda x: x + 1)]
    inner = unidl.Sequential(layers)
    model = unidl.Sequential([unidl.Input((2,)), inner])
    clone = unidl.models.clone_model(model)
    assert clone.layers[0].layers[0].function is layers[1].function
    other = unidl.models.clone_model(inner)
    assert other.layers[0].function is layers[1].function

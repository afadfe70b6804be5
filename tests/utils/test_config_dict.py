"""Config and get_source_inputs, as in Keras."""

import copy
import pickle

import keras
import pytest

import unidl
from unidl import layers
from unidl.utils import Config, get_source_inputs


@pytest.mark.parametrize("kind", [Config, keras.utils.Config])
def test_a_dict_with_attributes(kind):
    config = kind(rate=0.1, beta=2)
    config.seed = 3
    config["name"] = "x"
    assert (config.seed, config["seed"], config.rate, len(config)) == (3, 3, 0.1, 4)
    assert list(config) == ["beta", "name", "rate", "seed"]
    assert config.pop("beta") == 2
    assert config.get("nothing", 7) == 7
    config.update({"seed": 4}, more=[1])
    assert config.as_dict() == {"rate": 0.1, "seed": 4, "name": "x", "more": [1]}
    assert config.to_json() == '{"rate": 0.1, "seed": 4, "name": "x", "more": [1]}'
    assert "seed" in config
    del config["seed"]
    assert dict(config.items()) == config.as_dict()
    config.freeze()
    assert config.frozen
    for change in (
        lambda: config.__setitem__("rate", 1),
        lambda: setattr(config, "rate", 1),
        lambda: config.pop("rate"),
        lambda: config.update(rate=1),
    ):
        with pytest.raises(ValueError, match="frozen"):
            change()
    config.unfreeze()
    config.rate = 5
    assert repr(config) == "<Config {'rate': 5, 'name': 'x', 'more': [1]}>"


def test_a_config_is_copied_and_misspelt_names_are_told():
    config = Config(learning_rate=1)
    assert copy.deepcopy(config) == pickle.loads(pickle.dumps(config)) == config
    with pytest.raises(AttributeError, match="Did you mean 'learning_rate'"):
        config.learning_rat  # noqa: B018
    with pytest.raises(AttributeError, match=r"'items' is a method.*config\['items'\]"):
        config.items = 3
    del config.learning_rate
    assert not config


def test_source_inputs():
    a, b, c = (unidl.Input((2,), name=name) for name in "abc")
    h = layers.Add()([layers.Dense(3)(a), layers.Dense(3)(b)])
    assert get_source_inputs(layers.Dense(1)(h)) == [a, b]
    assert get_source_inputs(c) == [c]
    with pytest.raises(ValueError, match=r"expected a symbolic tensor.*got 3"):
        get_source_inputs(3)

"""Configs: Keras' layout in both directions, registration, scopes, what is refused."""

import json

import numpy as np
import pytest

from tests.reference import in_float64
from unidl import initializers, losses, optimizers, saving
from unidl.backend import Variable, use_backend
from unidl.saving import custom_objects


def _through_json(config):
    return json.loads(json.dumps(config))


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        3,
        0.5,
        "a",
        [1, [2, "b"]],
        {"a": [1, None], "b": {"c": 2}},
        b"bytes",
        slice(1, None, 2),
        ...,
        np.arange(6.0).reshape(2, 3),
    ],
)
def test_plain_values_come_back_and_are_written_as_keras_writes_them(value):
    config = saving.serialize_keras_object(value)
    with in_float64() as keras:
        assert config == keras.saving.serialize_keras_object(value)
    again = saving.deserialize_keras_object(_through_json(config))
    if isinstance(value, np.ndarray):
        np.testing.assert_array_equal(again, value)
        assert again.dtype == value.dtype
    else:
        assert again == value


def test_tuples_numbers_of_numpy_and_tensors():
    assert saving.serialize_keras_object((1, 2)) == (1, 2)
    assert saving.serialize_keras_object(np.float32(0.5)) == 0.5
    with use_backend("torch") as b:
        config = saving.serialize_keras_object(b.asarray(np.array([1.5, 2.0], "float32")))
        assert config == {
            "class_name": "__tensor__",
            "config": {"value": [1.5, 2.0], "dtype": "float32"},
        }
        again = saving.deserialize_keras_object(config)
        assert b.is_tensor(again)
        assert b.to_numpy(again).tolist() == [1.5, 2.0]


@pytest.mark.parametrize(
    "module",
    ["keras.initializers", "keras.src.initializers.random_initializers", "unidl.initializers"],
)
def test_modules_of_keras_and_our_own_are_found(module):
    config = {
        "module": module,
        "class_name": "HeNormal",
        "config": {"seed": 3},
        "registered_name": None,
    }
    found = saving.deserialize_keras_object(config)
    assert type(found) is initializers.HeNormal
    assert found.seed == 3


def test_optimizers_that_keras_has_for_one_backend():
    config = {
        "module": "keras.src.backend.torch.optimizers.torch_adam",
        "class_name": "Adam",
        "config": {"learning_rate": 0.5},
        "registered_name": "Adam",
    }
    found = saving.deserialize_keras_object(config)
    assert type(found) is optimizers.Adam
    assert float(found.learning_rate) == 0.5


def test_nested_objects_are_deserialized_by_their_owner():
    config = optimizers.serialize(
        optimizers.Adam(optimizers.schedules.ExponentialDecay(0.1, 10, 0.5))
    )
    assert config["config"]["learning_rate"]["module"] == "keras.optimizers.schedules"
    assert (
        type(saving.deserialize_keras_object(_through_json(config))._learning_rate)
        is optimizers.schedules.ExponentialDecay
    )


def test_functions():
    config = saving.serialize_keras_object(losses.mean_squared_error)
    assert config == {
        "module": "builtins",
        "class_name": "function",
        "config": "mean_squared_error",
        "registered_name": "function",
    }
    assert saving.deserialize_keras_object(config) is losses.mean_squared_error


def test_registration():
    @saving.register_keras_serializable("pack", name="Renamed")
    class Own:
        def __init__(self, a):
            self.a = a

        def get_config(self):
            return {"a": self.a}

        @classmethod
        def from_config(cls, config):
            return cls(**config)

    assert saving.get_registered_name(Own) == "pack>Renamed"
    assert saving.get_registered_object("pack>Renamed") is Own
    assert saving.get_custom_objects()["pack>Renamed"] is Own
    config = saving.serialize_keras_object(Own(5))
    assert config["registered_name"] == "pack>Renamed"
    assert saving.deserialize_keras_object(_through_json(config)).a == 5
    with pytest.raises(ValueError, match=r"get_config\(\)"):
        saving.register_keras_serializable()(type("Bare", (), {}))


def test_scopes_and_arguments_make_names_known():
    class Local(initializers.Initializer):
        def __call__(self, shape, dtype=None):
            return np.zeros(shape)

    config = _through_json(saving.serialize_keras_object(Local()))
    with pytest.raises(TypeError, match="register_keras_serializable"):
        saving.deserialize_keras_object(config)
    assert type(saving.deserialize_keras_object(config, custom_objects={"Local": Local})) is Local
    with saving.custom_object_scope({"Local": Local}):
        assert type(saving.deserialize_keras_object(config)) is Local
        assert initializers.get("Local").__class__ is Local
    assert custom_objects.get_registered_object("Local") is None


def test_shared_objects_stay_one_object():
    shared = initializers.HeNormal(seed=1)
    with saving.ObjectSharingScope():
        config = _through_json(
            saving.serialize_keras_object([shared, shared, initializers.HeNormal(seed=1)])
        )
    with saving.ObjectSharingScope():
        a, b, c = saving.deserialize_keras_object(config)
    assert a is b
    assert a is not c


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("builtins", "eval"),
        ("keras.saving", "load_model"),
        ("unidl.saving", "deserialize_keras_object"),
        ("unidl.utils", "set_random_seed"),
        ("subprocess", "Popen"),
        ("unidl.backend.registry", "importlib"),
    ],
)
@pytest.mark.parametrize("kind", ["function", "class"])
def test_a_config_reaches_nothing_but_public_objects(module, name, kind):
    config = {"module": module, "class_name": "function", "config": name, "registered_name": name}
    if kind == "class":
        config = {"module": module, "class_name": name, "config": {}, "registered_name": name}
    with pytest.raises(TypeError, match="neither part of unidl nor registered"):
        saving.deserialize_keras_object(config)


def test_damaged_lambdas_are_told():
    with pytest.raises(ValueError, match="lambda is damaged"):
        saving.deserialize_keras_object(
            {"class_name": "__lambda__", "config": {"value": []}}, safe_mode=False
        )


def test_what_has_no_config_is_told():
    with pytest.raises(TypeError, match=r"no get_config\(\)"):
        saving.serialize_keras_object(Variable(1.0))


def test_dtype_policies_are_where_keras_has_them():
    from unidl.dtype_policies import DTypePolicy

    with in_float64() as keras:
        config = saving.serialize_keras_object(DTypePolicy("mixed_bfloat16"))
        assert config == keras.saving.serialize_keras_object(keras.DTypePolicy("mixed_bfloat16"))
    assert saving.deserialize_keras_object(config) == DTypePolicy("mixed_bfloat16")

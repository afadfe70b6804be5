"""Whole models in files, custom objects, configs, copies, and weights passed by hand."""

import json

import numpy as np

import unidl as keras
from unidl import layers, ops

keras.utils.set_random_seed(6)


@keras.saving.register_keras_serializable(package="guides")
class Scaled(layers.Layer):
    def __init__(self, factor, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, x):
        return x * self.factor

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


@keras.saving.register_keras_serializable(package="guides", name="bent")
def bent(x):
    return ops.tanh(x) ** 2


class Unregistered(layers.Dense):
    pass


inputs = keras.Input(shape=(4,), name="in")
x = layers.Dense(6, activation=bent, kernel_regularizer=keras.regularizers.L2(1e-3))(inputs)
x = Scaled(0.5, name="scaled")(x)
model = keras.Model(inputs, Unregistered(2, name="out")(x), name="saved")
model.compile(optimizer=keras.optimizers.Adam(2e-3), loss=keras.losses.Huber(delta=0.7))
data = np.random.default_rng(0).normal(size=(32, 4)).astype("float32")
model.fit(data, data[:, :2], epochs=1, verbose=0)
expected = model.predict(data, verbose=0)

model.save("saved.keras")
again = keras.models.load_model("saved.keras", custom_objects={"Unregistered": Unregistered})
assert np.allclose(again.predict(data, verbose=0), expected, atol=1e-6)
print("loaded", type(again.get_layer("scaled")).__name__, again.get_layer("scaled").factor)
print(f"rate {float(again.optimizer.learning_rate):.4f} loss {type(again.loss).__name__}")

with keras.saving.custom_object_scope({"Unregistered": Unregistered}):
    from_json = keras.models.model_from_json(model.to_json())
    rebuilt = keras.Model.from_config(model.get_config())
    copy = keras.models.clone_model(model)
for other in (from_json, rebuilt, copy):
    other.set_weights(model.get_weights())
    assert np.allclose(other.predict(data, verbose=0), expected, atol=1e-6)
print("json", json.loads(model.to_json())["class_name"], "weights", len(model.get_weights()))

config = layers.Dense(3, activation="relu", name="d").get_config()
print("config", config["units"], config["activation"], config["use_bias"], config["name"])
one = layers.Dense.from_config(config)
restored = keras.layers.deserialize(keras.layers.serialize(one))
print("restored", restored.name, restored.units, keras.saving.get_registered_name(Scaled))
print("found", keras.saving.get_registered_object("guides>bent") is bent)
try:
    keras.models.load_model("saved.keras")
except (TypeError, ValueError) as error:
    print("without its class:", "Unregistered" in str(error))

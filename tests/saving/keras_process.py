"""Keras in a process of its own: `python -m tests.saving.keras_process write|read FOLDER NAME ...`.

"write" makes and trains each model, saves it, and then the facts of what comes next; "read" loads
what unidl has saved and says the same of it.
"""

import os
import sys
import warnings

os.environ["KERAS_BACKEND"] = "tensorflow"  # on torch Keras multiplies float64 as float32

import keras
import numpy as np

from tests.reference import keras_uncompiled
from tests.saving import lambda_models
from tests.saving.file_models import LEGACY, data_for, facts, scaled, subclassed, trained

keras.config.set_floatx("float64")
keras.config.set_dtype_policy("float64")


def write(folder, names):
    for name in names:
        model = trained(keras, name)
        model.save(f"{folder}/{name}.keras")
        if name in LEGACY:
            model.save(f"{folder}/{name}.h5")
        x, y = data_for(name, model)
        np.savez(f"{folder}/{name}.npz", **facts(model, x, y))
    mixed(f"{folder}/mixed.keras")
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, dtype="bfloat16")]).save(
        f"{folder}/bfloat16.keras"
    )
    inputs = keras.Input((64,))
    keras.Model(inputs, keras.layers.Dropout(0.5)(inputs)).save(f"{folder}/dropout.keras")
    lambdas = [keras.Input((2,)), keras.layers.Lambda(lambda x: x + 1)]
    keras.Sequential(lambdas).save(f"{folder}/lambda.keras")
    for name, model in lambda_models.models(keras).items():
        for end in ("keras", "h5"):
            model.save(f"{folder}/{name}.{end}")
        found = lambda_models.outputs(keras, f"{folder}/{name}.keras")
        np.savez(f"{folder}/{name}.npz", made=model(lambda_models.X), read=found)
    quantized = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    quantized.quantize("int8")
    quantized.save(f"{folder}/quantized.keras")


def mixed(path):
    keras.config.set_dtype_policy("mixed_float16")
    inputs = keras.Input((2,))
    model = keras.Model(inputs, keras.layers.Dense(3)(inputs))
    model.compile("adam", "mse")
    model.train_on_batch(np.ones((4, 2)), np.ones((4, 3)))
    model.save(path)
    keras.config.set_dtype_policy("float64")


def read(folder, names):
    scaled(keras)
    subclassed(keras)
    warnings.simplefilter("error")  # Keras warns where the optimizer's state does not fit
    for name in names:
        model = keras.saving.load_model(f"{folder}/{name}.keras")
        x, y = data_for(name, model)
        np.savez(f"{folder}/{name}.npz", **facts(model, x, y))
    found = {
        name: lambda_models.outputs(keras, f"{folder}/{name}.keras")
        for name in lambda_models.models(keras)
    }
    np.savez(f"{folder}/lambdas.npz", **found)


if __name__ == "__main__":
    with keras_uncompiled():
        {"write": write, "read": read}[sys.argv[1]](sys.argv[2], sys.argv[3:])

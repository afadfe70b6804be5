"""A user's mistakes: type checkers must find one in each line that says so, and no others."""

# ruff: noqa: B018, F401

import numpy as np

import unidl as keras
from unidl import layers, ops
from unidl.layers import Densee  # mistake

x = np.ones((4, 4), "float32")

keras.Sequentiall([])  # mistake
keras.layers.Dens(3)  # mistake
keras.applications  # mistake
layers.Dense(unitss=3)  # mistake
layers.Dense("three")  # mistake
layers.Dense()  # mistake
layers.Conv2D(3, 3, paddding="same")  # mistake
layers.LSTM(4, return_sequence=True)  # mistake
ops.relu(x, 3)  # mistake
ops.add(x)  # mistake
ops.softmaxx(x)  # mistake
ops.sum(x, axes=1)  # mistake
ops.reshape(x)  # mistake
keras.optimizers.Adam(lr=0.1)  # mistake
keras.callbacks.EarlyStopping(patience="two")  # mistake
keras.losses.Huber(detla=1.0)  # mistake
keras.random.normal(shap=(2,))  # mistake
keras.utils.to_categorical()  # mistake

model = keras.Sequential([layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(x, x, batchsize=3)  # mistake
model.fit(x, x, epochs="two")  # mistake
model.fits(x, x)  # mistake
model.predict()  # mistake
model.compile("sgd", "mse", metrcs=["mae"])  # mistake
keras.value_and_grad()  # mistake


class Net(keras.Modell):  # mistake
    pass

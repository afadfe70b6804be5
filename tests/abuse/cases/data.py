"""Data of `fit`, `evaluate` and `predict`: what cannot be trained on."""

from __future__ import annotations

import numpy as np

import unidl
from tests.abuse.case import told
from unidl import layers

X = np.zeros((16, 4), "float32")
Y = np.zeros((16, 1), "float32")


def regression():
    model = unidl.Sequential([unidl.Input((4,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


CASES = [
    told(
        "fit: another number of targets than of samples",
        lambda: regression().fit(X, Y[:8], verbose=0),
        "8",
    ),
]

"""Models with lambdas, written once for Keras and unidl."""

from __future__ import annotations

import numpy as np

X = np.arange(12.0).reshape(2, 3, 2)


def functional(k):
    inputs = k.Input((3, 2))
    return k.Model(inputs, k.layers.Lambda(lambda x: x + 1)(inputs))


def row(k, *layers, **compiled):
    model = k.Sequential([k.Input((3, 2)), *layers])
    if compiled:
        model.compile("sgd", **compiled)
        y = np.ones_like(X)
        model.train_on_batch(X, y)
    return model


def models(k):
    """{name: model}; of (2, 3, 2) numbers each makes as many."""
    scale = 3.0
    made, dense = k.layers.Lambda, lambda **more: k.layers.Dense(2, **more)
    return {
        "lambda_plain": row(k, made(lambda x: x * 2)),
        "lambda_closure": row(k, made(lambda x: x * scale)),
        "lambda_defaults": row(k, made(lambda x, shift=2: x + shift)),
        "lambda_arguments": row(k, made(lambda x, by: x * by, arguments={"by": 4})),
        "lambda_inner": row(k, made(lambda x: (lambda y: y * scale)(x))),
        "lambda_mask": row(k, made(lambda x: x * 2, mask=lambda x, m: m, output_shape=lambda s: s)),
        "lambda_functional": functional(k),
        "lambda_nested": row(k, functional(k), row(k, functional(k))),
        "lambda_wrapped": row(k, k.layers.TimeDistributed(made(lambda x: x * 5))),
        "lambda_activation": row(k, dense(activation=lambda x: x * x)),
        "lambda_loss": row(k, dense(), loss=lambda y, p: (y - p) ** 2),
        "lambda_metric": row(k, dense(), loss="mse", metrics=[lambda y, p: y - p]),
    }


# Keras 3.15 does not read these again: defaults as a list, and activations without their class.
NOT_READ_BY_KERAS = {
    "keras": {"lambda_defaults", "lambda_activation"},
    "unidl": {"lambda_defaults"},
}
COMPILED = ("lambda_loss", "lambda_metric")  # of which an .h5 file has only the name '<lambda>'


def outputs(k, path):
    """What the model of a trusted file makes of X; nothing if it cannot be read."""
    try:
        model = k.saving.load_model(path, safe_mode=False)
    except TypeError:
        return np.zeros(0)
    return np.asarray(k.ops.convert_to_numpy(model(X)))

"""A training run in one or several processes: `runs.py FOLDER CASE ...` leaves for each case what
process N ended with in FOLDER/CASE.N.npz. With UNIDL_ALONE=1 nobody is joined; UNIDL_SHARDS=8
trains in exact mode, UNIDL_MESH=2x2 splits weights along the second axis of such a mesh."""

import os
import sys

import numpy as np

import unidl
from unidl import layers, ops

DRAW = np.random.default_rng(0)
X, Y = DRAW.normal(size=(37, 8)), DRAW.normal(size=(37, 1))
IMAGES = DRAW.normal(size=(22, 6, 6, 2))
TOKENS = DRAW.integers(0, 9, size=(22, 5))
CLASSES = DRAW.integers(0, 3, size=(22, 1))


def mlp():
    return [layers.Dense(8, activation="tanh", kernel_regularizer="l2"), layers.Dense(1)], {}


def batch_norm():
    # A bias before a normalization has no gradient but rounding, which Adam makes steps of.
    hidden = layers.Dense(8, use_bias=False)
    return [hidden, layers.BatchNormalization(), layers.Dense(1)], {}


def dropout():
    parts = [layers.Dense(8), layers.Dropout(0.5), layers.GaussianNoise(0.5), layers.Dense(1)]
    return parts, {}


def weights():
    fit = {"sample_weight": np.abs(DRAW.normal(size=len(X)))}
    return [layers.Dense(8, activity_regularizer="l2"), layers.Dense(1)], fit


def convolutions():
    parts = [
        layers.Conv2D(4, 3, use_bias=False, padding="same"),
        layers.BatchNormalization(),
        layers.SpatialDropout2D(0.25),
        layers.GlobalAveragePooling2D(),
        layers.Dense(3, activation="softmax"),
    ]
    return parts, {"x": IMAGES, "y": CLASSES}


def masks():
    parts = [
        layers.Embedding(9, 4, mask_zero=True),
        layers.LSTM(6, return_sequences=True, dropout=0.25),
        layers.LSTM(4),
        layers.Dense(3, activation="softmax"),
    ]
    return parts, {"x": TOKENS, "y": CLASSES}


class Own(layers.Layer):
    """Attention with dropout of the scores, and noise of its own. (A bias of the keys would have no
    gradient but rounding.)"""

    def __init__(self):
        super().__init__()
        self.attention = layers.MultiHeadAttention(2, 4, dropout=0.25, use_bias=False)
        self.seed = unidl.random.SeedGenerator(5)

    def call(self, x, training=None):
        x = x + self.attention(x, x)
        if training:
            x = x + 0.25 * unidl.random.normal(ops.shape(x), dtype=x.dtype, seed=self.seed)
        return x


def attention():
    parts = [
        layers.Embedding(9, 8),
        Own(),
        layers.LayerNormalization(),
        layers.Flatten(),
        layers.Dense(3, activation="softmax"),
    ]
    return parts, {"x": TOKENS, "y": CLASSES}


class OwnStep(unidl.Model):
    """Trains in a step of its own, with a metric of its own."""

    def __init__(self):
        super().__init__()
        self.hidden, self.norm = layers.Dense(8, use_bias=False), layers.BatchNormalization()
        self.drop, self.out = layers.Dropout(0.25), layers.Dense(1)
        self.error = unidl.metrics.MeanAbsoluteError(name="error")

    def call(self, x, training=None):
        return self.out(self.drop(self.norm(self.hidden(x), training=training), training=training))

    def train_step(self, data):
        x, y = data

        def forward():
            y_pred = self(x, training=True)
            return self.compute_loss(x, y, y_pred), y_pred

        (loss, y_pred), gradients = unidl.value_and_grad(
            forward, self.trainable_variables, has_aux=True
        )
        self.optimizer.apply(gradients, self.trainable_variables)
        self.error.update_state(y, y_pred)
        return {"loss": loss, "error": self.error.result()}


def own_step():
    return OwnStep, {}


def accumulation():
    """Five batches in an epoch, and an update after every three."""
    return [layers.Dense(8), layers.Dropout(0.25), layers.Dense(1)], {"every": 3}


CASES = (own_step, accumulation, mlp, batch_norm, dropout, weights, convolutions, masks, attention)


def run(case, epochs):
    """{name: array} of what a run of `case` ended with."""
    unidl.utils.clear_session(free_memory=False)
    unidl.utils.set_random_seed(3)
    DRAW.bit_generator.state = np.random.default_rng(1).bit_generator.state
    parts, given = case()
    data = {"x": X, "y": Y} | given
    if parts is OwnStep:
        model = OwnStep()
    else:
        inputs = layers.Input(data["x"].shape[1:], dtype=data["x"].dtype.name)
        model = unidl.Sequential([inputs, *parts])
    classifies = data["y"] is CLASSES
    loss = "sparse_categorical_crossentropy" if classifies else "mse"
    every = data.pop("every", None)
    optimizer = unidl.optimizers.Adam(
        2**-6, epsilon=1e-3, global_clipnorm=1.0, gradient_accumulation_steps=every
    )
    model.compile(optimizer, loss, metrics=["accuracy"] if classifies else ["mae"])
    history = model.fit(**data, batch_size=8, epochs=epochs, verbose=0).history
    found = {name: np.array(values) for name, values in history.items()}
    found |= {v.path.partition("/")[2]: v.numpy() for v in model.weights}
    scores = model.evaluate(**data, batch_size=5, verbose=0)
    return found | {
        "evaluate": np.array(scores),
        "predict": model.predict(data["x"], batch_size=10, verbose=0),
    }


def split_weights(shape):
    """A ModelParallel that splits what a mesh of this shape divides: rows of tables, columns of
    other matrices, the channels that a convolution makes, and vectors."""
    mesh = unidl.distribution.DeviceMesh(shape, ["batch", "model"])
    layouts = unidl.distribution.LayoutMap(mesh)
    layouts[".*(dense|own_step/dense)(_[0-9]+)?/kernel"] = ("model", None)
    layouts[".*conv2d(_[0-9]+)?/kernel"] = (None, None, None, "model")
    layouts[".*embeddings"] = (None, "model")
    layouts[".*(query|key|value)/kernel"] = (None, None, "model")
    layouts[".*lstm_cell(_[0-9]+)?/recurrent_kernel"] = (None, "model")
    layouts[".*lstm_cell(_[0-9]+)?/bias"] = ("model",)
    layouts[".*normalization(_[0-9]+)?/(gamma|moving_mean)"] = ("model",)
    return unidl.distribution.ModelParallel(layout_map=layouts, batch_dim_name="batch")


def main():
    folder, epochs, *names = sys.argv[1:]
    unidl.config.set_floatx("float64")
    alone, shards = os.environ.get("UNIDL_ALONE") == "1", os.environ.get("UNIDL_SHARDS")
    if not alone:
        unidl.distribution.initialize(timeout=60)
    mesh = os.environ.get("UNIDL_MESH")
    if mesh and not alone:
        unidl.distribution.set_distribution(split_weights(tuple(map(int, mesh.split("x")))))
    elif shards or not alone:
        exact = {"virtual_shards": int(shards)} if shards else {}
        unidl.distribution.set_distribution(unidl.distribution.DataParallel(**exact))
    number = unidl.get_backend().process_id
    for case in CASES:
        if case.__name__ in names:
            found = run(case, int(epochs))
            np.savez(f"{folder}/{case.__name__}.{number}.npz", **found)


if __name__ == "__main__":
    main()

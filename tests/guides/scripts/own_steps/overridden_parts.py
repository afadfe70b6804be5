"""What a model may override around the step: compute_loss, compute_metrics, the steps' results."""

import numpy as np

import unidl as keras
from unidl import layers, ops

keras.utils.set_random_seed(22)


class OwnLoss(keras.Model):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.tracker = keras.metrics.Mean(name="own")

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        error = ops.mean(ops.square(y_pred - y))
        loss = error + 0.1 * ops.mean(ops.abs(y_pred)) + ops.sum(ops.convert_to_tensor(self.losses))
        self.tracker.update_state(loss)
        return loss

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        results = super().compute_metrics(x, y, y_pred, sample_weight)
        results["spread"] = ops.std(y_pred)
        return results


class Ensemble(keras.Model):
    """Predicts with the noise of dropout, many times."""

    def predict_step(self, data):
        x, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        draws = ops.stack([self(x, training=True) for _ in range(20)])
        return {"mean": ops.mean(draws, axis=0), "deviation": ops.std(draws, axis=0)}

    def test_step(self, data):
        x, y = data
        error = ops.mean(ops.abs(self(x, training=False) - y))
        return {"median_like": error}


def graph():
    inputs = keras.Input(shape=(6,))
    x = layers.Dense(16, activation="relu", kernel_regularizer="l2")(inputs)
    return inputs, layers.Dense(1)(layers.Dropout(0.2)(x))


rng = np.random.default_rng(0)
x = rng.normal(size=(64, 6)).astype("float32")
y = x[:, :1] * 2

model = OwnLoss(*graph())
model.compile("adam", metrics=["mae"])
history = model.fit(x, y, epochs=2, verbose=0)
print("logs", sorted(history.history), len(model.metrics))

model = Ensemble(*graph())
model.compile(keras.optimizers.Adam(0.01), "mse")
model.fit(x, y, epochs=2, verbose=0)
print("evaluated", sorted(model.evaluate(x, y, verbose=0, return_dict=True)))
found = model.predict(x, verbose=0)
print("predicted", sorted(found), found["mean"].shape)
assert (found["deviation"] > 0).all()

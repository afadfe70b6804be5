"""`train_step` and `test_step` of one's own, with the losses and metrics of compile."""

import numpy as np

import unidl as keras
from unidl import layers

keras.utils.set_random_seed(21)


class CustomModel(keras.Model):
    def train_step(self, data):
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)

        def loss_of():
            y_pred = self(x, training=True)
            loss = self.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight)
            return loss, y_pred

        (loss, y_pred), gradients = keras.value_and_grad(
            loss_of, self.trainable_variables, has_aux=True
        )
        self.optimizer.apply(gradients, self.trainable_variables)
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
            else:
                metric.update_state(y, y_pred, sample_weight=sample_weight)
        return {metric.name: metric.result() for metric in self.metrics}

    def test_step(self, data):
        x, y, _ = keras.utils.unpack_x_y_sample_weight(data)
        y_pred = self(x, training=False)
        self.compute_loss(y=y, y_pred=y_pred)
        return self.compute_metrics(x, y, y_pred)


class OwnMetrics(keras.Model):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.loss_tracker = keras.metrics.Mean(name="loss")
        self.mae_metric = keras.metrics.MeanAbsoluteError(name="mae")
        self.loss_fn = keras.losses.MeanSquaredError()

    def train_step(self, data):
        x, y = data
        loss, gradients = keras.value_and_grad(
            lambda: self.loss_fn(y, self(x, training=True)), self.trainable_weights
        )
        self.optimizer.apply_gradients(zip(gradients, self.trainable_weights, strict=True))
        self.loss_tracker.update_state(loss)
        self.mae_metric.update_state(y, self(x, training=False))
        return {"loss": self.loss_tracker.result(), "mae": self.mae_metric.result()}

    @property
    def metrics(self):
        return [self.loss_tracker, self.mae_metric]


def graph():
    inputs = keras.Input(shape=(8,))
    return inputs, layers.Dense(1)(layers.Dropout(0.1)(inputs))


rng = np.random.default_rng(0)
x, y = rng.random((64, 8)).astype("float32"), rng.random((64, 1)).astype("float32")
weights = rng.random((64, 1)).astype("float32")

model = CustomModel(*graph())
model.compile(optimizer="adam", loss="mse", metrics=["mae"])
history = model.fit(x, y, sample_weight=weights, epochs=2, verbose=0, validation_data=(x, y))
print("logs", sorted(history.history))
print(f"loss {history.history['loss'][-1]:.4f} val_mae {history.history['val_mae'][-1]:.4f}")
print("evaluated", sorted(model.evaluate(x, y, verbose=0, return_dict=True)))

model = OwnMetrics(*graph())
model.compile(optimizer=keras.optimizers.Adam(0.01))
history = model.fit(x, y, epochs=3, verbose=0)
print("own", sorted(history.history), f"mae {history.history['mae'][-1]:.4f}")
assert history.history["loss"][-1] < history.history["loss"][0]

"""Gated residual networks and variable selection, batch and layer normalization, GLU."""

import numpy as np

import unidl as keras
from unidl import layers, ops

keras.utils.set_random_seed(86)


class GatedLinearUnit(layers.Layer):
    def __init__(self, units):
        super().__init__()
        self.linear = layers.Dense(units)
        self.sigmoid = layers.Dense(units, activation="sigmoid")

    def call(self, inputs):
        return self.linear(inputs) * self.sigmoid(inputs)

    def build(self, input_shape):
        self.built = True


class GatedResidualNetwork(layers.Layer):
    def __init__(self, units, dropout_rate):
        super().__init__()
        self.units = units
        self.elu_dense = layers.Dense(units, activation="elu")
        self.linear_dense = layers.Dense(units)
        self.dropout = layers.Dropout(dropout_rate)
        self.gated_linear_unit = GatedLinearUnit(units)
        self.layer_norm = layers.LayerNormalization()
        self.project = layers.Dense(units)

    def call(self, inputs):
        x = self.elu_dense(inputs)
        x = self.linear_dense(x)
        x = self.dropout(x)
        if inputs.shape[-1] != self.units:
            inputs = self.project(inputs)
        x = inputs + self.gated_linear_unit(x)
        return self.layer_norm(x)

    def build(self, input_shape):
        self.built = True


class VariableSelection(layers.Layer):
    def __init__(self, num_features, units, dropout_rate):
        super().__init__()
        self.units, self.num_features = units, num_features
        self.grns = [GatedResidualNetwork(units, dropout_rate) for _ in range(num_features)]
        self.grn_concat = GatedResidualNetwork(units, dropout_rate)
        self.softmax = layers.Dense(units=num_features, activation="softmax")

    def call(self, inputs):
        v = self.grn_concat(layers.concatenate(inputs))
        v = ops.expand_dims(self.softmax(v), axis=-1)
        x = ops.stack([grn(one) for grn, one in zip(self.grns, inputs, strict=True)], axis=1)
        outputs = ops.squeeze(ops.matmul(ops.transpose(v, axes=[0, 2, 1]), x), axis=1)
        return outputs

    def build(self, input_shape):
        self.built = True


COUNT, UNITS = 4, 6
inputs = {f"f{i}": keras.Input((1,), name=f"f{i}") for i in range(COUNT)}
encoded = [layers.Dense(UNITS)(one) for one in inputs.values()]
features = VariableSelection(COUNT, UNITS, 0.15)(encoded)
outputs = layers.Dense(units=1, activation="sigmoid")(features)
model = keras.Model(inputs=inputs, outputs=outputs)
rng = np.random.default_rng(0)
x = {name: rng.normal(size=(64, 1)).astype("float32") for name in inputs}
y = (x["f0"] + x["f2"] > 0).astype("float32")
model.compile(
    optimizer=keras.optimizers.Adam(learning_rate=0.01),
    loss=keras.losses.BinaryCrossentropy(),
    metrics=[keras.metrics.BinaryAccuracy(name="accuracy")],
)
stop = keras.callbacks.EarlyStopping(monitor="val_loss", patience=3, restore_best_weights=True)
history = model.fit(
    x, y, epochs=3, batch_size=16, validation_split=0.25, callbacks=[stop], verbose=0
)
print("logs", sorted(history.history), model.count_params())
assert history.history["loss"][-1] < history.history["loss"][0]
print("evaluated", len(model.evaluate(x, y, verbose=0)), len(model.trainable_weights))

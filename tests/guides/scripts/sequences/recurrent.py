"""Working with RNNs: outputs and states, stateful layers, cells of one's own, nested input."""

import numpy as np

import unidl as keras
from unidl import layers, ops

keras.utils.set_random_seed(71)
rng = np.random.default_rng(0)

model = keras.Sequential()
model.add(layers.Embedding(input_dim=50, output_dim=8))
model.add(layers.GRU(12, return_sequences=True))
model.add(layers.SimpleRNN(8))
model.add(layers.Dense(3))
model.build((None, None))
print("parameters", model.count_params(), model.output_shape)

paragraphs = [rng.normal(size=(4, 5, 3)).astype("float32") for _ in range(3)]
stateful = layers.LSTM(6, stateful=True)
for paragraph in paragraphs:
    output = stateful(paragraph)
one = layers.LSTM(6)
one.build((4, None, 3))
one.set_weights(stateful.get_weights())
whole = one(np.concatenate(paragraphs, axis=1))
print(
    "states kept", np.allclose(ops.convert_to_numpy(output), ops.convert_to_numpy(whole), atol=1e-5)
)
existing = [ops.convert_to_numpy(state) for state in stateful.states]
stateful.reset_state()
print("states reset", [float(ops.max(ops.abs(s))) for s in stateful.states], existing[0].shape)
next_layer = layers.LSTM(6)
print("passed on", tuple(next_layer(paragraphs[0], initial_state=existing).shape))

model = keras.Sequential(
    [
        keras.Input((5, 10)),
        layers.Bidirectional(layers.LSTM(8, return_sequences=True), merge_mode="sum"),
        layers.Bidirectional(
            layers.GRU(4), backward_layer=layers.GRU(4, go_backwards=True), merge_mode="concat"
        ),
        layers.Dense(2),
    ]
)
print("bidirectional", model.count_params(), model.layers[1].output.shape)


class MinimalRNNCell(layers.Layer):
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.state_size = units

    def build(self, input_shape):
        self.kernel = self.add_weight(
            shape=(input_shape[-1], self.units), initializer="uniform", name="kernel"
        )
        self.recurrent_kernel = self.add_weight(
            shape=(self.units, self.units), initializer="uniform", name="recurrent_kernel"
        )

    def call(self, inputs, states):
        prev_output = states[0]
        h = ops.matmul(inputs, self.kernel)
        output = h + ops.matmul(prev_output, self.recurrent_kernel)
        return output, [output]


class NestedCell(keras.Layer):
    def __init__(self, unit_1, unit_2, **kwargs):
        super().__init__(**kwargs)
        self.unit_1, self.unit_2 = unit_1, unit_2
        self.state_size = [unit_1, unit_2]
        self.output_size = [unit_1, unit_2]

    def build(self, input_shapes):
        self.kernel_1 = self.add_weight(
            shape=(input_shapes[0][-1], self.unit_1), initializer="uniform", name="kernel_1"
        )
        self.kernel_2 = self.add_weight(
            shape=(input_shapes[1][-1], self.unit_2), initializer="uniform", name="kernel_2"
        )

    def call(self, inputs, states):
        one, two = inputs
        first, second = states
        output_1 = ops.matmul(one, self.kernel_1) + first
        output_2 = ops.tanh(ops.matmul(two, self.kernel_2)) + second
        return (output_1, output_2), (output_1, output_2)


x = rng.normal(size=(6, 5, 3)).astype("float32")
layer = layers.RNN(MinimalRNNCell(4))
print("own cell", tuple(layer(x).shape), len(layer.trainable_weights))
stacked = layers.RNN([MinimalRNNCell(4), MinimalRNNCell(5)], return_sequences=True)
print("stacked", tuple(stacked(x).shape), len(stacked.trainable_weights))
both = layers.RNN([layers.LSTMCell(4), layers.GRUCell(3)], return_state=True)
print("states", [tuple(ops.shape(found)) for found in keras.tree.flatten(both(x))])

inputs = keras.Input((5, 3))
y = layers.RNN(MinimalRNNCell(4), return_sequences=True, go_backwards=True)(inputs)
model = keras.Model(inputs, layers.Dense(1)(layers.RNN(layers.SimpleRNNCell(4), unroll=True)(y)))
model.compile("adam", "mse")
history = model.fit(x, x[:, 0, :1], epochs=1, verbose=0)
print("trained", sorted(history.history), model.count_params())

model = keras.Sequential([keras.Input(batch_shape=(4, 5, 3)), layers.GRU(3, stateful=True)])
first = model.predict(paragraphs[0], batch_size=4, verbose=0)
second = model.predict(paragraphs[0], batch_size=4, verbose=0)
model.layers[0].reset_state()
third = model.predict(paragraphs[0], batch_size=4, verbose=0)
print("stateful model", not np.allclose(first, second), np.allclose(first, third, atol=1e-6))

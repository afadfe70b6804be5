"""Reading captchas: convolutions, bidirectional LSTM, a CTC layer that adds the loss, decoding."""

import numpy as np

import unidl as keras
from unidl import layers, ops

keras.utils.set_random_seed(51)
CLASSES, WIDTH, HEIGHT, LENGTH = 5, 24, 8, 3


class CTCLayer(layers.Layer):
    def call(self, y_true, y_pred):
        batch_len = ops.cast(ops.shape(y_true)[0], dtype="int32")
        input_length = ops.cast(ops.shape(y_pred)[1], dtype="int32")
        label_length = ops.cast(ops.shape(y_true)[1], dtype="int32")
        input_length = input_length * ops.ones(shape=(batch_len,), dtype="int32")
        label_length = label_length * ops.ones(shape=(batch_len,), dtype="int32")
        loss = ops.ctc_loss(y_true, y_pred, label_length, input_length, mask_index=0)
        self.add_loss(ops.mean(loss))
        return y_pred


image = layers.Input(shape=(WIDTH, HEIGHT, 1), name="image", dtype="float32")
labels = layers.Input(name="label", shape=(LENGTH,), dtype="int32")
x = layers.Conv2D(8, (3, 3), activation="relu", kernel_initializer="he_normal", padding="same")(
    image
)
x = layers.MaxPooling2D((2, 2), name="pool1")(x)
x = layers.Reshape(target_shape=(WIDTH // 2, HEIGHT // 2 * 8), name="reshape")(x)
x = layers.Dense(16, activation="relu", name="dense1")(x)
x = layers.Bidirectional(layers.LSTM(8, return_sequences=True, dropout=0.25))(x)
logits = layers.Dense(CLASSES + 1, name="dense2")(x)
output = CTCLayer(name="ctc_loss")(labels, logits)
model = keras.Model(inputs=[image, labels], outputs=output, name="ocr")
model.compile(optimizer=keras.optimizers.Adam())
print("parameters", model.count_params(), model.output_shape)

rng = np.random.default_rng(0)
targets = rng.integers(1, CLASSES + 1, size=(24, LENGTH))
images = rng.random((24, WIDTH, HEIGHT, 1)).astype("float32") * 0.1
for i, row in enumerate(targets):
    for j, number in enumerate(row):
        images[i, j * 8 : j * 8 + 6, number, 0] += 1.0
history = model.fit({"image": images, "label": targets}, epochs=2, batch_size=8, verbose=0)
print("logs", sorted(history.history))
assert history.history["loss"][-1] < history.history["loss"][0]

prediction_model = keras.Model(model.input[0], model.get_layer(name="dense2").output)
found = prediction_model.predict(images, verbose=0)
lengths = np.full((24,), found.shape[1], "int32")
decoded, scores = ops.ctc_decode(found, lengths, strategy="greedy", mask_index=0)
print("decoded", tuple(decoded.shape)[:2], tuple(scores.shape))
direct = keras.Model(image, logits)
direct.compile("adam", loss=keras.losses.CTC())
print("as a loss", sorted(direct.fit(images, targets, epochs=1, batch_size=8, verbose=0).history))

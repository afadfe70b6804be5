"""Characters to characters: LSTM states between encoder and decoder, rebuilt for sampling."""

import numpy as np

import unidl as keras
from unidl import layers

keras.utils.set_random_seed(65)
TOKENS, LATENT, SOURCE, TARGET = 7, 8, 5, 6
rng = np.random.default_rng(0)
words = rng.integers(2, TOKENS, size=(32, SOURCE))
encoder_data = np.eye(TOKENS, dtype="float32")[words]
answers = np.concatenate([np.zeros((32, 1), int), words[:, ::-1][:, : TARGET - 1]], axis=1)
decoder_data = np.eye(TOKENS, dtype="float32")[answers]
decoder_target = np.eye(TOKENS, dtype="float32")[
    np.concatenate([answers[:, 1:], np.ones((32, 1), int)], axis=1)
]

encoder_inputs = keras.Input(shape=(None, TOKENS))
encoder = layers.LSTM(LATENT, return_state=True)
encoder_outputs, state_h, state_c = encoder(encoder_inputs)
encoder_states = [state_h, state_c]
decoder_inputs = keras.Input(shape=(None, TOKENS))
decoder_lstm = layers.LSTM(LATENT, return_sequences=True, return_state=True)
decoder_outputs, _, _ = decoder_lstm(decoder_inputs, initial_state=encoder_states)
decoder_dense = layers.Dense(TOKENS, activation="softmax")
decoder_outputs = decoder_dense(decoder_outputs)
model = keras.Model([encoder_inputs, decoder_inputs], decoder_outputs)
model.compile(optimizer="rmsprop", loss="categorical_crossentropy", metrics=["accuracy"])
history = model.fit(
    [encoder_data, decoder_data],
    decoder_target,
    batch_size=8,
    epochs=2,
    validation_split=0.25,
    verbose=0,
)
print("logs", sorted(history.history), model.count_params())
model.save("s2s.keras")

model = keras.models.load_model("s2s.keras")
encoder_inputs = model.input[0]
encoder_outputs, state_h_enc, state_c_enc = model.layers[2].output
encoder_model = keras.Model(encoder_inputs, [state_h_enc, state_c_enc])
decoder_inputs = model.input[1]
decoder_states_inputs = [keras.Input(shape=(LATENT,)), keras.Input(shape=(LATENT,))]
decoder_lstm = model.layers[3]
decoder_outputs, state_h_dec, state_c_dec = decoder_lstm(
    decoder_inputs, initial_state=decoder_states_inputs
)
decoder_outputs = model.layers[4](decoder_outputs)
decoder_model = keras.Model(
    [decoder_inputs, *decoder_states_inputs], [decoder_outputs, state_h_dec, state_c_dec]
)

states = encoder_model.predict(encoder_data[:1], verbose=0)
target = np.zeros((1, 1, TOKENS))
target[0, 0, 0] = 1.0
written = []
while len(written) < TARGET:
    tokens, *states = decoder_model.predict([target, *states], verbose=0)
    written.append(int(np.argmax(tokens[0, -1, :])))
    target = np.zeros((1, 1, TOKENS))
    target[0, 0, written[-1]] = 1.0
print("written", len(written), "states", [state.shape for state in states])
print("layers", [type(layer).__name__ for layer in model.layers])

"""Deep Q-learning: a replay buffer, a target network that follows, Huber loss of chosen actions."""

import numpy as np

import unidl as keras
from unidl import layers, ops

keras.utils.set_random_seed(92)
SIZE, ACTIONS, GAMMA = 6, 2, 0.9
rng = np.random.default_rng(0)


def create_q_model():
    return keras.Sequential(
        [
            keras.Input((SIZE, 1)),
            layers.Lambda(lambda x: x * 2.0 - 1.0, output_shape=(SIZE, 1)),
            layers.Conv1D(4, 3, activation="relu", padding="same"),
            layers.Flatten(),
            layers.Dense(16, activation="relu"),
            layers.Dense(ACTIONS, activation="linear"),
        ]
    )


model, model_target = create_q_model(), create_q_model()
model_target.set_weights(model.get_weights())
optimizer = keras.optimizers.Adam(learning_rate=0.01, clipnorm=1.0)
loss_function = keras.losses.Huber()
place, memory, epsilon = 0, [], 1.0


def observe(place):
    return np.eye(SIZE, dtype="float32")[place][:, None]


for frame in range(1, 121):
    state = observe(place)
    if frame < 30 or epsilon > rng.random():
        action = int(rng.integers(ACTIONS))
    else:
        chances = model(ops.expand_dims(ops.convert_to_tensor(state), 0), training=False)
        action = int(ops.argmax(chances[0]))
    epsilon = max(epsilon - 0.01, 0.1)
    place = min(max(place + (1 if action else -1), 0), SIZE - 1)
    done = place == SIZE - 1
    memory.append((state, action, observe(place), float(done), float(done)))
    place = 0 if done else place

    if frame % 4 == 0 and len(memory) > 32:
        rows = rng.choice(len(memory), size=16)
        states, actions, following, rewards, ends = (
            np.stack([memory[i][part] for i in rows]).astype("float32") for part in range(5)
        )
        future = model_target.predict(following, verbose=0)
        updated = rewards + GAMMA * future.max(axis=1) * (1 - ends)
        masks = ops.one_hot(actions.astype("int32"), ACTIONS)

        def loss_of(states=states, masks=masks, updated=updated):
            q_values = model(states)
            q_action = ops.sum(ops.multiply(q_values, masks), axis=1)
            return loss_function(updated, q_action)

        loss, gradients = keras.value_and_grad(loss_of, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
    if frame % 40 == 0:
        model_target.set_weights(model.get_weights())

print("updates", int(optimizer.iterations), "memory", len(memory), f"epsilon {epsilon:.2f}")
print("loss", bool(0 <= float(loss) < 1), "parameters", model.count_params())
same = all(
    np.array_equal(a, b)
    for a, b in zip(model.get_weights(), model_target.get_weights(), strict=True)
)
print("target is the model", same)

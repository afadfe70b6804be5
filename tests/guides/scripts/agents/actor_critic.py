"""Actor and critic on a small corridor: gradients through the log of what was done."""

import numpy as np

import unidl as keras
from unidl import layers, ops

keras.utils.set_random_seed(91)
SIZE, ACTIONS, GAMMA = 5, 2, 0.95
rng = np.random.default_rng(0)


class Corridor:
    """Walk to the right end within a few steps."""

    def reset(self):
        self.place, self.steps = 0, 0
        return self.state()

    def state(self):
        return np.eye(SIZE, dtype="float32")[self.place]

    def step(self, action):
        self.place = min(max(self.place + (1 if action == 1 else -1), 0), SIZE - 1)
        self.steps += 1
        done = self.place == SIZE - 1
        return self.state(), float(done) - 0.01, done or self.steps >= 15


inputs = layers.Input(shape=(SIZE,))
common = layers.Dense(16, activation="relu")(inputs)
action = layers.Dense(ACTIONS, activation="softmax")(common)
critic = layers.Dense(1)(common)
model = keras.Model(inputs=inputs, outputs=[action, critic])
optimizer = keras.optimizers.Adam(learning_rate=0.02)
huber_loss = keras.losses.Huber()

env, running = Corridor(), 0.0
for _episode in range(12):
    state, states, actions, rewards, done = env.reset(), [], [], [], False
    while not done:
        chances, value = model(state[None])
        chances = np.asarray(ops.convert_to_numpy(chances), "float64")[0]
        chosen = rng.choice(ACTIONS, p=chances / chances.sum())
        states.append(state)
        actions.append(chosen)
        state, reward, done = env.step(chosen)
        rewards.append(reward)
    running = 0.05 * sum(rewards) + 0.95 * running
    returns, discounted = [], 0.0
    for reward in rewards[::-1]:
        discounted = reward + GAMMA * discounted
        returns.insert(0, discounted)
    returns = np.array(returns, "float32")
    returns = (returns - returns.mean()) / (returns.std() + 1e-6)
    batch, taken = np.stack(states), ops.one_hot(np.array(actions), ACTIONS)

    def losses(batch=batch, taken=taken, returns=returns):
        chances, values = model(batch, training=True)
        log_chance = ops.log(ops.sum(chances * taken, axis=1) + 1e-8)
        advantage = ops.subtract(returns, ops.squeeze(values, axis=1))
        actor = ops.sum(-log_chance * ops.stop_gradient(advantage))
        return actor + huber_loss(ops.expand_dims(returns, 1), values)

    loss, gradients = keras.value_and_grad(losses, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))

print("episodes", int(optimizer.iterations), "finite", bool(np.isfinite(float(loss))))
print("parameters", model.count_params(), "running", -0.2 < running < 1)

"""Deep deterministic policy gradient: an actor through a critic, soft updates of targets."""

import numpy as np

import unidl as keras
from unidl import layers, ops

keras.utils.set_random_seed(93)
STATES, BOUND, TAU, GAMMA = 3, 2.0, 0.05, 0.9
rng = np.random.default_rng(0)


class Noise:
    """Of Ornstein and Uhlenbeck."""

    def __init__(self, mean, deviation, theta=0.15, dt=1e-2):
        self.mean, self.deviation, self.theta, self.dt = mean, deviation, theta, dt
        self.before = np.zeros_like(mean)

    def __call__(self):
        pull = self.theta * (self.mean - self.before) * self.dt
        self.before += pull + self.deviation * np.sqrt(self.dt) * rng.normal(size=self.mean.shape)
        return self.before


def get_actor():
    last_init = keras.initializers.RandomUniform(minval=-0.003, maxval=0.003)
    inputs = layers.Input(shape=(STATES,))
    out = layers.Dense(16, activation="relu")(inputs)
    outputs = layers.Dense(1, activation="tanh", kernel_initializer=last_init)(out)
    return keras.Model(inputs, outputs * BOUND)


def get_critic():
    state_input, action_input = layers.Input(shape=(STATES,)), layers.Input(shape=(1,))
    state_out = layers.Dense(8, activation="relu")(state_input)
    action_out = layers.Dense(8, activation="relu")(action_input)
    out = layers.Dense(16, activation="relu")(layers.Concatenate()([state_out, action_out]))
    return keras.Model([state_input, action_input], layers.Dense(1)(out))


actor, critic, target_actor, target_critic = get_actor(), get_critic(), get_actor(), get_critic()
target_actor.set_weights(actor.get_weights())
target_critic.set_weights(critic.get_weights())
critic_optimizer, actor_optimizer = keras.optimizers.Adam(0.01), keras.optimizers.Adam(0.005)
noise = Noise(np.zeros(1), 0.2 * np.ones(1))


def policy(state):
    sampled = ops.squeeze(actor(state))
    return np.clip(ops.convert_to_numpy(sampled) + noise()[0], -BOUND, BOUND)


states = rng.normal(size=(64, STATES)).astype("float32")
actions = np.array([[policy(state[None])] for state in states], "float32")
rewards = -np.square(actions - states[:, :1])
following = (states + 0.1 * actions).astype("float32")
losses = []
for _ in range(8):
    rows = rng.integers(0, 64, size=32)
    s, a, r, n = (part[rows] for part in (states, actions, rewards, following))
    target = r + GAMMA * ops.convert_to_numpy(target_critic([n, target_actor(n)]))

    def critic_loss(s=s, a=a, target=target):
        return ops.mean(ops.square(ops.subtract(target, critic([s, a], training=True))))

    loss, gradients = keras.value_and_grad(critic_loss, critic.trainable_variables)
    critic_optimizer.apply_gradients(zip(gradients, critic.trainable_variables, strict=True))
    _, gradients = keras.value_and_grad(
        lambda s=s: -ops.mean(critic([s, actor(s, training=True)], training=True)),
        actor.trainable_variables,
    )
    actor_optimizer.apply_gradients(zip(gradients, actor.trainable_variables, strict=True))
    for slow, fast in ((target_actor, actor), (target_critic, critic)):
        pairs = zip(slow.get_weights(), fast.get_weights(), strict=True)
        slow.set_weights([old * (1 - TAU) + new * TAU for old, new in pairs])
    losses.append(float(loss))
print("steps", int(critic_optimizer.iterations), int(actor_optimizer.iterations))
print(f"loss {losses[-1]:.3f}", actor.count_params(), critic.count_params())
moved = np.abs(target_critic.get_weights()[0] - critic.get_weights()[0]).max()
print("targets follow", bool(0 < moved < 1))

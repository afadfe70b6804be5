"""EMA of weights, gradient accumulation, clipping, weight decay with exclusions."""

import numpy as np

import unidl as keras
from unidl import layers

x = np.random.default_rng(0).normal(size=(48, 4)).astype("float32")
y = x.sum(axis=1, keepdims=True)


def fitted(optimizer, batch_size=8, epochs=2):
    model = keras.Sequential(
        [keras.Input((4,)), layers.Dense(1, kernel_initializer=keras.initializers.Constant(0.5))]
    )
    model.compile(optimizer, "mse")
    model.fit(x, y, batch_size=batch_size, epochs=epochs, shuffle=False, verbose=0)
    return model


def shown(model):
    return np.round(model.get_weights()[0][:, 0], 4).tolist()


print("plain", shown(fitted(keras.optimizers.SGD(0.05))))
print("accumulated", shown(fitted(keras.optimizers.SGD(0.05, gradient_accumulation_steps=3))))
print("large batch", shown(fitted(keras.optimizers.SGD(0.05), batch_size=24)))
averaged = keras.optimizers.SGD(0.05, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=None)
print("averaged", shown(fitted(averaged)))
print("clipped", shown(fitted(keras.optimizers.SGD(0.05, clipvalue=0.1))))
print("by norm", shown(fitted(keras.optimizers.Adam(0.05, global_clipnorm=0.01))))
decayed = keras.optimizers.AdamW(0.01, weight_decay=0.5)
decayed.exclude_from_weight_decay(var_names=["bias"])
print("decayed", shown(fitted(decayed)))
for optimizer in ("lion", "adamax", "nadam", "adagrad", "adadelta", "ftrl", "adafactor", "rmsprop"):
    print(optimizer, shown(fitted(optimizer)))
model = fitted(keras.optimizers.Adam(0.01))
print("variables", len(model.optimizer.variables), int(model.optimizer.iterations))
model.optimizer.learning_rate = 0.001
print("rate", round(float(model.optimizer.learning_rate), 5))

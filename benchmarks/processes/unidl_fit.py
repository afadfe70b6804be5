"""unidl: `fit`, as in one process, with two lines more."""

import unidl
from benchmarks.processes.work import BATCH, CLASSES, EPOCHS, INPUTS, LEARNING_RATE, WIDTH, Clock
from benchmarks.processes.work import data as drawn
from unidl import layers

unidl.distribution.initialize()
unidl.distribution.set_distribution(unidl.distribution.DataParallel())
unidl.utils.set_random_seed(0)
model = unidl.Sequential(
    [
        layers.Input((INPUTS,)),
        layers.Dense(WIDTH, activation="relu"),
        layers.Dense(WIDTH, activation="relu"),
        layers.Dense(CLASSES, activation="softmax"),
    ]
)
model.compile(unidl.optimizers.Adam(LEARNING_RATE), "sparse_categorical_crossentropy")
clock = Clock()
timed = unidl.callbacks.LambdaCallback(
    on_epoch_begin=lambda epoch, logs: clock.begin(), on_epoch_end=lambda epoch, logs: clock.end()
)
x, y = drawn()
model.fit(x, y, BATCH, epochs=EPOCHS, shuffle=False, verbose=0, callbacks=[timed])
clock.tell(unidl.get_backend().process_id)

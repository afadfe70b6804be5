"""Ctrl-C in fit leaves the state of a whole step, and the signals' handlers as they were."""

import signal
import threading
import time

import numpy as np
import pytest

import unidl
from unidl import layers, ops
from unidl.training.interrupts import interruptible, whole_step

rng = np.random.default_rng(0)
X = rng.normal(size=(4096, 12)).astype("float32")
Y = np.arange(4096) % 5


def make():
    unidl.utils.set_random_seed(7)
    model = unidl.Sequential(
        [
            layers.Input((12,)),
            *(layers.Dense(24, activation="relu") for _ in range(4)),
            layers.BatchNormalization(),
            layers.Dropout(0.2),
            layers.Dense(5, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def state(model):
    slots = [v.numpy() for v in model.optimizer.slot_variables]
    return [*model.get_weights(), *slots]


def interrupted(model, seconds):
    """The number of steps after a fit that was interrupted after so long."""
    timer = threading.Timer(seconds, signal.raise_signal, (signal.SIGINT,))
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            model.fit(X, Y, batch_size=16, epochs=1000, verbose=0, shuffle=False)
    finally:
        timer.cancel()
    return int(model.optimizer.iterations)


@pytest.mark.quick_on("numpy", "torch", "mxnet")
@pytest.mark.parametrize(
    "rounds", [6, pytest.param(60, marks=pytest.mark.slow)], ids=["few", "many"]
)
def test_an_interrupted_state_is_that_of_a_whole_step(backend, rounds):
    for round in range(rounds):
        handler = signal.getsignal(signal.SIGINT)
        model = make()
        model.train_on_batch(X[:16], Y[:16])
        start = state(model), int(model.optimizer.iterations), generators(model)
        steps = interrupted(model, 0.02 + 0.0113 * round)
        assert signal.getsignal(signal.SIGINT) is handler
        found = state(model)
        again = make()
        again.train_on_batch(X[:16], Y[:16])
        assert start[2] == generators(again)
        for i in range(steps - 1):
            rows = slice(16 * (i % 256), 16 * (i % 256) + 16)
            again.train_on_batch(X[rows], Y[rows])
        for a, b in zip(found, state(again), strict=True):
            np.testing.assert_array_equal(a, b)
        assert generators(model) == generators(again)


def generators(model):
    return [
        layer.seed_generator.counter for layer in model.layers if hasattr(layer, "seed_generator")
    ]


def test_a_second_interrupt_does_not_wait(backend):
    class Slow(layers.Layer):
        def call(self, x):
            if ops.shape(x)[0] == 16:
                for _ in range(2):
                    signal.raise_signal(signal.SIGINT)
                time.sleep(0)
                raise AssertionError("the second interrupt had to end this call")
            return x

    model = unidl.Sequential([layers.Input((12,)), Slow(), layers.Dense(5)])
    model.compile("sgd", "mse", run_eagerly=True)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X[:16], np.zeros((16, 5), "float32"), batch_size=16, verbose=0)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finished = []

    def step():
        with interruptible(), whole_step:
            signal.raise_signal(signal.SIGINT)
            finished.append(True)

    with pytest.raises(KeyboardInterrupt):
        step()
    assert finished  # afterwards the first one waits again


def test_training_in_another_thread_leaves_signals_alone(backend):
    handler = signal.getsignal(signal.SIGINT)
    model = make()
    seen = []

    class Look(unidl.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(
        target=model.fit, args=(X[:64], Y[:64]), kwargs={"verbose": 0, "callbacks": [Look()]}
    )
    thread.start()
    thread.join()
    assert seen == [handler]

"""Two threads and one model: only one trains it."""

import copy
import threading

import numpy as np
import pytest

import unidl
from unidl import layers

X = np.ones((8, 3), "float32")
Y = np.zeros((8, 2), "float32")


def _model():
    model = unidl.Sequential([unidl.Input((3,)), layers.Dense(2)])
    model.compile("sgd", "mse")
    return model


class _Waits(unidl.callbacks.Callback):
    """Holds training until it is told to go on."""

    def __init__(self):
        super().__init__()
        self.here, self.go_on = threading.Event(), threading.Event()

    def on_train_begin(self, logs=None):
        self.here.set()
        assert self.go_on.wait(60)


@pytest.mark.parametrize("method", ["fit", "train_on_batch"])
def test_a_second_thread_that_trains_the_model_is_refused(backend, method):
    model, waits = _model(), _Waits()
    thread = threading.Thread(
        target=model.fit, args=(X, Y), kwargs={"verbose": 0, "callbacks": [waits]}
    )
    thread.start()
    try:
        assert waits.here.wait(60)
        with pytest.raises(RuntimeError, match=rf"{method}\(\) called while another thread trains"):
            getattr(model, method)(X, Y)
        other = _model()
        other.fit(X, Y, verbose=0)  # other models are free
    finally:
        waits.go_on.set()
        thread.join()
    assert model.optimizer.iterations == 1
    model.fit(X, Y, verbose=0)  # and so is this one now


class _Calls(unidl.callbacks.Callback):
    def __init__(self, calls):
        super().__init__()
        self.calls, self.found = calls, []

    def on_epoch_end(self, epoch, logs=None):
        if not self.found:
            self.found.append(None)
            self.found[0] = self.calls(self.model)


@pytest.mark.parametrize(
    "calls",
    [
        lambda model: model.evaluate(X, Y, verbose=0),
        lambda model: model.predict(X, verbose=0),
        lambda model: model.train_on_batch(X, Y),
        lambda model: model.fit(X, Y, epochs=3, verbose=0),
    ],
)
def test_callbacks_of_the_same_thread_may_use_the_model(backend, calls):
    model, callback = _model(), _Calls(calls)
    history = model.fit(X, Y, epochs=2, verbose=0, callbacks=[callback])
    assert callback.found[0] is not None
    assert len(history.history["loss"]) == 2
    assert model.history is history


def test_a_fit_that_failed_leaves_the_model_free(backend):
    def fail(model):
        raise OSError("the disk is full")

    model = _model()
    with pytest.raises(OSError, match="the disk is full"):
        model.fit(X, Y, verbose=0, callbacks=[_Calls(fail)])
    found = []
    thread = threading.Thread(target=lambda: found.append(model.fit(X, Y, verbose=0)))
    thread.start()
    thread.join()
    assert len(found[0].history["loss"]) == 1


def test_the_lock_is_no_part_of_the_model(backend):
    model = _model()
    model.train_on_batch(X, Y)
    model._forget_compiled()
    copied = copy.deepcopy(model)
    np.testing.assert_array_equal(copied.get_weights()[0], model.get_weights()[0])
    assert not any("lock" in type(value).__name__.lower() for value in vars(model).values())

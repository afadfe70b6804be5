"""Callbacks of a user's own, and those of unidl with Keras' methods."""

import numpy as np
import pytest

import unidl
from tests.written_for_keras.both import X, Y, agree, dense


def under_older_names(k):
    told = []

    class Own(k.callbacks.Callback):
        def set_model(self, model):
            super().set_model(model)
            told.append("model")

        def set_params(self, params):
            super().set_params(params)
            told.append(sorted(params))

        def on_batch_begin(self, batch, logs=None):
            told.append(["begin", batch])

        def on_batch_end(self, batch, logs=None):
            told.append(["end", batch, sorted(logs)])

        def on_epoch_end(self, epoch, logs=None):
            told.append(["epoch", epoch, sorted(logs)])

        def on_test_batch_end(self, batch, logs=None):
            told.append(["test", batch, sorted(logs)])

    model = k.Sequential([k.Input((3,)), dense(k)])
    model.compile("sgd", "mse")
    model.fit(X, Y, batch_size=2, verbose=0, callbacks=[Own()], validation_data=(X, Y))
    return told


def what_they_are_asked(k):
    stopping = k.callbacks.EarlyStopping(monitor="loss")
    return stopping.get_monitor_value({"loss": 3.0}), k.callbacks.ReduceLROnPlateau().in_cooldown()


def stopping_and_changing_the_rate(k):
    """By `self.model`, `self.params` and what `logs` hold."""
    seen = []

    class Own(k.callbacks.Callback):
        def on_train_begin(self, logs=None):
            seen.append([self.params["epochs"], self.params["steps"]])

        def on_train_batch_end(self, batch, logs=None):
            seen.append([batch, logs["loss"]])

        def on_epoch_end(self, epoch, logs=None):
            self.model.optimizer.learning_rate = 0.1 / (epoch + 2)
            logs["added"] = float(epoch)
            if epoch == 2:
                self.model.stop_training = True

    model = k.Sequential([k.Input((3,)), dense(k)])
    model.compile(k.optimizers.SGD(0.1), "mse")
    history = model.fit(X, Y, epochs=9, batch_size=2, shuffle=False, verbose=0, callbacks=[Own()])
    return seen, history.history["loss"], history.epoch


@pytest.mark.parametrize(
    "program", [under_older_names, what_they_are_asked, stopping_and_changing_the_rate]
)
def test_as_in_keras(backend, program):
    agree(program)


def test_nan_may_be_an_error(backend):
    model = unidl.Sequential([unidl.Input((3,)), dense(unidl)])
    model.compile("sgd", "mse")
    stopping = unidl.callbacks.TerminateOnNaN(raise_error=True)
    with (
        pytest.warns(RuntimeWarning, match="NaN"),
        pytest.raises(RuntimeError, match="the loss is nan after batch 0"),
    ):
        model.fit(X * np.nan, Y, verbose=0, callbacks=[stopping])


def test_a_rate_that_rests_is_known_to_rest():
    model = unidl.Sequential([unidl.Input((3,)), dense(unidl)])
    model.compile("sgd", "mse")
    plateau = unidl.callbacks.ReduceLROnPlateau(
        monitor="loss", patience=1, cooldown=5, min_delta=1e9
    )
    model.fit(X, Y, epochs=4, verbose=0, callbacks=[plateau])
    assert plateau.in_cooldown()


def test_a_value_to_watch_may_be_computed():
    class Own(unidl.callbacks.EarlyStopping):
        def get_monitor_value(self, logs):
            return -logs["loss"]

    model = unidl.Sequential([unidl.Input((3,)), dense(unidl)])
    model.compile("sgd", "mse")
    history = model.fit(
        X, Y, epochs=9, verbose=0, callbacks=[Own(monitor="loss", mode="min", patience=1)]
    )
    assert len(history.history["loss"]) == 2

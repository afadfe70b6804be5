"""Callbacks: what each does to a run, and what it costs."""

import csv
import os

import numpy as np
import pytest

import unidl
from tests.reference import keras_uncompiled
from unidl import callbacks, layers

X = np.random.default_rng(0).normal(size=(40, 4)).astype("float32")
Y = X @ np.array([[1.0], [-2.0], [0.5], [0.0]], "float32")


def model(rate=0.05):
    unidl.utils.set_random_seed(1)
    net = unidl.Sequential([unidl.Input((4,)), layers.Dense(1)])
    net.compile(unidl.optimizers.SGD(rate), "mse")
    return net


def fit(*given, epochs=6, net=None, **arguments):
    net = net or model()
    net.fit(
        X, Y, epochs=epochs, batch_size=10, callbacks=list(given), **({"verbose": 0} | arguments)
    )
    return net


class Replay(callbacks.Callback):
    """Puts values into the logs, so that a rule can be tested on a known course of the loss."""

    def __init__(self, values, name="val_loss"):
        super().__init__()
        self.values, self.name = values, name

    def on_epoch_end(self, epoch, logs=None):
        logs[self.name] = self.values[epoch]


class Events(callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.seen = []


for _name in [n for n in dir(callbacks.Callback) if n.startswith("on_")]:
    setattr(
        Events,
        _name,
        lambda self, *args, _name=_name: self.seen.append(
            (_name, args[0] if len(args) == 2 else None, sorted(args[-1]))
        ),
    )


def test_order_of_events(backend):
    events = Events()
    net = fit(events, epochs=1, validation_data=(X[:10], Y[:10]))
    expected = [("on_train_begin", None, []), ("on_epoch_begin", 0, [])]
    for i in range(4):
        expected += [("on_train_batch_begin", i, []), ("on_train_batch_end", i, ["loss"])]
    expected += [
        ("on_test_begin", None, []),
        ("on_test_batch_begin", 0, []),
        ("on_test_batch_end", 0, ["loss"]),
        ("on_test_end", None, ["loss"]),
    ]
    expected += [
        ("on_epoch_end", 0, ["loss", "val_loss"]),
        ("on_train_end", None, ["loss", "val_loss"]),
    ]
    assert events.seen == expected
    events.seen.clear()
    net.predict(X, batch_size=20, verbose=0, callbacks=[events])
    batch = ["on_predict_batch_begin", "on_predict_batch_end"]
    assert [name for name, *_ in events.seen] == [
        "on_predict_begin",
        *batch,
        *batch,
        "on_predict_end",
    ]


def test_outputs_of_predict(backend):
    seen = []
    watch = callbacks.LambdaCallback(on_predict_batch_end=lambda batch, logs: seen.append(logs))
    net = fit(epochs=1)
    found = net.predict(X, batch_size=20, verbose=0, callbacks=[watch])
    np.testing.assert_array_equal(np.concatenate([logs["outputs"] for logs in seen]), found)


def test_no_read_in_each_batch_unless_asked_for(backend, monkeypatch):
    """Reading a number waits for the device: once an epoch is enough."""
    net = fit(epochs=1)
    arrays, reads = [], []
    to_numpy, results = backend.to_numpy, net.objective.results
    monkeypatch.setitem(vars(backend), "to_numpy", lambda x: (arrays.append(1), to_numpy(x))[1])
    monkeypatch.setattr(net.objective, "results", lambda: (reads.append(1), results())[1])
    quiet = [
        callbacks.EarlyStopping("loss"),
        callbacks.ReduceLROnPlateau("loss"),
        callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: None),
    ]
    fit(*quiet, epochs=1, net=net)
    assert len(reads) == 1
    assert len(arrays) <= 1  # the loss of the epoch
    fit(callbacks.TerminateOnNaN(), epochs=1, net=net)
    assert len(reads) == 1 + 5  # this one wants each batch


def test_history(backend):
    net = fit(epochs=3)
    assert net.history.epoch == [0, 1, 2]
    assert list(net.history.history) == ["loss"]
    net.fit(X, Y, initial_epoch=3, epochs=5, verbose=0)
    assert net.history.epoch == [3, 4]
    assert all(isinstance(v, float) for v in net.history.history["loss"])


# values of val_loss by epoch, arguments of EarlyStopping
STOPS = {
    "patience": ([3, 2, 2.5, 2.6, 2.7, 2.8], {"patience": 2}),
    "no patience": ([3, 2, 2.5, 2.6, 2.7, 2.8], {}),
    "from the first epoch": ([1, 2, 3, 4, 5, 6], {"patience": 1}),
    "min_delta": ([3, 2.95, 2.93, 2.92, 2.91, 2.9], {"patience": 2, "min_delta": 0.1}),
    "max": ([1, 2, 1.5, 1.4, 1.3, 1.2], {"patience": 2, "mode": "max"}),
    "baseline not reached": ([3, 2.9, 2.8, 2.7, 2.6, 2.5], {"patience": 2, "baseline": 1.0}),
    "baseline reached": ([3, 0.9, 2.8, 2.7, 2.6, 2.5], {"patience": 3, "baseline": 1.0}),
    "start later": ([1, 2, 3, 4, 5, 6], {"patience": 2, "start_from_epoch": 2}),
    "NaN": ([float("nan")] * 6, {"patience": 2}),
    "restore": ([3, 1, 2, 2, 2, 2], {"patience": 2, "restore_best_weights": True}),
    "restore when never stopped": (
        [3, 1, 2, 0.5, 2, 2],
        {"patience": 5, "restore_best_weights": True},
    ),
    "restore with baseline": (
        [3, 2.9, 2.8, 2.7, 2.6, 2.5],
        {"patience": 2, "baseline": 1.0, "restore_best_weights": True},
    ),
}


@pytest.mark.parametrize("case", STOPS)
def test_early_stopping_is_that_of_keras(case):
    keras = pytest.importorskip("keras")
    values, arguments = STOPS[case]

    class KerasReplay(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs.update(val_loss=values[epoch])

    ours = callbacks.EarlyStopping(**arguments)
    net = model()
    start = net.get_weights()
    fit(Replay(values), ours, net=net)
    theirs = keras.callbacks.EarlyStopping(**arguments)
    reference = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    reference.set_weights(start)
    reference.compile(keras.optimizers.SGD(0.05), "mse")
    unidl.utils.set_random_seed(1)
    with keras_uncompiled():
        history = reference.fit(
            X, Y, epochs=6, batch_size=10, verbose=0, callbacks=[KerasReplay(), theirs]
        )
    assert net.history.epoch == history.epoch
    assert (ours.stopped_epoch, ours.best_epoch, ours.wait) == (
        theirs.stopped_epoch,
        theirs.best_epoch,
        theirs.wait,
    )


def test_early_stopping_restores(backend):
    seen = []
    keep = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(net.get_weights()))
    net = model()
    fit(
        Replay([3, 1, 2, 2, 2]),
        keep,
        callbacks.EarlyStopping(patience=2, restore_best_weights=True),
        net=net,
    )
    assert len(seen) == 4
    for a, b in zip(net.get_weights(), seen[1], strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("ending", [".weights.h5", ".keras"])
@pytest.mark.parametrize("save_best_only", [False, True])
def test_model_checkpoint(backend, tmp_path, save_best_only, ending):
    path = os.path.join(tmp_path, "{epoch:02d}-{val_loss:.1f}" + ending)
    weights = ending != ".keras"
    checkpoint = callbacks.ModelCheckpoint(
        path, save_best_only=save_best_only, save_weights_only=weights
    )
    net = fit(Replay([3, 2, 2.5, 1]), checkpoint, epochs=4)
    written = ["01-3.0", "02-2.0", "03-2.5", "04-1.0"]
    expected = [name for name in written if name != "03-2.5"] if save_best_only else written
    assert sorted(os.listdir(tmp_path)) == [f"{name}{ending}" for name in expected]
    path = os.path.join(tmp_path, f"04-1.0{ending}")
    if weights:
        other = model()
        other.fit(X, Y, verbose=0)
        other.load_weights(path)
    else:
        other = unidl.saving.load_model(path)
        assert int(other.optimizer.iterations) == int(net.optimizer.iterations)
    for a, b in zip(other.get_weights(), net.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_model_checkpoint_by_batches(tmp_path):
    path = os.path.join(tmp_path, "{epoch}", "{batch}.keras")
    fit(callbacks.ModelCheckpoint(path, save_freq=6), epochs=3)
    assert sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*.keras")) == [
        "2/2.keras",
        "3/4.keras",
    ]


def test_model_checkpoint_is_told(tmp_path):
    with pytest.raises(ValueError, match=r"must end with '\.keras', got 'a\.weights\.h5'"):
        callbacks.ModelCheckpoint("a.weights.h5")
    with pytest.raises(ValueError, match=r"must end with '\.weights\.h5', got 'a\.keras'"):
        callbacks.ModelCheckpoint("a.keras", save_weights_only=True)
    with pytest.raises(ValueError, match="names 'val_acc', which is not in the logs"):
        fit(callbacks.ModelCheckpoint(os.path.join(tmp_path, "{val_acc}.keras")), epochs=1)


def test_learning_rates(backend):
    plain = callbacks.LearningRateScheduler(lambda epoch: 0.1 / (epoch + 1))
    assert fit(plain, epochs=3).history.history["learning_rate"] == pytest.approx(
        [0.1, 0.05, 0.1 / 3]
    )
    with_rate = callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    net = fit(with_rate, epochs=2)
    assert net.history.history["learning_rate"] == pytest.approx([0.025, 0.0125])
    assert float(net.optimizer.learning_rate) == pytest.approx(0.0125)


def test_a_type_error_inside_a_schedule_is_not_hidden():
    def broken(epoch, rate):
        raise TypeError("inside")

    with pytest.raises(TypeError, match=r"^inside$"):
        fit(callbacks.LearningRateScheduler(broken), epochs=1)


# values of val_loss by epoch, arguments
PLATEAUS = {
    "patience": ([3, 2, 2, 2, 2, 2, 2, 2], {"patience": 2, "factor": 0.5}),
    "cooldown": ([3, 2, 2, 2, 2, 2, 2, 2], {"patience": 1, "factor": 0.5, "cooldown": 2}),
    "min_lr": ([3, 3, 3, 3, 3, 3, 3, 3], {"patience": 1, "factor": 0.1, "min_lr": 0.01}),
    "min_delta": ([3, 2.99, 2.98, 2.97, 2, 1, 1, 1], {"patience": 2, "min_delta": 0.1}),
}


@pytest.mark.parametrize("case", PLATEAUS)
def test_reduce_on_plateau_is_that_of_keras(case):
    keras = pytest.importorskip("keras")
    values, arguments = PLATEAUS[case]

    class KerasReplay(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs.update(val_loss=values[epoch])

    ours = fit(Replay(values), callbacks.ReduceLROnPlateau(**arguments), epochs=8).history.history
    reference = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    reference.compile(keras.optimizers.SGD(0.05), "mse")
    with keras_uncompiled():
        theirs = reference.fit(
            X,
            Y,
            epochs=8,
            batch_size=40,
            verbose=0,
            callbacks=[KerasReplay(), keras.callbacks.ReduceLROnPlateau(**arguments)],
        ).history
    assert ours["learning_rate"] == pytest.approx(theirs["learning_rate"], rel=1e-6)


def test_csv_logger(tmp_path):
    path = tmp_path / "log.csv"
    net = fit(callbacks.CSVLogger(path), epochs=2)
    fit(callbacks.CSVLogger(path, append=True), epochs=3, initial_epoch=2, net=net)
    rows = list(csv.DictReader(path.open()))
    assert [row["epoch"] for row in rows] == ["0", "1", "2"]
    assert float(rows[2]["loss"]) == pytest.approx(net.history.history["loss"][0])


def test_csv_logger_has_columns_for_a_validation_that_comes_later(tmp_path):
    path = tmp_path / "log.csv"
    logger = callbacks.CSVLogger(path)
    fit(logger, epochs=3, validation_data=(X, Y), validation_freq=2)
    rows = list(csv.DictReader(path.open()))
    assert [row["val_loss"] == "NA" for row in rows] == [True, False, True]


def test_lambda_callback():
    seen = []
    fit(
        callbacks.LambdaCallback(
            on_train_batch_end=lambda batch, logs: seen.append((batch, logs["loss"]))
        ),
        epochs=1,
    )
    assert [batch for batch, _ in seen] == [0, 1, 2, 3]
    with pytest.raises(TypeError, match="on_epoch_en"):
        callbacks.LambdaCallback(on_epoch_en=print)


def test_a_missing_name_is_told():
    with pytest.warns(UserWarning, match=r"no 'val_loss' in the logs; available: loss"):
        fit(callbacks.EarlyStopping(), epochs=1)


@pytest.mark.parametrize("kind", [callbacks.EarlyStopping, callbacks.ReduceLROnPlateau])
def test_bad_arguments(kind):
    with pytest.raises(ValueError, match="mode"):
        kind(mode="larger")

"""Checkpoints are written while training goes on, and are whole when `fit` ends."""

import threading
import time

import numpy as np
import pytest

import unidl
from unidl import callbacks, layers
from unidl.saving import hdf5
from unidl.saving.background import BackgroundWriter

pytest.importorskip("h5py")
X, Y = np.ones((8, 4), "float32"), np.ones((8, 2), "float32")
SLOW = 0.4  # seconds that the disk takes for an array


def model(width=3):
    made = unidl.Sequential([unidl.Input((4,)), layers.Dense(width), layers.Dense(2)])
    made.compile("adam", "mse")
    return made


def checkpoint(folder, kind):
    if kind == "backup":
        return callbacks.BackupAndRestore(folder, delete_checkpoint=False)
    if kind == "weights":
        return callbacks.ModelCheckpoint(folder / "m.weights.h5", save_weights_only=True)
    return callbacks.ModelCheckpoint(folder / "m.keras")


KINDS = ("backup", "weights", "model")


@pytest.fixture
def slow_disk(monkeypatch):
    write = hdf5.write_array

    def slowly(*args):
        time.sleep(SLOW / 10)
        write(*args)

    monkeypatch.setattr(hdf5, "write_array", slowly)


class Clock(callbacks.Callback):
    """How long lies between the end of the last batch of an epoch and the next epoch."""

    def __init__(self, stop=None):
        super().__init__()
        self.stalls, self._stop = [], stop

    def on_train_batch_end(self, batch, logs=None):
        self._since = time.monotonic()

    def on_epoch_begin(self, epoch, logs=None):
        if epoch:
            self.stalls.append(time.monotonic() - self._since)
            if self._stop is not None:
                raise self._stop


@pytest.mark.parametrize("kind", KINDS)
def test_training_does_not_wait_for_the_disk(kind, tmp_path, slow_disk):
    """A file takes ten arrays' time at least; the next epoch begins before."""
    with unidl.use_backend("numpy"):
        clock, made = Clock(), model()
        made.fit(X, Y, epochs=2, callbacks=[checkpoint(tmp_path, kind), clock], verbose=0)
    assert clock.stalls[0] < SLOW
    assert list(tmp_path.iterdir())  # `fit` has waited for the last
    assert not [t for t in threading.enumerate() if t.name == "unidl-writer"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_is_the_state_of_that_moment(backend, kind, tmp_path):
    """Steps that come while the file is written do not show in it."""
    made, found = model(), checkpoint(tmp_path, kind)
    made.fit(X, Y, verbose=0)
    found.set_model(made)
    wanted, gate = [w.copy() for w in made.get_weights()], threading.Event()
    start = found.writer.start
    found.writer.start = lambda work: start(lambda: (gate.wait(20), work()))
    if kind == "backup":
        found.save([], {"epoch": 1})
    else:
        found.on_epoch_end(0, {})
    made.fit(X, Y, verbose=0)
    gate.set()
    found.writer.wait()
    other = model(3)
    if kind == "backup":
        found.set_model(made)
        found.restore([])
        other = made
    elif kind == "weights":
        other.load_weights(tmp_path / "m.weights.h5")
    else:
        other = unidl.saving.load_model(tmp_path / "m.keras")
    for one, two in zip(other.get_weights(), wanted, strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stop", [KeyboardInterrupt, RuntimeError])
def test_the_last_file_is_whole_when_fit_is_left(kind, stop, tmp_path, slow_disk):
    with unidl.use_backend("numpy"):
        found = [checkpoint(tmp_path, kind), Clock(stop())]
        with pytest.raises(stop):
            model().fit(X, Y, epochs=3, callbacks=found, verbose=0)
        assert not [t for t in threading.enumerate() if t.name == "unidl-writer"]
        (path,) = [p for p in tmp_path.iterdir() if not p.name.startswith("before")]
        if kind == "model":
            unidl.saving.load_model(path)
        elif kind == "weights":
            model().load_weights(path)
        else:
            with hdf5.reading(path, "test") as reader:
                assert reader.members("variables")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("epochs", [1, 3])
def test_an_error_of_the_writer_is_raised_by_fit(kind, epochs, tmp_path, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(hdf5, "write_array", full)
    with unidl.use_backend("numpy"), pytest.raises(OSError, match="No space left"):
        model().fit(X, Y, epochs=epochs, callbacks=[checkpoint(tmp_path, kind)], verbose=0)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_is_told_before_training_goes_on(tmp_path):
    (tmp_path / "file").touch()
    found = callbacks.BackupAndRestore(tmp_path / "file" / "backups")
    clock = Clock()
    with unidl.use_backend("numpy"), pytest.raises(OSError, match="file"):
        model().fit(X, Y, epochs=3, callbacks=[found, clock], verbose=0)
    assert not clock.stalls


def test_another_error_is_not_hidden(tmp_path, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(hdf5, "write_array", full)
    found = [checkpoint(tmp_path, "model"), Clock(RuntimeError("mine"))]
    with (
        unidl.use_backend("numpy"),
        pytest.warns(UserWarning, match="last file could not be written.*No space"),
        pytest.raises(RuntimeError, match="mine"),
    ):
        model().fit(X, Y, epochs=3, callbacks=found, verbose=0)


def test_one_at_a_time():
    writer, running, most = BackgroundWriter(), [], []

    def work():
        running.append(1)
        most.append(len(running))
        time.sleep(0.01)
        running.pop()

    for _ in range(5):
        writer.start(work)
    writer.wait()
    assert most == [1] * 5


def test_a_save_of_the_user_s_own_is_called(tmp_path):
    calls = []

    class Mine(unidl.Sequential):
        def save_weights(self, filepath, *args, **kwargs):
            calls.append(threading.current_thread() is threading.main_thread())

    made = Mine([unidl.Input((4,)), layers.Dense(2)])
    made.compile("sgd", "mse")
    made.fit(X, Y, callbacks=[checkpoint(tmp_path, "weights")], verbose=0)
    assert calls == [True]


def test_a_writer_of_the_user_s_own_is_left_alone():
    """Many callbacks call one so, TensorFlow's summaries for instance."""

    class Summaries(unidl.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.writer = object()

    model = unidl.Sequential([unidl.Input((3,)), unidl.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(np.ones((4, 3)), np.ones((4, 1)), verbose=0, callbacks=[Summaries()])

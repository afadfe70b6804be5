"""A run that is ended by a signal or an error keeps the step it has come to."""

import signal
import subprocess
import sys

import numpy as np
import pytest

import unidl
from tests.callbacks.test_backup_and_restore import X, Y, network
from unidl import callbacks

pytest.importorskip("h5py")


class Ended(BaseException):
    """Nobody catches it."""


def run(*given):
    unidl.utils.set_random_seed(5)
    net = network()
    history = net.fit(X, Y, epochs=3, batch_size=8, verbose=0, callbacks=list(given)).history
    return [*net.get_weights(), *map(np.array, history.values())]


def backup(folder):
    return callbacks.BackupAndRestore(folder, on_interruption=True)


def at_batch(event, action):
    """A callback that acts once, at the fourth batch of the second epoch."""
    batches = []

    def act(batch, logs):
        batches.append(batch)
        if len(batches) == 7 + 4:
            action()

    return callbacks.LambdaCallback(**{event: act})


def fail():
    raise Ended


@pytest.mark.quick_on("numpy", "torch", "mxnet")
@pytest.mark.parametrize("event", ["on_train_batch_begin", "on_train_batch_end"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, None])
def test_it_goes_on_from_the_step(backend, tmp_path, event, number):
    ends = KeyboardInterrupt if number == signal.SIGINT else Ended
    before = signal.getsignal(signal.SIGTERM)
    signal.signal(signal.SIGTERM, lambda *_: fail())
    action = fail if number is None else (lambda: signal.raise_signal(number))
    progress = []
    try:
        watch = backup(tmp_path)
        save = watch.save
        watch.save = lambda given, at: (progress.append(at), save(given, at))
        with pytest.raises(ends):
            run(watch, at_batch(event, action))
    finally:
        signal.signal(signal.SIGTERM, before)
    # A signal waits for the step that begins; an error does not let it begin.
    done = 3 if number is None and event == "on_train_batch_begin" else 4
    assert (progress[-1]["epoch"], progress[-1]["batch"]) == (1, done)
    resumed = run(backup(tmp_path), callbacks.LambdaCallback(on_train_batch_begin=lambda *_: None))
    for one, other in zip(resumed, run(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_weights_that_are_not_finite_are_not_kept(tmp_path):
    def spoil():
        net.set_weights([np.full_like(w, np.nan) for w in net.get_weights()])
        fail()

    net, watch, saved = network(), backup(tmp_path), []
    watch.save = lambda *_: saved.append(0)
    stop = callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: spoil())
    with pytest.raises(Ended):
        net.fit(X, Y, verbose=0, callbacks=[watch, stop])
    assert saved == []


@pytest.mark.slow
def test_sigterm_still_ends_the_process(tmp_path):
    program = f"""
import signal
from tests.callbacks.test_interruption import *
with unidl.backend.use_backend("numpy"):
    run(backup({str(tmp_path)!r}), at_batch("on_train_batch_begin",
        lambda: signal.raise_signal(signal.SIGTERM)))
"""
    ended = subprocess.run([sys.executable, "-c", program], check=False)
    assert ended.returncode == -signal.SIGTERM
    assert (tmp_path / "latest.backup.h5").exists()

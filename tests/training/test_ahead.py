"""Batches made while a step runs: the same numbers, the same errors, and nothing left behind."""

import gc
import threading
import time
import traceback
from contextlib import suppress

import numpy as np
import pytest

import unidl
from unidl import layers
from unidl.training import ahead
from unidl.training.ahead import Ahead

X = np.random.default_rng(0).normal(size=(40, 3)).astype("float32")
Y = X[:, :1] * 2


@pytest.fixture
def threads(monkeypatch):
    """Every source is slow enough for a thread."""
    monkeypatch.setattr(ahead, "SLOW_S", -1.0)


@pytest.fixture(autouse=True)
def none_left():
    yield
    assert not [t for t in threading.enumerate() if t.name.startswith("unidl-batches")]


def net(dropout=0.0):
    unidl.utils.set_random_seed(1)
    model = unidl.Sequential([unidl.Input((3,)), layers.Dropout(dropout), layers.Dense(1)])
    model.compile(unidl.optimizers.Adam(0.05), "mse")
    return model


def batches(count=10, start=0):
    for i in range(start, start + count):
        yield X[4 * (i % 10) :][:4], Y[4 * (i % 10) :][:4]


def endless():
    while True:
        yield from batches()


def trained(source, monkeypatch, slow_s, model=None, **arguments):
    with monkeypatch.context() as patch:
        patch.setattr(ahead, "SLOW_S", slow_s)
        model = model or net()
        model.fit(source(model), verbose=0, **arguments)
    return model.get_weights()


def both(source, monkeypatch, **arguments):
    """Weights without and with a thread."""
    return [trained(source, monkeypatch, slow_s, **arguments) for slow_s in (1e9, -1.0)]


def same(found, expected):
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)


class Again:
    """Notes in which threads its batches are made."""

    def __init__(self):
        self.threads = set()
        self.closed = 0

    def __iter__(self):
        try:
            for batch in batches():
                self.threads.add(threading.current_thread().name)
                yield batch
        finally:
            self.closed += 1


def test_a_thread_changes_no_bit(backend, monkeypatch):
    same(*both(lambda model: Again(), monkeypatch, epochs=2))
    same(*both(lambda model: endless(), monkeypatch, epochs=2, steps_per_epoch=7))


def test_slow_sources_get_a_thread_and_quick_ones_do_not(monkeypatch):
    quick, slow = Again(), Again()
    trained(lambda model: quick, monkeypatch, 1e9)
    trained(lambda model: slow, monkeypatch, -1.0)
    assert quick.threads == {"MainThread"}
    assert slow.threads == {"MainThread", "unidl-batches"}


def test_an_iterator_can_be_used_further(backend, threads):
    source, model = batches(30), net()
    model.fit(source, steps_per_epoch=4, epochs=2, verbose=0)
    model.evaluate(source, steps=3, verbose=0)
    np.testing.assert_array_equal(next(source)[0], X[4 * 1 :][:4])  # the twelfth batch
    model.predict(source, steps=2, verbose=0)
    np.testing.assert_array_equal(next(source)[0], X[4 * 4 :][:4])
    source.close()


def test_an_error_comes_with_its_traceback_at_its_batch(backend, threads):
    def broken():
        yield from batches(3)
        raise OSError("the disk is gone")

    model = net()
    with pytest.raises(OSError, match="the disk is gone") as caught:
        model.fit(broken(), verbose=0)
    assert "in broken" in "".join(traceback.format_exception(caught.value))
    assert int(model.optimizer.iterations) == 3


def test_what_was_begun_is_closed(threads):
    source = Again()

    class Stop(unidl.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = True

    model = net()
    model.fit(source, verbose=0, callbacks=[Stop()])
    gc.collect()
    assert source.closed == 2  # that which was looked at, too

    class Interrupt(unidl.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as kept:
        model.fit(source, verbose=0, callbacks=[Interrupt()])
    assert kept.value is not None  # whose frames still hold the source
    assert source.closed == 4
    mine = batches()
    with pytest.raises(KeyboardInterrupt):
        model.fit(mine, verbose=0, callbacks=[Interrupt()])
    assert mine.gi_frame is not None  # the user's own is left to the user
    mine.close()


def test_a_source_that_uses_the_model_finds_it_as_without_a_thread(backend, monkeypatch):
    def predicting(model):
        for x, y in batches():
            yield x, y + model.predict(x, verbose=0)

    def calling(model):
        for x, y in batches():
            yield x, y + unidl.ops.convert_to_numpy(model(x))

    def evaluating(model):
        for x, y in batches():
            yield x, y + model.evaluate(x, y, verbose=0)

    for source in (predicting, calling, evaluating):
        same(*both(source, monkeypatch))


def test_a_source_that_trains_the_model(backend, monkeypatch):
    def training(model):
        for x, y in batches(5):
            model.train_on_batch(x, -y)
            yield x, y

    same(*both(training, monkeypatch))


def test_another_thread_may_still_not_train_it(threads):
    model, errors = net(), []

    def other():
        try:
            model.train_on_batch(X, Y)
        except RuntimeError as error:
            errors.append(str(error))

    class Beside(unidl.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            thread = threading.Thread(target=other)
            thread.start()
            thread.join()

    model.fit(batches(2), verbose=0, callbacks=[Beside()])
    assert len(errors) == 2
    assert "another thread trains this model" in errors[0]


def test_random_numbers_come_in_the_same_order(backend, monkeypatch):
    def drawing(model):
        for x, y in batches():
            noise = unidl.ops.convert_to_numpy(unidl.random.normal(x.shape))
            yield x + noise, y

    class Draw(unidl.callbacks.Callback):
        drawn = 0.0

        def on_train_batch_end(self, batch, logs=None):
            self.drawn += float(unidl.random.uniform(()))

    draws = Draw(), Draw()
    with_dropout = [
        trained(drawing, monkeypatch, slow_s, net(0.3), callbacks=[draw])
        for slow_s, draw in zip((1e9, -1.0), draws, strict=True)
    ]
    same(*with_dropout)
    assert draws[0].drawn == draws[1].drawn != 0


def test_a_run_that_was_killed_goes_on_at_its_batch(threads, tmp_path):
    class Killed(Exception):
        pass

    class Kill(unidl.callbacks.Callback):
        at = 13

        def on_train_batch_end(self, batch, logs=None):
            if int(self.model.optimizer.iterations) == Kill.at:
                raise Killed

    class Source(unidl.utils.PyDataset):
        def __len__(self):
            return 10

        def __getitem__(self, i):
            return X[4 * i :][:4], Y[4 * i :][:4]

    whole = net(0.2)
    whole.fit(Source(), epochs=3, verbose=0)
    for Kill.at in (13, -1):
        model = net(0.2)
        backup = unidl.callbacks.BackupAndRestore(tmp_path, save_freq=3)
        with suppress(Killed):
            model.fit(Source(), epochs=3, verbose=0, callbacks=[Kill(), backup])
    same(model.get_weights(), whole.get_weights())


def test_a_launch_takes_what_is_ready():
    may_go = threading.Event()

    def items():
        yield 1
        yield 2
        yield 3
        may_go.wait()
        yield 4

    made = Ahead(items(), tuple, depth=3, thread="from the start")
    assert made.next() == 1
    while len(made._ready) < 2:
        time.sleep(0.001)
    found = [2] if made.next() == 2 else []
    while made.has_next():
        found.append(made.next())
    assert found == [2, 3]
    may_go.set()
    assert made.next() == 4
    assert made.next() is made.next() is None
    made.close()


def test_no_more_is_drawn_than_is_allowed():
    drawn = []

    def items():
        for i in range(100):
            drawn.append(i)
            yield i

    made = Ahead(items(), tuple, thread="from the start")
    made.allow(3)
    assert [made.next() for _ in range(3)] == [0, 1, 2]
    time.sleep(0.02)
    assert drawn == [0, 1, 2]
    made.allow(None)
    assert made.next() == 3
    made.close()
    assert len(drawn) < 9


def test_a_source_that_does_not_end_is_told(monkeypatch):
    monkeypatch.setattr(ahead, "PATIENCE_S", 0.05)
    forever = threading.Event()

    def stuck():
        yield 1
        forever.wait()
        yield 2

    made = Ahead(stuck(), tuple, thread="from the start")
    assert made.next() == 1
    with pytest.warns(RuntimeWarning, match="Its thread ends when that batch is ready"):
        made.close()
    forever.set()
    made._thread.join()

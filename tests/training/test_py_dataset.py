"""Batches by their number: order, hooks, threads, errors."""

import threading

import numpy as np
import pytest

import unidl

X = np.arange(24, dtype="float32").reshape(12, 2)


class Source(unidl.utils.PyDataset):
    """Three batches of four; notes what is asked for, when and where."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.asked, self.epochs, self.threads = [], [], set()

    def __len__(self):
        return 3

    def __getitem__(self, index):
        self.asked.append(index)
        self.threads.add(threading.current_thread())
        rows = X[4 * index : 4 * index + 4]
        return rows, rows[:, :1]

    def on_epoch_begin(self):
        self.epochs.append("begin")

    def on_epoch_end(self):
        self.epochs.append("end")


def trained(source, **kwargs):
    unidl.utils.set_random_seed(0)
    model = unidl.Sequential([unidl.Input((2,)), unidl.layers.Dense(1)])
    model.compile("sgd", "mae")
    model.fit(source, epochs=2, verbose=0, **kwargs)
    return model.get_weights()[0]


def test_each_epoch_takes_every_batch_in_a_new_order_between_the_hooks():
    source = Source()
    trained(source)
    asked = source.asked[-6:]
    assert sorted(asked[:3]) == sorted(asked[3:]) == [0, 1, 2]
    assert source.epochs == ["begin", "end"] * 2
    source = Source()
    trained(source, shuffle=False)
    assert source.asked[-6:] == [0, 1, 2] * 2
    assert source.num_batches == 3


def test_threads_make_the_same_batches():
    source = Source(workers=3, max_queue_size=2)
    np.testing.assert_array_equal(trained(source), trained(Source()))
    assert len(source.threads) > 1


def test_what_is_not_offered_is_said():
    with pytest.raises(ValueError, match="workers must be an integer of 0 or more, got -1"):
        Source(workers=-1)
    with pytest.raises(NotImplementedError, match="__len__"):
        len(unidl.utils.PyDataset())
    with pytest.raises(NotImplementedError, match="__getitem__"):
        unidl.utils.PyDataset()[0]
    assert unidl.utils.Sequence is unidl.utils.PyDataset


def test_an_error_in_a_thread_arrives():
    class Broken(Source):
        def __getitem__(self, index):
            if index == 2:
                raise RuntimeError("batch 2 is broken")
            return super().__getitem__(index)

    with pytest.raises(RuntimeError, match="batch 2"):
        trained(Broken(workers=2))

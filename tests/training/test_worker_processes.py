"""Batches made by other processes."""

import multiprocessing
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
import traceback

import numpy as np
import pytest

import unidl

X = np.arange(24, dtype="float32").reshape(12, 2) / 24


class Source(unidl.utils.PyDataset):
    """Three batches, which tell in the second column of y who made them."""

    broken_at, sleeps = None, 0.0

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.epoch = 0

    def __len__(self):
        return 3

    def __getitem__(self, index):
        if index == self.broken_at:
            raise KeyError("no such row")
        time.sleep(self.sleeps)
        x = X[4 * index : 4 * index + 4] + self.epoch
        drawn = np.random.normal(size=(4, 1))  # noqa: NPY002  as users do
        return x, np.concatenate([drawn, np.full((4, 1), os.getpid())], 1)

    def on_epoch_end(self):
        self.epoch += 1


def fitted(source, epochs=2, shuffle=True, **kwargs):
    """[(x, y)] of the batches that came, in their order."""
    seen = []

    class Net(unidl.Model):
        def train_step(self, data):
            seen.append([unidl.ops.convert_to_numpy(part) for part in data])
            return {"loss": 0.0}

    unidl.utils.set_random_seed(0)
    model = Net()
    model.compile("sgd", run_eagerly=True)
    model.fit(source, epochs=epochs, shuffle=shuffle, verbose=0, **kwargs)
    return seen


@pytest.fixture(autouse=True)
def on_numpy():
    with unidl.backend.use_backend("numpy"):
        yield
    assert multiprocessing.active_children() == []


def test_processes_make_the_same_batches_in_the_same_order():
    expected = fitted(Source(), epochs=3)
    found = fitted(Source(workers=2, use_multiprocessing=True, max_queue_size=2), epochs=3)
    # What on_epoch_end changes is known to the workers, too.
    np.testing.assert_array_equal([x for x, _ in found], [x for x, _ in expected])
    makers = {y[0, 1] for _, y in found}
    assert os.getpid() not in makers
    assert len(makers) <= 2
    one = fitted(Source(workers=1, use_multiprocessing=True), epochs=3)
    for (_, a), (_, b) in zip(one, found, strict=True):
        np.testing.assert_array_equal(a[:, 0], b[:, 0])  # the same random numbers
    assert len({float(y[0, 0]) for _, y in found}) == 9


def test_an_error_has_the_traceback_of_the_worker_and_steps_end_a_pass_early():
    source = Source(workers=2, use_multiprocessing=True)
    source.broken_at = 2
    with pytest.raises(KeyError, match="no such row") as caught:
        fitted(source, shuffle=False)
    assert "in __getitem__" in "".join(traceback.format_exception(caught.value))
    source.sleeps = 0.05
    assert len(fitted(source, shuffle=False, epochs=1, steps_per_epoch=2)) == 2


def test_what_cannot_be_sent_is_told_before_a_process_starts():
    source = Source(workers=2, use_multiprocessing=True)
    source.rows = lambda i: i
    with pytest.raises(TypeError, match=r"cannot be pickled.*use_multiprocessing=False"):
        fitted(source)


SCRIPT = """
import os, sys, time
import numpy as np
import unidl

class Source(unidl.utils.PyDataset):
    def __len__(self):
        return 1000

    def __getitem__(self, i):
        if i and __name__ != "__main__":
            print("worker", os.getpid(), flush=True)
            {inside}
        return np.ones((2, 2)), np.ones((2, 1))

{guard}
    model = unidl.Sequential([unidl.Input((2,)), unidl.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(Source(workers=2, use_multiprocessing=True), verbose=0)
"""
GUARD = 'if __name__ == "__main__":'


def script(folder, inside="time.sleep(30)", guard=GUARD):
    path = folder / "script.py"
    path.write_text(textwrap.dedent(SCRIPT).format(inside=inside, guard=guard))
    return subprocess.Popen(
        [sys.executable, str(path)],
        env={**os.environ, "UNIDL_BACKEND": "numpy"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def is_running(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{process}/stat") as stat:
        return stat.read().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_workers_end_with_the_process_of_fit(tmp_path, how):
    with script(tmp_path) as process:
        workers = {int(process.stdout.readline().split()[1]) for _ in range(2)}
        process.send_signal(how)
        process.wait(30)
        deadline = time.monotonic() + 10
        while any(map(is_running, workers)) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not any(map(is_running, workers))
        process.stdout.close()
        process.stderr.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("inside", "guard", "told"),
    [
        ("os._exit(3)", GUARD, "a worker process ended while it made batch .*exit code 3"),
        ("pass", "if True:", 'must be below `if __name__ == "__main__":`'),
    ],
)
def test_a_worker_that_ends_is_told(tmp_path, inside, guard, told):
    with script(tmp_path, inside, guard) as process:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 1
        assert re.search(told, errors), errors

"""A run that is killed at any moment and started again ends as one that was not."""

import os
import random
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import unidl
from tests.training.test_own_steps import gan
from unidl import callbacks, layers, losses, optimizers
from unidl.backend import use_backend

pytest.importorskip("h5py")

EPOCHS, BATCH = 4, 8
X = np.random.default_rng(0).normal(size=(50, 6))
Y = np.random.default_rng(1).integers(0, 3, 50)


class Killed(BaseException):
    """Nobody catches it."""


class Kill(callbacks.Callback):
    """Before batch `at[1]` of epoch `at[0]`."""

    def __init__(self, at):
        super().__init__()
        self._is_at = lambda *now: now == at  # a function is no state of the run

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch

    def on_train_batch_begin(self, batch, logs=None):
        if self._is_at(self._epoch, batch):
            raise Killed


def network():
    layer = {"dtype": "float64"}
    model = unidl.Sequential(
        [
            unidl.Input((6,), **layer),
            layers.Dense(8, activation="relu", **layer),
            layers.BatchNormalization(**layer),
            layers.Dropout(0.4, **layer),
            layers.Dense(3, **layer),
        ]
    )
    rate = optimizers.schedules.CosineDecay(0.05, 40)
    loss = losses.SparseCategoricalCrossentropy(from_logits=True, dtype="float64")
    model.compile(optimizers.AdamW(rate), loss, metrics=["accuracy"])
    return model


def endless():
    drawn = np.random.default_rng(5)
    while True:
        rows = drawn.integers(0, 50, BATCH)
        yield X[rows], Y[rows]


class Loader(unidl.utils.PyDataset):
    def __len__(self):
        return 6

    def __getitem__(self, i):
        return X[i * BATCH : (i + 1) * BATCH], Y[i * BATCH : (i + 1) * BATCH]


DATA = {
    "arrays": lambda: {"x": X, "y": Y, "batch_size": BATCH},
    "steps": lambda: {"x": X, "y": Y, "batch_size": BATCH, "steps_per_epoch": 5},
    "endless": lambda: {"x": endless(), "steps_per_epoch": 5},
    "loader": lambda: {"x": Loader()},
}


def run(data, folder=None, freq="epoch", kill=None, seed=7, make=network):
    """(weights, history, counter of random numbers) at the end of `fit`."""
    unidl.utils.clear_session(free_memory=False)
    unidl.utils.set_random_seed(seed)
    model = make()
    watched = "loss" if make is network else "judge_loss"
    stop = callbacks.EarlyStopping(watched, mode="min", patience=30, restore_best_weights=True)
    found = [stop, Kill(kill)]
    if folder is not None:
        found.insert(0, callbacks.BackupAndRestore(folder, save_freq=freq))
    history = model.fit(**data, epochs=EPOCHS, callbacks=found, verbose=0).history
    return model.get_weights(), history, unidl.random.get_global_state()["counter"]


def killed_and_resumed(data, folder, freq, kill, make=network):
    with pytest.raises(Killed):
        run(data(), folder, freq, kill, make=make)
    # A new process has other random numbers, which the backup's replace.
    return run(data(), folder, freq, seed=99, make=make)


def assert_same(found, wanted):
    for one, other in zip(found[0], wanted[0], strict=True):
        np.testing.assert_array_equal(one, other)
    assert found[1:] == wanted[1:]


@cache
def whole(data, backend):
    """The run that was not killed."""
    with use_backend(backend):
        return run(DATA[data]())


QUICK = [
    ("arrays", "epoch", (1, 3)),
    ("arrays", 2, (0, 3)),
    ("steps", 3, (1, 4)),
    ("endless", 1, (3, 2)),
    ("loader", "epoch", (2, 0)),
]
MOMENTS = [("epoch", (2, 0)), ("epoch", (1, 3)), (2, (0, 3)), (3, (1, 4)), (1, (3, 2))]
ALL = [(data, *moment) for data in DATA for moment in MOMENTS]


@pytest.mark.quick_on("numpy", "torch", "mxnet")
@pytest.mark.parametrize(
    ("data", "freq", "kill"),
    [pytest.param(*row, marks=() if row in QUICK else pytest.mark.slow) for row in ALL],
)
def test_to_the_bit(backend, tmp_path, data, freq, kill):
    found = killed_and_resumed(DATA[data], tmp_path / "b", freq, kill)
    assert_same(found, whole(data, backend.name))
    assert not (tmp_path / "b").exists()  # since the run has ended


def test_killed_before_the_first_backup(backend, tmp_path):
    with pytest.raises(Killed):
        run(DATA["arrays"](), tmp_path / "b", "epoch", (0, 2))
    assert_same(run(DATA["arrays"](), tmp_path / "b"), whole("arrays", backend.name))


@pytest.mark.quick_on("numpy", "torch", "mxnet")
def test_killed_twice(backend, tmp_path):
    for kill in ((1, 2), (2, 5)):
        with pytest.raises(Killed):
            run(DATA["arrays"](), tmp_path / "b", 2, kill, seed=kill[0] * 7)
    with pytest.raises(Killed):
        run(DATA["arrays"](), tmp_path / "b", 2, (3, 1), seed=3)
    resumed = run(DATA["arrays"](), tmp_path / "b", 2, seed=4)
    assert_same(resumed, whole("arrays", backend.name))


def test_goes_on_on_another_backend(backend, tmp_path):
    wanted = whole("arrays", backend.name)
    with pytest.raises(Killed):
        run(DATA["arrays"](), tmp_path / "b", 2, (2, 3))
    with use_backend("numpy"):
        found = run(DATA["arrays"](), tmp_path / "b", 2, seed=99)
    for one, other in zip(found[0], wanted[0], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-12)
    for name, values in wanted[1].items():
        np.testing.assert_allclose(found[1][name], values, rtol=1e-10)


def test_a_step_of_ones_own_with_two_optimizers(backend, tmp_path):
    data = {"x": X, "batch_size": 10, "shuffle": True}
    wanted = run(data, make=gan)
    found = killed_and_resumed(lambda: data, tmp_path / "b", 2, (2, 3), make=gan)
    for one, other in zip(found[0], wanted[0], strict=True):
        # Of a run that is resumed the first step is plain Python, in the others it is compiled.
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-12)


def test_patience_goes_on(backend, tmp_path):
    def fit(until):
        class Flat(callbacks.Callback):
            def on_epoch_end(self, epoch, logs=None):
                logs["flat"] = 1.0
                if epoch == until:
                    raise Killed

        model, flat = network(), Flat()
        stop = callbacks.EarlyStopping("flat", mode="min", patience=4)
        backup = callbacks.BackupAndRestore(tmp_path / "b")
        order = [flat, stop, backup]
        model.fit(X, Y, epochs=20, callbacks=order, verbose=0)
        return stop.stopped_epoch

    with pytest.raises(Killed):
        fit(3)
    assert fit(None) == 4


# -- what is on the disk ---------------------------------------------------------------------------


def killed(folder, kill=(2, 3), freq=1):
    with use_backend("numpy"), pytest.raises(Killed):
        run(DATA["arrays"](), folder, freq, kill)


def test_a_damaged_backup_gives_way_to_the_one_before(tmp_path):
    killed(tmp_path)
    latest = tmp_path / "latest.backup.h5"
    latest.write_bytes(latest.read_bytes()[:-100])
    with (
        use_backend("numpy"),
        pytest.warns(UserWarning, match=r"latest\.backup\.h5.*The previous backup is used"),
    ):
        found = run(DATA["arrays"](), tmp_path, 1, seed=99)
    assert_same(found, whole("arrays", "numpy"))


def test_two_damaged_backups_are_an_error(tmp_path):
    killed(tmp_path)
    for path in tmp_path.iterdir():
        path.write_bytes(path.read_bytes()[:1000])
    with (
        pytest.warns(UserWarning, match="The previous backup"),
        pytest.raises(ValueError, match=r"before\.backup\.h5 is not an HDF5 file, or it is"),
    ):
        run(DATA["arrays"](), tmp_path, 1)
    assert len(list(tmp_path.iterdir())) == 2


def other_network():
    model = unidl.Sequential([unidl.Input((6,)), layers.Dense(3)])
    model.compile("sgd", losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def test_the_backup_of_another_model_changes_nothing(backend, tmp_path):
    killed(tmp_path, kill=(1, 0), freq="epoch")
    model = other_network()
    before = model.get_weights()
    stop = callbacks.EarlyStopping("loss", patience=30, restore_best_weights=True)
    backup = callbacks.BackupAndRestore(tmp_path)
    with pytest.raises(ValueError, match=r"latest\.backup\.h5 is not loaded: it has 1 random"):
        model.fit(X, Y, callbacks=[backup, stop, Kill(None)], verbose=0)
    for one, other in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_interrupted_a_run_may_be_gone(tmp_path):
    killed(tmp_path, kill=(1, 0), freq="epoch")
    stop = callbacks.EarlyStopping("loss", patience=30, restore_best_weights=True)
    backup = callbacks.BackupAndRestore(tmp_path)
    history = network().fit(X, Y, epochs=3, callbacks=[backup, stop], verbose=0)
    assert history.epoch == [0, 1, 2]
    assert stop.best == min(history.history["loss"])


def test_a_new_callback_begins_anew(tmp_path):
    killed(tmp_path, kill=(1, 0), freq="epoch")
    given = [callbacks.BackupAndRestore(tmp_path), callbacks.LambdaCallback()]
    with pytest.warns(UserWarning, match="without this LambdaCallback, which starts anew"):
        network().fit(X, Y, epochs=2, callbacks=given, verbose=0)


def test_backups_may_stay(tmp_path):
    found = callbacks.BackupAndRestore(tmp_path, delete_checkpoint=False)
    network().fit(X, Y, epochs=2, callbacks=[found], verbose=0)
    assert {path.name for path in tmp_path.iterdir()} == {"latest.backup.h5", "before.backup.h5"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"backup_dir": ""}, "backup_dir must be the path of a folder"),
        ({"backup_dir": 3}, "backup_dir must be the path of a folder"),
        ({"backup_dir": "b", "save_freq": 0}, 'save_freq must be "epoch" or a positive integer'),
        ({"backup_dir": "b", "save_freq": "batch"}, 'must be "epoch" or a positive integer'),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        callbacks.BackupAndRestore(**arguments)


# -- real deaths -----------------------------------------------------------------------------------

# Each run is a fork of a process that has imported the framework: all of its time is worth a kill.
_SERVER = """
import os, sys
import numpy as np
from tests.callbacks import test_backup_and_restore as t
from unidl.backend import use_backend

def run(folder, out):
    weights, history, counter = t.run(t.DATA["arrays"](), folder or None, 1)
    np.savez(out + ".npz", *weights, *map(np.asarray, history.values()), counter)
    os.replace(out + ".npz", out)

with use_backend(os.environ["UNIDL_BACKEND"]):
    for line in sys.stdin:
        child = os.fork()
        if not child:
            run(*line[:-1].split("\\t"))
            os._exit(0)
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Server:
    """Runs of `fit` in processes of their own."""

    def __init__(self, backend):
        root = Path(__file__).parents[2]
        environment = os.environ | {
            "UNIDL_BACKEND": backend,
            "PYTHONPATH": os.pathsep.join([str(root), *sys.path]),
        }
        command, pipe = [sys.executable, "-c", _SERVER], subprocess.PIPE
        self._process = subprocess.Popen(
            command, env=environment, stdin=pipe, stdout=pipe, bufsize=0
        )

    def run(self, folder, out, seconds=None):
        """Whether the run came to its end; else it was killed after so many seconds."""
        self._process.stdin.write(f"{folder}\t{out}\n".encode())
        child = int(self._process.stdout.readline())
        came, _, _ = select.select([self._process.stdout], [], [], seconds)
        if not came:
            with suppress(ProcessLookupError):  # it came to its end just now
                os.kill(child, signal.SIGKILL)
        status = int(self._process.stdout.readline())
        assert status == 0 or (status == -signal.SIGKILL and not came)
        return status == 0

    def close(self):
        self._process.stdin.close()
        self._process.wait()


def arrays_of(path):
    with np.load(path) as found:
        return [found[name] for name in found.files]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_killed_by_the_system_at_random_moments(tmp_path):
    """UNIDL_KILLS kills where it is set, as `make chaos` does, on UNIDL_BACKEND."""
    kills = int(os.environ.get("UNIDL_KILLS", "4"))
    server = Server(os.environ.get("UNIDL_BACKEND", "numpy"))
    server.run("", tmp_path / "whole.npz")
    started = time.monotonic()
    server.run(tmp_path / "timed", tmp_path / "timed.npz")
    lasts = time.monotonic() - started
    wanted, drawn, died, runs = arrays_of(tmp_path / "whole.npz"), random.Random(0), 0, 0
    while died < kills:
        out = tmp_path / "resumed.npz"
        out.unlink(missing_ok=True)
        while not server.run(tmp_path / "b", out, lasts * drawn.uniform(0, 1.2)):
            died += 1
        runs += 1
        for one, other in zip(arrays_of(out), wanted, strict=True):
            np.testing.assert_array_equal(one, other)
    server.close()
    print(f"{died} kills, {runs} runs that ended, each to the bit as the one that was not killed")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_killed_at_every_call_of_the_system_in_one_backup(tmp_path):
    """Each time the state is that of the backup before or of this one."""
    with use_backend("numpy"):
        model = network()
        model.fit(X, Y, epochs=1, verbose=0)
        backup, found = callbacks.BackupAndRestore(tmp_path), []
        backup.set_model(model)
        backup.save(found, {"number": 1})
        backup.writer.wait()
        number, finished = 0, False
        while not finished:
            number += 1
            child = os.fork()
            if not child:
                _die_at_call(number)
                backup.save(found, {"number": number + 1})
                backup.writer.wait()
                os._exit(0)
            finished = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
            progress = backup.restore(found)["number"]
            assert progress <= number + 1
            # The file that was there is whole again for the next.
            backup.save(found, {"number": number})
            backup.writer.wait()
        assert number > 8
        assert progress == number + 1
        hidden = [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]
        assert len(hidden) <= 1, hidden  # one name for one moment, where the death was just there


def _die_at_call(number):
    """Let the process end at its `number`th call of what changes files."""
    count = 0

    def wrapped(function):
        def call(*args, **kwargs):
            nonlocal count
            count += 1
            if count == number:
                os._exit(9)
            return function(*args, **kwargs)

        return call

    for name in ("open", "replace", "link", "remove", "fsync", "makedirs", "chmod", "close"):
        setattr(os, name, wrapped(getattr(os, name)))

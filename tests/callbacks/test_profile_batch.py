"""TensorBoard(profile_batch=...): traces of the framework's own profiler."""

import gzip
import json
import warnings
from contextlib import contextmanager

import numpy as np
import pytest

import unidl
from unidl import callbacks
from unidl.backend import UnsupportedError
from unidl.callbacks import batch_trace

pytest.importorskip("tensorboardX")

X, Y = np.ones((8, 3), "float32"), np.ones((8, 1), "float32")


@pytest.fixture
def tracing(backend):
    if not backend.profiles:
        pytest.skip("the framework has no profiler")
    return backend


def network():
    model = unidl.Sequential([unidl.Input((3,)), unidl.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


def fit(model, folder, batches, more=(), **arguments):
    board = callbacks.TensorBoard(folder, write_graph=False, profile_batch=batches)
    arguments = {"batch_size": 1, "epochs": 1, "verbose": 0} | arguments
    return model.fit(X, Y, callbacks=[board, *more], **arguments)


def traces(folder):
    """The folders of traces, oldest first."""
    return sorted((folder / "plugins" / "profile").glob("*"), key=lambda p: p.stat().st_mtime_ns)


def events(run):
    """The number of events in a trace that has files of one framework."""
    files = {path.name: path for path in run.iterdir()}
    assert files
    assert all(path.is_file() and path.stat().st_size for path in files.values())
    for name, path in files.items():
        if name.endswith(".json.gz"):
            return len(json.loads(gzip.decompress(path.read_bytes()))["traceEvents"])
        if name.endswith(".json"):
            found = json.loads(path.read_text())["traceEvents"]
            return sum(event["ph"] != "M" for event in found)
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    (path,) = files.values()
    space = xplane_pb2.XSpace.FromString(path.read_bytes())
    return sum(len(line.events) for plane in space.planes for line in plane.lines)


@contextmanager
def noted_calls(backend, monkeypatch):
    """A list of "start", "stop", into which more can be written."""
    noted = []
    profile = type(backend).profile

    @contextmanager
    def watched(self, folder):
        noted.append("start")
        with profile(self, folder):
            yield
        noted.append("stop")

    monkeypatch.setattr(type(backend), "profile", watched)
    yield noted


@pytest.mark.parametrize(
    ("batches", "steps", "expected"),
    [
        (2, 1, [1, "start", 2, "stop", 3, 4, 5, 6, 7, 8]),
        ((2, 4), 1, [1, "start", 2, 3, 4, "stop", 5, 6, 7, 8]),
        ("2,3", 1, [1, "start", 2, 3, "stop", 4, 5, 6, 7, 8]),
        ((4, 5), 2, [2, "start", 4, 6, "stop", 8]),  # whole launches
        ((7, 99), 1, [1, 2, 3, 4, 5, 6, "start", 7, 8, "stop"]),
    ],
)
def test_the_batches_that_are_asked_for(tracing, tmp_path, monkeypatch, batches, steps, expected):
    model = network()
    model.compile("sgd", "mse", steps_per_execution=steps)
    with noted_calls(tracing, monkeypatch) as noted:
        # After the board, so a number before "stop" is that of a batch which was run inside.
        watch = callbacks.LambdaCallback(on_train_batch_begin=lambda b, _: noted.append(b + steps))
        fit(model, tmp_path, batches, [watch])
    assert noted == expected
    (run,) = traces(tmp_path)
    assert events(run) > 0


def test_more_batches_have_more_events(tracing, tmp_path):
    model = network()
    fit(model, tmp_path / "warm", 0)
    fit(model, tmp_path / "one", 3)
    fit(model, tmp_path / "six", (3, 8))
    one, six = (events(traces(tmp_path / name)[0]) for name in ("one", "six"))
    assert not traces(tmp_path / "warm")
    assert 0 < 2 * one < six


def test_each_fit_writes_its_own(tracing, tmp_path):
    model = network()
    board = callbacks.TensorBoard(tmp_path, write_graph=False, profile_batch=2)
    for _ in range(2):
        model.fit(X, Y, batch_size=1, epochs=2, verbose=0, callbacks=[board])
    assert len(traces(tmp_path)) == 2
    assert all(events(run) > 0 for run in traces(tmp_path))


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_nothing_runs_on_after_an_error(tracing, tmp_path, error):
    def fail(batch, logs):
        if batch == 3:
            raise error

    model = network()
    with pytest.raises(error):
        fit(model, tmp_path, (2, 6), [callbacks.LambdaCallback(on_train_batch_begin=fail)])
    assert len(traces(tmp_path)) == 1
    assert events(traces(tmp_path)[0]) > 0
    fit(model, tmp_path / "next", 2)  # a profiler that was running would refuse
    assert events(traces(tmp_path / "next")[0]) > 0


def test_a_range_after_the_end_is_said(tracing, tmp_path):
    with pytest.warns(UserWarning, match="begins at batch 20, and training ended after 8"):
        fit(network(), tmp_path, (20, 30))
    assert not traces(tmp_path)


def test_a_framework_without_a_profiler_says_what_to_use(backend, tmp_path):
    if backend.profiles:
        pytest.skip("the framework has one")
    with pytest.raises(UnsupportedError, match=r"profile_batch.*callbacks\.Profiler\(\)"):
        fit(network(), tmp_path, 2)
    with pytest.raises(UnsupportedError, match=r"no profiler.*callbacks\.Profiler\(\)"):
        backend.profile(str(tmp_path))
    fit(network(), tmp_path, 0)


@pytest.mark.parametrize("batches", [-1, (3, 2), (0, 5), (1, 2, 3), 1.5, True, "a", "1,b", None])
def test_what_is_no_range_is_refused(tmp_path, batches):
    with pytest.raises(ValueError, match=r"profile_batch=.*profile_batch=\(10, 20\)"):
        callbacks.TensorBoard(tmp_path, profile_batch=batches)


def test_off(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for batches in (0, (0, 0), "0"):
            assert batch_trace.batches_of(batches) is None

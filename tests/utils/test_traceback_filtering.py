"""What a user sees of an error: his own lines and the one that raised."""

import os
import subprocess
import sys
import traceback

import numpy as np
import pytest

import unidl
from unidl import layers, ops

X = np.ones((8, 5), "float32")


@pytest.fixture(autouse=True)
def restored():
    before = unidl.config.is_traceback_filtering_enabled()
    unidl.config.enable_traceback_filtering()
    yield
    (
        unidl.config.enable_traceback_filtering
        if before
        else unidl.config.disable_traceback_filtering
    )()


class Wrong(layers.Layer):
    def call(self, x):
        return ops.matmul(x, np.ones((7, 3), "float32"))


class Outer(unidl.Model):
    def __init__(self):
        super().__init__()
        self.inner = Wrong()

    def call(self, x):
        return self.inner(x)


class Stops(unidl.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        raise KeyboardInterrupt


def _fit(model, callbacks=None):
    model.compile("sgd", "mse")
    model.fit(X, np.ones((8, 3), "float32"), verbose=0, callbacks=callbacks)


def _given_too_many_columns():
    model = unidl.Sequential([unidl.Input((4,)), layers.Dense(3)])
    _fit(model)


def _stopped():
    _fit(unidl.Sequential([unidl.Input((5,)), layers.Dense(3)]), [Stops()])


# name: (what fails, its error, the functions of this file on the way, frames of others at most)
CASES = {
    "layer": (lambda: Wrong()(X), ValueError, ["<lambda>", "call"], 2),
    "layers in layers": (lambda: Outer()(X), ValueError, ["<lambda>", "call", "call"], 2),
    "op": (lambda: ops.matmul(X, X), ValueError, ["<lambda>"], 2),
    "fit": (_given_too_many_columns, ValueError, ["_given_too_many_columns", "_fit"], 2),
    "a call in fit": (lambda: _fit(Outer()), ValueError, ["<lambda>", "_fit", "call", "call"], 2),
    "stopped": (_stopped, KeyboardInterrupt, ["_stopped", "_fit", "on_epoch_end"], 1),
}


@pytest.mark.parametrize("name", CASES)
def test_only_the_users_frames_and_the_raising_one_are_shown(backend, name):
    function, kind, own, others = CASES[name]
    with pytest.raises(kind) as filtered:
        function()
    found = traceback.extract_tb(filtered.value.__traceback__)[1:]  # without this function
    assert [frame.name for frame in found if frame.filename == __file__] == own
    assert len(found) <= len(own) + others
    unidl.config.disable_traceback_filtering()
    with pytest.raises(kind) as whole:
        function()
    frames = traceback.extract_tb(whole.value.__traceback__)[1:]
    assert len(frames) > len(found)
    assert type(whole.value) is type(filtered.value)
    assert frames[-1][:3] == found[-1][:3]


def test_causes_stay_chained(backend):
    class Careful(layers.Layer):
        def call(self, x):
            try:
                return ops.matmul(x, x)
            except ValueError as error:
                raise RuntimeError("the table does not fit") from error

    with pytest.raises(RuntimeError, match="the table does not fit") as caught:
        Careful()(X)
    assert isinstance(caught.value.__cause__, ValueError)
    assert "matmul: the shapes (8, 5) and (8, 5)" in str(caught.value.__cause__)
    names = [f.name for f in traceback.extract_tb(caught.value.__cause__.__traceback__)]
    assert names[0] == "call"


def test_the_environment_switches_it_off():
    code = "import unidl; print(unidl.config.is_traceback_filtering_enabled())"
    found = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "UNIDL_TRACEBACK_FILTERING": value},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for value in ("0", "1")
    ]
    assert found == ["False", "True"]


def test_warnings_name_the_line_of_the_user(backend):
    model = unidl.Sequential([unidl.Input((5,)), layers.Dense(3)])
    model.compile("sgd", "mse")
    x = np.where(np.eye(8, 5) > 0, np.nan, X).astype("float32")
    for call in (
        lambda: model.evaluate(x, np.ones((8, 3), "float32"), verbose=0),
        lambda: model.predict(x, verbose=0),
        lambda: model.train_on_batch(x, np.ones((8, 3), "float32")),
        lambda: model.fit(x, np.ones((8, 3), "float32"), verbose=0),
    ):
        with pytest.warns(RuntimeWarning) as caught:
            call()
        assert {w.filename for w in caught} == {__file__}

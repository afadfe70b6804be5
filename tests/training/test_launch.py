"""Several steps in one launch give exactly what as many single steps give."""

from itertools import pairwise

import numpy as np
import pytest

import unidl
from unidl import layers
from unidl.backend import Variable
from unidl.callbacks.progress.display import Display
from unidl.training import loop
from unidl.training.data import make_batches

N, BATCH = 86, 4
X = np.random.default_rng(0).normal(size=(N, 6)).astype("float32")
Y = np.random.default_rng(1).integers(0, 3, N)


class Watching(unidl.callbacks.Callback):
    """Wants every batch."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append(batch)


def make(**settings):
    """Dropout, batch statistics, regularizers, a schedule and a metric with state: all that a step
    may change."""
    unidl.utils.clear_session(free_memory=False)
    unidl.utils.set_random_seed(4)
    model = unidl.Sequential(
        [
            unidl.Input((6,)),
            layers.Dense(8, activation="tanh", kernel_regularizer="l2"),
            layers.BatchNormalization(),
            layers.Dropout(0.3),
            layers.Dense(3, activation="softmax"),
        ]
    )
    schedule = unidl.optimizers.schedules.ExponentialDecay(0.01, 5, 0.9)
    optimizer = unidl.optimizers.AdamW(schedule, use_ema=True, ema_overwrite_frequency=7)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"], **settings)
    return model


def batches():
    """Batches in two sizes, and an odd one in between."""
    sizes = [BATCH] * 7 + [3] + [BATCH] * 5 + [2, 2, 2]
    starts = np.cumsum([0, *sizes])
    return [(X[a:b], Y[a:b]) for a, b in pairwise(starts)]


class Iterable:
    """Not a list, which would be several inputs."""

    def __iter__(self):
        return iter(batches())


def endless():
    while True:
        yield from batches()


FITS = {
    "arrays": lambda m, **more: m.fit(
        X, Y, batch_size=BATCH, epochs=3, validation_split=0.2, verbose=0, **more
    ),
    "steps": lambda m, **more: m.fit(
        X, Y, batch_size=BATCH, epochs=4, steps_per_epoch=9, verbose=0, **more
    ),
    "iterable": lambda m, **more: m.fit(Iterable(), epochs=3, verbose=0, **more),
    "generator": lambda m, **more: m.fit(
        endless(), epochs=4, steps_per_epoch=11, verbose=0, **more
    ),
}


FREE, FIVE = {}, {"steps_per_execution": 5}
QUICK = [("arrays", FREE), ("generator", FREE), ("steps", FIVE), ("iterable", FIVE)]


@pytest.mark.parametrize(
    ("fit", "settings"),
    [
        pytest.param(
            FITS[fit],
            settings,
            id=f"{name}, {fit}",
            marks=() if (fit, settings) in QUICK else pytest.mark.slow,
        )
        for fit in FITS
        for name, settings in (("free", FREE), ("five", FIVE))
    ],
)
def test_launches_change_no_bit(backend, monkeypatch, fit, settings):
    monkeypatch.setattr(loop, "LAUNCH_S", 1e9)  # as many as the backend likes
    single, launched = make(), make(**settings)
    expected = fit(
        single, callbacks=[Watching()]
    ).history  # a hook for batches: one step after the other
    launched = make(**settings)
    found = fit(launched).history
    assert found == expected
    for ours, theirs in zip(launched.get_weights(), single.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert int(launched.optimizer.iterations) == int(single.optimizer.iterations)
    assert launched.evaluate(X, Y, batch_size=BATCH, verbose=0) == single.evaluate(
        X, Y, batch_size=BATCH, verbose=0
    )


def test_the_default_body_of_in_one_launch(backend):
    v = Variable([1.0, 2.0])
    step = backend.compile(lambda x: v.assign(v.value * x).value + 0, [v])
    last = backend.in_one_launch(step)(backend.asarray([[2.0, 3.0], [5.0, 7.0]]))
    assert backend.to_numpy(last).tolist() == v.numpy().tolist() == [10.0, 42.0]


def test_a_launch_is_one_call(backend, monkeypatch):
    """A backend that likes several steps gets them; the first step is alone, to see how long one
    takes."""
    sizes = []
    monkeypatch.setattr(loop, "LAUNCH_S", 1e9)
    original = type(backend).in_one_launch

    def counting(self, step):
        run = original(self, step)
        return lambda *stacked: sizes.append(stacked[0].shape[0]) or run(*stacked)

    monkeypatch.setattr(type(backend), "in_one_launch", counting)
    make().fit(X[:81], Y[:81], batch_size=1, epochs=1, verbose=0)
    most = backend.steps_per_launch
    assert sizes == ([] if most == 1 else [most] * (80 // most) + [80 % most] * (80 % most > 1))


def test_hooks_come_after_each_batch_or_as_asked(backend):
    for steps, expected in ((1, list(range(22))), (5, [4, 9, 14, 19, 20, 21])):
        watching = Watching()
        make(steps_per_execution=steps).fit(X, Y, batch_size=BATCH, verbose=0, callbacks=[watching])
        assert watching.seen == expected  # 21 whole batches and a ragged one


def test_terminate_on_nan_stops_at_its_batch(backend):
    spoiled = X.copy()
    spoiled[2 * BATCH] = np.nan
    model = make()
    with pytest.warns(RuntimeWarning, match="NaN"):
        model.fit(
            spoiled,
            Y,
            batch_size=BATCH,
            shuffle=False,
            verbose=0,
            callbacks=[unidl.callbacks.TerminateOnNaN()],
        )
    assert int(model.optimizer.iterations) == 3


def test_slow_steps_and_large_batches_get_short_launches(backend, monkeypatch):
    monkeypatch.setattr(type(backend), "steps_per_launch", 32)
    model = make()
    model.fit(X, Y, batch_size=BATCH, verbose=0)
    step, source = model._step("train"), make_batches(X, Y, None, BATCH, True, None, None, "fit")
    silent = unidl.callbacks.CallbackList(None, model, {}, verbose=0)
    for seconds, count in ((10.0, 1), (loop.LAUNCH_S / 3.5, 3), (1e-9, 32)):
        step.seconds = seconds
        assert loop._launch_size(model, step, source, silent, "train")() == count
    monkeypatch.setattr(loop, "LAUNCH_BYTES", 3 * (X[:BATCH].nbytes + Y[:BATCH].nbytes))
    assert loop._launch_size(model, step, source, silent, "train")() == 3


def test_the_display_moves_on_between_launches(backend, monkeypatch):
    shown = []

    class Shown(Display):
        interval, at_once = 0.0, True

        def show(self, tally, logs):
            shown.append((tally.steps.done, sorted(logs)))

    monkeypatch.setattr("unidl.callbacks.progress.progress.Lines", lambda *_, **__: Shown())
    make().fit(X, Y, batch_size=BATCH, epochs=1, verbose=1)
    assert shown[0] == (0, [])
    assert shown[-1] == (22, ["accuracy", "loss"])
    assert [done for done, _ in shown] == sorted({done for done, _ in shown})


def test_batches_of_one_form_are_stacked_and_others_wait():
    source = make_batches(Iterable(), None, None, None, False, None, None, "fit")
    chunks = list(source.chunks(lambda: 3))
    assert [count for count, _ in chunks] == [3, 3, 1, 1, 3, 2, 3]
    rows = [leaf.reshape(-1, 6) for _, (leaf, _, _) in chunks]
    np.testing.assert_array_equal(np.concatenate(rows), X[: sum(map(len, rows))])
    assert chunks[0][1][0].shape == (3, BATCH, 6)
    assert chunks[2][1][0].shape == (BATCH, 6)

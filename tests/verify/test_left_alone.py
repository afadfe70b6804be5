"""The user's model is left alone, whoever uses it meanwhile and however a verification ends."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import numpy as np
import pytest

import unidl
from unidl import layers
from unidl.utils import naming
from unidl.verify import engine, layer_round, recording, trajectory, verify
from unidl.verify.snapshot import Snapshot

RNG = np.random.default_rng(4)
X, Y = RNG.normal(size=(16, 6)).astype("float32"), RNG.normal(size=(16, 3)).astype("float32")
_LAZY = {"_own_gate", "_held_metrics"}  # made, and made anew, when somebody asks


def trained():
    """With states, slots, metrics, a seed that has been drawn from, and a frozen layer."""
    unidl.utils.clear_session(free_memory=False)
    unidl.utils.set_random_seed(5)
    model = unidl.Sequential(
        [
            unidl.Input((6,)),
            layers.Dense(6, activation="tanh"),
            layers.BatchNormalization(),
            layers.Dropout(0.2),
            layers.Dense(4, trainable=False),
            layers.Dense(3),
        ]
    )
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(X, Y, batch_size=8, verbose=0)
    return model


def state_of(model):
    """All that anybody could see of a model, and of what is the process' own."""
    owners = [*model._flatten_layers(), model.optimizer, model.objective, *model.metrics]
    attributes = [{n: id(x) for n, x in vars(o).items() if n not in _LAZY} for o in owners]
    variables = [*model._state(), *model.optimizer.variables]
    return (
        attributes,
        [(v.dtype, v.trainable, v.numpy().tobytes()) for v in variables],
        [(v.backend, id(v._store)) for v in variables if isinstance(v, unidl.Variable)],
        [g.get_state() for g in model._seed_generators],
        [(layer.built, layer.trainable, layer.dtype_policy.name) for layer in model.layers],
        unidl.random.get_global_state(),
        unidl.backend.floatx(),
        dict(naming._used.get()),
    )


PLACES = [
    (engine, "make_setup"),
    (Snapshot, "place"),
    (engine.Job, "calls_on"),
    (layer_round, "_compare_call"),
    (layer_round.CallCase, "find_truth"),
    (engine, "check_model"),
    (trajectory, "sample"),
]


@contextmanager
def at(places, monkeypatch, do):
    """Inside, `do()` is called at the end of each of these functions."""
    with monkeypatch.context() as patch:
        for owner, name in places:
            patch.setattr(owner, name, _followed_by(do, getattr(owner, name)))
        yield


def _followed_by(do, function):
    def followed(*args, **kwargs):
        result = function(*args, **kwargs)
        do()
        return result

    return followed


def in_a_thread(function, *args):
    """Its result there, where nothing of this thread's context holds."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function, *args).result(60)


def test_another_thread_sees_its_own_model_all_the_time(backend, monkeypatch):
    with unidl.use_backend(backend):
        model = trained()
        x = unidl.ops.convert_to_tensor(X)

        def look():
            with unidl.use_backend(backend):
                loss = unidl.autodiff.value_and_grad(
                    lambda: unidl.ops.sum(model(x)), model.trainable_variables
                )
                made = layers.Dense(2)
                made.build((None, 3))
            assert type(unidl.get_backend(backend.name)) is type(backend)
            return [
                model.predict(X, verbose=0).tobytes(),
                model.evaluate(X, Y, verbose=0)[0],
                [np.asarray(unidl.ops.convert_to_numpy(g)).tobytes() for g in loss[1]],
                made.kernel.dtype,
                unidl.backend.floatx(),
            ]

        expected = in_a_thread(look)
        found = []
        some = [place for place in PLACES if place[1] in ("place", "check_model")]
        with at(some, monkeypatch, lambda: found.append(in_a_thread(look))):
            assert verify(model, X, Y, backends=[backend], steps=1).passed
    assert len(found) > 10
    assert all(each == expected for each in found)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_whatever_flies_leaves_every_bit(error, backend, monkeypatch):
    with unidl.use_backend(backend):
        model = trained()
        before = state_of(model)
        for place in PLACES:

            def fly():
                assert in_a_thread(state_of, model) == before  # at that moment too
                raise error("planted")

            with at([place], monkeypatch, fly):
                # An error may be reported, an interrupt never is.
                report = None
                with suppress(error) if error is ValueError else pytest.raises(error):
                    steps = int(place[0] is trajectory)
                    report = verify(model, X, Y, backends=[backend], steps=steps)
                assert report is None or not report.passed
            assert state_of(model) == before


def test_a_recording_leaves_every_bit(backend, monkeypatch, tmp_path):
    with unidl.use_backend(backend):
        model = trained()
        before = state_of(model)
        looks = []
        with at(
            [(recording, "_look")], monkeypatch, lambda: looks.append(in_a_thread(state_of, model))
        ):
            recording.record(model, X, Y, 1, tmp_path / "a.run")
        assert looks
        assert all(look == before for look in [*looks, state_of(model)])


def test_fit_goes_on_in_another_thread(backend, monkeypatch):
    """It is verified as it stood between two steps, and trains as it would have."""
    with unidl.use_backend(backend):
        alone = trained()
        alone.fit(X, Y, batch_size=4, epochs=3, shuffle=False, verbose=0)
        model = trained()
        stop, go_on = threading.Event(), threading.Event()

        class Pause(unidl.callbacks.Callback):
            def on_train_batch_end(self, batch, logs=None):
                if batch == 1:
                    stop.set()
                    go_on.wait(60)

        def fit():
            with unidl.use_backend(backend):
                model.fit(
                    X, Y, batch_size=4, epochs=3, shuffle=False, verbose=0, callbacks=[Pause()]
                )

        with ThreadPoolExecutor(1) as pool:
            training = pool.submit(fit)
            assert stop.wait(60)
            with at([(engine, "check_model")], monkeypatch, go_on.set):
                report = verify(model, X, Y, backends=[backend], steps=1)
            go_on.set()
            training.result(60)
    assert report.passed, str(report)
    for a, b in zip(alone._state(), model._state(), strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_a_model_whose_weights_are_just_being_made_is_told(backend):
    with unidl.use_backend(backend):
        model = unidl.Sequential([layers.Dense(3)])
        model.compile("adam", "mse")

        class Look(unidl.callbacks.Callback):
            def on_train_begin(self, logs=None):
                self.model.optimizer.built = False
                with pytest.raises(RuntimeError, match="another thread is making the weights of"):
                    in_a_thread(verify, self.model, X, Y)
                self.model.optimizer.built = True

        model.fit(X, Y, verbose=0, callbacks=[Look()])


def test_an_unbuilt_model_stays_so_and_the_next_names_are_as_ever(backend):
    with unidl.use_backend(backend):
        unidl.utils.clear_session(free_memory=False)
        model = unidl.Sequential([layers.Dense(3), layers.Dropout(0.5)])
        before = unidl.random.get_global_state(), set(vars(model)), dict(naming._used.get())
        assert verify(model, X, backends=[backend], steps=1).passed
        assert not model.built
        assert (
            unidl.random.get_global_state(), set(vars(model)) - _LAZY,
            dict(naming._used.get()),
        ) == before  # fmt: skip
        assert [layer.built for layer in model.layers] == [False, False]


def test_two_verifications_at_once(backend):
    def one(seed):
        with unidl.use_backend(backend):
            return verify(models[seed], X, Y, backends=[backend], steps=1).passed

    with unidl.use_backend(backend):
        models = [trained() for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(one, range(2), timeout=120)) == [True, True]

"""Threads: first calls, predictions beside training, training beside training."""

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import unidl
from unidl import layers


def together(count, function):
    """The results of `function(i)`, called in `count` threads at once; an error of one is
    raised."""
    barrier = threading.Barrier(count)

    def run(i):
        barrier.wait()
        return function(i)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count), timeout=120))


def chain(depth, units=8):
    model = unidl.Sequential(
        [layers.Input((units,))] + [layers.Dense(units, activation="relu") for _ in range(depth)]
    )
    model.compile(unidl.optimizers.Adam(0.01), "mse")
    return model


def data(n=64, units=8, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, units)).astype("float32"), rng.normal(size=(n, units)).astype(
        "float32"
    )


def first_predict(depth, rounds):
    for _ in range(rounds):
        model = chain(depth)
        before = model.get_weights()
        found = together(
            4, lambda i, of=model: of.predict(np.ones((i + 2, 8), "float32"), verbose=0)
        )
        for a, b in zip(before, model.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
        want = model.predict(np.ones((2, 8), "float32"), verbose=0)
        for rows in found:
            np.testing.assert_allclose(rows, want[:1].repeat(len(rows), 0), rtol=1e-4, atol=1e-6)


def test_first_predict_of_a_deep_model_in_four_threads(backend):
    first_predict(250 if backend.name in ("numpy", "torch") else 60, 1)


def predict_while_another_trains(rounds):
    x, y = data()
    model, other = chain(3), chain(3)
    want = model.predict(x, verbose=0)

    def run(i):
        if i == 0:
            other.fit(x, y, epochs=rounds, batch_size=8, verbose=0)
            return
        for _ in range(3 * rounds):
            rows = slice(i, i + 8 * i)
            found = model.predict(x[rows], verbose=0)
            np.testing.assert_allclose(found, want[rows], rtol=1e-4, atol=1e-6)

    together(8, run)


def test_predict_in_threads_while_another_model_trains(backend):
    predict_while_another_trains(5)


def predict_while_it_trains(rounds):
    """Each prediction is that of the state after some whole step."""
    x, y = data()
    unidl.utils.set_random_seed(3)
    model = chain(2)
    model.predict(x[:4], verbose=0)
    states = [model.get_weights()]

    class Note(unidl.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            states.append(self.model.get_weights())

    found = []

    def run(i):
        if i == 0:
            model.fit(x, y, epochs=rounds, batch_size=8, verbose=0, callbacks=[Note()])
            return
        for _ in range(4 * rounds):
            found.append(model.predict(x[:4], verbose=0))

    together(8, run)
    after = []
    for state in states:
        model.set_weights(state)
        after.append(model.predict(x[:4], verbose=0))
    after = np.array(after)
    for rows in found:
        assert np.abs(after - rows).max(axis=(1, 2)).min() < 1e-6


def test_predict_in_threads_while_the_same_model_trains(backend):
    predict_while_it_trains(4)


def train_two(rounds):
    def trained(seed):
        model = chain(2)
        for i, weight in enumerate(model.weights):
            rng = np.random.default_rng([seed, i])
            weight.assign(rng.normal(size=weight.shape).astype("float32") * 0.3)
        return model, data(seed=seed)

    def fit(model, arrays):
        model.fit(*arrays, epochs=rounds, batch_size=8, shuffle=False, verbose=0)
        return model.get_weights()

    alone = [fit(*trained(seed)) for seed in range(2)]
    pairs = [trained(0), trained(1)]
    beside = together(2, lambda i: fit(*pairs[i]))
    for a, b in zip(alone, beside, strict=True):
        for w, v in zip(a, b, strict=True):
            np.testing.assert_array_equal(w, v)


def test_two_models_train_in_two_threads_as_they_do_alone(backend):
    train_two(5)


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.parametrize(
    "scenario",
    [
        lambda: first_predict(60, 200),
        lambda: predict_while_another_trains(200),
        lambda: predict_while_it_trains(200),
        lambda: train_two(200),
    ],
    ids=["first_predict", "another_trains", "it_trains", "train_two"],
)
def test_two_hundred_rounds(backend, scenario):
    scenario()


FIRST_USE = """
import threading, unidl
names = [b.name for b in unidl.list_backends() if b.installed] if {all} else [{name!r}]
found, barrier = [], threading.Barrier(8)
def use(i):
    barrier.wait()
    found.append(unidl.get_backend(names[i % len(names)]))
    with unidl.use_backend(names[i % len(names)]):
        model = unidl.Sequential([unidl.layers.Input((3,)), unidl.layers.Dense(2)])
        model.predict([[1., 2., 3.]], verbose=0)
threads = [threading.Thread(target=use, args=(i,)) for i in range(8)]
for t in threads: t.start()
for t in threads: t.join()
assert len(set(map(id, found))) == len(names) and len(found) == 8, found
print("one each")
"""


# All at once are on NumPy's row: torch's row alone is one framework with eight threads.
@pytest.mark.quick_on("numpy", "torch")
@pytest.mark.parametrize("every", [False, True], ids=["one backend", "all backends"])
def test_first_use_of_a_backend_from_many_threads(backend, every):
    if every and backend.name != "numpy":
        pytest.skip("the test of all backends at once runs once")
    program = FIRST_USE.format(all=every, name=backend.name)
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, env=os.environ
    )
    assert ran.stdout == "one each\n", ran.stderr[-2000:]

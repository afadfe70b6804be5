"""Every form in which data may come gives the same training, on every backend."""

import numpy as np
import pytest

import unidl
from unidl import layers
from unidl.training.data import make_batches

N, BATCH = 22, 8
X = np.random.default_rng(0).normal(size=(N, 4)).astype("float32")
Y = np.random.default_rng(1).integers(0, 3, N)


def model(compiled=True, **compile_arguments):
    unidl.utils.set_random_seed(1)
    net = unidl.Sequential(
        [
            unidl.Input((4,)),
            layers.Dense(5, activation="tanh"),
            layers.Dense(3, activation="softmax"),
        ]
    )
    if compiled:
        net.compile(
            "adam", "sparse_categorical_crossentropy", metrics=["accuracy"], **compile_arguments
        )
    return net


def batches():
    return [(X[i : i + BATCH], Y[i : i + BATCH]) for i in range(0, N, BATCH)]


def endless():
    while True:
        yield from batches()


class Indexed:
    """Like `keras.utils.Sequence`."""

    epochs = 0

    def __len__(self):
        return len(batches())

    def __getitem__(self, i):
        return batches()[i]

    def on_epoch_end(self):
        self.epochs += 1


class Reiterable:
    def __iter__(self):
        return iter(batches())


def torch_loader():
    torch = pytest.importorskip("torch")
    return torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(torch.tensor(X), torch.tensor(Y)), batch_size=BATCH
    )


def tf_dataset():
    tf = pytest.importorskip("tensorflow")
    return tf.data.Dataset.from_tensor_slices((X, Y)).batch(BATCH)


def torch_tensors():
    torch = pytest.importorskip("torch")
    return {"x": torch.tensor(X), "y": torch.tensor(Y), "batch_size": BATCH}


def memory_map(folder):
    X.tofile(folder / "x")
    return {
        "x": np.memmap(folder / "x", dtype="float32", shape=X.shape, mode="r"),
        "y": Y,
        "batch_size": BATCH,
    }


FORMS = {
    "generator": lambda _: {"x": endless(), "steps_per_epoch": 3},
    "iterable": lambda _: {"x": Reiterable()},
    "iterable with steps": lambda _: {"x": Reiterable(), "steps_per_epoch": 3},
    "sequence": lambda _: {"x": Indexed()},
    "torch loader": lambda _: {"x": torch_loader()},
    "tf dataset": lambda _: {"x": tf_dataset()},
    "torch tensors": lambda _: torch_tensors(),
    "memory map": memory_map,
    "lists": lambda _: {"x": X.tolist(), "y": Y.tolist(), "batch_size": BATCH},
    "list of arrays": lambda _: {"x": [X], "y": [Y], "batch_size": BATCH},
    "dict by input name": lambda _: {"x": {"input_layer": X}, "y": Y, "batch_size": BATCH},
    "arrays of other dtypes": lambda _: {
        "x": X.astype("float64"),
        "y": Y.astype("uint8"),
        "batch_size": BATCH,
    },
    "labels in a column": lambda _: {"x": X, "y": Y[:, None], "batch_size": BATCH},
}


def trained(**arguments):
    unidl.utils.clear_session(free_memory=False)
    net = model()
    history = net.fit(**arguments, epochs=2, shuffle=False, verbose=0)
    return net, history.history


@pytest.fixture
def expected(backend):
    net, history = trained(x=X, y=Y, batch_size=BATCH)
    return net.get_weights(), history


@pytest.mark.parametrize("form", FORMS)
def test_the_form_makes_no_difference(backend, expected, form, tmp_path):
    net, history = trained(**FORMS[form](tmp_path))
    weights, expected_history = expected
    for name, values in expected_history.items():
        np.testing.assert_allclose(history[name], values, rtol=1e-6)
    for ours, theirs in zip(net.get_weights(), weights, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-7)


def test_evaluate_and_predict_take_iterables(backend):
    net = model()
    expected = net.evaluate(X, Y, verbose=0, batch_size=BATCH)
    for source in (Indexed(), Reiterable(), iter(batches())):
        np.testing.assert_allclose(net.evaluate(source, verbose=0), expected, rtol=1e-6)
    only_x = net.predict(batches()[0][0], verbose=0)
    assert only_x.shape == (BATCH, 3)
    np.testing.assert_allclose(
        net.predict(Reiterable(), verbose=0), net.predict(X, verbose=0), rtol=1e-5, atol=1e-7
    )
    assert net.predict(endless(), steps=2, verbose=0).shape == (2 * BATCH, 3)
    assert net.predict(X[:1], verbose=0).shape == (1, 3)


def test_steps_go_on_where_the_last_epoch_stopped(backend):
    seen = []

    class Spy(Indexed):
        def __getitem__(self, i):
            seen.append(i)
            return batches()[i]

    source = Spy()
    model().fit(source, steps_per_epoch=2, epochs=3, shuffle=False, verbose=0)
    assert seen[1:] == [0, 1, 2, 0, 1, 2]  # the first look is for the shapes
    assert source.epochs == 1  # the second pass ended with the training


def test_a_batch_larger_than_the_data(backend):
    net = model()
    history = net.fit(X, Y, batch_size=1000, epochs=1, verbose=0)
    assert int(net.optimizer.iterations) == 1
    assert np.isfinite(history.history["loss"][0])


def test_each_epoch_has_its_own_order():
    source = make_batches(np.arange(20), None, None, 8, True, None, None, "fit")
    unidl.utils.set_random_seed(11)
    first, second = ([int(i) for (x,) in source for i in x] for _ in range(2))
    assert sorted(first) == sorted(second) == list(range(20))
    assert first != second
    unidl.utils.set_random_seed(11)
    assert [int(i) for (x,) in source for i in x] == first


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"run_eagerly": True}, id="run_eagerly"),
        pytest.param({"steps_per_execution": 2}, id="steps_per_execution"),
        # torch's C++ compiler takes half a minute; tests/backends/torch compiles one step.
        pytest.param(
            {"jit_compile": True},
            id="jit_compile",
            marks=pytest.mark.quick_on("numpy", "tensorflow", "mxnet", "jax"),
        ),
    ],
)
def test_execution_settings_change_nothing(backend, expected, settings):
    unidl.utils.clear_session(free_memory=False)
    net = model(**settings)
    history = net.fit(X, Y, batch_size=BATCH, epochs=2, shuffle=False, verbose=0).history
    for name, values in expected[1].items():
        np.testing.assert_allclose(history[name], values, rtol=2e-6)


SEEDED: dict = {}


def test_the_seed_sets_weights_masks_and_shuffles(backend):
    """The same on every backend."""
    unidl.utils.set_random_seed(3)
    weights = layers.Dense(2)
    weights.build((None, 4))
    mask = layers.Dropout(0.5)(np.ones((2, 6), "float32"), training=True)
    found = {
        "weights": weights.get_weights()[0],
        "mask": unidl.ops.convert_to_numpy(mask),
        "shuffle": unidl.random.permutation(5),
    }
    for name, value in found.items():
        np.testing.assert_array_equal(value, SEEDED.setdefault(name, value))

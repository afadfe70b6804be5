"""Data of other libraries: each source trains every backend as arrays do, whichever framework it
came from."""

import tracemalloc

import numpy as np
import pytest

import unidl
from unidl import layers
from unidl.backend import foreign_arrays

N, BATCH = 11, 4
X = np.random.default_rng(0).normal(size=(N, 3)).astype("float32")
Y = np.random.default_rng(1).integers(0, 3, N)
W = np.linspace(0.5, 1.5, N).astype("float32")
COLUMNS = {name: X[:, i] for i, name in enumerate("abc")}


def slices(make_x, make_y=np.asarray):
    """A generator of batches."""
    for start in range(0, N, BATCH):
        rows = slice(start, start + BATCH)
        yield make_x(X[rows]), make_y(Y[rows])


def module(name):
    """A library that data come from; of a backend's, what its adapter imports."""
    if name in ("mxnet", "jax") and any(
        row.name == name and row.installed for row in unidl.backend.list_backends()
    ):
        unidl.backend.get_backend(name)
    return pytest.importorskip(name)


def torch_loader():
    data = module("torch").utils.data
    rows = [(x, int(y)) for x, y in zip(X, Y, strict=True)]
    return {"x": data.DataLoader(rows, batch_size=BATCH)}


def tf_dataset(*wrap):
    tf = module("tensorflow")
    data = tf.data.Dataset.from_tensor_slices((X, Y)).batch(BATCH)
    return data.prefetch(1)


def gluon_loader(wrap=np.asarray):
    data = module("mxnet").gluon.data
    return {"x": data.DataLoader(data.ArrayDataset(wrap(X), Y.astype("int32")), BATCH)}


def table(make, column):
    return {"x": make(COLUMNS), "y": column(Y), "batch_size": BATCH}


def nullable():
    pd = module("pandas")
    return {
        "x": pd.DataFrame(COLUMNS).astype("Float32"),
        "y": pd.Series(Y, dtype="Int64"),
        "batch_size": BATCH,
    }


def hf_dataset(form=None):
    rows = module("datasets").Dataset.from_dict({"x": X, "y": Y})
    return rows.with_format(form) if form else rows


def hf_batches(form=None):
    return {"x": ((batch["x"], batch["y"]) for batch in hf_dataset(form).iter(BATCH))}


def tensors(make):
    return {"x": make(X), "y": make(Y), "batch_size": BATCH}


class OnlyDlpack:
    """What exchanges tensors and is no array."""

    def __init__(self, array):
        self._array, self.shape, self.dtype = array, array.shape, array.dtype

    def __len__(self):
        return len(self._array)

    def __dlpack__(self, **kwargs):
        return self._array.__dlpack__(**kwargs)

    def __dlpack_device__(self):
        return self._array.__dlpack_device__()


SOURCES = {
    "lists": lambda: {"x": X.tolist(), "y": Y.tolist(), "batch_size": BATCH},
    "a generator": lambda: {"x": slices(np.asarray)},
    "a generator of lists": lambda: {"x": map(list, slices(np.asarray))},
    "dlpack": lambda: tensors(OnlyDlpack),
    "torch tensors": lambda: tensors(module("torch").tensor),
    "torch with gradients": lambda: {
        "x": module("torch").tensor(X, requires_grad=True),
        "y": Y,
        "batch_size": BATCH,
    },
    "torch DataLoader": torch_loader,
    "tf tensors": lambda: tensors(module("tensorflow").constant),
    "tf.data": lambda: {"x": tf_dataset()},
    "tf.data without end": lambda: {"x": tf_dataset().repeat(), "steps_per_epoch": 3},
    "MXNet's arrays": lambda: tensors(lambda a: module("mxnet").np.array(a, dtype=a.dtype)),
    "MXNet's legacy arrays": lambda: tensors(lambda a: module("mxnet").nd.array(a, dtype=a.dtype)),
    "Gluon DataLoader": gluon_loader,
    "Gluon DataLoader of arrays": lambda: gluon_loader(lambda a: module("mxnet").nd.array(a)),
    "pandas": lambda: table(module("pandas").DataFrame, module("pandas").Series),
    "pandas with nullable columns": nullable,
    "a generator of pandas": lambda: {
        "x": slices(module("pandas").DataFrame, module("pandas").Series)
    },
    "polars": lambda: table(module("polars").DataFrame, module("polars").Series),
    "Arrow": lambda: table(module("pyarrow").table, module("pyarrow").array),
    "Arrow in chunks": lambda: table(
        module("pyarrow").table, lambda y: module("pyarrow").chunked_array([y[:5], y[5:]])
    ),
    "columns of datasets": lambda: {
        "x": hf_dataset()["x"],
        "y": hf_dataset()["y"],
        "batch_size": BATCH,
    },
    "columns in NumPy's format": lambda: {
        "x": hf_dataset("numpy")["x"],
        "y": hf_dataset("numpy")["y"],
        "batch_size": BATCH,
    },
    "batches of datasets": hf_batches,
    "batches in NumPy's format": lambda: hf_batches("numpy"),
}

_models: dict = {}


def trained(**data):
    """The weights after an epoch from the same start, of one model for each backend."""
    name = unidl.backend.get_backend().name
    if name not in _models:
        model = unidl.Sequential([unidl.Input((3,)), layers.Dense(3, activation="softmax")])
        model.compile(unidl.optimizers.SGD(0.5), "sparse_categorical_crossentropy")
        _models[name] = model, np.linspace(-1, 1, 9, dtype="float32").reshape(3, 3)
    model, kernel = _models[name]
    model.set_weights([kernel, np.zeros(3, "float32")])
    model.fit(**data, shuffle=False, verbose=0)
    return model.get_weights()[0]


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_trains_every_backend(backend, source):
    data = SOURCES[source]()
    expected = trained(x=X, y=Y, batch_size=BATCH)
    np.testing.assert_allclose(trained(**data), expected, rtol=1e-6)


@pytest.mark.parametrize("name", ["pandas", "polars", "pyarrow"])
def test_tables_in_every_call(backend, name):
    library = module(name)
    make = library.table if name == "pyarrow" else library.DataFrame
    column = library.array if name == "pyarrow" else library.Series
    trained(x=X, y=Y, batch_size=BATCH)
    model, _ = _models[backend.name]
    x, y, w = make(COLUMNS), column(Y), column(W)
    np.testing.assert_array_equal(model.predict(x, verbose=0), model.predict(X, verbose=0))
    np.testing.assert_array_equal(model.predict_on_batch(x), model.predict_on_batch(X))
    assert model.evaluate(x, y, sample_weight=w, verbose=0) == model.evaluate(
        X, Y, sample_weight=W, verbose=0
    )
    assert model.test_on_batch(x, y, w) == model.test_on_batch(X, Y, W)
    before = model.get_weights()
    model.train_on_batch(x, y, w)
    found = model.get_weights()
    model.set_weights(before)
    model.train_on_batch(X, Y, W)
    np.testing.assert_array_equal(found[0], model.get_weights()[0])
    model.fit(x, y, validation_data=(x, y), validation_batch_size=BATCH, verbose=0)
    model.fit(x, y, validation_split=0.3, verbose=0)


def test_half_precision_of_other_frameworks_is_widened(backend):
    rounded = module("torch").tensor(X).bfloat16()
    expected = trained(x=rounded.float().numpy(), y=Y, batch_size=BATCH)
    np.testing.assert_allclose(trained(x=rounded, y=Y, batch_size=BATCH), expected, rtol=1e-6)
    tf = module("tensorflow")
    rounded = tf.cast(X, tf.bfloat16)
    np.testing.assert_allclose(trained(x=rounded, y=Y, batch_size=BATCH), expected, rtol=1e-6)


def two_inputs():
    a, b = unidl.Input((3,), name="a"), unidl.Input((1,), name="b")
    joined = layers.Concatenate()([a, b])
    outputs = {"one": layers.Dense(1, name="one")(joined), "two": layers.Dense(2, name="two")(a)}
    model = unidl.Model({"a": a, "b": b}, outputs)
    model.compile("sgd", {"one": "mse", "two": "mae"}, loss_weights={"one": 1.0, "two": 0.5})
    return model


def test_several_inputs_outputs_and_weights_of_several_libraries(backend):
    model = two_inputs()
    start = model.get_weights()
    targets = X[:, :1], X[:, 1:]
    model.fit(
        {"a": X, "b": X[:, :1]},
        dict(zip(("one", "two"), targets, strict=True)),
        sample_weight={"one": W, "two": W},
        batch_size=BATCH,
        shuffle=False,
        verbose=0,
    )
    expected = model.get_weights()
    frame, tensor = module("pandas").DataFrame, module("torch").tensor
    mixed = {
        "x": {"a": frame(X), "b": tensor(X[:, :1])},
        "y": {"one": tensor(targets[0]), "two": frame(targets[1])},
        "sample_weight": {"one": module("pandas").Series(W), "two": tensor(W)},
    }

    def batches():
        for start in range(0, N, BATCH):
            yield tuple(
                {name: value[start : start + BATCH] for name, value in part.items()}
                for part in mixed.values()
            )

    for data in ({**mixed, "batch_size": BATCH}, {"x": batches()}):
        model.set_weights(start)
        model.fit(**data, shuffle=False, verbose=0)
        for found, wanted in zip(model.get_weights(), expected, strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-7)


def test_operations_take_what_other_libraries_hold(backend):
    legacy = module("mxnet").nd.array(X)
    for x in (legacy, OnlyDlpack(X), module("polars").Series(X[:, 0]), module("pandas").Series(W)):
        expected = foreign_arrays.as_array(x)
        found = unidl.ops.convert_to_tensor(x)
        assert unidl.backend.standardize_dtype(found.dtype) == "float32"
        np.testing.assert_array_equal(unidl.ops.convert_to_numpy(found), expected)


def test_an_optional_input_may_be_there_or_not_in_each_batch(backend):
    class Add(layers.Layer):
        def call(self, x, y=None):
            return x if y is None else x + y

    a, b = unidl.Input((3,), name="a"), unidl.Input((3,), name="b", optional=True)
    model = unidl.Model([a, b], layers.Dense(1)(Add()(a, b)))
    model.compile(unidl.optimizers.SGD(0.1), "mse")
    start = model.get_weights()
    model.train_on_batch([X, np.zeros_like(X)], Y)
    model.train_on_batch([X, X], Y)
    expected = model.get_weights()
    model.set_weights(start)
    model.fit((([X, extra], Y) for extra in (None, X)), verbose=0)
    for found, wanted in zip(model.get_weights(), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-5)


def test_layers_of_float64_get_data_that_are_not_rounded(backend):
    model = unidl.Sequential([unidl.Input((3,), dtype="float64"), layers.Dense(2, dtype="float64")])
    model.compile("sgd", "mse")
    x = X.astype("float64") / 3
    expected = x @ model.get_weights()[0]
    np.testing.assert_allclose(model.predict(x, verbose=0), expected, rtol=1e-12)
    assert model.evaluate(x, expected, verbose=0) < 1e-24


@pytest.mark.parametrize("shuffle", [False, True])
def test_a_memory_map_is_read_batch_by_batch(tmp_path, shuffle):
    rows = 200_000
    x = np.memmap(tmp_path / "x", dtype="float32", shape=(rows, 10), mode="w+")
    y = np.memmap(tmp_path / "y", dtype="float32", shape=(rows, 1), mode="w+")
    with unidl.backend.use_backend("numpy"):
        model = unidl.Sequential([unidl.Input((10,)), layers.Dense(1)])
        model.compile("sgd", "mse")
        model.fit(x[:8], y[:8], verbose=0)
        tracemalloc.start()
        model.fit(
            x,
            y,
            batch_size=2000,
            steps_per_epoch=3,
            shuffle=shuffle,
            validation_split=0.1,
            validation_steps=1,
            verbose=0,
        )
        model.predict(x, batch_size=2000, steps=2, verbose=0)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    # An order of the rows is 8 bytes for each; the map has 40.
    assert peak < x.nbytes / 2


def test_what_is_wrong_is_told():
    pd, hf = module("pandas"), module("datasets")
    with unidl.backend.use_backend("numpy"):
        with pytest.raises(TypeError, match="x has missing entries"):
            trained(x=pd.DataFrame({"a": [1, None, 3]}, dtype="object"), y=Y[:3])
        with pytest.raises(TypeError, match="x must be numbers"):
            trained(x=pd.DataFrame({"a": ["one", "two", "three"]}), y=Y[:3])
        with pytest.raises(ValueError, match="single samples, stack"):
            trained(x=hf.Dataset.from_dict({"x": X, "y": Y}).with_format("numpy"))
        with pytest.raises(ValueError, match="y= can only be used with arrays"):
            trained(x=slices(np.asarray), y=Y)

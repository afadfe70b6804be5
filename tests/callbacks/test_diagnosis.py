"""What looks into training and leaves it as it was: NaNFinder, LearningRateFinder, Profiler and
`trial_run`."""

import numpy as np
import pytest

import unidl
from unidl import callbacks, layers, ops

X = np.random.default_rng(0).normal(size=(40, 4)).astype("float32")
Y = X @ np.array([[1.0], [-2.0], [0.5], [0.0]], "float32")


class Root(layers.Layer):
    def call(self, inputs):
        return ops.sqrt(inputs)


def model(**compiled):
    net = unidl.Sequential(
        [
            unidl.Input((4,)),
            layers.Dense(3, activation="relu", name="first"),
            layers.Dropout(0.1),
            layers.Dense(1, name="last"),
        ]
    )
    net.compile(unidl.optimizers.Adam(0.01), "mse", **compiled)
    return net


def state(net):
    return [*net.get_weights(), *(v.numpy() for v in net.optimizer.variables)]


def same(one, other):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


def found_in(net, x=X, y=Y, every=50):
    finder = callbacks.NaNFinder(every)
    with pytest.raises(FloatingPointError) as error:
        net.fit(x, y, batch_size=8, shuffle=False, verbose=0, callbacks=[finder])
    assert all(np.isfinite(value).all() for value in state(net))
    return finder.report, str(error.value)


@pytest.mark.filterwarnings("ignore:.*loss is nan")
@pytest.mark.parametrize("every", [2, 50])
def test_the_layer_and_step_of_the_first_nan(backend, every):
    x = np.abs(X)
    x[24:] *= -1  # the first batch with a root of a negative number is the fourth
    net = unidl.Sequential([unidl.Input((4,)), Root(name="root"), layers.Dense(1)])
    net.compile(unidl.optimizers.SGD(0.01), "mse")
    report, text = found_in(net, x, every=every)
    assert (report["epoch"], report["batch"], report["phase"]) == (0, 3, "forward")
    assert "root' of type Root" in text


@pytest.mark.filterwarnings("ignore:.*loss")
def test_a_gradient_an_update_or_the_data(backend):
    net = unidl.Sequential([unidl.Input((4,)), layers.Dense(2, name="kernel"), Root()])
    net.compile(unidl.optimizers.SGD(0.01), "mse")
    net.layers[0].set_weights([np.zeros((4, 2)), np.zeros(2)])
    report, _ = found_in(net)  # the root has no slope at 0
    assert report["phase"] == "backward"
    assert "kernel" in report["where"]
    y = Y.copy()
    y[17] = np.nan
    report, text = found_in(model(), y=y)
    assert (report["batch"], report["phase"], report["where"]) == (2, "data", "y")
    assert "1 NaN" in text


def test_a_run_without_trouble_is_the_same(backend):
    runs = []
    for given in ([], [callbacks.NaNFinder(2)]):
        unidl.utils.set_random_seed(3)
        net = model()
        net.fit(X, Y, epochs=2, batch_size=8, verbose=0, callbacks=given)
        runs.append(state(net))
    same(*runs)


def test_the_range_test_puts_all_back(backend):
    net = model()
    net.fit(X, Y, batch_size=8, verbose=0)
    before, random = state(net), unidl.random.get_global_state()
    finder = callbacks.LearningRateFinder(1e-5, 100.0, steps=40)
    net.fit(X, Y, epochs=20, batch_size=8, verbose=0, callbacks=[finder])
    same(before, state(net))
    assert unidl.random.get_global_state() == random
    assert finder.rates[0] == 1e-5
    assert len(finder.rates) == len(finder.losses) <= 40
    ratios = np.array(finder.rates[1:]) / finder.rates[:-1]
    np.testing.assert_allclose(ratios, ratios[0], rtol=1e-9)
    assert 1e-5 < finder.suggestion < 10
    net.fit(X, Y, verbose=0)  # and trains on


def test_too_short_a_range_test_says_so():
    finder = callbacks.LearningRateFinder()
    model().fit(X, Y, verbose=0, callbacks=[finder])
    with pytest.raises(ValueError, match=r"2 batches.*too few"):
        _ = finder.suggestion


def test_the_profile_names_layers_and_phases(backend, capsys):
    runs = []
    profiler = callbacks.Profiler(repeats=1)
    for given in ([], [profiler]):
        unidl.utils.set_random_seed(3)
        net = model()
        net.fit(X, Y, epochs=2, batch_size=8, verbose=0, callbacks=given)
        runs.append(state(net))
    same(*runs)
    assert {"forward", "backward", "update"} == profiler.report["eager"].keys()
    assert [row["type"] for row in profiler.report["layers"].values()] == [
        "Dense",
        "Dropout",
        "Dense",
    ]
    assert all(row["seconds"] > 0 for row in profiler.report["layers"].values())
    assert profiler.report["step"]["compiled"] > 0
    out = capsys.readouterr().out
    assert "as plain Python: backward" in out
    assert "(Dropout)" in out


def test_a_trial_run_leaves_no_trace(backend):
    net = model(metrics=["mae"])
    before, random = state(net), unidl.random.get_global_state()
    seen = []
    watch = callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(batch))
    logs = unidl.utils.trial_run(net, X, Y, validation_data=(X, Y), callbacks=[watch])
    assert logs.keys() == {"loss", "mae", "val_loss", "val_mae"}
    assert seen == [0]
    same(before, state(net)[: len(before)])
    assert int(net.optimizer.iterations) == 0
    assert unidl.random.get_global_state() == random
    with pytest.raises(TypeError, match="do not give epochs"):
        unidl.utils.trial_run(net, X, Y, epochs=3)

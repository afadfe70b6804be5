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


class Own(unidl.Model):
    """A network with a training step of its own, which changes the gradients by `spoil`."""

    def __init__(self, first, spoil=lambda gradients: gradients):
        super().__init__()
        self.first, self.last = first, layers.Dense(1, name="last")
        self.spoil = spoil

    def call(self, inputs):
        return self.last(self.first(inputs))

    def train_step(self, data):
        x, y = data
        variables = self.trainable_variables
        loss, gradients = unidl.value_and_grad(
            lambda: self.compute_loss(x, y, self(x, training=True)), variables
        )
        self.optimizer.apply(self.spoil(gradients), variables)
        return {"loss": loss}


class OwnByFramework(Own):
    """Its gradients are no business of ours: here they are differences."""

    def train_step(self, data):
        x, y = data
        loss = self.compute_loss(x, y, self(x, training=True))
        self.optimizer.apply(
            self.spoil([ops.zeros(v.shape) + 0.1 for v in self.trainable_variables]),
            self.trainable_variables,
        )
        return {"loss": loss}


def own(kind, first, rate=0.01, **compiled):
    net = kind(first)
    net.compile(unidl.optimizers.SGD(rate), "mse", **compiled)
    net(X)
    return net


LATE = np.concatenate([np.abs(X[:24]), -np.abs(X[24:])])  # from the fourth batch on


@pytest.mark.filterwarnings("ignore:.*loss")
@pytest.mark.parametrize("steps", [1, 2])
@pytest.mark.parametrize("kind", [Own, OwnByFramework])
def test_the_layer_in_a_step_of_ones_own(backend, kind, steps):
    report, text = found_in(own(kind, Root(name="root"), steps_per_execution=steps), LATE)
    assert (report["epoch"], report["batch"], report["phase"]) == (0, 3, "forward")
    assert "root' of type Root" in text


@pytest.mark.filterwarnings("ignore:.*loss")
def test_gradients_and_updates_in_a_step_of_ones_own(backend):
    net = own(Own, layers.Dense(2, name="first"))
    net.first = unidl.Sequential([unidl.Input((4,)), layers.Dense(2, name="kernel"), Root()])
    net(X)
    net.first.set_weights([np.zeros((4, 2)), np.zeros(2)])
    report, _ = found_in(net)  # the root has no slope at 0
    assert report["phase"] == "backward"
    assert "kernel" in report["where"]

    for kind in (Own, OwnByFramework):
        net = own(kind, layers.Dense(2, name="first"))
        net.spoil = lambda gradients: [g / 0.0 if len(g.shape) == 1 else g for g in gradients]
        report, _ = found_in(net)
        assert (report["batch"], report["phase"]) == (0, "backward")
        assert "last/bias" in report["where"]

    report, _ = found_in(own(OwnByFramework, layers.Dense(2), rate=3e38), every=1)
    assert report["phase"] in ("update", "forward")
    y = Y.copy()
    y[17] = np.nan
    report, _ = found_in(own(Own, layers.Dense(2)), y=y)
    assert (report["batch"], report["phase"], report["where"]) == (2, "data", "y")


@pytest.mark.filterwarnings("ignore:.*loss")
def test_what_no_optimizer_changes(backend):
    class Counting(Own):
        def train_step(self, data):
            logs = super().train_step(data)
            self.last.bias.assign(self.last.bias.value / 0.0)
            return logs

    report, _ = found_in(own(Counting, layers.Dense(2)))
    assert (report["batch"], report["phase"]) == (0, "update")
    assert "last/bias" in report["where"]


@pytest.mark.filterwarnings("ignore:.*loss")
@pytest.mark.parametrize("every", [1, 3, 50])
def test_several_steps_in_one_call(backend, every):
    net = unidl.Sequential([unidl.Input((4,)), Root(name="root"), layers.Dense(1)])
    net.compile(unidl.optimizers.Adam(0.01), "mse", steps_per_execution=3)
    report, text = found_in(net, LATE, every=every)
    assert (report["epoch"], report["batch"], report["phase"]) == (0, 3, "forward")
    assert "root' of type Root" in text
    assert int(net.optimizer.iterations) == 3


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


@pytest.mark.parametrize("kind", [Own, OwnByFramework])
def test_the_profile_of_a_step_of_ones_own(backend, kind):
    profiler = callbacks.Profiler(repeats=1, verbose=0)
    runs = []
    for given in ([], [profiler]):
        unidl.utils.set_random_seed(3)
        net = own(kind, layers.Dense(2, name="first"), steps_per_execution=2)
        net.fit(X, Y, epochs=2, batch_size=8, verbose=0, callbacks=given)
        runs.append(state(net))
    same(*runs)
    found = profiler.report["eager"]
    assert list(found) == ["forward", "backward", "update", "rest"]
    assert found["forward"] > 0
    assert found["update"] > 0
    assert kind is Own or found["backward"] == 0
    rows = profiler.report["layers"]
    assert [(row["type"], row["calls"]) for row in rows.values()] == [("Dense", 1), ("Dense", 1)]
    assert all(row["seconds"] > 0 for row in rows.values())
    assert "as plain Python: rest" in profiler.table()


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


@pytest.mark.filterwarnings("ignore:.*loss")
def test_a_gradient_inside_a_gradient(every_gradient):
    """A penalty on the slope of the output, whose inner function makes the first NaN."""
    net = own(Penalised, Root(name="root"))
    report, text = found_in(net, LATE)
    assert (report["batch"], report["phase"]) == (3, "forward")
    assert "root' of type Root" in text
    profiler = callbacks.Profiler(repeats=1, verbose=0)
    own(Penalised, layers.Dense(2)).fit(X, Y, batch_size=8, verbose=0, callbacks=[profiler])
    assert list(profiler.report["eager"]) == ["forward", "backward", "update", "rest"]


class Penalised(Own):
    def train_step(self, data):
        x, _ = data
        variables = self.trainable_variables

        def loss():
            slope = unidl.grad(lambda inputs: ops.sum(self(inputs, training=True)))(x)
            return ops.mean(ops.square(slope))

        value, gradients = unidl.value_and_grad(loss, variables)
        self.optimizer.apply(gradients, variables)
        return {"loss": value}


@pytest.fixture
def every_gradient(backend):
    if not backend.nests:
        pytest.skip("no gradients of gradients")
    return backend

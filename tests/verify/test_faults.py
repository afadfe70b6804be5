"""Faults planted in a backend, one at a time, are found and named."""

import pytest

import unidl
from unidl import layers
from unidl.verify import verify


def model():
    unidl.utils.clear_session(free_memory=False)
    unidl.utils.set_random_seed(3)
    return unidl.Sequential(
        [
            unidl.Input((6,)),
            layers.Dense(8, activation="tanh"),
            layers.LayerNormalization(),
            layers.Dense(5, name="middle"),
            layers.Dense(3, activation="softmax"),
        ],
        name="net",
    )


def run(backend, steps=2):
    with unidl.use_backend(backend):
        return verify(model(), backends=[backend], steps=steps)


def plant(monkeypatch, backend, name, make):
    monkeypatch.setitem(vars(backend), name, make(getattr(backend, name)))


def test_without_a_fault_it_passes(backend):
    report = run(backend)
    assert report.passed, str(report)
    assert report.first is None


def test_a_wrong_epsilon(backend, monkeypatch):
    plant(
        monkeypatch,
        backend,
        "layer_norm",
        lambda f: lambda x, gamma, beta, axes, epsilon: f(x, gamma, beta, axes, epsilon * 1.001),
    )
    report = run(backend, steps=0)
    assert not report.passed
    assert report.first.startswith(
        "layer_normalization (LayerNormalization) is the first layer that differs, on "
        f"{backend.name}: output"
    )
    assert "Rounding does not explain it" in report.first
    assert {r.layer for r in report.records if not r.passed and r.stage == "layer"} == {
        "layer_normalization"
    }


def test_a_dropped_gradient(backend, monkeypatch):
    def make(linear):
        return lambda x, kernel, bias=None: linear(
            x, kernel, bias if bias is None or bias.shape[0] != 5 else backend.stop_gradient(bias)
        )

    plant(monkeypatch, backend, "linear", make)
    report = run(backend, steps=0)
    assert report.first.startswith(
        f"middle (Dense) is the first layer that differs, on {backend.name}: gradient of bias"
    )
    assert "all zeros" in report.first
    assert "Its outputs are equal" in report.first


def test_a_float32_cast_in_a_float64_path(backend, monkeypatch):
    plant(
        monkeypatch,
        backend,
        "tanh",
        lambda f: lambda x: backend.cast(f(backend.cast(x, "float32")), backend.dtype(x)),
    )
    report = run(backend, steps=0)
    assert report.first.startswith(
        f"dense (Dense) is the first layer that differs, on {backend.name}"
    )
    assert "look for something inside that computes in float32" in report.first


def test_a_wrong_epsilon_of_adam_shows_in_training_alone(backend, monkeypatch):
    def make(update):
        return lambda *args, epsilon, **kwargs: update(*args, epsilon=epsilon * 1.1, **kwargs)

    plant(monkeypatch, backend, "adam_update", make)
    report = run(backend)
    assert not report.passed
    assert all(r.passed for r in report.records if r.stage != "training")
    assert f"Training on {backend.name} parts in float64 at step 1, weight" in report.first
    assert "it is the update of Adam" in report.first


def test_a_loss_of_digits_in_float32_alone(backend, monkeypatch):
    """One-pass variance at a large mean: right in float64, useless in float32."""

    def one_pass(f):
        def layer_norm(x, gamma, beta, axes, epsilon):
            B = backend
            x = B.add(x, 3000.0)
            mean = B.mean(x, axes, keepdims=True)
            var = B.subtract(B.mean(B.square(x), axes, keepdims=True), B.square(mean))
            return B.add(
                B.multiply(B.multiply(B.subtract(x, mean), B.rsqrt(B.add(var, epsilon))), gamma),
                beta,
            )

        return layer_norm

    plant(monkeypatch, backend, "layer_norm", one_pass)
    report = run(backend, steps=0)
    assert not report.passed
    assert report.first.startswith(
        "layer_normalization (LayerNormalization) is the first layer that differs"
    )


def test_a_backend_of_ones_own(backend):
    """An instance of a derived class, registered nowhere, beside the true one."""
    true = type(backend)

    def layer_norm(self, x, gamma, beta, axes, epsilon):
        return true.layer_norm(self, x, gamma, beta, axes, 1e-5)

    def adam_update(self, *args, epsilon, **kwargs):
        return true.adam_update(self, *args, epsilon=epsilon, **kwargs)

    wrong = type(
        "Wrong", (true,), {"layer_norm": layer_norm, "adam_update": adam_update, "name": "wrong"}
    )()
    report = verify(model(), backends=[backend, wrong], steps=1)
    assert report.first.startswith(
        "layer_normalization (LayerNormalization) is the first layer that differs, on wrong:"
    )
    assert not any(r.target == backend.name and not r.passed for r in report.records)
    assert {r.stage for r in report.records if r.target == "wrong" and not r.passed} == {
        "layer",
        "model",
        "training",
    }
    assert unidl.get_backend(backend.name) is backend


def test_a_backend_with_tensors_that_nobody_knows():
    class Tensor:
        pass

    class Unknown(type(unidl.get_backend("numpy"))):
        name = "unknown"
        tensor_types = (Tensor,)

    with pytest.raises(
        ValueError, match="has tensors of type Tensor, which belong to no registered backend"
    ):
        verify(model(), backends=[Unknown()], steps=0)


def test_a_fault_inside_a_composite_layer_is_named(monkeypatch):
    class Block(layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.norm = layers.LayerNormalization(name="norm")
            self.dense = layers.Dense(4, name="inner")

        def call(self, inputs):
            return self.dense(self.norm(inputs))

    backend = unidl.get_backend("numpy")
    plant(
        monkeypatch,
        backend,
        "layer_norm",
        lambda f: lambda x, gamma, beta, axes, epsilon: f(x, gamma, beta, axes, epsilon * 2),
    )
    report = verify(
        unidl.Sequential([unidl.Input((6,)), layers.Dense(4), Block(name="block")]),
        backends=["numpy"],
        steps=0,
    )
    assert report.first.startswith("block (Block) is the first layer that differs, on numpy")
    assert "Inside it: " in report.first
    assert "norm (LayerNormalization)" in report.first


def test_a_fault_between_the_layers(monkeypatch):
    class Net(unidl.Model):
        def __init__(self):
            super().__init__(name="net")
            self.first, self.second = layers.Dense(4, name="first"), layers.Dense(2, name="second")

        def call(self, inputs):
            return self.second(unidl.ops.exp(self.first(inputs)))

    import numpy as np

    backend = unidl.get_backend("numpy")
    plant(monkeypatch, backend, "exp", lambda f: lambda x: backend.multiply(f(x), 1.0001))
    report = verify(Net(), np.ones((4, 3)), backends=["numpy"], steps=0)
    assert any("It parts between first and second" in p for p in report.problems), report.problems


@pytest.mark.parametrize("fault", ["none", "wrong"])
def test_the_model_is_given_back_as_it_was(backend, fault, monkeypatch):
    with unidl.use_backend(backend):
        net = model()
        net.compile("adam", "mse")
        x, y = __import__("numpy").random.default_rng(0).normal(size=(2, 8, 6)), None
        net.fit(x[0], __import__("numpy").eye(3)[[0, 1, 2, 0, 1, 2, 0, 1]], verbose=0)
        if fault == "wrong":
            plant(monkeypatch, backend, "layer_norm", lambda f: lambda *a: f(*a[:4], 1e-5))
        before = (
            [w.copy() for w in net.get_weights()],
            [v.numpy() for v in net.optimizer.variables],
            net.optimizer,
            net.objective,
            net._steps,
        )
        state = unidl.random.seed_generator.get_global_state()
        stores = [v._store for v in net.variables]
        verify(net, x[0], y, backends=[backend.name], steps=1)
        after = (
            [w.copy() for w in net.get_weights()],
            [v.numpy() for v in net.optimizer.variables],
            net.optimizer,
            net.objective,
            net._steps,
        )
        assert all(
            (a == b).all() for a, b in zip(before[0] + before[1], after[0] + after[1], strict=True)
        )
        assert before[2:] == after[2:]
        assert all(a is v._store for a, v in zip(stores, net.variables, strict=True))
        assert {layer.backend.name for layer in net._flatten_layers()} == {backend.name}
        assert {v.dtype for v in net.variables} == {"float32"}
        assert unidl.random.seed_generator.get_global_state() == state


def test_inputs_that_are_rounded_to_float32(backend, monkeypatch):
    """By itself each layer gets float32 values in float64, on which such a rounding does nothing:
    the whole model shows it."""

    def rounded(x):
        narrow = backend.cast(backend.cast(x, "float32"), backend.dtype(x))
        return backend.add(x, backend.stop_gradient(backend.subtract(narrow, x)))

    plant(monkeypatch, backend, "layer_norm", lambda f: lambda x, *a, **k: f(rounded(x), *a, **k))
    report = run(backend, steps=0)
    assert report.first is None
    assert any(
        "It parts in layer_normalization, on inputs with full float64 precision" in p
        for p in report.problems
    ), report.problems

"""What cannot be verified is said, with the layer and the reason."""

import numpy as np
import pytest

import unidl
from tests.conftest import INSTALLED
from unidl import layers, ops
from unidl.verify import verify

X = np.random.default_rng(0).normal(size=(6, 4))


def dense(*more):
    return unidl.Sequential([unidl.Input((4,)), layers.Dense(3, name="first"), *more], name="net")


def test_an_unbuilt_model_is_built_and_unbuilt_again():
    model = unidl.Sequential([layers.Dense(3), layers.Dense(2)])
    report = verify(model, X, backends=["numpy"], steps=1)
    assert report.passed
    assert any("not built" in note for note in report.notes)
    assert not model.weights
    assert not model.built


def test_an_unbuilt_model_without_data():
    with pytest.raises(ValueError, match=r"does not define its input shapes.*verify\(model, x\)"):
        verify(unidl.Sequential([layers.Dense(3)]))


def test_a_layer_that_call_never_reaches():
    class Net(unidl.Model):
        def __init__(self):
            super().__init__()
            self.used, self.idle = layers.Dense(2), layers.Dense(2, name="idle")

        def call(self, inputs):
            return self.used(inputs)

    report = verify(Net(), X, backends=["numpy"], steps=1)
    assert any("call() does not reach them: idle" in note for note in report.notes)


def test_a_weight_that_is_nan():
    model = dense()
    model.layers[0].kernel.assign(np.full((4, 3), np.nan))
    report = verify(model, X, backends=["numpy"], steps=1)
    assert not report.passed
    assert "first/kernel' holds NaN" in report.problems[0]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_layer_that_makes_the_first_nan():
    class Root(layers.Layer):
        def call(self, inputs):
            return ops.sqrt(inputs)

    report = verify(
        dense(Root(name="root"), layers.Dense(2, name="last")), X, backends=["numpy"], steps=1
    )
    assert not report.passed
    assert any(p.startswith("root (Root) makes the first NaN") for p in report.problems), (
        report.problems
    )


def test_nan_in_the_data():
    with pytest.raises(ValueError, match="x already contains NaN"):
        verify(dense(), np.full((2, 4), np.nan))


@pytest.mark.skipif("torch" not in INSTALLED, reason="needs torch")
@pytest.mark.filterwarnings("ignore::unidl.tracing.capture.CaptureWarning")
def test_a_layer_that_calls_a_framework(monkeypatch):
    import torch

    class Native(layers.Layer):
        def call(self, inputs):
            return torch.special.i0(inputs)

        def compute_output_shape(self, input_shape):
            return input_shape

    with unidl.use_backend("torch"):
        model = dense(Native(name="native"), layers.Dense(2, name="last"))
    report = verify(model, X, backends=["numpy", "torch"], steps=2)
    assert report.passed, str(report)
    assert any("the layer 'native' runs only on torch" in note for note in report.notes), (
        report.notes
    )
    ran = {(r.layer, r.target) for r in report.records if not r.skipped}
    assert {
        ("native", "torch"),
        ("first", "numpy"),
        ("last", "numpy"),
        ("first", "torch"),
        ("", "torch"),
    } <= ran
    assert not {("native", "numpy"), ("", "numpy")} & ran
    assert any(
        r.stage == "training" and r.target == "torch" and not r.skipped for r in report.records
    )
    # In float64 it is its own reference; its float32 is really compared with that.
    monkeypatch.setattr(
        torch.special, "i0", lambda x: torch.exp(x) * (1 if x.dtype == torch.float64 else 1.001)
    )
    assert (
        "native (Native) is the first layer that differs, on torch"
        in verify(model, X, backends=["torch"], steps=0).first
    )


def test_a_layer_that_is_not_deterministic():
    generator = np.random.default_rng()

    class Noise(layers.Layer):
        def call(self, inputs):
            return inputs + generator.normal()

    report = verify(dense(Noise(name="noise")), X, backends=["numpy"], steps=0)
    assert not report.passed
    assert any("noise (Noise) is not deterministic" in p for p in report.problems), report.problems


def test_data_that_does_not_fit():
    with pytest.raises(ValueError, match=r"axis|shape"):
        verify(dense(), np.ones((2, 5)), backends=["numpy"])
    with pytest.raises(ValueError, match="have different numbers of samples"):
        verify(dense(), X, np.ones((5, 3)), backends=["numpy"])
    model = dense()
    model.compile("adam", "sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match="there is the class 5"):
        verify(model, X, np.arange(6), backends=["numpy"])
    two = unidl.Input((2,), name="a"), unidl.Input((2,), name="b")
    with pytest.raises(ValueError, match="2 inputs"):
        verify(unidl.Model(list(two), layers.Add()(list(two))), np.ones((2, 2)), backends=["numpy"])


def test_an_empty_batch():
    with pytest.raises(ValueError, match="0 samples"):
        verify(dense(), np.ones((0, 4)), backends=["numpy"])


def test_a_wrong_dtype():
    tokens = unidl.Sequential(
        [unidl.Input((4,), dtype="int32", name="tokens"), layers.Embedding(5, 2)]
    )
    with pytest.raises(
        TypeError, match="the input 'tokens' is int32, but its data is float64 with fractions"
    ):
        verify(tokens, X, backends=["numpy"])
    with pytest.raises(TypeError, match="x must be numbers"):
        verify(dense(), np.array([["a"] * 4]), backends=["numpy"])
    with pytest.raises(ValueError, match=r"embedding.*9"):
        verify(tokens, np.full((2, 4), 9), backends=["numpy"])


def test_an_iterable_is_refused():
    with pytest.raises((TypeError, ValueError), match="arrays"):
        verify(dense(), iter([(X, None)]), backends=["numpy"])


def test_a_missing_framework():
    with pytest.raises(unidl.backend.BackendError, match="no backend named 'paddle'"):
        verify(dense(), backends=["paddle"])
    with pytest.raises(ValueError, match="none of the devices gpu:7"):
        verify(dense(), backends=["numpy"], devices=["gpu:7"])


@pytest.mark.parametrize("wrong", [-1, 1.5, None])
def test_a_wrong_number_of_steps(wrong):
    with pytest.raises(ValueError, match="steps must be an int >= 0"):
        verify(dense(), X, steps=wrong)


def test_what_is_no_model():
    with pytest.raises(TypeError, match="takes a Model or a Layer, got int"):
        verify(3)


def test_an_error_in_call_is_the_users_to_see_and_the_model_is_whole():
    class Broken(layers.Layer):
        def call(self, inputs):
            return ops.matmul(inputs, ops.ones((7, 2)))

        def compute_output_shape(self, input_shape):
            return (input_shape[0], 2)

    model = dense(Broken())
    before = model.get_weights()
    with pytest.raises(ValueError, match="matmul"):
        verify(model, X, backends=["numpy"])
    assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))
    assert "call" not in vars(model.layers[0])


def test_a_layer_that_cannot_run_somewhere(monkeypatch):
    backend = unidl.get_backend(INSTALLED[-1])

    def fails(*args, **kwargs):
        raise RuntimeError("no such kernel")

    monkeypatch.setitem(vars(backend), "tanh", fails)
    report = verify(
        dense(layers.Activation("tanh", name="bend")), X, backends=[backend.name], steps=1
    )
    assert not report.passed
    assert (
        f"bend (Activation) is the first layer that differs, on {backend.name}: call"
        in report.first
    )
    assert "no such kernel" in report.first

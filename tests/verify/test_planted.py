"""Many faults, one at a time, in many kinds of networks: each is caught, at its layer."""

import numpy as np
import pytest

import unidl
from tests.conformance.faults import FAULTS
from tests.conftest import INSTALLED
from unidl import layers
from unidl.backend import get_backend, use_backend
from unidl.conformance.cases import ALL_CASES
from unidl.conformance.engine import evaluate
from unidl.conformance.oracle import oracle
from unidl.ops.dispatch import standing_in
from unidl.verify import trajectory, verify

RNG = np.random.default_rng(11)


# -- networks --------------------------------------------------------------------------------------


def dense():
    return [
        layers.Dense(8, activation="gelu", name="ff0"),
        layers.LayerNormalization(name="norm"),
        layers.Dropout(0.3, name="drop"),
        layers.Dense(5, activation="tanh", name="d1"),
        layers.Dense(3, name="d2"),
    ], RNG.normal(size=(12, 6))


def images():
    return [
        layers.Conv2D(4, 3, padding="same", name="down0"),
        layers.BatchNormalization(name="norm"),
        layers.ReLU(),
        layers.Conv2D(4, 3, strides=2, padding="same", name="down1"),
        layers.Conv2DTranspose(3, 3, strides=2, padding="same", name="up0"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(3, name="d2"),
    ], RNG.normal(size=(6, 8, 8, 2))


def sequences():
    return [
        layers.Embedding(9, 6, name="embed"),
        layers.LSTM(5, return_sequences=True, name="encoder"),
        layers.GRU(4, name="decoder"),
        layers.Dense(3, name="d2"),
    ], RNG.integers(0, 4, (8, 6))


def transformer():
    inputs = unidl.Input((5,), dtype="int32")
    x = layers.Embedding(9, 8, name="embed")(inputs)
    h = layers.MultiHeadAttention(2, 4, name="mha0")(x, x, use_causal_mask=True)
    x = layers.LayerNormalization(name="norm")(layers.Add()([x, h]))
    x = layers.Dense(3, name="d2")(layers.GlobalAveragePooling1D()(x))
    return unidl.Model(inputs, x), RNG.integers(0, 9, (8, 5))


def made(build, optimizer="adam"):
    unidl.utils.clear_session(free_memory=False)
    unidl.utils.set_random_seed(5)
    model, x = build()
    if isinstance(model, list):
        dtype = "int32" if x.dtype.kind == "i" else "float32"
        model = unidl.Sequential([unidl.Input(x.shape[1:], dtype=dtype), *model])
    model.compile(optimizer, unidl.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model, x, RNG.integers(0, 3, len(x))


# -- faults: (right, backend, *arguments) -> what the faulty method gives --------------------------


def epsilon_a_thousandth_too_large(right, B, x, gamma, beta, axes, epsilon):
    return right(x, gamma, beta, axes, epsilon * 1.001)


def moving_mean(right, B, *a, **k):
    y, mean, var = right(*a, **k)
    return y, B.multiply(mean, 1.001), var


def unbiased_variance(right, B, *a, **k):
    y, mean, var = right(*a, **k)
    return y, mean, B.multiply(var, 1.01)


def gates_change_places(right, B, x, h, c, kernel, recurrent_kernel, bias, reverse=False):
    i, f, g, o = B.split(kernel, 4, -1)
    return right(x, h, c, B.concatenate([f, i, g, o], -1), recurrent_kernel, bias, reverse)


def initial_state_ignored(right, B, x, h, *a, **k):
    return right(x, B.add(h, 0.01), *a, **k)


def transposed_padding(right, B, x, kernel, strides, dilation, starts, sizes):
    return right(x, kernel, strides, dilation, tuple(1 - s for s in starts), sizes)


def bias_without_gradient(right, B, x, kernel, bias=None):
    return right(x, kernel, B.stop_gradient(bias) if tuple(bias.shape) == (5,) else bias)


def half_of_the_gradient_dropped(right, B, table, indices):
    y = right(table, indices)
    half = B.stop_gradient(B.multiply(y, 0.5))
    return B.add(B.multiply(y, 0.5), half)


def another_stream(right, B, x, key, rate, noise_shape=None):
    return right(x, (3, 3), rate, noise_shape)


def float32_inside(right, B, x, *a, **k):
    return B.cast(right(B.cast(x, "float32"), *a, **k), B.dtype(x))


def mask_ignored(right, B, query, key, value, bias=None, scale=1.0):
    return right(query, key, value, None, scale)


def scale_slightly_wrong(right, B, query, key, value, bias=None, scale=1.0):
    return right(query, key, value, bias, scale * 1.0001)


def a_millionth(right, B, *a, **k):
    return B.multiply(right(*a, **k), 1.000001)


def no_momentum(right, B, *a, momentum, **k):
    return right(*a, momentum=momentum * 0.9, **k)


def three_epsilons(right, B, *a, epsilon, **k):
    return right(*a, epsilon=epsilon * 3, **k)


def one_pass(right, B, x, gamma, beta, axes, epsilon):
    mean = B.mean(x, axes, keepdims=True)
    var = B.subtract(B.mean(B.square(x), axes, keepdims=True), B.square(mean))
    y = B.multiply(B.subtract(x, mean), B.rsqrt(B.add(var, epsilon)))
    return B.add(B.multiply(y, gamma), beta)


NARROW = "computes in float32"
TRAINING = "Training on"
# method, fault, network, the layer, what the report says besides, or (with "not ") does not say.
TABLE = [
    ("layer_norm", epsilon_a_thousandth_too_large, dense, "norm", f"not {NARROW}"),
    ("batch_norm_training", moving_mean, images, "norm", "new moving_mean"),
    ("batch_norm_training", unbiased_variance, images, "norm", "new moving_variance"),
    ("lstm", gates_change_places, sequences, "encoder", ""),
    ("lstm", initial_state_ignored, sequences, "encoder", ""),
    ("gru", initial_state_ignored, sequences, "decoder", ""),
    ("conv_transpose", transposed_padding, images, "up0", ""),
    ("linear", bias_without_gradient, dense, "d1", "all zeros. Its outputs are equal"),
    ("embedding", half_of_the_gradient_dropped, sequences, "embed", "gradient of embeddings"),
    ("dropout", another_stream, dense, "drop", ""),
    ("gelu", float32_inside, dense, "ff0", NARROW),
    ("tanh", float32_inside, dense, "d1", NARROW),
    ("attention", mask_ignored, transformer, "mha0", "in its own call()"),
    ("attention", scale_slightly_wrong, transformer, "mha0", f"not {NARROW}"),
    ("conv", a_millionth, images, "down0", f"not {NARROW}"),
    ("gelu", a_millionth, dense, "ff0", f"not {NARROW}"),
    ("adam_update", three_epsilons, dense, TRAINING, "it is the update of Adam"),
    ("sgd_update", no_momentum, dense, TRAINING, "it is the update of SGD"),
]


@pytest.mark.quick_on("torch")
@pytest.mark.parametrize(
    ("method", "fault", "build", "layer", "told"),
    [
        pytest.param(
            *row, id=f"{row[0]}, {row[1].__name__}", marks=[pytest.mark.slow] * (i % 3 > 0)
        )
        for i, row in enumerate(TABLE)
    ],
)
def test_a_fault_is_caught_at_its_layer(backend, method, fault, build, layer, told, monkeypatch):
    optimizer = "adam" if method != "sgd_update" else unidl.optimizers.SGD(0.1, momentum=0.9)
    model, x, y = made(build, optimizer)
    right = getattr(backend, method)
    monkeypatch.setitem(vars(backend), method, lambda *a, **k: fault(right, backend, *a, **k))
    report = verify(model, x, y, backends=[backend], steps=3 if layer == TRAINING else 0)
    assert report.verdict == "different"
    assert not report.failures
    assert report.first.startswith(f"{layer} "), report.first
    if told.startswith("not "):
        assert told.removeprefix("not ") not in report.first
    else:
        assert told in report.first


def test_one_pass_at_a_large_mean(backend, monkeypatch):
    """Right in float64; in float32 it has no digits left."""
    model, x, y = made(dense)
    model.layers[0].bias.assign(np.full(8, 100.0))
    right = backend.layer_norm
    monkeypatch.setitem(
        vars(backend), "layer_norm", lambda *a, **k: one_pass(right, backend, *a, **k)
    )
    report = verify(model, x, y, backends=[backend], steps=0)
    assert report.first.startswith("norm (LayerNormalization) is the first layer that differs")


def test_noise_is_called_not_deterministic(backend, monkeypatch):
    generator = np.random.default_rng(3)
    right = backend.linear

    def linear(*a):
        return backend.multiply(right(*a), 1 + 1e-9 * generator.normal())

    monkeypatch.setitem(vars(backend), "linear", linear)
    model, x, y = made(dense)
    report = verify(model, x, y, backends=[backend], steps=0)
    assert report.first.startswith("ff0 (Dense) is the first layer that differs")
    assert "It is not deterministic there" in report.first
    assert NARROW not in report.first


def test_a_stale_weight_is_found_at_the_step_where_it_shows(backend, monkeypatch):
    """A backend that keeps the first kernel of a shape: right until the weights change."""
    kept, right = {}, backend.linear

    def linear(x, kernel, bias=None):
        if tuple(kernel.shape) != (8, 5):
            return right(x, kernel, bias)
        here = kept.setdefault(
            backend.dtype(kernel), backend.to_numpy(backend.stop_gradient(kernel))
        )
        stale = backend.subtract(backend.asarray(here), backend.stop_gradient(kernel))
        return right(x, backend.add(kernel, stale), bias)

    model, x, y = made(dense)
    model.run_eagerly = True
    monkeypatch.setitem(vars(backend), "linear", linear)
    report = verify(model, x, y, backends=[backend], steps=3)
    assert report.verdict == "different"
    assert "at step 2, loss" in report.first
    assert (
        "With the weights of that step d1 (Dense) is the first layer that differs" in report.first
    )


def test_a_compiled_step_that_keeps_something(monkeypatch):
    """No layer is wrong by itself, also not with the weights of that step."""
    true = trajectory.train

    def train(*args, eagerly=False, **kwargs):
        run = true(*args, eagerly=eagerly, **kwargs)
        if not eagerly:
            run.losses[1] = run.losses[0]
        return run

    monkeypatch.setattr(trajectory, "train", train)
    report = verify(*made(dense), backends=["numpy"], steps=3)
    assert "parts in float64 at step 2, loss" in report.first
    assert "it is the loss, or what the compiled step keeps from earlier steps" in report.first


@pytest.mark.skipif(len(INSTALLED) < 2, reason="needs two backends")
@pytest.mark.parametrize("beside", [[], ["numpy"]])
def test_a_wrong_oracle_is_suspected(beside, monkeypatch):
    """Backends that share no code with the reference, and agree."""
    true = type(oracle()).layer_norm
    monkeypatch.setattr(
        type(oracle()),
        "layer_norm",
        lambda self, x, g, b, axes, epsilon: true(self, x, g, b, axes, epsilon * 1.01),
    )
    others = [name for name in INSTALLED if name != "numpy"]
    if len(others) < 2 and not beside:
        pytest.skip("needs three backends")
    model, x, y = made(dense)
    report = verify(model, x, y, backends=[*beside, *others], steps=0)
    assert report.first.startswith("norm (LayerNormalization) is the first layer that differs")
    assert "suspect the reference" in report.first


def test_one_wrong_backend_among_several_is_no_reason_to_suspect_the_reference(monkeypatch):
    backend = get_backend(INSTALLED[-1])
    right = backend.layer_norm
    monkeypatch.setitem(
        vars(backend),
        "layer_norm",
        lambda *a, **k: epsilon_a_thousandth_too_large(right, backend, *a, **k),
    )
    model, x, y = made(dense)
    report = verify(model, x, y, steps=0)
    assert report.first.startswith("norm")
    assert "suspect" not in report.first


# -- the faults of the conformance suite ---------------------------------------------------------

CASES = {case.name: case for case in ALL_CASES}


class OfACase(layers.Layer):
    """The float outputs of a case in a row, its float inputs as weights."""

    def __init__(self, case):
        super().__init__(name="suspect")
        self.case = case
        with standing_in(oracle()):
            outputs = evaluate(oracle(), case, case.draw()).outputs
        self.size = sum(o.size for o in outputs)

    def build(self, input_shape):
        self.given = {}
        for name, array in self.case.draw().items():
            self.given[name] = array
            if array.dtype.kind == "f":
                self.given[name] = self.add_weight(array.shape, name=name.replace("/", " "))
                self.given[name].assign(array)

    def call(self, inputs):
        B = get_backend()
        values = [
            B.asarray(v) if isinstance(v, np.ndarray) else v.value for v in self.given.values()
        ]
        outputs = self.case.call(B, *values)
        outputs = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
        wide = [B.reshape(B.cast(o, B.dtype(inputs)), (-1,)) for o in outputs]
        return B.expand_dims(B.concatenate(wide, 0), 0)

    def compute_output_shape(self, input_shape):
        return (1, self.size)


def _plain_case(fault):
    return next((CASES[n] for n in fault.cases if n in CASES and not n.startswith("layer")), None)


def _makes_variables(case, backend):
    with use_backend(backend):
        try:
            OfACase(case)(np.ones((1, 1)))
        except ValueError as error:
            return "is created inside call()" in str(error)
    return False


@pytest.mark.filterwarnings("ignore::unidl.tracing.capture.CaptureWarning")
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(f, id=f.name, marks=[pytest.mark.slow] * (i % 20 > 0))
        for i, f in enumerate(FAULTS)
    ],
)
def test_faults_of_the_conformance_suite(fault, monkeypatch):
    case = _plain_case(fault)
    if "alone" in fault.name or "frozen" in fault.name:
        pytest.skip("verify asks for all gradients of a layer at once; conformance for each alone")
    if fault.backend not in INSTALLED:
        pytest.skip(f"{fault.backend} is not installed")
    if case is None:
        pytest.skip("conformance shows it in a layer, which tests/conformance/test_faults.py runs")
    if _makes_variables(case, fault.backend):
        pytest.skip("the case makes Variables, which no layer may in call()")
    backend = get_backend(fault.backend)
    right = getattr(backend, fault.method)
    monkeypatch.setitem(
        vars(backend),
        fault.method,
        lambda *a, **k: fault.faulty(right, backend, *a, **k),
    )
    report = verify(OfACase(case), np.ones((1, 1)), backends=[fault.backend], steps=0)
    assert report.verdict == "different", str(report)
    assert report.first.startswith("suspect"), report.first

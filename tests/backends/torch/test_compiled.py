"""`jit_compile=True`: a whole step as one graph for torch.compile. What C++ it becomes takes a
minute, the graph itself does not."""

import numpy as np
import pytest
import torch

import unidl
from unidl import layers
from unidl.backend.variable import Variable
from unidl_torch.compiled import Compiled
from unidl_torch.recurrent_op import recurrences_as_operations

rng = np.random.default_rng(0)
IMAGES = rng.standard_normal((13, 8, 8, 3)).astype("float32")
SEQUENCES = rng.standard_normal((13, 5, 3)).astype("float32")
SEQUENCES[0, 2:] = SEQUENCES[1, :2] = 0  # masked
Y = rng.standard_normal((13, 1)).astype("float32")


@pytest.fixture
def as_it_is(monkeypatch):
    """Run the graph that was recorded, which needs no C++ compiler."""
    monkeypatch.setattr(torch, "compile", lambda graph, dynamic: graph)


def trained(x, body, jit_compile):
    """Training, evaluation and prediction in batches of 5; afterwards on without the graph. ->
    (strides, numbers)."""
    unidl.utils.set_random_seed(1)
    with unidl.use_backend("torch"):
        model, found = unidl.Sequential([unidl.Input(x.shape[1:]), *body(), layers.Dense(1)]), []
    optimizer = unidl.optimizers.Adam(0.01)
    for compiled in (jit_compile, False):
        model.compile(optimizer, "mse", jit_compile=compiled)
        found += model.fit(
            x, Y[: len(x)], batch_size=5, epochs=2, verbose=0, shuffle=False
        ).history["loss"]
        found += [
            model.evaluate(x, Y[: len(x)], batch_size=5, verbose=0),
            *model.predict(x, verbose=0).flatten(),
        ]
    return [v.value.stride() for v in model.weights], found


def check(x, body):
    (order, found), (wanted_order, wanted) = trained(x, body, True), trained(x, body, False)
    assert order == wanted_order
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


def cnn():
    return [layers.Conv2D(4, 3, activation="relu"), layers.Dropout(0.5), layers.Flatten()]


def recurrent():
    return [
        layers.Bidirectional(layers.LSTM(4, return_sequences=True)),
        layers.GRU(3, return_sequences=True, go_backwards=True, use_bias=False),
        layers.SimpleRNN(4, activation="relu"),
    ]


def masked():
    return [layers.Masking(), *recurrent()]


@pytest.mark.parametrize(
    ("x", "body"),
    [
        pytest.param(IMAGES, cnn, id="cnn"),
        pytest.param(SEQUENCES, recurrent, id="recurrent", marks=pytest.mark.slow),
        pytest.param(SEQUENCES, masked, id="masked", marks=pytest.mark.slow),
    ],
)
def test_the_graph_trains_evaluates_and_leaves_all_in_order(as_it_is, x, body):
    check(x, body)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("x", "body"), [(IMAGES, cnn), (SEQUENCES, recurrent)], ids=["cnn", "recurrent"]
)
def test_what_torch_compile_makes_of_it_does_too(x, body):
    check(x[:5], body)  # one shape for all, since each is compiled for itself


def test_the_graph_does_not_grow_with_the_sequence(as_it_is, backend):
    def size(moments):
        x, h = torch.zeros(2, moments, 3), torch.zeros(2, 4)
        kernel, recurrent_kernel = torch.ones(3, 12), torch.ones(4, 12)
        run = Compiled(lambda x: backend.gru(x, h, kernel, recurrent_kernel, None), [], [x])
        return len(run._run.graph.nodes)

    assert size(9) == size(2)


@pytest.mark.parametrize(
    ("mode", "gates"), [("lstm", 4), ("gru", 3), ("rnn_tanh", 1), ("rnn_relu", 1)]
)
@pytest.mark.parametrize("moments", [1, 3])
def test_the_operations_keep_what_they_promise_to_the_compiler(backend, mode, gates, moments):
    """Shapes, strides and dtypes of the results, none of which is the same as another."""
    x, states = (
        torch.randn(2, moments, 3),
        [torch.randn(1, 2, 4) for _ in range(2 if mode == "lstm" else 1)],
    )
    weights = [
        torch.randn(3, gates * 4).t(),
        torch.randn(4, gates * 4).t(),
        *torch.randn(2, gates * 4).unbind(0),
    ]
    given, checks = (mode, x, states, weights), ("test_schema", "test_faketensor")
    torch.library.opcheck(torch.ops.unidl.recurrence.default, given, test_utils=checks)
    gradients = torch.ops.unidl.recurrence(*given)
    torch.library.opcheck(
        torch.ops.unidl.recurrence_gradients.default, (*given, gradients), test_utils=checks
    )


def test_a_second_derivative_through_a_compiled_recurrence_is_refused(backend):
    w = Variable(np.ones((4, 12)), dtype="float32", backend="torch")

    def norm():
        with recurrences_as_operations():
            outputs, _ = backend.gru(
                torch.ones(2, 3, 3), torch.zeros(2, 4), torch.ones(3, 12), w.value, None
            )
        (gradient,) = torch.autograd.grad(outputs.sum(), [w.value], create_graph=True)
        return gradient.sum()

    with pytest.raises(NotImplementedError, match="no second"):
        backend.value_and_grad(norm, [w])

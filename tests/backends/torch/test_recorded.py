"""Gradients from a recording are autograd's, bit by bit; what cannot be repeated is not."""

import gc
import subprocess
import sys
import traceback

import numpy as np
import pytest
import torch

import unidl
from unidl import layers
from unidl.tracing.capture import CapturedExecution
from unidl_torch.execution import Execution
from unidl_torch.recorded import Repeated

MODELS = {
    "dense": ((6,), [layers.Dense, lambda units: layers.Dense(units, activation="gelu")]),
    "conv": (
        (9, 8, 2),
        [
            lambda units: layers.Conv2D(units, 3, activation="relu"),
            lambda units: layers.BatchNormalization(),
            lambda units: layers.MaxPooling2D(),
            lambda units: layers.Flatten(),
        ],
    ),
    "lstm": ((5, 3), [layers.LSTM]),
    "gru": ((5, 3), [layers.GRU]),
}


def build(name, **options):
    shape, makers = MODELS[name]
    unidl.utils.set_random_seed(3)
    model = unidl.Sequential(
        [
            unidl.Input(shape=shape),
            *(make(4) for make in makers),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile("adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"], **options)
    return model


def trained(name):
    """(losses, weights) after two epochs, the last batch of which is a smaller one."""
    rng = np.random.default_rng(7)
    shape, _ = MODELS[name]
    x = rng.standard_normal((22, *shape)).astype("float32")
    y = rng.integers(0, 3, 22)
    model = build(name)
    history = model.fit(x, y, batch_size=4, epochs=2, verbose=0)
    return model, history.history, model.get_weights()


def recordings():
    gc.collect()
    return [x for x in gc.get_objects() if type(x) is Repeated]


@pytest.mark.parametrize("name", MODELS)
def test_a_recording_repeats_autograd_to_the_bit(name, monkeypatch):
    with unidl.use_backend("torch"):
        before = set(map(id, recordings()))
        model, history, weights = trained(name)
        new = [x for x in recordings() if id(x) not in before]
        assert new, "nothing was recorded"
        assert all(x._made[1] is not None for x in new)
        assert model is not None
        monkeypatch.setattr(Execution, "differentiated", CapturedExecution.differentiated)
        _, expected_history, expected = trained(name)
    assert history == expected_history
    for a, b in zip(weights, expected, strict=True):
        np.testing.assert_array_equal(a, b)


def repeated(function):
    """`function(x, w)` -> tuple of tensors, with gradients for w by autograd, then repeated."""

    def run(arguments, values):
        leaf = values[0].detach().requires_grad_()
        outputs = function(arguments[2], leaf)
        return [y.detach() for y in outputs], list(torch.autograd.grad(outputs[0], [leaf]))

    return Repeated(run, [], decides=False), run


def compared(pair, x, w):
    repeat, run = pair
    results = repeat([[], [], x, w], [w])
    for got, wanted in zip(results, run([[], [], x, w], [w]), strict=True):
        assert all(torch.equal(a, b) for a, b in zip(got, wanted, strict=True))
    return repeat._made[1] is not None


@pytest.mark.parametrize(
    ("why", "function"),
    [
        ("a number of Python", lambda x, w: ((x * w).sum() * float(x.sum()),)),
        ("a size", lambda x, w: ((x * w).sum() * len(x[x > 0]),)),
        ("NumPy", lambda x, w: ((torch.from_numpy(x.numpy() * 2) * w).sum(),)),
    ],
)
def test_what_depends_on_values_stays_with_autograd(why, function):
    pair = repeated(function)
    for seed in range(3):
        torch.manual_seed(seed)
        assert not compared(pair, torch.randn(5), torch.randn(5))


def test_the_same_function_of_values_alone_is_repeated():
    pair = repeated(lambda x, w: ((x * w).relu().sum(), x.t() @ w))
    for seed in range(3):
        torch.manual_seed(seed)
        assert compared(pair, torch.randn(5, 4), torch.randn(5, 4))


def test_other_strides_go_through_autograd():
    pair = repeated(lambda x, w: ((x.reshape(-1) * w).sum(),))
    w = torch.randn(20)
    assert compared(pair, torch.randn(5, 4), w)
    compared(pair, torch.randn(4, 5).t(), w)
    assert compared(pair, torch.randn(5, 4), w)


def test_one_tensor_in_two_places_is_not_taken_for_one_argument():
    pair = repeated(lambda x, w: ((x * w * w).sum(),))
    w = torch.randn(5)
    compared(pair, w, w)
    compared(pair, torch.randn(5), w)


def test_keys_and_numbers_of_the_host_stay_with_autograd():
    repeat, _ = repeated(lambda x, w: ((x * w).sum(),))
    x, w = torch.randn(5), torch.randn(5)
    repeat([[(1, 2)], [], x, w], [w])
    assert repeat._made == (None, None)


def test_an_error_in_a_repeated_run_comes_from_the_program_itself():
    def look_up(x, w):
        return (torch.nn.functional.embedding(x, w.reshape(-1, 1)).sum(),)

    pair = repeated(look_up)
    w = torch.randn(5)
    assert compared(pair, torch.tensor([1, 3]), w)
    with pytest.raises(IndexError) as caught:
        pair[0]([[], [], torch.tensor([1, 5]), w], [w])
    assert "look_up" in "".join(traceback.format_exception(caught.value))


def test_recording_imports_no_compiler():
    code = """
import sys, numpy as np, unidl
unidl.set_backend("torch")
model = unidl.Sequential([unidl.Input((4,)), unidl.layers.Dense(2)])
model.compile("adam", "mse")
model.train_on_batch(np.ones((8, 4), "float32"), np.ones((8, 2), "float32"))
print("torch._dynamo" in sys.modules)
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"

"""Kernels in memory in the order of torch: nothing is copied, and nothing else is different."""

import numpy as np
import pytest
import torch

import unidl
from tests.backends.torch.agreement import relative_error
from unidl.backend import Variable
from unidl_torch.conv import _weight

rng = np.random.default_rng(11)

# The spatial ranks, and one channel at either end, where torch cannot tell one memory format from
# another.
KERNELS = [
    (3, 4, 5),
    (3, 2, 4, 5),
    (3, 3, 1, 4),
    (3, 2, 4, 1),
    (1, 1, 4, 6),
    (3, 3, 1, 1),
    (2, 3, 2, 3, 4),
]


def randn(*shape):
    return rng.standard_normal(shape)


@pytest.mark.parametrize("shape", KERNELS)
@pytest.mark.parametrize("function", ["conv", "conv_transpose"])
def test_the_weight_of_a_convolution_is_a_view(shape, function):
    kernel = Variable(randn(*shape), backend="torch", kernel_of=function).value
    weight = _weight(kernel if kernel.ndim > 3 else kernel.unsqueeze(0))
    assert weight.data_ptr() == kernel.data_ptr()
    last = torch.channels_last if weight.ndim == 4 else torch.channels_last_3d
    assert weight.is_contiguous(memory_format=torch.contiguous_format if 1 in shape[-2:] else last)


def run(backend, function, shape, dtype, kernel_of):
    """Output of a convolution, gradients of input and kernel."""
    rng, rank = np.random.default_rng(3), len(shape) - 2
    channels = shape[-1 if function == "conv_transpose" else -2]
    x, kernel = (
        Variable(rng.standard_normal(s), dtype=dtype, backend="torch", kernel_of=of)
        for s, of in (((2, *(5,) * rank, channels), None), (shape, kernel_of))
    )
    ones = (1,) * rank
    arguments = {"conv_transpose": ((2,) * rank, ones, (0,) * rank, (11,) * rank)}.get(
        function, (ones, "same", ones)
    )

    def loss():
        y = getattr(backend, function)(x.value, kernel.value, *arguments)
        return backend.sum(backend.square(y)), y

    (_, y), gradients = backend.value_and_grad(loss, [x, kernel], has_aux=True)
    return [y, *gradients]


@pytest.mark.parametrize(("dtype", "budget"), [("float64", 1e-13), ("float32", 3e-6)])
@pytest.mark.parametrize("shape", KERNELS)
@pytest.mark.parametrize("function", ["conv", "depthwise_conv", "conv_transpose"])
def test_convolution_with_a_kernel_laid_out(backend, function, shape, dtype, budget):
    found, wanted = (run(backend, function, shape, dtype, of) for of in (function, None))
    for f, w in zip(found, wanted, strict=True):
        assert relative_error(f.numpy(), w.numpy()) <= budget


def model_of_kernels():
    layers = unidl.layers
    return unidl.Sequential(
        [
            unidl.Input((8, 8, 3)),
            layers.Conv2D(4, 3),
            layers.DepthwiseConv2D(3),
            layers.SeparableConv2D(5, 2),
            layers.Conv2DTranspose(4, 2),
            layers.Reshape((-1, 8)),
            layers.Conv1D(6, 3),
            layers.LSTM(5, return_sequences=True),
            layers.GRU(4, return_sequences=True),
            layers.Bidirectional(layers.SimpleRNN(3)),
            layers.Dense(1),
        ]
    )


X, Y = (
    rng.standard_normal((12, 8, 8, 3)).astype("float32"),
    rng.standard_normal((12, 1)).astype("float32"),
)

OPTIMIZERS = {
    "adam": lambda: unidl.optimizers.Adam(0.01, use_ema=True),
    "momentum": lambda: unidl.optimizers.SGD(0.01, momentum=0.9, gradient_accumulation_steps=2),
    "rmsprop": lambda: unidl.optimizers.RMSprop(0.01),
    "adagrad": lambda: unidl.optimizers.Adagrad(0.01),
}


def train(backend, optimizer, epochs=2):
    unidl.utils.set_random_seed(1)
    with unidl.use_backend(backend):
        model = model_of_kernels()
        model.compile(OPTIMIZERS[optimizer](), "mse")
        history = model.fit(X, Y, batch_size=4, epochs=epochs, verbose=0, shuffle=False).history[
            "loss"
        ]
    return model, history


def strides(model):
    return [v.value.stride() for v in (*model.weights, *model.optimizer.slot_variables)]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_training_is_that_of_numpy_and_slots_lie_as_their_parameters_do(optimizer):
    (model, losses), (reference, wanted) = train("torch", optimizer), train("numpy", optimizer)
    np.testing.assert_allclose(losses, wanted, rtol=1e-4)
    for a, b in zip(model.variables, reference.variables, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-3, atol=2e-5)
    twisted = 0
    for v in model.trainable_variables:
        own = [
            slot
            for slot in model.optimizer.slot_variables
            if slot.name.startswith(v.path.replace("/", "_") + "_")
        ]
        assert own
        assert all(slot.value.stride() == v.value.stride() for slot in own), v.path
        twisted += not v.value.is_contiguous()
    assert twisted >= 10  # kernels, of the 14


def test_the_order_stays_through_all_that_happens_to_a_variable(tmp_path):
    model, _ = train("torch", "adam", epochs=1)
    before, values = strides(model), [v.numpy() for v in model.variables]
    assert all(v.flags.c_contiguous for v in values)
    model.set_weights(model.get_weights())
    assert strides(model) == before
    model.to("numpy").to("torch")
    assert strides(model) == before
    for found, wanted in zip(model.variables, values, strict=True):
        np.testing.assert_array_equal(found.numpy(), wanted)
    model.save_weights(tmp_path / "model.weights.h5")
    loaded, _ = train("torch", "adam", epochs=1)
    loaded.load_weights(tmp_path / "model.weights.h5")
    assert strides(loaded) == before
    for found, wanted in zip(loaded.variables, values, strict=True):
        np.testing.assert_array_equal(found.numpy(), wanted)


def test_gradients_come_in_the_order_of_their_kernels(backend):
    """Otherwise each step would copy them."""
    model, _ = train("torch", "adam", epochs=1)
    variables = model.trainable_variables
    _, gradients = backend.value_and_grad(lambda: backend.mean(model(X)), variables)
    strange = {
        v.path for g, v in zip(gradients, variables, strict=True) if g.stride() != v.value.stride()
    }
    assert not {path for path in strange if "gru" not in path}

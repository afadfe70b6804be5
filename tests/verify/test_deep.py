"""A deep network is verified in minutes."""

import numpy as np
import pytest

import unidl
from tests.conftest import INSTALLED
from unidl import layers
from unidl.conformance.oracle import noisy_oracle
from unidl.verify import verify


def resnet(depth, width=16, size=32, classes=10):
    """The residual network for CIFAR of `depth` = 6 n + 2 layers with weights."""

    def conv_norm(x, filters, strides=1):
        return layers.BatchNormalization()(
            layers.Conv2D(filters, 3, strides=strides, padding="same", use_bias=False)(x)
        )

    inputs = unidl.Input((size, size, 3))
    x = layers.ReLU()(conv_norm(inputs, width))
    for stage in range(3):
        filters = width * 2**stage
        for block in range((depth - 2) // 6):
            strides = 2 if stage and not block else 1
            h = conv_norm(layers.ReLU()(conv_norm(x, filters, strides)), filters)
            x = layers.Conv2D(filters, 1, strides=2, use_bias=False)(x) if strides == 2 else x
            x = layers.ReLU()(layers.Add()([x, h]))
    return unidl.Model(inputs, layers.Dense(classes)(layers.GlobalAveragePooling2D()(x)))


def compiled(depth, **options):
    unidl.utils.set_random_seed(4)
    model = resnet(depth, **options)
    model.compile("adam", unidl.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def data(samples, size=32):
    rng = np.random.default_rng(0)
    return rng.normal(size=(samples, size, size, 3)).astype("float32"), rng.integers(0, 10, samples)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.skipif("torch" not in INSTALLED, reason="needs torch")
def test_a_resnet_20_passes():
    x, y = data(8)
    report = verify(compiled(20), x, y, backends=["numpy", "torch"], steps=5)
    assert report.passed, str(report)
    assert (
        len(report.layers) == 19 + 2 + 19 + 19 + 9 + 2
    )  # convolutions, shortcuts, norms, ReLUs, sums, the head


def test_what_passes_by_few_draws_is_simulated_no_further(monkeypatch):
    """Each layer of a network without a fault needs few evaluations with simulated rounding; a
    layer with one gets them all."""
    seeds = []
    monkeypatch.setattr(type(noisy_oracle()), "seed", _counted(seeds))
    x, y = data(2, size=8)
    report = verify(compiled(8, width=4, size=8), x, y, backends=["numpy"], steps=0)
    assert report.passed, str(report)
    few = len(seeds)
    assert few < 2 * 4 * len(report.layers)

    backend = unidl.get_backend("numpy")
    true = backend.mean
    monkeypatch.setitem(
        vars(backend),
        "mean",
        lambda x, axis=None, keepdims=False: backend.multiply(true(x, axis, keepdims), 1.001),
    )
    del seeds[:]
    assert not verify(compiled(8, width=4, size=8), x, y, backends=["numpy"], steps=0).passed
    assert len(seeds) > few


def _counted(seeds):
    def seed(self, n):
        seeds.append(n)
        self.signs = np.random.default_rng(n)

    return seed

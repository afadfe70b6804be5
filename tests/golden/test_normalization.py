"""Batch and layer normalization: epsilon, momentum, which variance, and what is left of a large
mean."""

import numpy as np
import pytest

from tests.golden.pinned import pinned
from unidl import layers, ops

X = np.array([[1.0, -2.0], [3.0, 0.5], [-0.5, 4.0]])


def test_batch_norm_divides_by_the_root_of_the_biased_variance_and_epsilon(backend):
    def formula(epsilon=1e-3, ddof=0):
        return (X - X.mean(0)) / np.sqrt(X.var(0, ddof=ddof) + epsilon)

    pinned(layers.BatchNormalization()(X, training=True), formula, epsilon=(1e-5, 1e-4), ddof=1)


def test_batch_norm_moves_its_statistics_with_momentum_99_and_the_biased_variance(backend):
    layer = layers.BatchNormalization()
    layer(X, training=True)
    _, _, mean, variance = layer.weights

    def moving_mean(momentum=0.99):
        return X.mean(0) * (1 - momentum)

    def moving_variance(momentum=0.99, ddof=0):
        return momentum + X.var(0, ddof=ddof) * (1 - momentum)

    pinned(mean.value, moving_mean, momentum=(0.9, 0.999))
    pinned(variance.value, moving_variance, momentum=(0.9, 0.999), ddof=1)


def test_batch_norm_at_inference_uses_what_it_has_moved(backend):
    layer = layers.BatchNormalization()
    layer.build((None, 2))
    layer.set_weights(np.array([[2.0, 0.5], [1.0, -1.0], [0.25, 3.0], [0.5, 4.0]]))

    def formula(epsilon=1e-3):
        return (X - [0.25, 3.0]) / np.sqrt(np.array([0.5, 4.0]) + epsilon) * [2.0, 0.5] + [
            1.0,
            -1.0,
        ]

    pinned(layer(X), formula, epsilon=1e-5)


@pytest.mark.parametrize("kind", ["LayerNormalization", "GroupNormalization"])
def test_layer_and_group_norm(backend, kind):
    layer = (
        layers.LayerNormalization()
        if kind == "LayerNormalization"
        else layers.GroupNormalization(1)
    )

    def formula(epsilon=1e-3, ddof=0):
        return (X - X.mean(1, keepdims=True)) / np.sqrt(
            X.var(1, keepdims=True, ddof=ddof) + epsilon
        )

    pinned(layer(X), formula, epsilon=1e-5, ddof=1)


def test_rms_and_unit_norm(backend):
    small = X * 1e-3

    def rms(epsilon=1e-6):
        return small / np.sqrt((small**2).mean(1, keepdims=True) + epsilon)

    def unit(epsilon=1e-12):
        return small / np.sqrt(np.maximum((small**2).sum(1, keepdims=True), epsilon))

    pinned(layers.RMSNormalization()(small), rms, epsilon=(1e-3, 1e-7))
    pinned(layers.UnitNormalization()(small), unit, epsilon=1e-3)


@pytest.mark.parametrize("mean", [100.0, 1e4])
@pytest.mark.parametrize("kind", ["BatchNormalization", "LayerNormalization"])
def test_a_large_mean_leaves_the_variance_right(backend, mean, kind):
    """Mean 100 and 1e4 with std 0.01 in float32: the variance in one pass would be NaN, or 53 %
    off."""
    x = (mean + 0.01 * np.random.default_rng(0).normal(size=(64, 64))).astype("float32")
    layer = getattr(layers, kind)(dtype="float32", epsilon=1e-6)
    found = layer(x, training=True) if kind == "BatchNormalization" else layer(x)
    axis = 0 if kind == "BatchNormalization" else 1
    exact = x.astype("float64")

    def formula(one_pass=False):
        with np.errstate(invalid="ignore"):
            average = exact.mean(axis, keepdims=True)
            variance = exact.var(axis, keepdims=True)
            if one_pass:
                variance = (
                    np.float32(1) * (x**2).mean(axis, keepdims=True)
                    - x.mean(axis, keepdims=True) ** 2
                )
            return np.nan_to_num((exact - average) / np.sqrt(np.maximum(variance, 0) + 1e-6))

    # The mean itself is rounded to a few units of float32 at this size, which are a part of 0.01.
    pinned(found, formula, tolerance=2 * np.spacing(np.float32(mean)) / 0.01, one_pass=True)


@pytest.mark.parametrize("policy", ["float16", "mixed_float16"])
@pytest.mark.parametrize(
    "make", [layers.BatchNormalization, lambda **k: layers.LayerNormalization(axis=0, **k)]
)
def test_moments_of_16_bits_are_taken_in_32(backend, policy, make):
    """4,096 numbers near 100: their sum overflows in float16, whose spacing there, 1/16, is an
    eighth of their deviation."""
    x = (100 + 0.5 * np.random.default_rng(0).standard_normal((4096, 2))).astype("float16")
    layer = make(dtype=policy)
    layer.build((4096, 2))
    found = ops.convert_to_numpy(
        layer(
            ops.convert_to_tensor(x),
            **({"training": True} if layer.name.startswith("batch") else {}),
        )
    )
    assert found.dtype == "float16"
    wide = x.astype("float64")
    expected = (wide - wide.mean(0)) / np.sqrt(wide.var(0) + 1e-3)
    assert np.abs(found - expected).max() <= 2**-9  # half a spacing of float16 between 2 and 4
    for weight in layer.non_trainable_weights:
        wanted = 0.01 * wide.mean(0) if "mean" in weight.name else 0.99 + 0.01 * wide.var(0)
        np.testing.assert_allclose(
            weight.numpy(), wanted, rtol=2e-3 if policy == "float16" else 1e-6
        )
    with_fixed = ops.convert_to_numpy(layer(ops.convert_to_tensor(x)))
    assert np.isfinite(with_fixed).all()

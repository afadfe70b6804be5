"""The bits of the portable generator, and what is made of them."""

import numpy as np
import pytest
import torch

from unidl.backend import Backend
from unidl.backend.contract.random import MASK, PIECE, mix

KEYS = [(0, 0), (12345, 678), (MASK, MASK), (0x80000000, 0x7FFFFFFF), (MASK - 3, 1)]


def words(key, indices):
    return [mix(mix((int(i) + key[0]) & MASK) ^ key[1]) for i in indices]


@pytest.mark.parametrize("key", KEYS)
def test_bits(backend, key):
    bits = backend.random_bits(key, (5, 20))
    assert bits.dtype == torch.int64
    assert bits.flatten().tolist() == words(key, range(100))


@pytest.mark.parametrize("key", KEYS)
def test_a_key_that_is_a_tensor_gives_the_same_bits(backend, key):
    assert backend.random_bits(torch.tensor(key), (100,)).tolist() == words(key, range(100))


@pytest.mark.parametrize("key", KEYS[:3])
def test_bits_beyond_the_first_piece(backend, key):
    n = 2 * PIECE + 5
    bits = backend.random_bits(key, (n,))
    places = [PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, n - 1]
    assert bits[places].tolist() == words(key, places)
    assert torch.equal(backend.random_bits(torch.tensor(key), (n,)), bits)


@pytest.mark.parametrize("rate", [0.0, 1e-9, 0.1, 0.5, 0.75, 0.999999999, 1.0])
def test_mask_and_uniform_are_those_of_the_default_bodies(backend, rate):
    for key in KEYS:
        assert torch.equal(
            backend.keep_mask(key, (3, 50), rate), Backend.keep_mask(backend, key, (3, 50), rate)
        )
        for dtype in ("float32", "float64"):
            assert torch.equal(
                backend.uniform(key, (3, 50), dtype), Backend.uniform(backend, key, (3, 50), dtype)
            )


@pytest.mark.parametrize("shape", [(), (3, 50), (0, 2), (3, PIECE // 2)])
def test_the_host_and_the_device_draw_the_same(backend, shape):
    for key in KEYS:
        on_device = torch.tensor(key)
        assert torch.equal(
            backend.keep_mask(key, shape, 0.3), backend.keep_mask(on_device, shape, 0.3)
        )
        for dtype in ("bfloat16", "float16", "float32", "float64"):
            assert torch.equal(
                backend.uniform(key, shape, dtype), backend.uniform(on_device, shape, dtype)
            )


def test_moments(backend):
    u = backend.uniform((1, 2), (200_000,), "float64").numpy()
    assert abs(u.mean() - 0.5) < 2e-3
    assert u.min() >= 0
    assert u.max() < 1
    z = backend.normal((3, 4), (200_000,), "float32").numpy()
    assert abs(z.mean()) < 5e-3
    assert abs(z.std() - 1) < 5e-3
    assert np.isfinite(z).all()


def test_dropout(backend):
    x = torch.ones(1000, 10, requires_grad=True)
    y = backend.dropout(x, (5, 6), 0.25, (None, 1))
    kept = (y > 0).float().mean().item()
    assert abs(kept - 0.75) < 0.05
    assert set(y.detach().unique().tolist()) == {0.0, np.float32(1 / 0.75).item()}
    assert (y.std(1) == 0).all()
    (g,) = torch.autograd.grad(y.sum(), x)
    assert torch.equal(g, y.detach())

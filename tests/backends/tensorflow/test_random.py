"""Random bits are those of the reference, wherever they are computed."""

import numpy as np
import pytest

import unidl_tensorflow.random as module
from unidl.backend import Backend
from unidl.backend.contract.random import MASK, mix

KEY = (0xDEADBEEF, 0x12345678)
WORDS = [mix(mix((i + KEY[0]) & MASK) ^ KEY[1]) for i in range(60)]


@pytest.fixture(params=["plain", "fused"])
def path(request, monkeypatch):
    monkeypatch.setattr(module, "FUSED_FROM", 0 if request.param == "fused" else 1 << 60)


def test_eager(tf_backend):
    assert tf_backend.random_bits(KEY, (3, 20)).numpy().ravel().tolist() == WORDS


@pytest.mark.usefixtures("path")
def test_in_a_graph_with_a_tensor_for_a_key(tf_backend):
    draw = tf_backend.compile(
        lambda key: [tf_backend.random_bits(key, (60,)), tf_backend.keep_mask(key, (60,), 0.3)], []
    )
    bits, mask = draw(tf_backend.asarray(np.array(KEY, "int64")))
    assert bits.numpy().tolist() == WORDS
    assert mask.numpy().tolist() == [w >= round(0.3 * 2**32) for w in WORDS]


@pytest.mark.usefixtures("path")
def test_in_a_graph_with_ints_for_a_key(tf_backend):
    assert (
        tf_backend.compile(lambda: tf_backend.random_bits(KEY, (60,)), [])().numpy().tolist()
        == WORDS
    )


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 1.0])
def test_eager_masks_are_the_default_ones(tf_backend, rate):
    assert np.array_equal(
        tf_backend.keep_mask(KEY, (500,), rate), Backend.keep_mask(tf_backend, KEY, (500,), rate)
    )


def test_empty(tf_backend):
    assert tf_backend.random_bits(KEY, (0, 3)).shape == (0, 3)

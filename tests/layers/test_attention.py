"""Attention layers: which path runs, that both agree, how masks travel, errors."""

import numpy as np
import pytest

from tests.reference import close
from unidl import layers, ops

DRAW = np.random.default_rng(0)
Q, V = DRAW.normal(size=(2, 4, 3)), DRAW.normal(size=(2, 5, 3))


def _numpy(x):
    return ops.convert_to_numpy(x)


def test_attention_by_kernel_and_by_parts(backend):
    layer = layers.Attention(use_scale=True, dtype="float64")
    masks = [None, np.array([[1, 1, 0, 1, 0], [1, 0, 0, 0, 0]], bool)]
    whole = layer([Q, V], mask=masks, use_causal_mask=True)
    parts, weights = layer([Q, V], mask=masks, use_causal_mask=True, return_attention_scores=True)
    close(_numpy(whole), _numpy(parts), 1e-12)
    close(_numpy(weights).sum(-1), np.ones((2, 4)), 1e-12)
    assert (_numpy(weights)[0, :, 2] == 0).all()
    assert layer.kernel_description() == backend.kernels.get("attention", "composed of primitives")


def test_multi_head_attention_by_kernel_and_by_parts(backend):
    layer = layers.MultiHeadAttention(2, 4, dtype="float64")
    mask = np.tril(np.ones((4, 5), bool))[None]
    close(
        _numpy(layer(Q, V, attention_mask=mask)),
        _numpy(layer(Q, V, attention_mask=mask, return_attention_scores=True)[0]),
        1e-12,
    )
    assert layer.kernel_description() == backend.kernels.get("attention", "composed of primitives")


def test_descriptions():
    assert (
        layers.Attention(score_mode="concat").kernel_description()
        == "composed of primitives: score_mode='concat'"
    )
    assert layers.Attention(dropout=0.1).kernel_description() == "composed of primitives: dropout"
    assert (
        layers.AdditiveAttention().kernel_description() == "composed of primitives: additive scores"
    )
    layer = layers.MultiHeadAttention(1, 2, attention_axes=2)
    layer(Q[:, None], V[:, None])
    assert layer.kernel_description() == "composed of primitives: attention_axes=(2,)"


def test_flash_attention_means_the_kernel():
    layers.MultiHeadAttention(1, 2, flash_attention=True)(Q, V)
    with pytest.raises(ValueError, match="flash_attention=True is not possible here: dropout"):
        layers.MultiHeadAttention(1, 2, flash_attention=True, dropout=0.5)(Q, V)
    with pytest.raises(ValueError, match="cannot return the scores"):
        layers.MultiHeadAttention(1, 2, flash_attention=True)(Q, V, return_attention_scores=True)


def test_masks_of_the_inputs_are_used_and_passed_on(backend):
    indices = np.array([[1, 2, 0, 0], [3, 1, 1, 0]])
    table = layers.Embedding(4, 3, mask_zero=True, dtype="float64")
    mask, x = indices != 0, _numpy(table(indices))
    for layer, call in (
        (layers.Attention(dtype="float64"), lambda layer, x, **k: layer([x, x], **k)),
        (layers.MultiHeadAttention(2, 3, dtype="float64"), lambda layer, x, **k: layer(x, x, **k)),
    ):
        given = (
            {"mask": [mask, mask]}
            if isinstance(layer, layers.Attention)
            else {"query_mask": mask, "value_mask": mask}
        )
        got = call(layer, table(indices))
        close(_numpy(got), _numpy(call(layer, x, **given)), 1e-15)
        pooled = layers.GlobalAveragePooling1D(dtype="float64")
        close(
            _numpy(pooled(call(layer, table(indices)))),
            _numpy(pooled(_numpy(got), mask=mask)),
            1e-15,
        )


def test_symbolic_shapes():
    q, v = layers.Input((None, 3)), layers.Input((7, 3))
    out, scores = layers.MultiHeadAttention(2, 3)(q, v, return_attention_scores=True)
    assert tuple(out.shape) == (None, None, 3)
    assert tuple(scores.shape) == (None, 2, None, 7)
    assert tuple(
        layers.MultiHeadAttention(2, 3, output_shape=9)(q, v, use_causal_mask=True).shape
    ) == (None, None, 9)
    assert tuple(layers.Attention()([q, v]).shape) == (None, None, 3)
    assert tuple(layers.EinsumDense("...x,xy->...y", 4, bias_axes="y")(q).shape) == (None, None, 4)


def test_projections_are_sublayers_in_keras_order():
    layer = layers.MultiHeadAttention(2, 3, use_gate=True, name="heads")
    layer(Q, V)
    names = ["query", "key", "gate", "value", "attention_output"]
    assert [w.path for w in layer.weights] == [
        f"heads/{n}/{w}" for n in names for w in ("kernel", "bias")
    ]
    kernels = layer.get_weights()[::2]
    assert not np.array_equal(kernels[0], kernels[1])


def test_errors():
    with pytest.raises(ValueError, match=r"Attention 'attention.*Write: layer\(\[query, value\]\)"):
        layers.Attention()(Q)
    with pytest.raises(ValueError, match="mask must be a list"):
        layers.Attention()([Q, V], mask=np.ones((2, 5), bool))
    with pytest.raises(ValueError, match="Attention: score_mode must be one of 'dot', 'concat'"):
        layers.Attention(score_mode="sum")
    with pytest.raises(TypeError, match=r"called without 'value'. Write: layer\(query, value\)"):
        layers.MultiHeadAttention(2, 3)(Q)
    with pytest.raises(
        ValueError, match="MultiHeadAttention: num_heads must be a positive integer"
    ):
        layers.MultiHeadAttention(0, 3)
    with pytest.raises(ValueError, match="may differ only in their last axis"):
        layers.MultiHeadAttention(2, 3)(Q, V, V[:, :2])
    with pytest.raises(ValueError, match="EinsumDense: cannot use the equation"):
        layers.EinsumDense("ab,bc", 3)
    with pytest.raises(ValueError, match="takes inputs with 2 axes"):
        layers.EinsumDense("ab,bc->ac", 3)(Q)
    with pytest.raises(ValueError, match="lora_rank=4 is not supported"):
        layers.EinsumDense("ab,bc->ac", 3, lora_rank=4)


def test_masks_that_do_not_fit(backend):
    images = np.zeros((2, 4, 3, 5), "float32")
    several = layers.MultiHeadAttention(2, 4, attention_axes=(1, 2))
    assert several(images, images, attention_mask=np.ones((2, 4, 3, 4, 3), bool)).shape == (
        2,
        4,
        3,
        5,
    )
    expected = (
        r"MultiHeadAttention '.*expected .* \(2, 2, 4, 3, 4, 3\) of the scores .*got .*"
        r"Write: attention_mask=.*2 attention axes"
    )
    for masks in (
        {"query_mask": np.ones((2, 4), bool)},
        {"value_mask": np.ones((2, 4), bool)},
        {"use_causal_mask": True},
    ):
        with pytest.raises(ValueError, match=expected):
            several(images, images, **masks)
    tokens = layers.Embedding(5, 6, mask_zero=True)(
        layers.Input((4, 3), dtype="int32")
    )  # its mask is (batch, 4, 3)
    with pytest.raises(ValueError, match="2 attention axes"):
        several(tokens, tokens)
    expected = (
        r"MultiHeadAttention '.*\(2, 2, 4, 5\) of the scores.*"
        r"Write: attention_mask=mask with a mask of shape \(2, 4, 5\)"
    )
    with pytest.raises(ValueError, match=expected):
        layers.MultiHeadAttention(2, 4)(Q, V, value_mask=np.ones((2, 4), bool))


def test_softmax_masks_that_do_not_fit(backend):
    for mask in (np.ones((2, 4), bool), np.ones((1, 2, 4, 3), bool)):
        expected = (
            r"Softmax 'softmax.*expected .* \(2, 4, 3\) of the input.*got a mask of shape .*"
            r"Write: layer\(x, mask=mask\)"
        )
        with pytest.raises(ValueError, match=expected):
            layers.Softmax()(Q, mask=mask)
    tokens = layers.Embedding(5, 6, mask_zero=True)(layers.Input((4,), dtype="int32"))
    with pytest.raises(
        ValueError,
        match=r"Softmax 'softmax.*\(None, 4, 6\) of the input \(.*got a mask of shape \(None, 4\)",
    ):
        layers.Softmax()(tokens)

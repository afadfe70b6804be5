"""Layers as data: how each is made, what it is called with.

Every layer comes in several configurations with its edge cases: masks and fully masked rows, both
data formats, even kernels with "same" padding, groups and dilation, a batch of one, an empty batch.
"""

from __future__ import annotations

from unidl import layers as L
from unidl import regularizers
from unidl.conformance.cases import layers_recurrent, layers_small, layers_windows
from unidl.conformance.cases.layer_rows import (
    HOLES,
    SOME_ROWS_BLIND,
    TRIANGLE,
    LayerCase,
    integers,
    normal,
    normal_list,
    rows,
    spread,
    states,
)


def _dense():
    yield LayerCase("Dense", lambda: L.Dense(3), normal((4, 5)))
    yield LayerCase(
        "Dense, tanh, no bias",
        lambda: L.Dense(3, activation="tanh", use_bias=False),
        normal((4, 5)),
    )
    yield LayerCase(
        "Dense, three axes, softmax", lambda: L.Dense(3, activation="softmax"), normal((2, 3, 5))
    )
    yield LayerCase(
        "Dense, regularized",
        lambda: L.Dense(
            2, kernel_regularizer=regularizers.L2(0.25), bias_regularizer=regularizers.L1(0.5)
        ),
        normal((1, 5)),
    )
    yield LayerCase("Dense, empty batch", lambda: L.Dense(3, activation="relu"), normal((0, 5)))
    yield LayerCase(
        "EinsumDense", lambda: L.EinsumDense("ab,bc->ac", 3, bias_axes="c"), normal((4, 5))
    )
    yield LayerCase(
        "EinsumDense, heads",
        lambda: L.EinsumDense("abc,cde->abde", (None, 2, 3), bias_axes="de"),
        normal((2, 3, 5)),
    )
    yield LayerCase(
        "EinsumDense, elided left",
        lambda: L.EinsumDense("...x,xy->...y", 4, activation="relu", bias_axes="y"),
        normal((2, 3, 5)),
    )
    yield LayerCase(
        "EinsumDense, elided right",
        lambda: L.EinsumDense("abx...,xy->aby...", (3, 4), bias_axes="y"),
        normal((2, 3, 5, 2)),
    )
    yield LayerCase(
        "EinsumDense, batch of weights",
        lambda: L.EinsumDense("abc,bcd->abd", (3, 4), bias_axes="bd"),
        normal((2, 3, 5)),
    )
    yield LayerCase(
        "EinsumDense, heads joined",
        lambda: L.EinsumDense("abcd,cde->abe", (None, 6)),
        normal((1, 3, 2, 4)),
    )


def _convolution():
    yield LayerCase("Conv2D", lambda: L.Conv2D(3, 3), normal((2, 6, 7, 2)))
    yield LayerCase(
        "Conv2D, same",
        lambda: L.Conv2D(3, 3, padding="same", activation="tanh"),
        normal((2, 5, 6, 2)),
    )
    yield LayerCase(
        "Conv2D, even kernel, same",
        lambda: L.Conv2D(3, (2, 4), padding="same"),
        normal((2, 5, 6, 2)),
    )
    yield LayerCase(
        "Conv2D, strides, same",
        lambda: L.Conv2D(3, (2, 3), strides=(2, 3), padding="same"),
        normal((2, 5, 8, 2)),
    )
    yield LayerCase(
        "Conv2D, strides, valid",
        lambda: L.Conv2D(3, 2, strides=3, use_bias=False),
        normal((2, 8, 7, 2)),
    )
    yield LayerCase(
        "Conv2D, dilation", lambda: L.Conv2D(3, 2, dilation_rate=(2, 3)), normal((2, 7, 8, 2))
    )
    yield LayerCase(
        "Conv2D, dilation, same",
        lambda: L.Conv2D(3, (2, 3), dilation_rate=2, padding="same"),
        normal((2, 7, 6, 2)),
    )
    yield LayerCase("Conv2D, groups", lambda: L.Conv2D(6, 3, groups=2), normal((2, 6, 5, 4)))
    yield LayerCase(
        "Conv2D, depthwise groups",
        lambda: L.Conv2D(4, 2, groups=4, padding="same"),
        normal((1, 5, 5, 4)),
    )
    yield LayerCase(
        "Conv2D, channels first",
        lambda: L.Conv2D(3, (3, 2), data_format="channels_first", padding="same"),
        normal((2, 2, 5, 6)),
    )
    yield LayerCase("Conv2D, 1 x 1", lambda: L.Conv2D(5, 1), normal((1, 3, 4, 2)))
    yield LayerCase("Conv2D, empty batch", lambda: L.Conv2D(3, 3), normal((0, 6, 7, 2)))


def _pooling():
    for name, cls in (("MaxPooling2D", L.MaxPooling2D), ("AveragePooling2D", L.AveragePooling2D)):
        yield LayerCase(name, lambda cls=cls: cls(2), spread(2, 4, 6, 3))
        yield LayerCase(f"{name}, cut off", lambda cls=cls: cls((2, 3)), spread(2, 5, 7, 3))
        yield LayerCase(
            f"{name}, same", lambda cls=cls: cls(3, strides=2, padding="same"), spread(2, 5, 6, 2)
        )
        yield LayerCase(
            f"{name}, overlapping", lambda cls=cls: cls((3, 2), strides=1), spread(1, 5, 6, 2)
        )
        yield LayerCase(
            f"{name}, even window, same",
            lambda cls=cls: cls((2, 4), strides=1, padding="same"),
            spread(1, 4, 5, 2),
        )
        yield LayerCase(
            f"{name}, channels first",
            lambda cls=cls: cls(2, data_format="channels_first", padding="same"),
            spread(2, 3, 5, 4),
        )
    yield LayerCase("GlobalAveragePooling1D", lambda: L.GlobalAveragePooling1D(), normal((2, 5, 3)))
    yield LayerCase(
        "GlobalAveragePooling1D, mask",
        lambda: L.GlobalAveragePooling1D(),
        normal((2, 5, 3)),
        {"mask": rows(3, 5)},
    )
    yield LayerCase(
        "GlobalAveragePooling1D, first, kept",
        lambda: L.GlobalAveragePooling1D("channels_first", keepdims=True),
        normal((2, 3, 5)),
    )
    yield LayerCase(
        "GlobalAveragePooling2D", lambda: L.GlobalAveragePooling2D(), normal((2, 3, 4, 5))
    )
    yield LayerCase(
        "GlobalAveragePooling2D, kept",
        lambda: L.GlobalAveragePooling2D(keepdims=True),
        normal((2, 3, 4, 5)),
    )
    yield LayerCase(
        "GlobalAveragePooling2D, channels first",
        lambda: L.GlobalAveragePooling2D("channels_first"),
        normal((1, 3, 4, 5)),
    )


def _shaping():
    yield LayerCase("Flatten", lambda: L.Flatten(), normal((2, 3, 4)))
    yield LayerCase(
        "Flatten, channels first", lambda: L.Flatten("channels_first"), normal((2, 3, 4, 5))
    )
    yield LayerCase("Flatten, vectors", lambda: L.Flatten(), normal((2, 3)))
    yield LayerCase("Flatten, scalars", lambda: L.Flatten(), normal((3,)))
    yield LayerCase("Flatten, empty batch", lambda: L.Flatten(), normal((0, 3, 4)))
    yield LayerCase("Reshape", lambda: L.Reshape((4, 3)), normal((2, 3, 4)))
    yield LayerCase("Reshape, open axis", lambda: L.Reshape((-1, 2)), normal((2, 3, 4)))
    yield LayerCase("Reshape, to scalars", lambda: L.Reshape(()), normal((2, 1)))
    yield LayerCase("Reshape, empty batch", lambda: L.Reshape((12,)), normal((0, 3, 4)))
    yield LayerCase("Add", lambda: L.Add(), normal_list((2, 3), (2, 3)))
    yield LayerCase(
        "Add, three, broadcast", lambda: L.Add(), normal_list((2, 3, 4), (2, 1, 4), (2, 3, 1))
    )
    yield LayerCase("Add, empty batch", lambda: L.Add(), normal_list((0, 3), (0, 3)))
    yield LayerCase("Concatenate", lambda: L.Concatenate(), normal_list((2, 3), (2, 1), (2, 2)))
    yield LayerCase(
        "Concatenate, axis 1", lambda: L.Concatenate(axis=1), normal_list((2, 3, 2), (2, 1, 2))
    )
    yield LayerCase(
        "Concatenate, axis -2", lambda: L.Concatenate(axis=-2), normal_list((1, 3, 2), (1, 2, 2))
    )


def _activation():
    for name in ("relu", "tanh", "sigmoid", "softmax", "gelu", "elu", "linear"):
        yield LayerCase(f"Activation, {name}", lambda name=name: L.Activation(name), spread(3, 6))
    yield LayerCase("ReLU", lambda: L.ReLU(), spread(3, 6))
    yield LayerCase(
        "ReLU, all arguments",
        lambda: L.ReLU(max_value=1.5, negative_slope=0.25, threshold=0.5),
        spread(3, 6),
    )
    yield LayerCase("ReLU, empty batch", lambda: L.ReLU(max_value=6.0), normal((0, 6)))
    yield LayerCase("Softmax", lambda: L.Softmax(), normal((2, 3, 4)))
    yield LayerCase("Softmax, two axes", lambda: L.Softmax(axis=(1, 2)), normal((2, 3, 4)))
    yield LayerCase("Softmax, axis 1", lambda: L.Softmax(axis=1), normal((1, 3, 4)))
    yield LayerCase(
        "Softmax, mask with a blind row",
        lambda: L.Softmax(),
        normal((2, 4, 3)),
        {"mask": SOME_ROWS_BLIND},
    )
    yield LayerCase("Dropout, inference", lambda: L.Dropout(0.4), normal((3, 4)))
    yield LayerCase(
        "Dropout", lambda: L.Dropout(0.4, seed=3), normal((30, 4)), {"training": True}, random=True
    )
    yield LayerCase(
        "Dropout, noise shape",
        lambda: L.Dropout(0.5, noise_shape=(None, 1, 4), seed=3),
        normal((9, 3, 4)),
        {"training": True},
        random=True,
    )
    yield LayerCase(
        "Dropout, everything", lambda: L.Dropout(1.0), normal((3, 4)), {"training": True}
    )


def _embedding():
    yield LayerCase("Embedding", lambda: L.Embedding(7, 3), integers(7, 4))
    yield LayerCase("Embedding, repeated", lambda: L.Embedding(3, 2), integers(3, 4, 5))
    yield LayerCase("Embedding, int64", lambda: L.Embedding(7, 3), integers(7, 2, 3, dtype="int64"))
    yield LayerCase(
        "Embedding, zero masked", lambda: L.Embedding(4, 3, mask_zero=True), integers(4, 2, 5)
    )
    yield LayerCase("Embedding, empty batch", lambda: L.Embedding(4, 3), integers(4, 0, 5))


def _normalization():
    BN, LN = L.BatchNormalization, L.LayerNormalization
    train = {"training": True}
    yield LayerCase("BatchNormalization", lambda: BN(), normal((6, 3)), train)
    yield LayerCase("BatchNormalization, inference", lambda: BN(), normal((6, 3)))
    yield LayerCase(
        "BatchNormalization, images",
        lambda: BN(momentum=0.5, epsilon=0.25),
        normal((2, 3, 4, 3)),
        train,
    )
    yield LayerCase("BatchNormalization, axis 1", lambda: BN(axis=1), normal((2, 3, 4, 2)), train)
    yield LayerCase("BatchNormalization, no scale", lambda: BN(scale=False), normal((5, 3)), train)
    yield LayerCase(
        "BatchNormalization, no centre", lambda: BN(center=False), normal((5, 3)), train
    )
    yield LayerCase(
        "BatchNormalization, neither", lambda: BN(center=False, scale=False), normal((5, 3))
    )
    yield LayerCase(
        "BatchNormalization, mask",
        lambda: BN(),
        normal((2, 5, 3)),
        {"training": True, "mask": rows(3, 5)},
    )
    yield LayerCase(
        "BatchNormalization, all masked",
        lambda: BN(),
        normal((2, 5, 3)),
        {"training": True, "mask": rows(0, 0)},
    )
    yield LayerCase(
        "BatchNormalization, frozen", lambda: BN(trainable=False), normal((5, 3)), train
    )
    yield LayerCase("BatchNormalization, one sample", lambda: BN(), normal((1, 3)), train)
    yield LayerCase("LayerNormalization", lambda: LN(epsilon=2**-10), normal((4, 5)))
    yield LayerCase(
        "LayerNormalization, two axes", lambda: LN(axis=(1, 2), epsilon=2**-9), normal((2, 3, 4))
    )
    yield LayerCase(
        "LayerNormalization, axis 1", lambda: LN(axis=1, epsilon=0.25), normal((2, 3, 4))
    )
    yield LayerCase(
        "LayerNormalization, axes apart",
        lambda: LN(axis=[1, -1], epsilon=2**-9),
        normal((2, 3, 2, 4)),
    )
    yield LayerCase(
        "LayerNormalization, no scale", lambda: LN(scale=False, epsilon=2**-9), normal((2, 3, 4))
    )
    yield LayerCase(
        "LayerNormalization, neither",
        lambda: LN(center=False, scale=False, epsilon=2**-9),
        normal((1, 4)),
    )
    yield LayerCase("LayerNormalization, empty batch", lambda: LN(epsilon=2**-10), normal((0, 4)))


def _recurrent():
    x, many = normal((4, 5, 3)), {"return_sequences": True}
    both = {"return_sequences": True, "return_state": True}
    yield LayerCase("LSTM", lambda: L.LSTM(2), x)
    yield LayerCase("LSTM, sequences", lambda: L.LSTM(2, **many), x)
    yield LayerCase("LSTM, state", lambda: L.LSTM(2, **both), x)
    yield LayerCase("LSTM, last and state", lambda: L.LSTM(2, return_state=True), x)
    yield LayerCase("LSTM, backwards", lambda: L.LSTM(2, go_backwards=True), x)
    yield LayerCase("LSTM, backwards, state", lambda: L.LSTM(2, go_backwards=True, **both), x)
    yield LayerCase("LSTM, no bias", lambda: L.LSTM(2, use_bias=False, **many), x)
    yield LayerCase(
        "LSTM, initial state", lambda: L.LSTM(2, **both), x, {"initial_state": states(4, 2)}
    )
    yield LayerCase("LSTM, mask", lambda: L.LSTM(2, **both), x, {"mask": HOLES})
    yield LayerCase("LSTM, mask, last", lambda: L.LSTM(2), x, {"mask": HOLES})
    yield LayerCase(
        "LSTM, mask, zeros",
        lambda: L.LSTM(2, zero_output_for_mask=True, **both),
        x,
        {"mask": HOLES},
    )
    yield LayerCase(
        "LSTM, mask, zeros, last", lambda: L.LSTM(2, zero_output_for_mask=True), x, {"mask": HOLES}
    )
    yield LayerCase(
        "LSTM, mask, backwards",
        lambda: L.LSTM(2, go_backwards=True, **both),
        x,
        {"mask": HOLES, "initial_state": states(4, 2)},
    )
    yield LayerCase("LSTM, unrolled", lambda: L.LSTM(2, unroll=True, **both), x)
    yield LayerCase(
        "LSTM, unrolled, mask", lambda: L.LSTM(2, unroll=True, **both), x, {"mask": HOLES}
    )
    yield LayerCase(
        "LSTM, unrolled, backwards", lambda: L.LSTM(2, unroll=True, go_backwards=True, **many), x
    )
    yield LayerCase("LSTM, other activations", lambda: L.LSTM(2, "relu", "hard_sigmoid", **both), x)
    yield LayerCase("LSTM, kernel not wanted", lambda: L.LSTM(2, use_cudnn=False, **both), x)
    yield LayerCase("LSTM, one sample, one moment", lambda: L.LSTM(2, **both), normal((1, 1, 3)))
    yield LayerCase("LSTM, empty batch", lambda: L.LSTM(2, **both), normal((0, 5, 3)))
    yield LayerCase("LSTM, stateful", lambda: L.LSTM(2, stateful=True, **both), x)
    train = {"training": True}
    yield LayerCase(
        "LSTM, dropout, inference", lambda: L.LSTM(2, dropout=0.5, recurrent_dropout=0.5), x
    )
    yield LayerCase(
        "LSTM, dropout", lambda: L.LSTM(2, dropout=0.5, seed=1, **both), x, train, random=True
    )
    yield LayerCase(
        "LSTM, recurrent dropout",
        lambda: L.LSTM(2, dropout=0.2, recurrent_dropout=0.5, seed=1, **both),
        x,
        train,
        random=True,
    )
    yield LayerCase(
        "LSTMCell", lambda: L.LSTMCell(2), lambda g: (g.normal(size=(4, 3)), states(4, 2))
    )
    yield LayerCase(
        "LSTMCell, one sample",
        lambda: L.LSTMCell(2, use_bias=False),
        lambda g: (g.normal(size=(1, 3)), states(1, 2)),
    )
    yield LayerCase(
        "LSTMCell, linear",
        lambda: L.LSTMCell(2, activation=None),
        lambda g: (g.normal(size=(4, 3)), states(4, 2)),
    )
    yield LayerCase("RNN", lambda: L.RNN(L.LSTMCell(2)), x)
    yield LayerCase("RNN, state, mask", lambda: L.RNN(L.LSTMCell(2), **both), x, {"mask": HOLES})
    yield LayerCase(
        "RNN, backwards, zeros",
        lambda: L.RNN(L.LSTMCell(2), go_backwards=True, zero_output_for_mask=True, **many),
        x,
        {"mask": HOLES},
    )


def _attention():
    qv, qvk = normal_list((2, 4, 3), (2, 5, 3)), normal_list((2, 4, 3), (2, 5, 2), (2, 5, 3))
    masks, blind = [rows(2, 4, of=4), rows(3, 2)], [None, rows(3, 0)]
    for name, cls in (("Attention", L.Attention), ("AdditiveAttention", L.AdditiveAttention)):
        yield LayerCase(name, lambda cls=cls: cls(), qv)
        yield LayerCase(f"{name}, key", lambda cls=cls: cls(), qvk)
        yield LayerCase(
            f"{name}, other scale", lambda cls=cls: cls(use_scale=cls is L.Attention), qvk
        )
        yield LayerCase(f"{name}, causal", lambda cls=cls: cls(), qv, {"use_causal_mask": True})
        yield LayerCase(f"{name}, masks", lambda cls=cls: cls(), qv, {"mask": masks})
        yield LayerCase(
            f"{name}, value mask", lambda cls=cls: cls(), qv, {"mask": [None, rows(3, 5)]}
        )
        yield LayerCase(
            f"{name}, a sample without keys", lambda cls=cls: cls(), qv, {"mask": blind}
        )
        yield LayerCase(
            f"{name}, masks, causal, scores",
            lambda cls=cls: cls(),
            qv,
            {"mask": masks, "use_causal_mask": True, "return_attention_scores": True},
        )
        yield LayerCase(
            f"{name}, scores", lambda cls=cls: cls(), qv, {"return_attention_scores": True}
        )
        yield LayerCase(
            f"{name}, dropout",
            lambda cls=cls: cls(dropout=0.5, seed=4),
            qv,
            {"training": True},
            random=True,
        )
    yield LayerCase("Attention, concat", lambda: L.Attention(score_mode="concat"), qv)
    yield LayerCase(
        "Attention, concat, scale, masks", lambda: L.Attention(True, "concat"), qv, {"mask": masks}
    )
    yield LayerCase(
        "Attention, empty batch", lambda: L.Attention(), normal_list((0, 4, 3), (0, 5, 3))
    )

    def mha(**kwargs):
        return lambda: L.MultiHeadAttention(2, 4, **kwargs)

    two, three = normal((2, 4, 5), (2, 3, 6)), normal((2, 4, 5), (2, 3, 6), (2, 3, 7))
    scores = {"return_attention_scores": True}
    padded = {"query_mask": rows(2, 4, of=4), "value_mask": rows(3, 0, of=3)}
    yield LayerCase("MultiHeadAttention", mha(), two)
    yield LayerCase("MultiHeadAttention, key", mha(value_dim=3), three)
    yield LayerCase("MultiHeadAttention, scores", mha(), two, scores)
    yield LayerCase(
        "MultiHeadAttention, no bias, output shape", mha(use_bias=False, output_shape=(2, 3)), two
    )
    yield LayerCase("MultiHeadAttention, gate", mha(use_gate=True, value_dim=3), two)
    yield LayerCase("MultiHeadAttention, causal", mha(), two, {"use_causal_mask": True})
    yield LayerCase(
        "MultiHeadAttention, causal, scores", mha(), two, {"use_causal_mask": True, **scores}
    )
    yield LayerCase("MultiHeadAttention, attention mask", mha(), two, {"attention_mask": TRIANGLE})
    yield LayerCase(
        "MultiHeadAttention, blind rows", mha(), two, {"attention_mask": SOME_ROWS_BLIND}
    )
    yield LayerCase(
        "MultiHeadAttention, blind rows, scores",
        mha(),
        two,
        {"attention_mask": SOME_ROWS_BLIND, **scores},
    )
    yield LayerCase(
        "MultiHeadAttention, blind rows, dropout",
        mha(dropout=0.5),
        two,
        {"attention_mask": SOME_ROWS_BLIND},
    )
    yield LayerCase(
        "MultiHeadAttention, masks", mha(), two, {**padded, "key_mask": rows(2, 2, of=3)}
    )
    yield LayerCase(
        "MultiHeadAttention, masks, causal", mha(), two, {**padded, "use_causal_mask": True}
    )
    yield LayerCase(
        "MultiHeadAttention, window", mha(sliding_window=2), normal((2, 5, 4), (2, 5, 4))
    )
    yield LayerCase(
        "MultiHeadAttention, window, causal",
        mha(sliding_window=2),
        normal((1, 5, 4), (1, 5, 4)),
        {"use_causal_mask": True},
    )
    yield LayerCase(
        "MultiHeadAttention, two axes",
        mha(attention_axes=(1, 2)),
        normal((2, 3, 2, 5), (2, 2, 4, 5)),
    )
    yield LayerCase(
        "MultiHeadAttention, second axis", mha(attention_axes=2), normal((2, 3, 4, 5), (2, 3, 2, 5))
    )
    yield LayerCase(
        "MultiHeadAttention, dropout",
        mha(dropout=0.5, seed=4),
        two,
        {"training": True, **scores},
        random=True,
    )
    yield LayerCase("MultiHeadAttention, empty batch", mha(), normal((0, 4, 5), (0, 3, 6)))

    def gqa(**kwargs):
        return lambda: L.GroupQueryAttention(
            4, 4, 2, **kwargs
        )  # Keras rounds a scale that is no power of 2

    yield LayerCase("GroupQueryAttention", gqa(), two)
    yield LayerCase("GroupQueryAttention, key, no bias", gqa(use_bias=False), three)
    yield LayerCase("GroupQueryAttention, scores", gqa(), two, scores)
    yield LayerCase(
        "GroupQueryAttention, one head of values", lambda: L.GroupQueryAttention(1, 2, 1), two
    )
    yield LayerCase(
        "GroupQueryAttention, gate, causal", gqa(use_gate=True), two, {"use_causal_mask": True}
    )
    yield LayerCase(
        "GroupQueryAttention, causal, scores", gqa(), two, {"use_causal_mask": True, **scores}
    )
    yield LayerCase(
        "GroupQueryAttention, masks, causal", gqa(), two, {**padded, "use_causal_mask": True}
    )
    yield LayerCase(
        "GroupQueryAttention, blind rows, scores",
        gqa(),
        two,
        {"attention_mask": SOME_ROWS_BLIND, **scores},
    )
    yield LayerCase(
        "GroupQueryAttention, window, causal", gqa(sliding_window=2), two, {"use_causal_mask": True}
    )
    yield LayerCase(
        "GroupQueryAttention, dropout",
        gqa(dropout=0.5, seed=4),
        two,
        {"training": True},
        random=True,
    )
    yield LayerCase("GroupQueryAttention, empty batch", gqa(), normal((0, 4, 5), (0, 3, 6)))


_OWN = (
    _dense,
    _convolution,
    _pooling,
    _shaping,
    _activation,
    _embedding,
    _normalization,
    _recurrent,
    _attention,
)

_MODULES = (layers_windows, layers_small, layers_recurrent)

LAYER_CASES = [
    case
    for family in (*_OWN, *(f for module in _MODULES for f in module.FAMILIES))
    for case in family()
]

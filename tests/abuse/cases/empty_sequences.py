"""Sequences and images without elements: nothing, where nothing is right, else one error."""

from __future__ import annotations

import numpy as np

from tests.abuse.case import right, told
from unidl import layers


def zeros(*shape):
    return np.zeros(shape, "float32")


S = zeros(2, 0, 3)  # two sequences without moments


def image(rank):
    return zeros(2, 0, *(4,) * (rank - 1), 3)


def after(rank, first, rest, channels):
    """A result: of the first spatial axis, of the others, of the channels."""
    return zeros(2, first, *(rest,) * (rank - 1), channels)


def gives(name, make, inputs, expected, **kwargs):
    """The layer of `make()` on `inputs` gives `expected`, an array of its shape."""
    return right(f"empty: {name}", lambda: make()(inputs, **kwargs), expected)


def refuses(name, make, inputs, mentions):
    return told(f"empty: {name}", lambda: make()(inputs), mentions, ValueError)


def attention(name, make, *inputs):
    return [
        right(
            f"empty: {name}, {what}",
            lambda q=q, k=k: make()(*inputs_of(inputs, q, k)),
            zeros(2, q, 3),
        )
        for what, q, k in (("nothing", 0, 0), ("no keys", 5, 0), ("no queries", 0, 5))
    ]


def inputs_of(kind, q, k):
    return ([zeros(2, q, 3), zeros(2, k, 3)],) if kind else (zeros(2, q, 3), zeros(2, k, 3))


RECURRENT = {
    "LSTM": lambda: layers.LSTM(2),
    "GRU, sequences": lambda: layers.GRU(2, return_sequences=True),
    "SimpleRNN": lambda: layers.SimpleRNN(2),
    "RNN of a cell": lambda: layers.RNN(layers.GRUCell(2)),
    "RNN of two cells": lambda: layers.RNN([layers.GRUCell(2), layers.LSTMCell(2)]),
    "Bidirectional": lambda: layers.Bidirectional(layers.LSTM(2)),
    "LSTM with recurrent dropout": lambda: layers.LSTM(2, recurrent_dropout=0.5),
}

NORMALIZATIONS = {
    "LayerNormalization": layers.LayerNormalization,
    "BatchNormalization": layers.BatchNormalization,
    "RMSNormalization": layers.RMSNormalization,
    "UnitNormalization": layers.UnitNormalization,
    "GroupNormalization": lambda: layers.GroupNormalization(groups=1),
}

CASES = [
    gives("Flatten", layers.Flatten, S, zeros(2, 0)),
    gives("Flatten, channels first", lambda: layers.Flatten("channels_first"), S, zeros(2, 0)),
    gives("Dense", lambda: layers.Dense(4), S, zeros(2, 0, 4)),
    gives("Dense without features", lambda: layers.Dense(4), zeros(2, 0), zeros(2, 4)),
    gives("Reshape", lambda: layers.Reshape((3, 0)), S, zeros(2, 3, 0)),
    gives("Reshape with -1", lambda: layers.Reshape((-1, 3)), S, S),
    refuses("Reshape of nothing to something", lambda: layers.Reshape((2, 3)), S, "0 elements"),
    refuses("Reshape, -1 beside 0", lambda: layers.Reshape((-1, 0)), S, "0 elements"),
    gives("Permute", lambda: layers.Permute((2, 1)), S, zeros(2, 3, 0)),
    gives("RepeatVector", lambda: layers.RepeatVector(3), zeros(2, 0), zeros(2, 3, 0)),
    gives("TimeDistributed", lambda: layers.TimeDistributed(layers.Dense(4)), S, zeros(2, 0, 4)),
    gives(
        "TimeDistributed convolution",
        lambda: layers.TimeDistributed(layers.Conv2D(4, 3)),
        zeros(2, 0, 5, 5, 3),
        zeros(2, 0, 3, 3, 4),
    ),
    gives("Embedding", lambda: layers.Embedding(5, 3), np.zeros((2, 0), "int32"), zeros(2, 0, 3)),
    gives("Dropout", lambda: layers.Dropout(0.5), S, S, training=True),
    gives("Softmax", layers.Softmax, zeros(2, 3, 0), zeros(2, 3, 0)),
    gives("Softmax over time", lambda: layers.Softmax(axis=1), S, S),
    gives("Masking", layers.Masking, S, S),
    gives("UpSampling1D", lambda: layers.UpSampling1D(2), S, S),
    gives("ZeroPadding1D", lambda: layers.ZeroPadding1D(1), S, zeros(2, 2, 3)),
    refuses("Cropping1D", lambda: layers.Cropping1D(1), S, "removes everything"),
    gives(
        "EinsumDense",
        lambda: layers.EinsumDense("abc,cd->abd", output_shape=(None, 4)),
        S,
        zeros(2, 0, 4),
    ),
    *attention("MultiHeadAttention", lambda: layers.MultiHeadAttention(2, 4)),
    *attention("GroupQueryAttention", lambda: layers.GroupQueryAttention(4, 2, 1)),
    *attention("Attention", layers.Attention, "list"),
    *attention("AdditiveAttention", layers.AdditiveAttention, "list"),
    *(refuses(name, make, S, "no time steps.*at least one") for name, make in RECURRENT.items()),
    refuses("ConvLSTM1D", lambda: layers.ConvLSTM1D(2, 1), zeros(2, 0, 4, 3), "no time steps"),
    gives(
        "ConvLSTM2D without rows",
        lambda: layers.ConvLSTM2D(2, 1),
        zeros(2, 3, 0, 4, 3),
        zeros(2, 0, 4, 2),
    ),
    gives("LSTM without features", lambda: layers.LSTM(2), zeros(2, 4, 0), zeros(2, 2)),
    *(
        gives(f"{name}, training={training}", make, S, S, training=training)
        for name, make in NORMALIZATIONS.items()
        for training in (False, True)
        if name.startswith("B") or not training
    ),
    *(
        gives(f"{name} without features", make, zeros(2, 3, 0), zeros(2, 3, 0))
        for name, make in NORMALIZATIONS.items()
    ),
    *(
        case
        for rank in (1, 2, 3)
        for kind in ("Max", "Average")
        for make in [getattr(layers, f"{kind}Pooling{rank}D")]
        for case in (
            refuses(f"{make.__name__}", lambda m=make: m(2), image(rank), "a window covers 2"),
            gives(
                f"{make.__name__}, same",
                lambda m=make: m(2, padding="same"),
                image(rank),
                after(rank, 0, 2, 3),
            ),
        )
    ),
    *(
        refuses(make.__name__, make, image(rank), "no maximum of no elements.*at least one")
        for rank in (1, 2, 3)
        for make in [getattr(layers, f"GlobalMaxPooling{rank}D")]
    ),
    *(
        gives(make.__name__, make, image(rank), zeros(2, 3) * np.float32("nan"))
        for rank in (1, 2, 3)
        for make in [getattr(layers, f"GlobalAveragePooling{rank}D")]
    ),
    refuses("AdaptiveMaxPooling1D", lambda: layers.AdaptiveMaxPooling1D(2), S, "no maximum"),
    *(
        case
        for rank in (1, 2, 3)
        for make in [getattr(layers, f"Conv{rank}D")]
        for turned in [getattr(layers, f"Conv{rank}DTranspose")]
        for case in (
            refuses(make.__name__, lambda m=make: m(2, 3), image(rank), "a window covers 3"),
            gives(
                f"{make.__name__}, same",
                lambda m=make: m(2, 3, padding="same"),
                image(rank),
                after(rank, 0, 4, 2),
            ),
            gives(
                f"{make.__name__}, strided",
                lambda m=make: m(2, 3, strides=2, padding="same"),
                image(rank),
                after(rank, 0, 2, 2),
            ),
            gives(
                f"{make.__name__} of size 1",
                lambda m=make: m(2, 1),
                image(rank),
                after(rank, 0, 4, 2),
            ),
            gives(turned.__name__, lambda m=turned: m(2, 3), image(rank), after(rank, 2, 6, 2)),
            gives(
                f"{turned.__name__}, same",
                lambda m=turned: m(2, 3, padding="same"),
                image(rank),
                after(rank, 0, 4, 2),
            ),
            refuses(
                f"{make.__name__} without channels",
                lambda m=make: m(2, 3),
                zeros(2, *(5,) * rank, 0),
                "no channels",
            ),
        )
    ),
    *(
        gives(
            f"{name}{rank}D, same",
            lambda m=make, a=arguments: m(*a, padding="same"),
            image(rank),
            after(rank, 0, 4, channels),
        )
        for rank in (1, 2)
        for name, arguments, channels in (("SeparableConv", (2, 3), 2), ("DepthwiseConv", (3,), 3))
        for make in [getattr(layers, f"{name}{rank}D")]
    ),
    gives("Conv1D, causal", lambda: layers.Conv1D(2, 3, padding="causal"), S, zeros(2, 0, 2)),
]

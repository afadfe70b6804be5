"""How to draw each layer's arguments and a call of it. A new layer is one line of `ROWS`.

Numbers are sums of few powers of two wherever Keras may round a Python constant to float32.
Arguments with a default are drawn only half of the time.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import strategies as st

from tests.fuzz.drawn import Example, Spec
from tests.fuzz.inputs import (
    anything,
    cells,
    halves,
    images,
    indices,
    lists,
    masked,
    plain,
    queries,
    sequences,
    steps,
    windows,
)
from tests.fuzz.known import left_out
from unidl import activations


@dataclass(frozen=True)
class Row:
    """`required` and `optional` arguments by name, and `inputs(draw, layer) -> (inputs, call)`.

    `legal` says whether arguments that are legal each by itself are so together.
    """

    inputs: object
    required: dict = field(default_factory=dict)
    optional: dict = field(default_factory=dict)
    legal: object = lambda arguments: True

    @property
    def arguments(self):
        return set(self.required) | set(self.optional)


def row(inputs, required=None, legal=lambda arguments: True, **optional):
    return Row(inputs, required or {}, optional, legal)


@st.composite
def example(draw, name):
    """An Example of the layer `name`."""
    found = ROWS[name]
    arguments = dict(draw(st.fixed_dictionaries(found.required)))
    for key, strategy in found.optional.items():
        if draw(st.booleans()):
            arguments[key] = draw(strategy)
    if not found.legal(arguments):
        arguments = {k: v for k, v in arguments.items() if k in found.required}
    layer = Spec("layers", name, arguments)
    return Example(layer, *found.inputs(draw, layer))


# -- values of arguments ---------------------------------------------------------------------------

BOOL = st.booleans()
SIZE = st.integers(1, 4)
RATE = st.sampled_from([0.0, 0.25, 0.5])
SEED = st.integers(0, 9)
FACTOR = st.sampled_from([0.125, 0.25, 0.5, 1.5])
NAMES = sorted(set(activations.__all__) - set(left_out("activations")))
ACTIVATION = st.sampled_from([None, *NAMES])
ELEMENTWISE = st.sampled_from([None, *sorted(set(NAMES) - {"softmax", "log_softmax"})])
FORMAT = st.sampled_from([None, "channels_last", "channels_first"])
INITIALIZER = st.sampled_from(
    [
        "zeros",
        "ones",
        "random_normal",
        "glorot_uniform",
        "he_normal",
        "lecun_uniform",
        "truncated_normal",
    ]
) | st.builds(lambda v: Spec("initializers", "Constant", {"value": v}), FACTOR)
REGULARIZER = st.one_of(
    st.none(),
    st.builds(lambda v: Spec("regularizers", "L1", {"l1": v}), FACTOR),
    st.builds(lambda v: Spec("regularizers", "L2", {"l2": v}), FACTOR),
    st.builds(lambda a, b: Spec("regularizers", "L1L2", {"l1": a, "l2": b}), FACTOR, FACTOR),
)
CONSTRAINT = st.sampled_from(
    [None, "non_neg", Spec("constraints", "MaxNorm", {"max_value": 1.5, "axis": 0}), "unit_norm"]
)
EPSILON = st.sampled_from([2**-10, 2**-6, 0.25])


def of_weights(*names, constrained=True):
    """The initializer, regularizer and constraint of each weight."""
    found = {}
    for name in names:
        found[f"{name}_initializer"] = INITIALIZER
        found[f"{name}_regularizer"] = REGULARIZER
        found[f"{name}_constraint"] = CONSTRAINT
    return found


def each(rank, values):
    """One value for all axes, or one for each."""
    return values | st.tuples(*[values] * rank)


def pairs(rank, values):
    """Padding and cropping: a number, one for each axis, or a pair for each axis (of one axis: the
    pair)."""
    if rank == 1:
        return values | st.tuples(values, values)
    return each(rank, values) | st.tuples(*[st.tuples(values, values)] * rank)


# -- families --------------------------------------------------------------------------------------

DENSE = {"activation": ACTIVATION, "use_bias": BOOL, "activity_regularizer": REGULARIZER}
# Where Keras has to run in the other data format, the channels are not the last axis, along which a
# softmax goes.
CONVOLUTION = DENSE | {"activation": ELEMENTWISE}
MANY = {
    "return_sequences": BOOL,
    "return_state": BOOL,
    "go_backwards": BOOL,
    "stateful": BOOL,
    "unroll": BOOL,
    "zero_output_for_mask": BOOL,
}
CELL = {
    **of_weights("kernel", "recurrent", "bias"),
    "use_bias": BOOL,
    "activation": ACTIVATION,
    "seed": SEED,
}
CELL |= {"dropout": RATE, "recurrent_dropout": RATE}
GATED = {**CELL, "recurrent_activation": st.sampled_from(["sigmoid", "tanh", "hard_sigmoid"])}
UNITS = {"units": SIZE}
SCALED = {"epsilon": EPSILON, "center": BOOL, "scale": BOOL, **of_weights("beta", "gamma")}


def _one_step(arguments):
    """strides > 1 excludes dilation > 1."""
    strides, dilation = (arguments.get(k, 1) for k in ("strides", "dilation_rate"))
    return not (_most(strides) > 1 and _most(dilation) > 1)


def _most(value):
    return max(value) if isinstance(value, tuple) else value


def _kernel(rank):
    """Keras multiplies the taps of 3D kernels, so those are small."""
    return each(rank, st.integers(1, 4 if rank < 3 else 2))


def _conv(rank, paddings=("valid", "same"), **more):
    return row(
        windows(rank),
        {"filters": st.sampled_from([2, 4]), "kernel_size": _kernel(rank)},
        legal=_one_step,
        strides=each(rank, st.integers(1, 3)),
        padding=st.sampled_from(paddings),
        data_format=FORMAT,
        dilation_rate=each(rank, st.integers(1, 2)),
        **CONVOLUTION,
        **(of_weights("kernel", "bias") | more),
    )


def _transposed(rank):
    def legal(arguments):
        strides, extra = arguments.get("strides", 1), arguments.get("output_padding")
        smallest = min(strides) if isinstance(strides, tuple) else strides
        return _one_step(arguments) and (extra is None or _most(extra) < smallest)

    found = _conv(rank, output_padding=st.none() | each(rank, st.integers(0, 1)))
    return Row(found.inputs, found.required, found.optional, legal)


def _same_strides(arguments):
    """TensorFlow's depthwise kernels have one stride for both axes."""
    strides = arguments.get("strides", 1)
    return _one_step(arguments) and (not isinstance(strides, tuple) or len(set(strides)) == 1)


def _depthwise(rank, weights, required, legal=_same_strides):
    return row(
        windows(rank),
        required,
        legal=legal,
        strides=each(rank, st.integers(1, 3)),
        padding=st.sampled_from(["valid", "same"]),
        depth_multiplier=st.integers(1, 2),
        data_format=FORMAT,
        dilation_rate=each(rank, st.integers(1, 2)),
        **CONVOLUTION,
        **weights,
    )


def _pool(rank):
    return row(
        windows(rank),
        {"pool_size": each(rank, st.integers(1, 3))},
        strides=st.none() | each(rank, st.integers(1, 3)),
        padding=st.sampled_from(["valid", "same"]),
        data_format=FORMAT,
    )


def _over_all(rank, inputs=images):
    return row(inputs(rank), data_format=FORMAT, keepdims=BOOL)


def _axes(*choices):
    return st.sampled_from(choices)


def _lstm(many, **more):
    return row(sequences if many else cells, UNITS, **GATED, **(MANY if many else {}), **more)


def _wrapped_cell():
    return st.one_of(
        st.builds(lambda u: Spec("layers", "SimpleRNNCell", {"units": u}), SIZE),
        st.builds(
            lambda u, r: Spec("layers", "GRUCell", {"units": u, "reset_after": r}), SIZE, BOOL
        ),
        st.builds(
            lambda u, f: Spec("layers", "LSTMCell", {"units": u, "unit_forget_bias": f}), SIZE, BOOL
        ),
        st.builds(
            lambda u, v: Spec(
                "layers",
                "StackedRNNCells",
                {
                    "cells": [
                        Spec("layers", "LSTMCell", {"units": u}),
                        Spec("layers", "GRUCell", {"units": v}),
                    ]
                },
            ),
            SIZE,
            SIZE,
        ),
    )


def _recurrent_layer(**fixed):
    """For Bidirectional: one layer with any of the flags that both directions share."""
    flags = st.fixed_dictionaries(
        {
            "units": SIZE,
            "return_sequences": BOOL,
            "return_state": BOOL,
            "zero_output_for_mask": BOOL,
        }
    )
    return st.builds(
        lambda name, a: Spec("layers", name, {**a, **fixed}),
        st.sampled_from(["LSTM", "GRU", "SimpleRNN"]),
        flags,
    )


PER_MOMENT = st.sampled_from(
    [
        Spec("layers", "Dense", {"units": 3, "activation": "tanh"}),
        Spec("layers", "LayerNormalization", {"epsilon": 0.25}),
        Spec("layers", "Reshape", {"target_shape": (-1, 1)}),
        Spec("layers", "Flatten", {}),
    ]
)

CONV_LSTM_CELL = {**GATED, "unit_forget_bias": BOOL}


def _conv_lstm(rank):
    return row(
        windows(rank, time=True),
        {"filters": st.integers(1, 2), "kernel_size": each(rank, st.integers(1, 2))},
        padding=st.sampled_from(["valid", "same"]),
        strides=each(rank, st.integers(1, 2)),
        data_format=FORMAT,
        **{k: v for k, v in CONV_LSTM_CELL.items() if k != "activation"},
        activation=st.sampled_from(["tanh", "linear"]),
        **{
            k: v
            for k, v in MANY.items()
            if k in ("return_sequences", "return_state", "go_backwards", "stateful")
        },
        legal=_one_step,
        dilation_rate=each(rank, st.integers(1, 2)),
    )


ATTENTION = {"dropout": RATE, "seed": SEED}

ROWS = {
    # core
    "Dense": row(plain(2, 4), UNITS, **DENSE, **of_weights("kernel", "bias")),
    "EinsumDense": row(
        plain(3, 3),
        {
            "equation": st.just("abc,cd->abd"),
            "output_shape": st.sampled_from([(None, 3), (None, 1)]),
        },
        bias_axes=st.sampled_from([None, "d"]),
        activation=ACTIVATION,
        activity_regularizer=REGULARIZER,
        **of_weights("kernel", "bias"),
    ),
    "Embedding": row(
        indices,
        {"input_dim": st.integers(2, 6), "output_dim": SIZE},
        mask_zero=BOOL,
        **of_weights("embeddings"),
    ),
    "ReversibleEmbedding": row(
        indices,
        {"input_dim": st.integers(2, 6), "output_dim": SIZE},
        mask_zero=BOOL,
        tie_weights=BOOL,
        logit_soft_cap=st.sampled_from([None, 2.0]),
        **of_weights("embeddings"),
    ),
    "Identity": row(plain(2, 4)),
    "Lambda": row(
        plain(2, 3),
        {
            "function": st.sampled_from(
                [Spec("activations", "get", {"identifier": n}) for n in ("tanh", "relu")]
            )
        },
    ),
    "Masking": row(steps, mask_value=st.sampled_from([0.0, 0.5])),
    "Activation": row(plain(2, 4), {"activation": st.sampled_from(NAMES)}),
    # activations as layers
    "ELU": row(anything, alpha=FACTOR),
    "LeakyReLU": row(anything, {"negative_slope": st.sampled_from([0.0, 0.25, 1.5])}),
    "PReLU": row(
        images(1),
        shared_axes=_axes(None, [1], [1, 2], [2]),
        activity_regularizer=REGULARIZER,
        **of_weights("alpha"),
    ),
    "ReLU": row(
        anything,
        max_value=st.sampled_from([None, 1.0, 2.5]),
        negative_slope=FACTOR,
        threshold=st.sampled_from([0.0, 0.5]),
    ),
    "Softmax": row(masked, axis=_axes(-1, 1, (1, 2))),
    # convolution and pooling
    "Conv1D": _conv(1, ("valid", "same", "causal"), groups=st.sampled_from([1, 2])),
    "Conv2D": _conv(2, groups=st.sampled_from([1, 2])),
    "Conv3D": _conv(3, groups=st.sampled_from([1, 2])),
    "Conv1DTranspose": _transposed(1),
    "Conv2DTranspose": _transposed(2),
    "Conv3DTranspose": _transposed(3),
    "DepthwiseConv1D": _depthwise(1, of_weights("depthwise", "bias"), {"kernel_size": _kernel(1)}),
    "DepthwiseConv2D": _depthwise(2, of_weights("depthwise", "bias"), {"kernel_size": _kernel(2)}),
    "SeparableConv1D": _depthwise(
        1,
        of_weights("depthwise", "pointwise", "bias"),
        {"filters": SIZE, "kernel_size": _kernel(1)},
    ),
    "SeparableConv2D": _depthwise(
        2,
        of_weights("depthwise", "pointwise", "bias"),
        {"filters": SIZE, "kernel_size": _kernel(2)},
    ),
    **{f"{kind}Pooling{rank}D": _pool(rank) for kind in ("Max", "Average") for rank in (1, 2, 3)},
    "GlobalAveragePooling1D": _over_all(1, lambda rank: masked),
    "GlobalAveragePooling2D": _over_all(2),
    "GlobalAveragePooling3D": _over_all(3),
    **{f"GlobalMaxPooling{rank}D": _over_all(rank) for rank in (1, 2, 3)},
    **{
        f"Adaptive{kind}Pooling{rank}D": row(
            images(rank), {"output_size": each(rank, st.integers(1, 3))}, data_format=FORMAT
        )
        for kind in ("Max", "Average")
        for rank in (1, 2, 3)
    },
    # padding and size
    **{
        f"ZeroPadding{rank}D": row(
            images(rank), padding=pairs(rank, st.integers(0, 2)), data_format=FORMAT
        )
        for rank in (1, 2, 3)
    },
    "Cropping1D": row(images(1), cropping=pairs(1, st.integers(0, 1))),
    **{
        f"Cropping{rank}D": row(
            images(rank), cropping=pairs(rank, st.integers(0, 1)), data_format=FORMAT
        )
        for rank in (2, 3)
    },
    "UpSampling1D": row(images(1), size=SIZE),
    "UpSampling2D": row(
        images(2),
        size=each(2, SIZE),
        data_format=FORMAT,
        interpolation=st.sampled_from(["nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"]),
    ),
    "UpSampling3D": row(images(3), size=each(3, st.integers(1, 3)), data_format=FORMAT),
    "Resizing": row(
        images(2),
        {"height": SIZE, "width": SIZE},
        interpolation=st.sampled_from(["nearest", "bilinear", "bicubic"]),
        crop_to_aspect_ratio=BOOL,
        data_format=FORMAT,
        antialias=BOOL,
        pad_to_aspect_ratio=BOOL,
        fill_value=FACTOR,
        fill_mode=st.just("constant"),
        legal=lambda arguments: (
            not (arguments.get("crop_to_aspect_ratio") and arguments.get("pad_to_aspect_ratio"))
        ),
    ),
    # shape
    "Flatten": row(anything, data_format=FORMAT),
    "Reshape": row(
        halves, {"target_shape": st.sampled_from([(-1,), (-1, 2), (2, -1), (1, -1, 2)])}
    ),
    "Permute": row(images(1), {"dims": st.sampled_from([(1, 2), (2, 1)])}),
    "RepeatVector": row(plain(2, 2), {"n": SIZE}),
    # merging
    **{name: row(lists(2, 4)) for name in ("Add", "Average", "Maximum", "Minimum", "Multiply")},
    "Subtract": row(lists(2, 2)),
    "Concatenate": row(lists(2, 3, same=True), axis=_axes(-1, 1, -2)),
    "Dot": row(lists(2, 2, same=True), {"axes": _axes(1, 2, (1, 1), (2, 2))}, normalize=BOOL),
    # regularization: in training compared between backends only
    "ActivityRegularization": row(anything, l1=FACTOR, l2=FACTOR),
    "Dropout": row(anything, {"rate": RATE}, seed=SEED, noise_shape=st.none()),
    "AlphaDropout": row(anything, {"rate": RATE}, seed=SEED, noise_shape=st.none()),
    "GaussianDropout": row(anything, {"rate": RATE}, seed=SEED),
    "GaussianNoise": row(anything, {"stddev": RATE}, seed=SEED),
    "SpatialDropout1D": row(images(1), {"rate": RATE}, seed=SEED),
    "SpatialDropout2D": row(images(2), {"rate": RATE}, seed=SEED, data_format=FORMAT),
    "SpatialDropout3D": row(images(3), {"rate": RATE}, seed=SEED, data_format=FORMAT),
    # normalization
    "BatchNormalization": row(
        masked,
        {"epsilon": EPSILON},
        **{k: v for k, v in SCALED.items() if k != "epsilon"},
        axis=_axes(-1, 1, 2),
        momentum=st.sampled_from([0.5, 0.875]),
        moving_mean_initializer=INITIALIZER,
        moving_variance_initializer=st.sampled_from(["ones"]),
        trainable=BOOL,
        renorm=BOOL,
        renorm_momentum=st.sampled_from([0.5]),
        renorm_clipping=st.sampled_from([None, {"rmin": 0.5, "rmax": 2.0, "dmax": 0.5}]),
    ),
    "LayerNormalization": row(
        images(1),
        {"epsilon": EPSILON},
        **{k: v for k, v in SCALED.items() if k != "epsilon"},
        axis=_axes(-1, 1, [1, 2]),
    ),
    "GroupNormalization": row(
        images(2, channels=4),
        {"groups": st.sampled_from([1, 2, 4, -1])},
        **SCALED,
        axis=_axes(-1, 3),
    ),
    "RMSNormalization": row(images(1), epsilon=EPSILON, axis=_axes(-1, 1, (1, 2))),
    "UnitNormalization": row(images(1), axis=_axes(-1, 1, [1, 2])),
    "Normalization": row(
        plain(2, 3, features=3),
        {"mean": st.just((0.0, 1.0, 2.0)), "variance": st.just((1.0, 4.0, 0.25))},
        invert=BOOL,
        axis=st.just(-1),
    ),
    "SpectralNormalization": row(
        plain(2, 2),
        {"layer": st.builds(lambda u: Spec("layers", "Dense", {"units": u}), SIZE)},
        power_iterations=st.integers(1, 3),
    ),
    "Rescaling": row(plain(2, 3), {"scale": FACTOR}, offset=FACTOR),
    # recurrence
    "SimpleRNN": row(sequences, UNITS, **CELL, **MANY),
    "GRU": _lstm(True, reset_after=BOOL),
    "LSTM": _lstm(True, unit_forget_bias=BOOL),
    "SimpleRNNCell": row(cells, UNITS, **CELL),
    "GRUCell": _lstm(False, reset_after=BOOL),
    "LSTMCell": _lstm(False, unit_forget_bias=BOOL),
    "RNN": row(sequences, {"cell": _wrapped_cell()}, **MANY),
    "Bidirectional": row(
        sequences,
        {"layer": _recurrent_layer()},
        merge_mode=st.sampled_from(["concat", "sum", "mul", "ave", None]),
    ),
    "TimeDistributed": row(masked, {"layer": PER_MOMENT}),
    **{f"ConvLSTM{rank}D": _conv_lstm(rank) for rank in (1, 2, 3)},
    # attention
    "Attention": row(
        queries(), **ATTENTION, use_scale=BOOL, score_mode=st.sampled_from(["dot", "concat"])
    ),
    "AdditiveAttention": row(queries(), **ATTENTION, use_scale=BOOL),
    "MultiHeadAttention": row(
        queries(separate=True),
        {"num_heads": st.integers(1, 3), "key_dim": st.sampled_from([1, 4])},
        **ATTENTION,
        value_dim=SIZE,
        use_bias=BOOL,
        output_shape=st.sampled_from([None, 3, (2, 2)]),
        sliding_window=st.sampled_from([None, 1, 2]),
        use_gate=BOOL,
        **of_weights("kernel", "bias"),
    ),
    "GroupQueryAttention": row(
        queries(separate=True),
        {
            "head_dim": st.sampled_from([1, 4]),
            "num_query_heads": st.sampled_from([2, 4]),
            "num_key_value_heads": st.sampled_from([1, 2]),
        },
        **ATTENTION,
        use_bias=BOOL,
        sliding_window=st.sampled_from([None, 1, 2]),
        use_gate=BOOL,
        **of_weights("kernel", "bias"),
    ),
}

"""What layers are called with: functions `(draw, layer) -> (inputs, call)` of the layer's Spec."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.fuzz.drawn import Array

BATCH = st.integers(1, 3)
LENGTH = st.integers(1, 5)
FEATURES = st.integers(1, 4)
TRAINING = st.sampled_from([None, False, True])


def _training(draw):
    flag = draw(TRAINING)
    return {} if flag is None else {"training": flag}


def plain(low, high, features=None):
    """One array of rank `low` to `high`."""

    def inputs(draw, layer):
        rank = draw(st.integers(low, high))
        shape = (
            draw(BATCH),
            *(draw(FEATURES) for _ in range(rank - 2)),
            features or draw(FEATURES),
        )
        return (Array(shape),), {}

    return inputs


def anything(draw, layer):
    """One array of rank 2 to 5, perhaps in training; channels matter to nobody."""
    rank = 4 if layer.arguments.get("data_format") == "channels_first" else draw(st.integers(2, 5))
    return (Array((draw(BATCH), *(draw(FEATURES) for _ in range(rank - 1)))),), _training(draw)


def halves(draw, layer):
    """An even number of elements a sample."""
    return (Array((draw(BATCH), draw(FEATURES), draw(st.sampled_from([2, 4])))),), {}


def images(rank, channels=None):
    """(batch, spatial axes, channels) in either format: spatial sizes that cropping leaves
    something of."""

    def inputs(draw, layer):
        sizes = [draw(st.integers(3, 5 if rank < 3 else 3)) for _ in range(rank)]
        return (
            Array(_with_channels(draw, sizes, layer, channels or draw(FEATURES))),
        ), _training_if_random(draw, layer)

    return inputs


def _training_if_random(draw, layer):
    return _training(draw) if "rate" in layer.arguments else {}


def _with_channels(draw, sizes, layer, channels, time=()):
    if layer.arguments.get("data_format") == "channels_first":
        return (draw(BATCH), *time, channels, *sizes)
    return (draw(BATCH), *time, *sizes, channels)


def _each(value, rank):
    return (value,) * rank if isinstance(value, int) else value


def windows(rank, time=False):
    """An input not smaller than the window."""

    def inputs(draw, layer):
        sizes = _each(layer.arguments.get("kernel_size", layer.arguments.get("pool_size")), rank)
        dilation = _each(layer.arguments.get("dilation_rate", 1), rank)
        reach = [(k - 1) * d + 1 for k, d in zip(sizes, dilation, strict=True)]
        spatial = [k + draw(st.integers(0, 4 if rank < 3 else 2)) for k in reach]
        groups = layer.arguments.get("groups", 1)
        steps = (draw(st.integers(1, 3)),) if time else ()
        shape = _with_channels(draw, spatial, layer, groups * draw(st.integers(1, 3)), steps)
        return (Array(shape),), (_mask(draw, shape[:2]) if time else {})

    return inputs


def _mask(draw, shape, chance=3):
    return {"mask": Array(shape, "mask")} if draw(st.integers(1, chance)) == 1 else {}


def steps(draw, layer):
    """(batch, time, features) with whole steps of zeros."""
    return (Array((draw(BATCH), draw(LENGTH), draw(FEATURES)), "holes"),), {}


def masked(draw, layer):
    """(batch, time, features), perhaps with a mask; perhaps in training."""
    first = layer.arguments.get("data_format") == "channels_first"
    shape = (draw(BATCH), draw(LENGTH), draw(FEATURES))
    # Softmax takes a mask of the shape of its input, others one of steps.
    steps = shape if layer.name == "Softmax" else (shape[0], shape[2 if first else 1])
    return (Array(shape),), (_training(draw) if layer.name == "BatchNormalization" else {}) | _mask(
        draw, steps
    )


def indices(draw, layer):
    shape = (draw(BATCH), draw(LENGTH)) if draw(st.booleans()) else (draw(BATCH),)
    return (Array(shape, layer.arguments["input_dim"]),), {}


def lists(low, high, same=False):
    """One argument: a list of arrays that broadcast, or of equal shape."""

    def inputs(draw, layer):
        rank = 3 if same else draw(st.integers(2, 4))
        # Of a normalized vector of one number the gradient is 0, as a difference of terms that no
        # group shows.
        size = st.integers(2, 4) if layer.arguments.get("normalize") else FEATURES
        shape = [draw(BATCH), *(draw(size) for _ in range(rank - 1))]
        found = []
        for _ in range(draw(st.integers(low, high))):
            keep = [True] + [same or draw(st.integers(0, 3)) > 0 for _ in shape[1:]]
            found.append(Array(tuple(n if k else 1 for n, k in zip(shape, keep, strict=True))))
        return (found,), {}

    return inputs


def _state_shapes(cell, batch):
    """Shapes of the states of a cell or recurrent layer."""
    shape = (batch, cell.arguments["units"])
    return [shape, shape] if "LSTM" in cell.name else [shape]


def sequences(draw, layer):
    """(batch, time, features) for a recurrent layer, perhaps with a mask, perhaps in training."""
    shape = (draw(BATCH), draw(LENGTH), draw(FEATURES))
    call = _mask(draw, shape[:2], 2) | _training(draw)
    if "units" in layer.arguments and draw(st.integers(0, 2)) == 0:
        call["initial_state"] = [Array(s) for s in _state_shapes(layer, shape[0])]
    return (Array(shape),), call


def cells(draw, layer):
    """One step for a cell: inputs and states."""
    batch = draw(BATCH)
    return (
        Array((batch, draw(FEATURES))),
        [Array(s) for s in _state_shapes(layer, batch)],
    ), _training(draw)


def queries(separate=False):
    """Query, value and perhaps key; masks, causal, scores."""

    def inputs(draw, layer):
        batch, t, s, d = draw(BATCH), draw(LENGTH), draw(LENGTH), draw(FEATURES)
        arrays = [Array((batch, t, d)), Array((batch, s, d)), Array((batch, s, d))][
            : draw(st.integers(2, 3))
        ]
        call = {}
        for flag in ("return_attention_scores", "use_causal_mask"):
            if draw(st.booleans()):
                call[flag] = True
        if separate:
            if draw(st.booleans()):
                call["attention_mask"] = Array((batch, t, s), "mask")
            for name, length in (("value_mask", s), ("key_mask", s)):
                if draw(st.integers(0, 2)) == 0:
                    call[name] = Array((batch, length), "mask")
        elif draw(st.booleans()):
            call["mask"] = [Array((batch, t), "mask"), Array((batch, s), "mask")]
        call |= _training(draw)
        return (tuple(arrays) if separate else (arrays,)), call

    return inputs

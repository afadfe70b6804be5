"""Random models, written once for Keras and unidl: a program of steps over a pool of tensors.

Each step takes tensors of the pool, by their number, and adds the output of a layer. A step may use
an earlier step's layer again.
"""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

from tests.fuzz.drawn import Spec, made


@dataclass(frozen=True)
class Step:
    """`layer` on the tensors numbered `on`; `again` is the number of the step whose layer is used,
    instead of a new one."""

    layer: Spec
    on: tuple[int, ...]
    again: int | None = None


@dataclass(frozen=True)
class Program:
    """Inputs as (shape, number of values for integers or None), steps, and which tensors come
    out."""

    inputs: tuple
    steps: tuple[Step, ...]
    outputs: tuple[int, ...]

    def build(self, k):
        pool = [
            k.Input(shape, dtype="int32" if values else None, name=f"in_{i}")
            for i, (shape, values) in enumerate(self.inputs)
        ]
        inputs, layers = list(pool), []
        for i, step in enumerate(self.steps):
            layer = (
                layers[step.again]
                if step.again is not None
                else made(k, _named(step.layer, f"step_{i}"))
            )
            layers.append(layer)
            tensors = [pool[n] for n in step.on]
            name = step.layer.name
            pool.append(
                layer(*tensors)
                if name == "MultiHeadAttention"
                else layer(tensors if len(tensors) > 1 else tensors[0])
            )
        found = [pool[n] for n in self.outputs]
        return k.Model(
            inputs if len(inputs) > 1 else inputs[0], found if len(found) > 1 else found[0]
        )


def _named(spec, name):
    return Spec(spec.module, spec.name, {**spec.arguments, "name": name})


def _layer(name, **arguments):
    return Spec("layers", name, arguments)


def _over_features(draw, size):
    """Layers for any rank of 2 or more, and how they change the last axis."""
    units = draw(st.integers(1, 4))
    return draw(
        st.sampled_from(
            [
                (_layer("Dense", units=units, activation="tanh"), units),
                (_layer("BatchNormalization", momentum=0.5, epsilon=0.25), size),
                (_layer("LayerNormalization", epsilon=0.25), size),
                (_layer("Activation", activation="sigmoid"), size),
                (_layer("Dropout", rate=0.0), size),
                (
                    _layer(
                        "Dense",
                        units=units,
                        use_bias=False,
                        kernel_regularizer=Spec("regularizers", "L2", {"l2": 0.125}),
                    ),
                    units,
                ),
            ]
        )
    )


def _over_time(draw, shape):
    """(layer, shape after it) for (time, features)."""
    t, f = shape
    u = draw(st.integers(1, 3))
    kind = draw(st.sampled_from(["LSTM", "GRU", "SimpleRNN"]))
    both = _layer(
        "Bidirectional", layer=_layer(kind, units=u, return_sequences=True), merge_mode="concat"
    )
    choices = [
        (_layer(kind, units=u, return_sequences=True), (t, u)),
        (_layer(kind, units=u), (u,)),
        (both, (t, 2 * u)),
        (_layer("Conv1D", filters=u, kernel_size=2, padding="causal", activation="elu"), (t, u)),
        (_layer("TimeDistributed", layer=_layer("Dense", units=u)), (t, u)),
        (_layer("GlobalAveragePooling1D"), (f,)),
        (_layer("GlobalMaxPooling1D"), (f,)),
        (_layer("Flatten"), (t * f,)),
        (_layer("Permute", dims=(2, 1)), (f, t)),
    ]
    return draw(st.sampled_from(choices))


def _over_images(draw, shape):
    h, w, c = shape
    f = draw(st.integers(1, 3))
    choices = [
        (
            _layer("Conv2D", filters=f, kernel_size=(2, 3), padding="same", activation="softplus"),
            (h, w, f),
        ),
        (
            _layer("Conv2D", filters=f, kernel_size=2, strides=2, padding="same"),
            (-(-h // 2), -(-w // 2), f),
        ),
        (_layer("DepthwiseConv2D", kernel_size=2, padding="same"), (h, w, c)),
        (_layer("SeparableConv2D", filters=f, kernel_size=2, padding="same"), (h, w, f)),
        (_layer("MaxPooling2D", pool_size=2, padding="same"), (-(-h // 2), -(-w // 2), c)),
        (_layer("AveragePooling2D", pool_size=2, strides=1, padding="same"), (h, w, c)),
        (_layer("UpSampling2D", size=2), (2 * h, 2 * w, c)),
        (_layer("ZeroPadding2D", padding=((0, 1), (1, 0))), (h + 1, w + 1, c)),
        (_layer("GroupNormalization", groups=1, epsilon=0.25), (h, w, c)),
        (_layer("GlobalAveragePooling2D"), (c,)),
        (_layer("Reshape", target_shape=(h * w, c)), (h * w, c)),
        (_layer("Flatten"), (h * w * c,)),
    ]
    return draw(st.sampled_from(choices))


INPUTS = st.one_of(
    st.builds(lambda f: ((f,), None), st.integers(1, 4)),
    st.builds(lambda t, f: ((t, f), None), st.integers(2, 4), st.integers(1, 4)),
    st.builds(lambda h, c: ((h, 4, c), None), st.integers(3, 5), st.integers(1, 3)),
    st.builds(lambda t: ((t,), 6), st.integers(2, 5)),
)


@st.composite
def programs(draw):
    """Models of one or two inputs, two to seven steps, one or two outputs; each input is used."""
    inputs = tuple(draw(st.lists(INPUTS, min_size=1, max_size=2)))
    shapes = [shape for shape, _ in inputs]
    steps = []

    def add(layer, on, shape, again=None):
        steps.append(Step(layer, on, again))
        shapes.append(shape)

    unused = list(range(len(inputs)))
    for i, (shape, values) in enumerate(inputs):
        if values:
            d = draw(st.integers(1, 4))
            add(
                _layer("Embedding", input_dim=values, output_dim=d, mask_zero=draw(st.booleans())),
                (i,),
                (*shape, d),
            )
            unused[i] = len(shapes) - 1
    for _ in range(draw(st.integers(2, 5))):
        # The newest tensor most of the time, so that models get deep.
        on = (
            len(shapes) - 1
            if draw(st.integers(0, 2))
            else draw(st.sampled_from(_floats(inputs, shapes)))
        )
        shape = shapes[on]
        if shape not in shapes[len(inputs) :] and on < len(inputs) and inputs[on][1]:
            continue
        alike = [n for n in _floats(inputs, shapes) if n != on and shapes[n] == shape]
        used = [
            i
            for i, s in enumerate(steps)
            if len(s.on) == 1
            and shapes[s.on[0]] == shape
            and s.layer.name in ("Dense", "LSTM", "GRU")
        ]
        what = draw(st.integers(0, 5))
        if what == 0 and alike:
            add(
                _layer(draw(st.sampled_from(["Add", "Multiply", "Average", "Maximum"]))),
                (on, alike[0]),
                shape,
            )
        elif what == 1 and alike:
            add(_layer("Concatenate", axis=-1), (on, alike[-1]), (*shape[:-1], 2 * shape[-1]))
        elif what == 2 and len(shape) == 2 and shape[1] > 1:
            other = alike[0] if alike else on
            attention = draw(
                st.sampled_from(["MultiHeadAttention", "Attention", "AdditiveAttention"])
            )
            arguments = {"num_heads": 2, "key_dim": 4} if attention == "MultiHeadAttention" else {}
            add(_layer(attention, **arguments), (on, other), shape)
        elif what == 3 and used:
            first = used[0]
            add(steps[first].layer, (on,), shapes[len(inputs) + first], first)
        elif what == 4 or len(shape) not in (2, 3):
            layer, size = _over_features(draw, shape[-1])
            add(layer, (on,), (*shape[:-1], size))
        else:
            layer, after = (_over_time if len(shape) == 2 else _over_images)(draw, shape)
            add(layer, (on,), after)
    last = len(shapes) - 1
    # What no step took comes out, so that every input is used.
    taken = {n for step in steps for n in step.on}
    open_ends = [
        n
        for n in range(len(shapes))
        if n not in taken and n != last and not (n < len(inputs) and inputs[n][1])
    ]
    ends = tuple(dict.fromkeys([*open_ends, last]))
    if any(n < len(inputs) for n in ends):  # an input straight to an output is no model
        extra = []
        for n in ends:
            if n < len(inputs):
                add(_layer("Dense", units=2), (n,), (*shapes[n][:-1], 2))
                extra.append(len(shapes) - 1)
            else:
                extra.append(n)
        ends = tuple(extra)
    return Program(inputs, tuple(steps), ends)


def _floats(inputs, shapes):
    return [n for n in range(len(shapes)) if n >= len(inputs) or not inputs[n][1]]

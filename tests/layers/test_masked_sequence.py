"""Masked sequences on the kernels that know no masks, against the loop over the cell."""

import numpy as np
import pytest

import unidl
from tests.reference import close
from unidl import layers, ops, tree
from unidl.backend import Variable

RNG = np.random.default_rng(0)
X = RNG.normal(size=(6, 5, 3))
MASK = np.array(
    [
        [1, 1, 1, 0, 0],
        [0, 0, 1, 1, 0],
        [1, 0, 1, 0, 1],
        [0, 0, 0, 0, 0],
        [1, 1, 1, 1, 1],
        [0, 1, 0, 0, 0],
    ],
    bool,
)
KINDS = {"LSTM": 2, "GRU": 1, "SimpleRNN": 1}  # and how many states each has


def both(kind, **arguments):
    """The layer, and the same cell with the same weights in a loop."""
    layer, cell = getattr(layers, kind), getattr(layers, f"{kind}Cell")
    pair = (
        layer(2, dtype="float64", **arguments),
        layers.RNN(cell(2, dtype="float64"), dtype="float64", **arguments),
    )
    for each in pair:
        each.build(X.shape)
        each.built = True
    weights = [RNG.normal(size=w.shape) for w in pair[0].get_weights()]
    for each in pair:
        each.set_weights(weights)
    return *pair, [RNG.normal(size=(6, 2)) for _ in range(KINDS[kind])]


def results(layer, x, states, mask):
    """Everything that the layer returns, and the gradients for x, the states and the weights."""
    given = [Variable(a, dtype="float64") for a in (x, *states)]

    def loss():
        x, *first = (v.value for v in given)
        made = tree.flatten(layer(x, initial_state=first, mask=mask))
        terms = [
            ops.sum(ops.multiply(y, np.cos(np.arange(np.prod(y.shape))).reshape(y.shape)))
            for y in made
        ]
        return sum(terms[1:], terms[0]), made

    (_, made), gradients = unidl.value_and_grad(
        loss, [*given, *layer.trainable_variables], has_aux=True
    )
    return [ops.convert_to_numpy(a) for a in (*made, *gradients)]


@pytest.mark.parametrize("zeros", [False, True], ids=["repeated", "zeros"])
@pytest.mark.parametrize("backwards", [False, True], ids=["forward", "backward"])
@pytest.mark.parametrize("sequences", [False, True], ids=["last", "all"])
@pytest.mark.parametrize("kind", KINDS)
def test_as_the_loop(backend, kind, sequences, backwards, zeros):
    layer, loop, states = both(
        kind,
        return_sequences=sequences,
        return_state=True,
        go_backwards=backwards,
        zero_output_for_mask=zeros,
    )
    for found, wanted in zip(
        results(layer, X, states, MASK), results(loop, X, states, MASK), strict=True
    ):
        close(found, wanted, 1e-11)
    kernel = backend.kernels.get(layer.whole_sequence)
    assert layer.kernel_description() == (kernel or "composed of primitives: a mask")


@pytest.mark.parametrize("kind", KINDS)
def test_the_state_goes_from_batch_to_batch(backend, kind):
    layer, loop, _ = both(kind, stateful=True)
    for _ in range(3):
        close(
            ops.convert_to_numpy(layer(X, mask=MASK)),
            ops.convert_to_numpy(loop(X, mask=MASK)),
            1e-12,
        )


@pytest.mark.parametrize("kind", KINDS)
def test_what_stands_where_the_mask_is_false_has_no_part(kind):
    layer, _, states = both(kind, return_sequences=True, return_state=True)
    wild = np.where(MASK[..., None], X, [1e300, np.inf, np.nan])
    for found, wanted in zip(
        results(layer, wild, states, MASK), results(layer, X, states, MASK), strict=True
    ):
        np.testing.assert_array_equal(found, wanted)


def test_relu_could_grow_and_runs_step_by_step():
    layer = layers.SimpleRNN(2, activation="relu")
    layer(X, mask=MASK)
    assert "a mask with relu" in layer.kernel_description()


def test_sequences_of_open_length(backend):
    words = unidl.Input((None,), dtype="int32")
    table = layers.Embedding(4, 3, mask_zero=True)
    model = unidl.Model(words, layers.LSTM(2)(layers.GRU(2, return_sequences=True)(table(words))))
    data = np.array([[1, 2, 0, 0], [3, 0, 1, 0]])
    close(model.predict(data, verbose=0), model.predict(data[:, :3], verbose=0), 1e-6)

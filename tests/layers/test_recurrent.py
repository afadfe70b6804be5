"""What a comparison of numbers with Keras does not show: which path runs, dropout's masks, states
from call to call, errors."""

import numpy as np
import pytest

from tests.reference import close
from unidl import layers, ops

X = np.random.default_rng(0).normal(size=(4, 5, 3))


def _lstm(units=2, **kwargs):
    return layers.LSTM(units, dtype="float64", **kwargs)


def _copy_of(layer, **changes):
    """The same layer with the same weights and other arguments."""
    other = type(layer).from_config(
        layer.get_config() | {k: v for k, v in changes.items() if k != "use_cudnn"}
    )
    if "use_cudnn" in changes:
        other.use_cudnn = changes["use_cudnn"]
    other.build(X.shape)
    other.built = True
    other.set_weights(layer.get_weights())
    return other


def _numpy(x):
    return ops.convert_to_numpy(x)


def test_kernel_and_loop_agree(backend):
    layer = _lstm(return_sequences=True, return_state=True, go_backwards=True)
    fused = layer(X)
    assert layer.kernel_description() == backend.kernels.get("lstm", "composed of primitives")
    loop = _copy_of(layer, use_cudnn=False)
    composed = loop(X)
    assert loop.kernel_description() == "composed of primitives: use_cudnn=False"
    for a, b in zip(fused, composed, strict=True):
        close(_numpy(a), _numpy(b), 1e-12)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"unroll": True}, "unroll=True"),
        ({"recurrent_dropout": 0.5}, "recurrent_dropout"),
        (
            {"activation": "relu"},
            "the kernel has the activations tanh, sigmoid; here they are relu, sigmoid",
        ),
        (
            {"recurrent_activation": "hard_sigmoid"},
            "the kernel has the activations tanh, sigmoid; here they are tanh, hard_sigmoid",
        ),
    ],
)
def test_reasons_for_the_loop(arguments, reason):
    layer = _lstm(**arguments)
    layer(X)
    assert layer.kernel_description() == f"composed of primitives: {reason}"
    with pytest.raises(ValueError, match="use_cudnn=True") as error:
        _lstm(use_cudnn=True, **arguments)(X)
    assert reason in str(error.value)


def test_kernel_demanded():
    layer = _lstm(use_cudnn=True)
    close(_numpy(layer(X)), _numpy(_copy_of(layer, use_cudnn=False)(X)), 1e-12)


def test_an_rnn_says_that_its_cell_runs():
    layer = layers.RNN(layers.LSTMCell(2))
    layer(X)
    assert layer.kernel_description() == "composed of primitives: LSTMCell runs step by step"


def test_dropout_masks_are_those_of_the_loop(backend):
    layer = _lstm(dropout=0.5, seed=3, return_sequences=True)
    fused = layer(X, training=True)
    composed = _copy_of(layer, use_cudnn=False)(X, training=True)
    close(_numpy(fused), _numpy(composed), 1e-12)
    assert np.abs(_numpy(layer(X)) - _numpy(fused)).max() > 1e-3


def test_one_dropout_mask_for_all_moments():
    """With a kernel that passes one input to one unit, what is dropped at one moment is dropped at
    all."""
    layer = layers.LSTM(3, dropout=0.5, seed=1, dtype="float64", return_sequences=True)
    layer(X)
    kernel = np.zeros((3, 12))
    kernel[:, 6:9] = np.eye(3)
    layer.set_weights([kernel, np.zeros((3, 12)), np.zeros(12)])
    silent = _numpy(layer(np.ones((40, 5, 3)), training=True)) == 0
    assert (silent.all(axis=1) | ~silent.any(axis=1)).all()
    assert 0.3 < silent.mean() < 0.7


def test_recurrent_dropout_drops_in_training_alone():
    layer = _lstm(recurrent_dropout=0.5, seed=1)
    assert np.abs(_numpy(layer(X, training=True)) - _numpy(layer(X))).max() > 1e-4
    assert np.array_equal(_numpy(layer(X)), _numpy(layer(X)))


def test_stateful_goes_on_where_it_stopped(backend):
    layer = _lstm(stateful=True, return_sequences=True)
    first, second = _numpy(layer(X)), _numpy(layer(X))
    whole = _numpy(_copy_of(layer, stateful=False)(np.concatenate([X, X], axis=1)))
    close(np.concatenate([first, second], axis=1), whole, 1e-12)
    layer.reset_state()
    close(_numpy(layer(X)), first, 1e-15)
    assert len(layer.variables) == len(layer.weights) + 2 + 1  # its random numbers


def test_stateful_needs_one_batch_size():
    layer = _lstm(stateful=True)
    layer(X)
    with pytest.raises(ValueError, match=r"LSTM 'lstm.*batches of 4 samples, got 2"):
        layer(X[:2])
    with pytest.raises(ValueError, match="keeps no state"):
        _lstm().reset_state()


def test_stateful_needs_a_known_batch_size():
    with pytest.raises(ValueError, match="known batch size"):
        _lstm(stateful=True)(layers.Input((5, 3)))


def test_unroll_needs_a_known_length():
    with pytest.raises(ValueError, match="unroll=True needs a known number"):
        _lstm(unroll=True)(layers.Input((None, 3)))


def test_symbolic_shapes():
    x = layers.Input((None, 3))
    outputs = _lstm(return_sequences=True, return_state=True)(x)
    assert [tuple(t.shape) for t in outputs] == [(None, None, 2), (None, 2), (None, 2)]
    assert tuple(_lstm()(x).shape) == (None, 2)
    assert tuple(_lstm(recurrent_dropout=0.5)(layers.Input((5, 3))).shape) == (None, 2)


def test_initial_state_is_checked():
    with pytest.raises(ValueError, match="initial_state needs 2 tensors"):
        _lstm()(X, initial_state=[np.zeros((4, 2))])
    with pytest.raises(ValueError, match=r"must have the shape \(batch, 2\), got \(4, 3\)"):
        _lstm()(X, initial_state=[np.zeros((4, 3))] * 2)


def test_bad_shapes_and_arguments():
    with pytest.raises(ValueError, match="LSTM 'lstm"):
        _lstm()(X[0])
    with pytest.raises(ValueError, match="no time steps"):
        _lstm()(X[:, :0])
    with pytest.raises(ValueError, match="LSTM: use_cudnn must be one of"):
        _lstm(use_cudnn="yes")
    with pytest.raises(ValueError, match="LSTM: dropout"):
        _lstm(dropout=1.5)
    with pytest.raises(ValueError, match="LSTM: units"):
        layers.LSTM(0)
    with pytest.raises(ValueError, match="has no 'state_size'"):
        layers.RNN(layers.Dense(3))


def test_forget_bias_begins_at_one():
    layer = _lstm()
    layer(X)
    assert layer.get_weights()[2].tolist() == [0, 0, 1, 1, 0, 0, 0, 0]
    assert [w.path.split("/", 1)[1] for w in layer.weights] == [
        "lstm_cell/kernel",
        "lstm_cell/recurrent_kernel",
        "lstm_cell/bias",
    ]


def test_masks_come_from_an_embedding_and_go_on(backend):
    indices = np.array([[1, 2, 0, 0], [3, 0, 1, 0]])
    table = layers.Embedding(4, 3, mask_zero=True, dtype="float64")
    first, second = _lstm(return_sequences=True), _lstm()
    result = second(first(table(indices)))
    mask = indices != 0
    wanted = second(first(_numpy(table(indices)), mask=mask), mask=mask)
    close(_numpy(result), _numpy(wanted), 1e-15)


class Counter(layers.Layer):
    """A cell of one's own: adds its inputs up."""

    state_size = 3

    def call(self, inputs, states):
        total = ops.add(states[0], inputs)
        return ops.multiply(total, 2.0), [total]


def test_a_cell_of_ones_own(backend):
    outputs, state = layers.RNN(
        Counter(dtype="float64"), return_sequences=True, return_state=True, dtype="float64"
    )(X)
    close(_numpy(outputs), 2 * np.cumsum(X, axis=1), 1e-14)
    close(_numpy(state), X.sum(axis=1), 1e-14)

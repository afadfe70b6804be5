"""`variables`, `non_trainable_variables` and `weights`, as Keras lists them."""

import numpy as np
import pytest

import unidl
from tests.reference import in_float64
from unidl.random import SeedGenerator

X = np.random.default_rng(0).normal(size=(4, 6)).astype("float32")


def _mlp(kit):
    return kit.Sequential(
        [
            kit.Input((6,)),
            kit.layers.GaussianNoise(0.1, seed=1),
            kit.layers.Dense(5),
            kit.layers.BatchNormalization(),
            kit.layers.Dropout(0.3, seed=2),
            kit.layers.Dense(2),
        ]
    )


def _graph(kit):
    x = kit.Input((6,))
    y = kit.layers.Dropout(0.5)(kit.layers.Dense(4)(x))
    inner = kit.Sequential([kit.Input((4,)), kit.layers.Dropout(0.2), kit.layers.Dense(4)])
    frozen = kit.layers.BatchNormalization(trainable=False)
    return kit.Model(x, kit.layers.Dropout(0.1)(frozen(inner(y))))


def _recurrent(kit):
    return kit.Sequential(
        [
            kit.Input((3, 6)),
            kit.layers.LSTM(4, dropout=0.2, return_sequences=True),
            kit.layers.Bidirectional(kit.layers.GRU(2, recurrent_dropout=0.1)),
        ]
    )


def _kinds(variables):
    """The last part of each path, and the shape of what is no generator."""
    return [
        v.path.rsplit("/", 1)[-1]
        if "seed_generator_state" in v.path
        else (v.path.rsplit("/", 1)[-1], tuple(v.shape))
        for v in variables
    ]


@pytest.mark.parametrize("make", [_mlp, _graph, _recurrent])
@pytest.mark.parametrize(
    "group", ["variables", "trainable_variables", "non_trainable_variables", "weights"]
)
def test_lists_are_those_of_keras(make, group):
    with in_float64() as keras, unidl.use_backend("numpy"):
        ours, theirs = (getattr(make(kit), group) for kit in (unidl, keras))
    assert _kinds(ours) == _kinds(theirs)


def test_a_generator_of_two_layers_is_there_once():
    shared, dropouts = SeedGenerator(1), [unidl.layers.Dropout(0.5) for _ in range(2)]
    for dropout in dropouts:
        dropout.seed_generator = shared
    model = unidl.Sequential([unidl.Input((6,)), *dropouts])
    assert [v is shared.state for v in model.variables] == [True]
    assert model.weights == model.get_weights() == []
    assert shared.state.path == f"{model.layers[0].path}/seed_generator/seed_generator_state"


def test_states_of_recurrent_layers_stand_with_their_layer():
    first = unidl.layers.LSTM(2, stateful=True, dropout=0.1, return_sequences=True, name="lstm")
    second = unidl.layers.GRU(2, stateful=True, name="gru")
    model = unidl.Sequential([unidl.Input((3, 6), batch_size=4), first, second])
    model(np.zeros((4, 3, 6), "float32"))
    places = [v.path.split("/", 1)[1] for v in model.non_trainable_variables]
    assert places == [
        "lstm/rnn_state", "lstm/rnn_state_1", "lstm/lstm_cell/seed_generator/seed_generator_state",
        "gru/rnn_state", "gru/gru_cell/seed_generator/seed_generator_state",
    ]  # fmt: skip
    tree = model.get_state_tree()["non_trainable_variables"]
    assert list(tree[model.name]) == ["lstm", "gru"]


def test_a_run_goes_on_from_copied_variables(backend):
    """The values of `variables` are all that the next steps start from, but for the optimizer."""
    model = _mlp(unidl)
    model.compile("sgd", "mse")
    y = np.zeros((4, 2), "float32")
    kept = [v.numpy() for v in model.variables]
    first = model.fit(X, y, batch_size=2, epochs=2, verbose=0, shuffle=False)
    other = model.fit(X, y, batch_size=2, epochs=2, verbose=0, shuffle=False)
    assert other.history != first.history
    for variable, value in zip(model.variables, kept, strict=True):
        variable.assign(value)
    again = model.fit(X, y, batch_size=2, epochs=2, verbose=0, shuffle=False)
    assert again.history == first.history


def test_weights_alone_are_saved_and_set(backend, tmp_path):
    model = _mlp(unidl)
    assert len(model.variables) == len(model.weights) + 2
    assert len(model.get_weights()) == len(model.weights) == 8
    model.save(tmp_path / "model.keras")
    read = unidl.saving.load_model(tmp_path / "model.keras")
    assert [v.path for v in read.variables] == [v.path for v in model.variables]
    np.testing.assert_array_equal(read.predict(X, verbose=0), model.predict(X, verbose=0))


def test_a_scope_takes_all_variables(backend):
    model = _mlp(unidl)
    values = [v.value for v in model.variables]
    with unidl.StatelessScope(zip(model.variables, values, strict=True)) as scope:
        first = backend.to_numpy(model(X, training=True))
    assert all(scope.get_current_value(v) is not None for v in model.variables)
    np.testing.assert_array_equal(first, backend.to_numpy(model(X, training=True)))

"""The state of a model as nested dicts."""

import numpy as np
import pytest

import unidl
from tests.reference import in_float64
from unidl import layers
from unidl.saving.state_tree import flat

X, Y = np.ones((4, 3)), np.zeros((4, 2))


def trained(kit=unidl):
    i = kit.layers.Input((3,))
    o = kit.layers.Dense(2, name="d")(kit.layers.BatchNormalization(name="b")(i))
    model = kit.Model(i, o, name="m")
    model.compile(kit.optimizers.Adam(0.01), "mse", metrics=["mae"])
    model.fit(X, Y, verbose=0)
    return model


def test_there_and_back(backend):
    model = trained()
    tree = model.get_state_tree(value_format="numpy_array")
    assert backend.is_tensor(model.get_state_tree()["trainable_variables"]["d"]["kernel"])
    before = {path: np.array(value) for path, value in flat(tree)}
    model.fit(X, Y, verbose=0)
    model.set_state_tree(tree)
    after = dict(flat(model.get_state_tree(value_format="numpy_array")))
    assert after.keys() == before.keys()
    for path, value in before.items():
        np.testing.assert_array_equal(after[path], value)


def test_the_paths_are_keras_():
    with in_float64() as keras:
        keras.backend.clear_session(free_memory=False)  # names are numbered from the start
        ours, theirs = ({p for p, _ in flat(trained(kit).get_state_tree())}
                        for kit in (unidl, keras))  # fmt: skip
    assert ours == theirs


def test_wrong_use_is_told():
    model = trained()
    with pytest.raises(ValueError, match=r"get_state_tree\(\) takes value_format=.*'numpy'"):
        model.get_state_tree("numpy")
    with pytest.raises(TypeError, match="takes the dict"):
        model.set_state_tree([])
    with pytest.raises(ValueError, match=r"no group 'trainable_variable'.*Did you mean"):
        model.set_state_tree({"trainable_variable": {}})
    before, found = model.get_weights(), {"d": {"kernel": np.ones((3, 2)), "bais": np.ones(2)}}
    with pytest.raises(ValueError, match=r"no variable 'd/bais'.*Nothing is set"):
        model.set_state_tree({"trainable_variables": found})
    with pytest.raises(ValueError, match=r"'d/kernel' has the shape \(3, 2\), its value \(2, 2\)"):
        model.set_state_tree({"trainable_variables": {"d": {"kernel": np.ones((2, 2))}}})
    for ours, theirs in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    same = unidl.Sequential([layers.Dense(1, name="a"), layers.Dense(1, name="b")])
    same(np.ones((1, 1)))
    same.layers[1].kernel.path = same.layers[0].kernel.path
    with pytest.raises(ValueError, match=r"twice.*names of their own"):
        same.get_state_tree()

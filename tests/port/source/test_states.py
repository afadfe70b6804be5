"""Recurrent layers that keep their states between calls, in torch."""

from __future__ import annotations

import runpy

import numpy as np
import pytest

import unidl
from unidl import layers, ops
from unidl.port import PortError, to_native, to_source

torch = pytest.importorskip("torch")
X = np.random.RandomState(0).normal(size=(4, 5, 3)).astype("float32")


def model():
    unidl.utils.set_random_seed(0)
    x = unidl.Input(batch_shape=(4, 5, 3))
    y = layers.LSTM(4, return_sequences=True, stateful=True, name="lstm")(x)
    y = layers.RNN([layers.GRUCell(3), layers.SimpleRNNCell(2)], True, stateful=True, name="two")(y)
    y = layers.Bidirectional(layers.GRU(2, stateful=True), name="both")(layers.Masking()(y))
    return unidl.Model(x, layers.Dense(2, name="head")(y), name="keeps")


def test_calls_go_on_where_the_last_one_ended():
    ours = model()
    module = to_native(ours, "torch", example_inputs=X)
    assert module.exported.proof.passed, str(module.exported.proof)
    assert any("reset_state()" in text for text in module.exported.warnings)
    module.eval()
    given = torch.from_numpy(X)
    first, second = module(given), module(given)
    assert abs(first - second).max() > 1e-4
    for found in (first, second):
        wanted = ops.convert_to_numpy(ours(X, training=False))
        np.testing.assert_allclose(found.detach(), wanted, rtol=1e-4, atol=1e-6)
    for part in module.modules():
        if hasattr(part, "reset_state"):
            part.reset_state()
    assert torch.equal(module(given), first)
    first.sum().backward()  # what was kept is no part of it
    assert {"lstm.state0", "lstm.state1"} <= set(module.state_dict())


def test_a_file_begins_with_the_states_of_the_model(tmp_path):
    ours = model()
    ours(X)
    found = to_source(ours, "torch", tmp_path / "net.py")
    assert found.proof.passed, str(found.proof)
    before = torch.get_default_dtype()
    written = runpy.run_path(str(tmp_path / "net.py"), run_name="__main__")
    torch.set_default_dtype(before)
    wanted = ops.convert_to_numpy(ours(X, training=False))
    found = written["load"]().float()(torch.from_numpy(X)).detach()
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)


def test_what_is_refused():
    x, first = unidl.Input(batch_shape=(4, 5, 3)), unidl.Input(batch_shape=(4, 2))
    y = layers.GRU(2, stateful=True, name="gru")(x, initial_state=first)
    with pytest.raises(PortError, match="gru: stateful=True and an initial_state"):
        to_native(unidl.Model([x, first], y), "torch", verify=False)
    with pytest.raises(PortError, match="lstm: stateful=True"):
        to_native(model(), "numpy", verify=False)

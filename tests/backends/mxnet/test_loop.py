"""A long sequence is MXNet's own loop in a compiled function, with the results of one that is
written out."""

import numpy as np
import pytest

from tests.tracing.test_long_sequences import CELLS, weights_after_fit
from unidl import layers
from unidl.backend import use_backend
from unidl.tracing import moments
from unidl_mxnet import loop

CELLS = CELLS | {"unused": lambda: layers.RNN(Forgetful())}


class Forgetful(layers.Layer):
    """A cell that uses one of its two states: MXNet's loop takes no such thing."""

    state_size = [2, 2]
    output_size = 2

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(3, 2), name="kernel")

    def call(self, inputs, states):
        h = states[0] * 0.5 + inputs @ self.kernel
        return h, [h, h]


@pytest.mark.parametrize("mask", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_as_written_out(backend, cell, mask, monkeypatch):
    found, of = [], loop._loop
    monkeypatch.setattr(loop, "_loop", lambda *given: found.append(of(*given)) or found[-1])
    with use_backend(backend):
        written = weights_after_fit(CELLS[cell], mask)
        assert not found
        monkeypatch.setattr(moments, "WRITTEN_OUT", 3)
        looped = weights_after_fit(CELLS[cell], mask)
    # One that draws is written out: each moment has keys of its own.
    assert bool(found) == (cell != "draws")
    uses_all = cell != "unused" or mask
    assert all((made is not None) == uses_all for made in found)
    for one, other in zip(written, looped, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-5, atol=1e-5)

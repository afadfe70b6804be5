"""Every layer case, random ones too, gives the same numbers on every backend: forward, gradients, what a call assigns."""

import zlib
from functools import cache

import numpy as np
import pytest

from tests.layers.running import run_unidl, weight_values
from unidl import tree
from unidl.backend import floatx, set_floatx, use_backend
from unidl.conformance.cases.layers import LAYER_CASES
from unidl.utils import set_random_seed


@pytest.fixture(autouse=True)
def _float64():
    before = floatx()
    set_floatx("float64")
    yield
    set_floatx(before)


def _run(case, backend):
    draw = np.random.default_rng(zlib.crc32(case.name.encode()))
    with use_backend(backend) as active:
        set_random_seed(1)
        args, layer = case.inputs(draw), case.make()
        first = tree.flatten(layer(*args, **case.kwargs))
        layer.set_weights(weight_values(layer, case, draw))
        if getattr(layer, "stateful", False):
            layer.reset_state()
        cotangents = [draw.normal(size=active.shape(y)) for y in first]
        outputs, gradients = run_unidl(layer, args, case.kwargs, cotangents)
        return outputs, gradients, layer.get_weights()


@cache
def _reference(case):
    return _run(case, "numpy")


@pytest.mark.parametrize("case", LAYER_CASES, ids=lambda case: case.name)
def test_as_the_oracle(case, backend):
    if backend.name == "numpy":
        pytest.skip("the oracle itself; see test_against_keras.py")
    wanted, got = _reference(case), _run(case, backend.name)
    for group, reference in zip(got, wanted, strict=True):
        largest = max((np.abs(r).max(initial=0.0) for r in reference), default=0.0)
        for a, b in zip(group, reference, strict=True):
            assert a.shape == b.shape
            assert a.dtype == b.dtype
            # Gradients that are zero by symmetry are rounding of terms as large as the others.
            scale = max(np.abs(b).max(initial=0.0), 1e-2 * largest)
            assert np.abs(a - b).max(initial=0.0) <= 1e-12 * scale

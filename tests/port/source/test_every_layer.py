"""Every layer of the table of the conformance suite as source: it is equal, or refused for a reason
that is known."""

from __future__ import annotations

import importlib.util
import re

import numpy as np
import pytest

import unidl
from unidl import tree
from unidl.conformance.case import generator_of
from unidl.conformance.cases.layers import LAYER_CASES
from unidl.port import PortError, to_source

pytestmark = pytest.mark.slow  # 4 minutes for JAX, which compiles every case

CASES = [c for c in LAYER_CASES if "empty" not in c.name]

# What the frameworks have no counterpart for.
BOTH = (
    "it gets a mask|dropout within the recurrence|stateful=True|renorm=True|resizing that"
    "|its call\\(\\) (makes tensors that are not|cannot be) recorded|StackedRNNCells has no"
    "|attention with masks"
)
REFUSED = {
    "jax": f"{BOTH}|states of several cells|data_format='channels_first'",
    "torch": f"{BOTH}|RNN has no|ConvLSTM.D has no|transposed convolution with|than the window"
    "|torch's|inputs with different numbers|normalization (along|with a center)|bicubic"
    "|a bidirectional layer of other|another order than 2",
}


def model_of(case):
    structure = case.inputs(generator_of(case.name))
    arrays, layer = tree.flatten(structure), case.make()
    is_fixed = getattr(layer, "stateful", False) or any(
        isinstance(x, np.ndarray) for x in tree.flatten(case.kwargs)
    )
    inputs = [
        unidl.Input(
            batch_shape=(len(a) if is_fixed else None, *a.shape[1:]),
            dtype="float32" if a.dtype.kind == "f" else a.dtype.name,
        )
        for a in arrays
    ]
    symbols = iter(inputs)
    kwargs = {k: v for k, v in case.kwargs.items() if k != "training"}
    outputs = layer(*tree.map_structure(lambda _: next(symbols), structure), **kwargs)
    model = unidl.Model(inputs, outputs, name="net")
    draw = np.random.default_rng(0)
    for weight in model.weights:
        value = 0.5 * draw.normal(size=weight.shape)
        weight.assign(np.abs(value) + 0.5 if weight.name in case.positive else value)
    return model, [a.astype("float32") if a.dtype.kind == "f" else a for a in arrays]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
@pytest.mark.parametrize(("target", "needs"), [("torch", "torch"), ("jax", "flax")])
def test_equal_or_refused(target, needs, case, tmp_path):
    if importlib.util.find_spec(needs) is None:
        pytest.skip(f"{needs} is not installed")
    model, arrays = model_of(case)
    try:
        found = to_source(model, target, tmp_path / "net.py", arrays)
    except PortError as error:
        for _, reason in error.refused:
            assert re.search(REFUSED[target], reason), reason
    else:
        assert found.proof.passed, str(found.proof)

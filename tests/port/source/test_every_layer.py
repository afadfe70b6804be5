"""Every layer of the table of the conformance suite as source: it is equal, or refused for a reason
that is known."""

from __future__ import annotations

import importlib.util
import re

import pytest

from tests.port.layer_cases import model_of
from unidl import tree
from unidl.conformance.case import generator_of
from unidl.conformance.cases.layers import LAYER_CASES
from unidl.port import PortError, to_source

pytestmark = pytest.mark.slow  # minutes for JAX, which compiles every case

CASES = [c for c in LAYER_CASES if "empty" not in c.name]

# What the frameworks have no counterpart for.
BOTH = (
    "gets the mask|batch normalization with a mask|several cells that go|renorm=True"
    "|dropout within the recurrence|stateful=True|resizing that"
    "|its call\\(\\) (makes tensors that are not|cannot be) recorded|StackedRNNCells has no"
    "|attention with scores"
)
REFUSED = {
    "jax": f"{BOTH}|data_format='channels_first'",
    "torch": f"{BOTH}|transposed convolution with|than the window|inputs with different numbers"
    "|normalization (along|with a center)|bicubic|another order than 2",
}


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
@pytest.mark.parametrize(("target", "needs"), [("torch", "torch"), ("jax", "flax")])
def test_equal_or_refused(target, needs, case, tmp_path):
    if importlib.util.find_spec(needs) is None:
        pytest.skip(f"{needs} is not installed")
    # As it is called in inference and in training.
    model = model_of(case, without=("training",))
    drawn = tree.flatten(case.inputs(generator_of(case.name)))
    arrays = [a.astype("float32") if a.dtype.kind == "f" else a for a in drawn]
    try:
        found = to_source(model, target, tmp_path / "net.py", arrays)
    except PortError as error:
        for _, reason in error.refused:
            assert re.search(REFUSED[target], reason), reason
    else:
        assert found.proof.passed, str(found.proof)

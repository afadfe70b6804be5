"""ONNX's own node cases on every backend: all pass, but those that are excluded with a reason,
which all fail."""

import pytest

from tests.outside import exclusions
from tests.outside.backends import BACKENDS

pytest.importorskip("onnx")

from tests.outside import onnx_nodes


@pytest.mark.parametrize("backend", BACKENDS)
def test_node_cases(backend):
    results = onnx_nodes.run(backend)
    assert len(results) > 1800
    assert exclusions.problems(results, exclusions.read(onnx_nodes.SOURCE)) == []


def test_every_exclusion_is_of_use():
    names = [case.name for case in onnx_nodes.cases()]
    assert exclusions.useless(names, exclusions.read(onnx_nodes.SOURCE)) == []

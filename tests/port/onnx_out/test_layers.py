"""Every layer of the table of the conformance suite, in inference, as a file."""

import pytest

from tests.port.layer_cases import FIRST, OTHERS, model_of
from unidl.port import PortError, to_onnx

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


def check(case, path):
    if getattr(case.make(), "stateful", False):
        with pytest.raises(PortError, match="assigned in inference"):
            to_onnx(model_of(case), path)
        return
    found = to_onnx(model_of(case), path)
    assert found.proof.passed, found


@pytest.mark.parametrize("case", FIRST, ids=lambda c: c.name)
def test_each_layer(case, tmp_path):
    check(case, tmp_path / "net.onnx")


@pytest.mark.slow
@pytest.mark.parametrize("case", OTHERS, ids=lambda c: c.name)
def test_each_configuration(case, tmp_path):
    check(case, tmp_path / "net.onnx")

"""Every layer of the table of the conformance suite, in inference, in every format."""

import pytest

from tests.port.layer_cases import CASES, model_of
from unidl.port import PortError, export_model

FORMATS = {
    "tf_saved_model": ("tensorflow", ""),
    "torch": ("torch", ".pt2"),
    "litert": ("tensorflow", ".tflite"),
    "openvino": ("openvino", ".xml"),
}


@pytest.mark.slow
@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_each_configuration(case, format, tmp_path):
    package, end = FORMATS[format]
    pytest.importorskip(package)
    if getattr(case.make(), "stateful", False):
        with pytest.raises(PortError, match="assigned in inference"):
            export_model(model_of(case), tmp_path / f"net{end}", format)
        return
    found = export_model(model_of(case), tmp_path / f"net{end}", format)
    assert found.proof.passed, found

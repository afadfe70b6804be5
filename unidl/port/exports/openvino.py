"""OpenVINO: NAME.xml with the operations, NAME.bin with the weights, made of an ONNX file."""

from __future__ import annotations

import importlib
import os
import re
import tempfile
from typing import Any

import numpy as np

from unidl.port.errors import PortError
from unidl.port.exports.endpoint import Endpoint
from unidl.port.exports.format import Format
from unidl.port.onnx_out import to_onnx

# Newer ones have operators of which OpenVINO does not know all.
_OPSET = 20


class OpenVino(Format):
    suffix = ".xml"

    def write(self, endpoints: list[Endpoint], path: str) -> None:
        (endpoint,) = endpoints
        openvino = _package()
        with tempfile.TemporaryDirectory() as folder:
            source = os.path.join(folder, "model.onnx")
            to_onnx(endpoint.model, source, endpoint.given, opset=_OPSET, verify=False)
            try:
                model = openvino.convert_model(source)
            except Exception as error:  # whatever OpenVINO raises
                raise PortError(endpoint.owner, _refused(str(error))) from error
            openvino.save_model(model, path, compress_to_fp16=False)

    def runtime(self, path: str, endpoint: Endpoint) -> _Compiled:
        return _Compiled(path, endpoint)


def _package() -> Any:
    try:
        return importlib.import_module("openvino")
    except ImportError as error:
        raise ImportError(
            'export(format="openvino") needs openvino. Install it with: pip install '
            "'unidl-framework[openvino]'"
        ) from error


def _refused(text: str) -> list[tuple[str, str]]:
    """[(layer, reason)] of what OpenVINO says."""
    operators = re.findall(r"No conversion rule found for operations?: *([^\n]+)", text)
    told = f"OpenVINO has no operation for {operators[0].strip()}" if operators else ""
    return [("", told or " ".join(text.split())[:500])]


class _Compiled:
    """A file that was loaded, without what OpenVINO gains by fewer digits."""

    def __init__(self, path: str, endpoint: Endpoint) -> None:
        openvino = _package()
        self.name = f"OpenVINO {openvino.__version__.split('-')[0]}"
        precise = {"INFERENCE_PRECISION_HINT": "f32"}
        self._model = openvino.Core().compile_model(path, "CPU", precise)
        self._names = endpoint.names

    def run(self, inputs: list[np.ndarray]) -> list[Any]:
        made = self._model(dict(zip(self._names, inputs, strict=True)))
        return [made[i] for i in range(len(self._model.outputs))]

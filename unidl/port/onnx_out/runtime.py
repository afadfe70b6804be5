"""Runtimes that are not unidl, to compare what they compute with what the model does."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from unidl.port.onnx.errors import onnx_package


class Runtime:
    """onnxruntime, or onnx.reference from where on that does not run the model.

    Args:
        model: the path of a file, or its bytes.

    Attributes:
        name: with the reason.
    """

    def __init__(self, model: str | bytes) -> None:
        self._model, self._session = model, None
        try:
            runtime = importlib.import_module("onnxruntime")
        except ImportError:
            self._use_reference("onnxruntime is not installed")
            return
        self.name = f"onnxruntime {runtime.__version__}"
        options = runtime.SessionOptions()
        options.log_severity_level = 4
        try:
            self._session = runtime.InferenceSession(
                model, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # noqa: BLE001 - of several classes
            self._use_reference(error)

    def _use_reference(self, why: Any) -> None:
        reference = importlib.import_module("onnx.reference")
        text = " ".join(str(why).split())[:200]
        if isinstance(why, Exception):
            text = f"onnxruntime does not run it: {text}"
        self.name = f"onnx.reference {onnx_package().__version__} ({text})"
        self._session = reference.ReferenceEvaluator(self._model)

    def run(self, feeds: dict[str, np.ndarray]) -> list[Any]:
        try:
            return self._session.run(None, feeds)  # type: ignore[union-attr]
        except Exception as error:
            if not self.name.startswith("onnxruntime"):
                raise
            self._use_reference(error)
            return self.run(feeds)


class OfFile:
    """A file with inputs of these names, as `unidl.port.exports.proof` asks it."""

    def __init__(self, path: str, names: list[str]) -> None:
        self._runtime, self._names = Runtime(path), names
        self.name = self._runtime.name

    def run(self, inputs: list[np.ndarray]) -> list[Any]:
        found = self._runtime.run(dict(zip(self._names, inputs, strict=True)))
        self.name = self._runtime.name  # which another one may have taken over
        return found

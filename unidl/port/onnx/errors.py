"""The package onnx, imported when it is needed, and the one error of this importer."""

from __future__ import annotations

import importlib


class OnnxError(ValueError):
    """An ONNX model is damaged, or asks for what cannot be imported."""


def onnx_package():
    """The module `onnx` with the parts that are used here."""
    try:
        module = importlib.import_module("onnx")
    except ImportError as error:
        raise ImportError(
            "ONNX files require the package onnx. Install it with: pip install "
            '"unidl-framework[onnx]"'
        ) from error
    for part in ("checker", "inliner", "numpy_helper", "helper", "shape_inference"):
        importlib.import_module(f"onnx.{part}")
    return module

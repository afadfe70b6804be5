"""`Model.export`: what Keras calls the options of the formats, and what it prints."""

from __future__ import annotations

import os
from typing import Any

_OF_ONNX = {"opset_version": "opset", "external_data": "external_data", "verify": "verify"}


def export_model(
    model: Any,
    filepath: str | os.PathLike[str],
    format: str,
    verbose: bool | None,
    input_signature: Any,
    options: dict[str, Any],
) -> None:
    from unidl.port.exports import export

    if format == "onnx":
        unknown = [name for name in options if name not in _OF_ONNX]
        if unknown:
            raise TypeError(
                f"{model._who()}: export() got {unknown[0]}={options[unknown[0]]!r}. Options of "
                f'format="onnx" are {", ".join(_OF_ONNX)}.'
            )
        options = {_OF_ONNX[name]: value for name, value in options.items()}
    found = export.export_model(model, filepath, format, input_signature, **options)
    if verbose:
        print(found)

"""`Model.export`: which formats there are, and what to do for the others."""

from __future__ import annotations

import os
from typing import Any

_FROM_ONNX = {
    "openvino": 'openvino.convert_model("net.onnx") reads ONNX',
    "litert": "onnx2tf turns ONNX into it",
}
_BY_FRAMEWORKS = (
    "unidl.port.to_source and to_native make models of other frameworks, which export them"
)
_OPTIONS = {"opset_version": "opset", "external_data": "external_data", "verify": "verify"}


def export_model(
    model: Any,
    filepath: str | os.PathLike[str],
    format: str,
    verbose: bool | None,
    input_signature: Any,
    options: dict[str, Any],
) -> None:
    if format != "onnx":
        instead = _FROM_ONNX.get(format) if isinstance(format, str) else None
        raise ValueError(
            f'{model._who()}: export(format={format!r}) is not offered. Write format="onnx"; '
            f"{instead or _BY_FRAMEWORKS}."
        )
    unknown = [name for name in options if name not in _OPTIONS]
    if unknown:
        raise TypeError(
            f"{model._who()}: export() got {unknown[0]}={options[unknown[0]]!r}. Options of "
            f'format="onnx" are {", ".join(_OPTIONS)}.'
        )
    from unidl.port.onnx_out import to_onnx

    given = {_OPTIONS[name]: value for name, value in options.items()}
    found = to_onnx(model, filepath, input_signature, **given)
    if verbose:
        print(found)

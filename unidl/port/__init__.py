"""Models in and out of other frameworks, with their weights and a proof that nothing changed.

    imported = unidl.port.from_torch(module, example_inputs)
    imported.model.fit(...)

`from_torch` and the like come from the backends; listed are those of frameworks that are installed.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from unidl.backend import registry
from unidl.utils.namespaces import namespace

if TYPE_CHECKING:
    from unidl.port.errors import PortError
    from unidl.port.exports.artifact import Artifact
    from unidl.port.exports.export import export_model
    from unidl.port.imported import Imported
    from unidl.port.onnx_model import from_onnx
    from unidl.port.onnx_out import OnnxFile, to_onnx
    from unidl.port.proof import Proof
    from unidl.port.source.export import to_native, to_source
    from unidl.port.source.exported import Exported
    from unidl.port.state_dict.load import load_state_dict
    from unidl.port.state_dict.result import Loaded, Match

__all__ = [
    "Artifact",
    "Exported",
    "Imported",
    "Loaded",
    "Match",
    "OnnxFile",
    "PortError",
    "Proof",
    "export_model",
    "from_onnx",
    "load_state_dict",
    "to_native",
    "to_onnx",
    "to_source",
]

_HOMES = {
    "Artifact": "unidl.port.exports.artifact",
    "Exported": "unidl.port.source.exported",
    "Imported": "unidl.port.imported",
    "Loaded": "unidl.port.state_dict.result",
    "Match": "unidl.port.state_dict.result",
    "OnnxFile": "unidl.port.onnx_out",
    "PortError": "unidl.port.errors",
    "Proof": "unidl.port.proof",
    "export_model": "unidl.port.exports.export",
    "from_onnx": "unidl.port.onnx_model",
    "load_state_dict": "unidl.port.state_dict.load",
    "to_native": "unidl.port.source.export",
    "to_onnx": "unidl.port.onnx_out",
    "to_source": "unidl.port.source.export",
}
_OF_BACKENDS = {name: spec for spec in registry.specs().values() for name in spec.port}

if not TYPE_CHECKING:
    __all__ += sorted(n for n, spec in _OF_BACKENDS.items() if registry.is_installed(spec))
    _own, __dir__ = namespace(__name__, __all__, _HOMES)

    def __getattr__(name: str) -> Any:
        spec = _OF_BACKENDS.get(name)
        if spec is None:
            return _own(name)
        try:
            return getattr(import_module(spec.port[name]), name)
        except ModuleNotFoundError as error:
            raise ImportError(
                f"unidl.port.{name} needs {error.name}. Install it with: {spec.install}"
            ) from error

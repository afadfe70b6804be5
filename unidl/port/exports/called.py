"""One call of a function, on which it is written down."""

from __future__ import annotations

from typing import Any

from unidl import tree
from unidl.backend import registry
from unidl.port.errors import PortError, Refused
from unidl.port.exports.recording import Recording
from unidl.tracing.capture.symbol import KeySymbol, NotCapturable
from unidl.tracing.pure import Pure


def called(to: Recording, name: str, pure: Pure, weights: list[Any], inputs: list[Any]) -> Any:
    """What the function returns, called on tensors of `to`; None if `pure` has met Variables that
    it did not know, and all is to be made again.

    weights: what stands for each of `pure.variables`.

    Raises:
        PortError: with all that cannot be written of the model `name`.
    """
    outputs: Any = None
    with registry.use_backend(to):
        try:
            outputs, _ = pure(
                weights,
                inputs,
                lambda i: KeySymbol(f"K[{i}]"),
                lambda i: to.asarray(0.0, "float32"),
                tracer=to,
                naming=to.naming,
            )
        except (Refused, NotCapturable) as error:
            if not pure.met:
                to.refuse(str(error))
    if pure.met:
        return None
    for variable in pure.assigned:
        to.refused[variable.path, "it is assigned in inference, and a file keeps no state"] = None
    if to.refused:
        raise PortError(name, to.refused)
    return outputs


def output_names(model: Any, outputs: Any) -> list[str]:
    """Keys of dicts, else the names of the layers that made them."""
    if getattr(model, "_plan", None) is not None and not isinstance(outputs, dict):
        return [t.history[0].operation.name for t in tree.flatten(model.output)]
    paths = [path for path, _ in tree.flatten_with_path(outputs)]
    return ["/".join(map(str, path)) if path else "output" for path in paths]

"""Why a model is not brought in."""

from __future__ import annotations

from collections.abc import Iterable


class Refused(Exception):
    """Why one part is not converted, in half a sentence."""


class PortError(ValueError):
    """What of a model cannot be converted, everything at once.

    Args:
        model: its name.
        refused: [(path of the part in the original, reason)].
        told: what the first line says of the model.

    Examples:
        >>> error = unidl.port.PortError("Net", [("pool", "it rounds sizes up")])
        >>> error.refused
        [('pool', 'it rounds sizes up')]
    """

    def __init__(
        self,
        model: str,
        refused: Iterable[tuple[str, str]],
        told: str = "is not converted. Nothing has been created",
    ) -> None:
        self.refused = list(refused)
        rows = "\n".join(f"  {path or 'the model'}: {reason}" for path, reason in self.refused)
        super().__init__(f"{model} {told}:\n{rows}")

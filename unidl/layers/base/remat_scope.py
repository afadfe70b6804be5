"""RematScope: which of the layers that are made inside compute their results a second time."""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any, NamedTuple

_MODES = ("full", "activations", "larger_than", "list_of_layers", None)


class RematMode(NamedTuple):
    """What a layer keeps of the scope in which it was made."""

    mode: str | None
    output_size_threshold: int
    layer_names: Sequence[str]


_mode: ContextVar[RematMode | None] = ContextVar("unidl_remat_mode", default=None)
current_mode = _mode.get


class RematScope:
    """`with unidl.RematScope():` layers made inside keep no intermediate results for the gradient;
    they compute them a second time (see `remat`).

    The scope counts where a layer is made, not where it is called, and is no part of its config. Of
    nested scopes the innermost holds. A model that is made inside is one layer more: in "full" mode
    its inside is computed anew as a whole, and within that each of its layers once more. To keep a
    result for each block, make the blocks inside and the model outside.

    Args:
        mode: "full": each layer; "activations": only the activation of layers that have one;
            "larger_than": layers with outputs of more numbers than `output_size_threshold`, the
            batch counted; "list_of_layers": those named in `layer_names`; None: no layer, within
            another scope.
        output_size_threshold: see `mode`.
        layer_names: see `mode`.

    Raises:
        ValueError: another mode.
        TypeError: a threshold that is no number, `layer_names` that are no list of names.

    Examples:
        >>> with unidl.RematScope("list_of_layers", layer_names=["wide"]):
        ...     wide = unidl.layers.Dense(1000, "gelu", name="wide")
        ...     narrow = unidl.layers.Dense(1, name="narrow")
        >>> narrow(wide(np.ones((2, 3)))).shape
        (2, 1)
    """

    def __init__(
        self,
        mode: str | None = "full",
        output_size_threshold: int = 1024,
        layer_names: Sequence[str] | None = None,
    ) -> None:
        if mode not in _MODES:
            raise ValueError(
                f"RematScope: mode must be one of {', '.join(map(repr, _MODES))}, got {mode!r}."
            )
        if not isinstance(output_size_threshold, int | float) or isinstance(
            output_size_threshold, bool
        ):
            raise TypeError(
                "RematScope: output_size_threshold must be a number of elements, got "
                f"{output_size_threshold!r}."
            )
        names = [] if layer_names is None else layer_names
        if isinstance(names, str) or not all(isinstance(name, str) for name in names):
            raise TypeError(
                f"RematScope: layer_names must be a list of names of layers, got {layer_names!r}. "
                'Write: layer_names=["dense_1"].'
            )
        self.mode = mode
        self.output_size_threshold = output_size_threshold
        self.layer_names = list(names)
        self._tokens: list[Any] = []

    def __enter__(self) -> RematScope:
        mode = RematMode(self.mode, self.output_size_threshold, self.layer_names)
        self._tokens.append(_mode.set(mode))
        return self

    def __exit__(self, *error: object) -> None:
        _mode.reset(self._tokens.pop())

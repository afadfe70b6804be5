"""What a state dict does not say, and what computes or trains otherwise if it differs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from unidl import layers
from unidl.port.state_dict.naming import Naming
from unidl.port.state_dict.places import Place


def silent(model: Any, places: Iterable[Place], naming: Naming) -> list[str]:
    """Sentences on the layers of a model that got numbers from `naming`'s framework."""
    found: dict[str, list[str]] = {}

    def tell(text: str, path: str) -> None:
        found.setdefault(text, []).append(path)

    name = naming.framework
    for place in places:
        layer, family = place.layer, place.family
        epsilon = naming.epsilons.get(family)
        if epsilon is not None and abs(layer.epsilon - epsilon) > 1e-3 * epsilon:
            tell(f"epsilon is {layer.epsilon:g}, and {epsilon:g} by default in {name}", place.path)
        if family == "batch_normalization" and abs(layer.momentum - naming.momentum) > 1e-6:
            tell(
                f"momentum is {layer.momentum:g}, and {name}'s default is {naming.momentum:g} when "
                "written in the same way",
                place.path,
            )
        if family in naming.differs:
            tell(naming.differs[family], place.path)
        if place.is_flat:
            tell(
                "its rows are put in another order: the image before is flattened with channels "
                f"last here, and with channels first in {name}",
                place.path,
            )
    for layer in model._flatten_layers():
        text = _of_layer(layer, name)
        if text:
            tell(text, layer.name)
    return [f"{listed(paths)}: {text}" for text, paths in found.items()]


def _of_layer(layer: Any, name: str) -> str | None:
    if _pads_unevenly(layer):
        return (
            f'padding="same" pads more at the end than at the beginning, and a number in {name} '
            "pads both alike: use ZeroPadding and padding='valid' if it was a number"
        )
    if isinstance(layer, layers.LeakyReLU) and layer.negative_slope == 0.3:
        return f"negative_slope is 0.3, which is the default here; that of {name} is another"
    return None


def _pads_unevenly(layer: Any) -> bool:
    """Whether "same" is not the same number of zeros at both ends for all sizes."""
    if getattr(layer, "padding", None) != "same":
        return False
    window = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None) or (1,)
    strides = getattr(layer, "strides", None) or (1,)
    dilation = getattr(layer, "dilation_rate", None) or (1,)
    dilation = (dilation,) if isinstance(dilation, int) else dilation
    reach = [(k - 1) * d for k, d in zip(window, dilation * len(window), strict=False)]
    return max(strides) > 1 or any(r % 2 for r in reach)


def listed(paths: list[str]) -> str:
    """The first of them, and how many more there are."""
    shown = ", ".join(paths[:3])
    return f"{shown} and {len(paths) - 3} more" if len(paths) > 3 else shown

"""Applying a layer's activation, with a note of the logits for the loss."""

from __future__ import annotations

from typing import Any

from unidl import activations
from unidl.layers.base import call_context
from unidl.layers.base.annotations import logits
from unidl.layers.base.remat import remat
from unidl.typing import TensorLike

_FROM_LOGITS = (activations.softmax, activations.sigmoid)


def activate(layer: Any, x: TensorLike) -> Any:
    """`layer.activation(x)`; inside a training step the output of a softmax or sigmoid remembers
    `x`."""
    activation = layer.activation
    if activation is None or activation is activations.linear:
        return x
    y = (remat(activation) if layer.recomputes_activation() else activation)(x)
    if activation in _FROM_LOGITS:
        note_logits(y, x, activation.__name__)
    return y


def note_logits(y: TensorLike, x: TensorLike, kind: str) -> None:
    """Note for the loss that `y` is the softmax or sigmoid (`kind`) of `x`."""
    context = call_context.current()
    if context is not None and context.keep_logits:
        logits.set(y, (kind, x))

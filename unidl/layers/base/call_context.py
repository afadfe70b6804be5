"""What holds for all layers inside one outermost call: train or inference, and the losses that
layers add."""

from __future__ import annotations

from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import Any

from unidl.backend.context import holding


class CallContext:
    """
    Attributes:
        training: the flag given to the outermost layer; a layer that got none of its own takes
            this.
        trusted: shapes and dtypes were checked when the model was built, so layers skip their
            checks.
        keep_logits: softmax and sigmoid at a layer's end leave a note of their input (see
            `annotations.logits`).
        model: the model whose training or test step this call is, None for other calls.
        losses: what layers added by `add_loss` or an activity regularizer.
    """

    def __init__(
        self,
        training: bool | None = None,
        trusted: bool = False,
        keep_logits: bool = False,
        model: Any = None,
    ) -> None:
        self.training = training
        self.trusted = trusted
        self.keep_logits = keep_logits
        self.model = model
        self.losses: list[Any] = []


_context: ContextVar[CallContext | None] = ContextVar("unidl_call_context", default=None)
current = _context.get

# `entered` for those who are called too often for a generator: `token = push(context)`,
# `pop(token)`.
push, pop = _context.set, _context.reset


def entered(context: CallContext) -> AbstractContextManager[Any]:
    return holding(_context, context)

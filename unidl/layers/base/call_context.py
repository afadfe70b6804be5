"""What holds for all layers inside one outermost call: train or inference, and the losses that layers add."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar


class CallContext:
    """
    Attributes:
        training: the flag given to the outermost layer; a layer that got none of its own takes this.
        trusted: shapes and dtypes were checked when the model was built, so layers skip their checks.
        keep_logits: softmax and sigmoid at a layer's end leave a note of their input (see `annotations.logits`).
        losses: what layers added by `add_loss` or an activity regularizer.
    """

    def __init__(self, training=None, trusted=False, keep_logits=False):
        self.training = training
        self.trusted = trusted
        self.keep_logits = keep_logits
        self.losses = []


_context: ContextVar[CallContext | None] = ContextVar("unidl_call_context", default=None)
current = _context.get

# `entered` for those who are called too often for a generator: `token = push(context)`, `pop(token)`.
push, pop = _context.set, _context.reset


@contextmanager
def entered(context: CallContext):
    token = _context.set(context)
    try:
        yield context
    finally:
        _context.reset(token)

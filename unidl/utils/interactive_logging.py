"""Whether progress may be shown live: the state behind `config.enable_interactive_logging`."""

from __future__ import annotations

_enabled = True


def enable_interactive_logging() -> None:
    """Let `verbose="auto"` show a live bar, as from the start."""
    global _enabled
    _enabled = True


def disable_interactive_logging() -> None:
    """Let `verbose="auto"` print a line an epoch, for logs that nobody watches."""
    global _enabled
    _enabled = False


def is_interactive_logging_enabled() -> bool:
    """Whether `verbose="auto"` shows a live bar."""
    return _enabled

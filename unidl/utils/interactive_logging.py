"""Whether progress may be shown live: the state behind `config.enable_interactive_logging`."""

from __future__ import annotations

_enabled = True


def enable_interactive_logging() -> None:
    """Let `verbose="auto"` show a live bar, as from the start.

    Examples:
        >>> unidl.config.enable_interactive_logging()
        >>> unidl.config.is_interactive_logging_enabled()
        True
    """
    global _enabled
    _enabled = True


def disable_interactive_logging() -> None:
    """Let `verbose="auto"` print a line an epoch, for logs that nobody watches.

    Examples:
        >>> unidl.config.disable_interactive_logging()
        >>> unidl.config.is_interactive_logging_enabled()
        False
        >>> unidl.config.enable_interactive_logging()
    """
    global _enabled
    _enabled = False


def is_interactive_logging_enabled() -> bool:
    """Whether `verbose="auto"` shows a live bar.

    Examples:
        >>> unidl.config.is_interactive_logging_enabled()
        True
    """
    return _enabled

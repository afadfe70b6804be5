"""Tracebacks that show the user's code and the line that raised, not the way between them.

An exception that leaves unidl through one of its public entries loses the frames inside unidl, its
adapters and their frameworks; frames of the user's code, a `call` of his own say, stay, and so does
the frame that raised. Exceptions that it was raised from are treated alike and stay chained to it.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from typing import Any, TypeVar, cast

from unidl.utils.nesting import too_deep

F = TypeVar("F", bound=Callable[..., Any])

_enabled = os.environ.get("UNIDL_TRACEBACK_FILTERING", "1").lower() not in ("0", "false", "off")


def enable_traceback_filtering() -> None:
    """Leave the frames inside unidl and the frameworks out of tracebacks, as is done by default.

    Examples:
        >>> before = unidl.config.is_traceback_filtering_enabled()
        >>> unidl.config.enable_traceback_filtering()
        >>> unidl.config.is_traceback_filtering_enabled()
        True
        >>> if not before:
        ...     unidl.config.disable_traceback_filtering()
    """
    global _enabled
    _enabled = True


def disable_traceback_filtering() -> None:
    """Show tracebacks whole; the environment variable UNIDL_TRACEBACK_FILTERING=0 does the same.

    Examples:
        >>> before = unidl.config.is_traceback_filtering_enabled()
        >>> unidl.config.disable_traceback_filtering()
        >>> unidl.config.is_traceback_filtering_enabled()
        False
        >>> if before:
        ...     unidl.config.enable_traceback_filtering()
    """
    global _enabled
    _enabled = False


def is_traceback_filtering_enabled() -> bool:
    """Whether frames inside unidl and the frameworks are left out of tracebacks.

    Examples:
        >>> unidl.config.is_traceback_filtering_enabled() in (True, False)
        True
    """
    return _enabled


def filtered(entry: F) -> F:
    """`entry`, a public function, with a short traceback for what it raises."""

    @functools.wraps(entry)
    def entered(*args, **kwargs):
        try:
            return entry(*args, **kwargs)
        except RecursionError as error:
            shorten(error)
            if _is_inside(sys._getframe(1)):
                raise
            raise too_deep() from error
        except BaseException as error:
            shorten(error)
            raise

    return cast(F, entered)


def shorten(error) -> None:
    """Shorten the traceback of `error` in place, if who caught it is the outermost entry."""
    if not _enabled or _is_inside(sys._getframe(1).f_back):
        return
    hidden = _hidden_packages()
    seen = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        _drop_frames(error.__traceback__, hidden)
        error = error.__cause__ or error.__context__


def user_stacklevel() -> int:
    """The `stacklevel` with which the caller's warning names the line of the user's code."""
    hidden = _hidden_packages()
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and _package_of(frame) in hidden:
        level, frame = level + 1, frame.f_back
    return level


def _is_inside(frame) -> bool:
    while frame is not None:
        if _package_of(frame) == "unidl":
            return True
        frame = frame.f_back
    return False


def _drop_frames(traceback, hidden) -> None:
    """Drop what lies between the first frame and the last and belongs to a hidden package.

    The first stays since Python 3.10 keeps a hold of it, and raises with it whatever is set.
    """
    kept = traceback
    while kept is not None and kept.tb_next is not None:
        following = kept.tb_next
        while following.tb_next is not None and _package_of(following.tb_frame) in hidden:
            following = following.tb_next
        kept.tb_next = following
        kept = following


@functools.cache
def _hidden_packages() -> frozenset:
    """Top-level packages of unidl, the adapters, their frameworks, and what calls for them."""
    from unidl.backend import registry

    found = {"unidl", "contextlib", "functools", ""}  # "": code that was made while tracing
    for spec in registry.specs().values():
        found |= {spec.adapter.partition(".")[0], spec.framework.partition(".")[0]}
        found |= set(spec.tensor_roots)
    return frozenset(found)


def _package_of(frame) -> str:
    return (frame.f_globals.get("__name__") or "").partition(".")[0]

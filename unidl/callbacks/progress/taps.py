"""Hearing of what others write to the standard streams while a display is at work."""

from __future__ import annotations

import logging
import sys
from logging import StreamHandler
from typing import ClassVar


class Tap:
    """Stands for `stream`, and lets `write(stream, text)` do the writing."""

    def __init__(self, stream, write):
        self._stream, self._write = stream, write

    def write(self, text):
        self._write(self._stream, text)
        return len(text)

    def writelines(self, lines):
        for line in lines:
            self.write(line)

    def __getattr__(self, name):
        return getattr(self._stream, name)


class Taps:
    """On the streams `names` of `sys`, "stdout" and "stderr", from `open` to `close`; handlers of
    `logging`, which keep the stream that was there when they were made, take part.

    What somebody has put in a stream's place since then stays there. It may hold the tap, which
    then only passes on. A tap outlives `close`: Python's print borrows `sys.stdout`, and a print of
    another thread may be under way.
    """

    _last: ClassVar[dict[str, Tap]] = {}

    def __init__(self, write):
        self._write = write
        self._taps = {}

    def open(self, *names):
        if self._taps:
            return
        for name in names:
            tap = self._last.get(name)
            if tap is None or tap._stream is not getattr(sys, name):
                tap = self._last[name] = Tap(getattr(sys, name), self._write)
            tap._write = self._write
            self._taps[name] = tap
            setattr(sys, name, tap)
            for handler in _handlers_to(tap._stream):
                handler.setStream(tap)

    def close(self):
        for name, tap in self._taps.items():
            tap._write = _pass_on
            for handler in _handlers_to(tap):
                handler.setStream(tap._stream)
            if getattr(sys, name) is tap:
                setattr(sys, name, tap._stream)
        self._taps = {}


def behind_taps(stream):
    """The stream itself."""
    while isinstance(stream, Tap):
        stream = stream._stream
    return stream


def _handlers_to(stream):
    """The handlers of all loggers that keep `stream`; others look it up in `sys` each time."""
    loggers = [logging.root, *logging.root.manager.loggerDict.values()]
    handlers = [handler for each in loggers for handler in getattr(each, "handlers", ())]
    kept = [h for h in handlers if isinstance(h, StreamHandler) and "stream" in vars(h)]
    return [h for h in kept if h.stream is stream]


def _pass_on(stream, text):
    stream.write(text)

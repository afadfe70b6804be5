"""Runs a program in a real pseudo-terminal and reads what a user would see on the screen."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
from dataclasses import dataclass

import pyte

SCROLL_BACK = 10_000


@dataclass
class Seen:
    """What was on the terminal when the program had ended.

    Attributes:
        lines: of the scroll-back and the screen, without the empty ones at the end.
        written: all that was written, control sequences too.
        screens: the lines that were visible each time that something had been written.
    """

    lines: list[str]
    written: str
    screens: list[list[str]]
    status: int
    cursor_is_hidden: bool


def run(program, *, columns=80, rows=24, interrupt_at=None, answer=None, environment=()):
    """Run the text `program` by this Python; Ctrl-C once when `interrupt_at` is on the screen.

    Args:
        columns, rows: of the terminal.
        answer: (what the screen shows, what is typed then, once).
        environment: variables beside those of this process.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    keep = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES", "NO_COLOR")}
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=keep | {"TERM": "xterm-256color"} | dict(environment),
        start_new_session=True,
    )
    os.close(theirs)
    screen = pyte.HistoryScreen(columns, rows, history=SCROLL_BACK, ratio=0.5)
    stream = pyte.ByteStream(screen)
    written, screens = b"", []
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        written += piece
        stream.feed(piece)
        screens.append([line.rstrip() for line in screen.display])
        if interrupt_at is not None and any(interrupt_at in line for line in screens[-1]):
            interrupt_at = None
            process.send_signal(signal.SIGINT)
        if answer is not None and any(answer[0] in line for line in screens[-1]):
            os.write(ours, answer[1].encode())
            answer = None
    os.close(ours)
    status = process.wait()
    above = ["".join(row[x].data for x in range(columns)) for row in screen.history.top]
    lines = [line.rstrip() for line in [*above, *screen.display]]
    while lines and not lines[-1]:
        lines.pop()
    return Seen(lines, written.decode(), screens, status, screen.cursor.hidden)
